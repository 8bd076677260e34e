/* SPDX-License-Identifier: ISC */
/*
 * Framed messages between the processes of one hub, and from hubctl to it.
 * Every type has a row in imsgtypes.c that says who may send it, how long it
 * may be and whether a descriptor comes with it; the row is checked before a
 * message is handed on.
 */
#ifndef IMSG_H
#define IMSG_H

#include <sys/types.h>

#include "buf.h"

struct event_base;

enum proc_id {
	PROC_PARENT,
	PROC_ROUTER,
	PROC_STORE,
	PROC_CTL,		/* hubctl */
	PROC_BRIDGED,
	PROC_UPLINK,		/* relayd -u */
	PROC_RESOLVER,
	PROC_RELAY,		/* relayd's router */
	PROC_MAX
};

enum imsg_type {
	IMSG_NONE,
	FD_ACK,			/* a descriptor has arrived */
	/* these keep their numbers: a hub and hubctl of two versions meet */
	CTL_HELLO,
	CTL_RESULT,
	CTL_ERROR,
	/* parent to child */
	CONF_START,		/* hub.h: struct conf */
	CONF_DROP,		/* privdrop.h: of a child of root's */
	CONF_LISTEN,		/* a listening socket */
	CONF_PEER,		/* one end of a socketpair to another child */
	CONF_IMPORT,		/* a file of EcoRelay's: u8 kind, string path */
	CONF_IMPORTED,		/* there are no more of them */
	CONF_CERT,		/* strings: certificate and key, PEM */
	CONF_CA,		/* u32 relay, or UPLINK_CA_*; PEM */
	CONF_RELAY,		/* another one: uplinkconf.h */
	CONF_END,
	PROC_SHUTDOWN,
	PROC_STATS,		/* log statistics */
	PROC_USAGE,		/* what it has used; of the router: what all */
	PROC_PING,
	PROC_LISTED,		/* the answer: a JSON array */
	PROC_USED_ALL,		/* the answer: hubd/statproto.h */
	PROC_LEVEL,		/* u8 enum log_level; of the router: for all */
	/* child to parent */
	PROC_READY,		/* u32 user, u32 sandbox_layers() */
	PROC_PONG,		/* u32 sessions, or hubs of a relay */
	PROC_USED,		/* the answer to PROC_USAGE: usage.h */
	PROC_LOG,
	PROC_STOP,		/* router: idle, or hubctl asked */
	PROC_LIST,		/* router: all processes, please */
	PROC_IMPORT,		/* store: the next CONF_IMPORT, please */
	/* router to store, and the answers: storeproto.h */
	STORE_REGISTER,
	STORE_REGISTERED,
	STORE_GONE,
	STORE_RENAME,
	STORE_RENAMED,
	STORE_APPEND,
	STORE_APPENDED,
	STORE_INBOX,
	STORE_MAIL,
	STORE_MARK,
	STORE_MARKED,
	STORE_STATUS,
	STORE_MESSAGE,
	STORE_SESSIONS,
	STORE_SESSION_LIST,
	STORE_CLEAN,
	STORE_CLEANED,
	STORE_MAILBOXES,
	STORE_MAILBOX_LIST,
	STORE_GROUP,
	STORE_GROUP_DONE,
	STORE_EXPIRED,		/* unasked: an unread message is gone */
	STORE_ALIAS,		/* at start: a name that leads to another */
	STORE_UP,		/* at start: all aliases are told */
	STORE_NAME,		/* at start: of a session, or @ and a hub */
	STORE_OUT_LIST,
	STORE_OUT_LISTED,
	STORE_OUT_MARK,
	STORE_OUT_MARKED,
	STORE_HUB,		/* not answered: there is a hub of that name */
	STORE_HUBS,
	STORE_HUB_LIST,
	STORE_KEY,		/* keyproto.h */
	STORE_KEY_DONE,
	STORE_KEYS,
	STORE_KEY_LIST,
	STORE_STATS,		/* statproto.h */
	STORE_COUNTS,
	/* a carrier of links (bridged, uplink) to the router: linkproto.h */
	LINK_UP,
	LINK_DOWN,
	LINK_LINE,
	LINK_FULL,
	LINK_WRITTEN,
	LINK_STATE,
	LINK_KEY,
	LINK_OWN_KEY,
	LINK_RELAY,
	LINK_TELL,
	/* and back */
	LINK_SEND,
	LINK_CLOSE,
	LINK_HOLD,
	LINK_VERDICT,
	LINK_RETRY,		/* string hub: it may be linked now */
	/* router to parent to uplink, and back: pairproto.h */
	PAIR_INVITE,
	PAIR_JOIN,
	PAIR_CANCEL,
	PAIR_CODE,
	PAIR_DONE,
	/* a carrier to the resolver, and the answer */
	RESOLVE_NAME,		/* string host, u32 port */
	RESOLVE_RESULT,		/* string error, u32 n, n sockaddrs */
	/* hubctl to router, and the answers: ctlproto.h */
	CTL_SHOW,
	CTL_SEND,
	CTL_INBOX,
	CTL_SEARCH,
	CTL_MESSAGE,
	CTL_MONITOR,
	CTL_CLEAN,
	CTL_LEVEL,
	CTL_TRUST,
	CTL_DISTRUST,
	CTL_FORGET,
	CTL_INVITE,
	CTL_JOIN,
	CTL_STOP,
	CTL_EVENT,
	IMSG_MAX
};

#define IMSG_FROM(proc)	(1u << (proc))

struct imsg_row {
	const char	*name;
	unsigned	 senders;	/* IMSG_FROM() of those that may */
	size_t		 min, max;	/* bytes of the body */
	int		 fd;		/* 1: carries a descriptor */
};

extern const struct imsg_row imsg_rows[IMSG_MAX];

/* The largest body of any type: a 4 MiB line with its envelope. */
#define IMSG_BODY_MAX	(4 * 1024 * 1024 + 64 * 1024)

struct imsg {
	enum imsg_type	 type;
	uint32_t	 id;		/* of the asker, echoed in the answer */
	pid_t		 pid;		/* of the sender, by its own word */
	int		 fd;		/* -1 if none; the receiver owns it */
	struct rbuf	*body;		/* take a reference to keep it */
	struct reader	 rd;		/* at the start of the body */
};

struct imsgbuf;

struct imsg_ops {
	/* One message.  May free the imsgbuf. */
	void	(*dispatch)(struct imsgbuf *, struct imsg *, void *);
	/* All that had arrived in this turn of the loop has been dispatched. */
	void	(*batch)(struct imsgbuf *, void *);
	/*
	 * The other end is gone (err 0), reading or writing failed (errno) or
	 * the table was violated (EPROTO).  Free the imsgbuf here.
	 */
	void	(*closed)(struct imsgbuf *, int err, void *);
	/* The output queue went over its high mark (1) or under the low (0). */
	void	(*full)(struct imsgbuf *, int, void *);
};

/*
 * Takes over the connected stream socket fd.  self and peer say whose types
 * may come in.  Members of ops other than dispatch and closed may be NULL.
 */
struct imsgbuf	*imsg_new(struct event_base *, int fd, enum proc_id self,
		    enum proc_id peer, const struct imsg_ops *, void *arg);
/* Closes the socket; unsent messages are dropped. */
void		 imsg_free(struct imsgbuf *);
/*
 * Queues a message: head, then tail by reference (either may be NULL).  fd is
 * -1, or is closed after the receiver has acknowledged it.  The head is
 * copied.  A violation of the table is our own fault and fatal.
 */
void		 imsg_send(struct imsgbuf *, enum imsg_type, uint32_t id,
		    int fd, const struct wbuf *head, struct rbuf *tail);
/* Bytes queued and not yet written. */
size_t		 imsg_pending(const struct imsgbuf *);
/* Writes what is queued, blocking for at most timeout_ms; -1 if it did not. */
int		 imsg_flush(struct imsgbuf *, int timeout_ms);
const char	*imsg_name(enum imsg_type);

#endif
