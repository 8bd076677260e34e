/* SPDX-License-Identifier: ISC */
/*
 * Two or three hubs of ours that are linked: "alpha", "beta" and "gamma", all
 * on the loopback, all with the same secret.
 */
#ifndef FED_H
#define FED_H

#include "client.h"
#include "wire.h"

#define FED_SECRET	"the secret of all hubs"
#define FED_WAIT	40000	/* ms: a backoff or two may be in between */

/* Who calls whom. */
enum fed_shape {
	FED_ONE_WAY,	/* alpha calls beta, which does not know it before */
	FED_BOTH_WAYS,	/* they call each other */
	FED_TRIANGLE	/* three, each of which calls the others */
};

struct fed {
	struct tenv	*a, *b, *c;	/* alpha, beta, gamma (or NULL) */
	struct wire	*wire;		/* what alpha calls beta through */
	int		 port[3];	/* where they listen */
	/* after fed_begin(), their sessions, with all features */
	struct conn	*ann, *bob, *cat;
};

/* Writes the configurations; more (or NULL) is a part of each. */
#define fed_new(shape, more)	AT(fed_new_(shape, more))
struct fed	*fed_new_(enum fed_shape, const char *more);
#define fed_end(f)		AT(fed_end_(f))
void		 fed_end_(struct fed *);
/* Another secret for one hub, before it is started. */
void		 fed_secret(struct tenv *, const char *secret);
/*
 * fed_new(), starts all hubs, with ann at alpha, bob at beta and cat at
 * gamma, and waits until they see each other.
 */
#define fed_begin(shape, more)	AT(fed_begin_(shape, more))
struct fed	*fed_begin_(enum fed_shape, const char *more);
/* One of the hubs; it may have been stopped with hub_stop(). */
#define fed_start(t)		AT(fed_start_(t))
void		 fed_start_(struct tenv *);
/* SIGKILL to all of its processes at once. */
#define fed_kill(t)		AT(fed_kill_(t))
void		 fed_kill_(struct tenv *);

/* Waits until the session's hub says that its link to hub is up, or not. */
#define linked(c, hub)		AT(linked_(c, hub, 1))
#define unlinked(c, hub)	AT(linked_(c, hub, 0))
void		 linked_(struct conn *, const char *hub, int up);
/* The hub's own word on the link: an element of status_result's, or NULL. */
#define link_status(c, hub)	AT(link_status_(c, hub))
json_t		*link_status_(struct conn *, const char *hub);
/* Waits until the session has that one among its peers, or has it not. */
#define meets(c, name)		AT(meets_(c, name, 1))
#define misses(c, name)		AT(meets_(c, name, 0))
json_t		*meets_(struct conn *, const char *name, int there);
/* The next incoming_message must be that one; returns it. */
#define gets(c, from, text)	AT(gets_(c, from, text))
json_t		*gets_(struct conn *, const char *from, const char *text);
/* Waits until that text is in a file. */
#define log_has(t, file, text)	AT(log_has_(t, file, text))
void		 log_has_(struct tenv *, const char *file, const char *text);

#endif
