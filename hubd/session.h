/* SPDX-License-Identifier: ISC */
/*
 * A connection on the hub's socket: what is known of the session behind it,
 * and the lines that go to it.
 */
#ifndef SESSION_H
#define SESSION_H

#include <sys/queue.h>

#include <stdint.h>

#include "buf.h"
#include "errcode.h"
#include "json.h"
#include "names.h"
#include "owner.h"

struct ask;
struct membership;
struct bufio;
struct shown;
struct event_base;
struct hub;
struct router;
struct wsconn;

enum session_state {
	SESSION_NEW,		/* has not registered */
	SESSION_CLAIMING,	/* register is on its way */
	SESSION_ONLINE,
	SESSION_GONE		/* closed; kept for its references */
};

/* What a client has announced in register.features. */
enum session_feature {
	FEATURE_ANY = 1,	/* the member was there */
	FEATURE_RECEIPTS = 2,
	FEATURE_IDS = 4,
	FEATURE_KIND = 8,
	FEATURE_SESSIONS = 16,
	FEATURE_ASK = 32
};

enum session_status { STATUS_UNKNOWN, STATUS_IDLE, STATUS_BUSY };

TAILQ_HEAD(ask_list, ask);
TAILQ_HEAD(membership_list, membership);

struct session {
	TAILQ_ENTRY(session)	 entry;		/* registry.c: all of a state */
	struct router		*router;
	struct bufio		*io;		/* NULL: of another hub */
	struct hub		*hub;		/* that hub; else NULL */
	uint32_t		 owner;		/* owner.h; NONE: of a hub */
	unsigned		 told;		/* in which telling */
	struct wsconn		*ws;		/* NULL: lines on a socket */
	unsigned		 refs;
	unsigned		 npending;	/* requests not answered */
	int			 held;		/* for having too many */
	enum session_state	 state;
	unsigned		 features;
	char			 name[TARGET_SIZE];	/* "" before register */
	char			*cwd, *git_branch, *host;
	uint32_t		 pid;
	int64_t			 started;	/* ms, 0: not known */
	int64_t			 connected;	/* monotonic ms */
	int64_t			 last_seen;	/* ms since 1970 */
	enum session_status	 status;
	uint32_t		 unread;	/* as the store last said */
	int			 awaited;	/* a ping is not answered yet */
	int64_t			 resumed;	/* when, monotonic ms */
	struct ask_list		 asked_by, asks_of;	/* asks.c */
	unsigned		 nasks;
	struct membership_list	 rooms;			/* rooms.c */
	STAILQ_HEAD(, shown)	 shown;		/* session_when_shown() */
};

/*
 * Takes over the socket.  owner is whose session it is; OWNER_NONE: WebSocket
 * is spoken there, and its token will tell; else lines.
 */
struct session	*session_new(struct router *, struct event_base *, int fd,
		    uint32_t owner);
/* A session of another hub, name@hub, that is online there. */
struct session	*session_remote(struct router *, struct hub *,
		    const char *name);
struct session	*session_ref(struct session *);
void		 session_unref(struct session *);
/* A line has come; it may be changed. */
void		 session_line(struct session *, char *, size_t);
/* Its lines may be that long from now on. */
void		 session_limits(struct session *, size_t in, size_t out);
/*
 * Closes the connection, gives up the name and all that hangs on it; why goes
 * to the log.
 */
void		 session_close(struct session *, const char *why);

/*
 * An answer has been written now: when all output has been handed to the
 * kernel shown is called with msg, which is taken over.  Until then nothing is
 * read.  If the session closes before, it is not called.
 */
void		 session_when_shown(struct session *,
		    void (*shown)(struct session *, const struct wbuf *),
		    struct wbuf *msg);
/* Reads no more; nothing for sessions of other hubs. */
void		 session_pause(struct session *);
/*
 * Reads on after a session_pause().  What it has sent meanwhile, a pong
 * perhaps, is still to be read.
 */
void		 session_resume(struct session *);
/* 1 if its queue is full and it has taken nothing of it for a while. */
int		 session_stuck(const struct session *);
/* 1 if it could show no sign of life for that time: we did not read. */
int		 session_unheard(const struct session *, int64_t ms);

/* Queues a line that ends with a newline. */
void		 session_write(struct session *, const struct wbuf *);
/* The same, by reference; -1 if it is too long for this client. */
int		 session_push(struct session *, struct rbuf *);
/* The same for a line in two parts, the second by reference. */
int		 session_pushv(struct session *, const struct wbuf *,
		    struct rbuf *);

/* An answer that waits for something: whose it is, and its req_id. */
struct pending {
	struct session	*session;	/* a reference; it may be gone */
	struct slice	 req_id;	/* p NULL: none */
	char		 subject[MSG_ID_SIZE];	/* for the owner */
	char		 buf[];
};

struct pending	*pending_new(struct session *, struct slice req_id);
void		 pending_free(struct pending *);

/*
 * An answer: {"type":type and req_id, then members by the caller, then
 * `unread` where it belongs.  req_id may be NULL or absent.
 */
void	answer_begin(struct wbuf *, const char *type, struct slice req_id);
void	answer_end(struct session *, struct wbuf *);
/* err, with a message of its own unless NULL, and ask_id unless empty. */
void	answer_err(struct session *, struct slice req_id, enum errcode,
	    const char *message, struct slice ask_id);

#endif
