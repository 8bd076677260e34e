/* SPDX-License-Identifier: ISC */
/*
 * A connection to a running hub's hubctl.sock (lib/ctlproto.h), used one
 * request after the other.  What goes wrong is said on standard error.
 */
#ifndef CTL_H
#define CTL_H

#include "buf.h"
#include "imsg.h"

#define CTL_PATH_SIZE	1024

struct ctl;

/*
 * Connects to the socket at path, or where it is by default if path is NULL,
 * and says hello.  Returns NULL if that failed.
 */
struct ctl	*ctl_open(const char *path);
/* The same for CTL_STOP and CTL_UPGRADE only, to a hub of any version. */
struct ctl	*ctl_open_any(const char *path);
/* The version of the hub. */
const char	*ctl_version(const struct ctl *);
void		 ctl_close(struct ctl *);
/*
 * The path of hubctl.sock: path itself, or the default if it is NULL.
 * Returns 0, or -1 if there is none.
 */
int		 ctl_path(const char *path, char dst[CTL_PATH_SIZE]);
/*
 * Looks for a hub there; found gets the path.  Returns 1 if one answers, 0 if
 * none does (not said), -1 on another error.
 */
int		 ctl_probe(const char *path, char found[CTL_PATH_SIZE]);
/* Says that no hub answers at path. */
void		 ctl_no_hub(const char *path);
/*
 * Sends a request and waits for its answer, at most 15 s.  Returns the JSON
 * of the CTL_RESULT, to be released with rbuf_unref(), or NULL after a
 * CTL_ERROR or when none came.
 */
struct rbuf	*ctl_call(struct ctl *, enum imsg_type, const struct wbuf *);
/*
 * The same for one that takes up to ms; CTL_EVENTs that come meanwhile are
 * shown to the function, unless it is NULL.
 */
struct rbuf	*ctl_call_long(struct ctl *, enum imsg_type,
		    const struct wbuf *, int ms,
		    int (*)(const char *, size_t, void *), void *);
/* The descriptor that came before the last answer, or -1. */
int		 ctl_take_fd(struct ctl *);
/*
 * Shows each CTL_EVENT's JSON to the function until it returns something
 * else than 0, which is returned, or until the hub has gone: -1.
 */
int		 ctl_events(struct ctl *,
		    int (*)(const char *, size_t, void *), void *);
/* Waits for the hub to close the connection; 0, or -1 after 15 s. */
int		 ctl_wait_gone(struct ctl *);

#endif
