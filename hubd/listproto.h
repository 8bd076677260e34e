/* SPDX-License-Identifier: ISC */
/*
 * What the router asks the store about all sessions and mailboxes, and what
 * it answers: the part of storeproto.h that has to do with them.
 */
#ifndef LISTPROTO_H
#define LISTPROTO_H

#include "storeproto.h"

/* STORE_SESSIONS has no body.  STORE_SESSION_LIST: n of these, by name. */
struct store_session {
	char		 name[NAME_SIZE];
	struct slice	 cwd, git_branch, host;
	uint32_t	 pid, unread, kept;	/* kept: messages */
	int64_t		 started, last_seen;
};
struct store_session_list {
	enum store_status status;
	uint32_t	 n;
	struct slice	 sessions;	/* store_session_get() */
};

/* STORE_MAILBOXES has no body.  STORE_MAILBOX_LIST: n of these, by name. */
struct store_mailbox {
	char		 name[TARGET_SIZE];
	uint32_t	 kept, unread, dropped;
};
struct store_mailbox_list {
	enum store_status status;
	uint32_t	 n;
	struct slice	 mailboxes;	/* store_mailbox_get() */
};

/*
 * STORE_CLEAN: forgets sessions away since before, with nothing unread, and
 * what was seen before then.  keep is a list of names not to touch: those
 * that are online.
 */
struct store_clean {
	int64_t		 before;
	uint32_t	 nkeep;
	struct slice	 keep;		/* counted strings */
};
/* STORE_CLEANED */
struct store_cleaned {
	enum store_status status;
	uint32_t	 sessions, messages;
};

STOREPROTO(store_session_list);
STOREPROTO(store_mailbox_list);
STOREPROTO(store_clean);
STOREPROTO(store_cleaned);

/* One element of a list; these do not ask for the end of the message. */
void	store_session_put(struct wbuf *, const struct store_session *);
int	store_session_get(struct reader *, struct store_session *);
void	store_mailbox_put(struct wbuf *, const struct store_mailbox *);
int	store_mailbox_get(struct reader *, struct store_mailbox *);

#endif
