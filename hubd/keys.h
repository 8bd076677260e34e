/* SPDX-License-Identifier: ISC */
/*
 * Keys of other hubs, by which those behind a relay are known.  The store
 * keeps them; keyproto.h has the rules.
 */
#ifndef KEYS_H
#define KEYS_H

#include "linkproto.h"
#include "storeproto.h"

struct ctl;
struct imsg;
struct router;

/*
 * May the hub of that id be linked that shows this key?  With an empty key: is
 * any of it known (KEY_OK) or not (KEY_UNKNOWN)?  A hub that is, or was, linked
 * over the LAN is known by that.  Answered when it is on disk.
 */
void	keys_check(struct router *, const char *hub_id, const char *key,
	    void (*done)(enum key_verdict, void *), void *arg);
/* Could it be trusted at the end of a pairing: KEY_OK, KEY_NEW? */
void	keys_may_pair(struct router *, const char *hub_id, const char *key,
	    void (*done)(enum key_verdict, void *), void *arg);
/* It is, if it can be. */
void	keys_pair(struct router *, const char *hub_id, const char *key,
	    void (*done)(enum key_verdict, void *), void *arg);
/* A link over the LAN is up on which it said that, or "". */
void	keys_linked(struct router *, const char *hub_id, const char *key);
/*
 * From now on the hub has that key and no other, and what was linked with
 * another is closed; "": the one it has shown.  key of done is that; the
 * status is STORE_OTHER if it has shown none, or several.
 */
void	keys_trust(struct router *, const char *hub_id, const char *key,
	    void (*done)(enum store_status, const char *key, void *),
	    void *arg);
/* What is remembered to be said once. */
void	keys_free(struct router *);
/* The key of this hub. */
void	keys_own(struct router *, const char *key);

/* CTL_TRUST, CTL_DISTRUST, CTL_FORGET; and keys as CTL_SHOW has them. */
void	keys_ctl_trust(struct ctl *, struct imsg *);
void	keys_ctl_distrust(struct ctl *, struct imsg *);
void	keys_ctl_forget(struct ctl *, struct imsg *);
void	keys_ctl_show(struct ctl *, uint32_t id);

#endif
