/* SPDX-License-Identifier: ISC */
/*
 * What the tests of the store share: a store process in a directory of its
 * own, with the test as its parent and its router, and a function for each
 * request that waits for the answer.
 */
#ifndef STORETEST_H
#define STORETEST_H

#include "conf.h"
#include "imsg.h"
#include "listproto.h"
#include "outproto.h"
#include "test.h"

#define DAY_MS		(24LL * 3600 * 1000)
#define DISK_TOGGLE	"!"
#define NO_ANSWER	"?"

struct st {
	struct tenv		*t;
	char			 dir[64];	/* of relay.db */
	struct conf		 conf;
	struct event_base	*base;
	struct imsgbuf		*parent, *router;
	pid_t			 pid;
	int			 ready, up, closed;
	uint32_t		 asked, answered;	/* ids */
	enum imsg_type		 type;		/* of the last answer */
	struct rbuf		*answer;
	struct reader		 rd;
	unsigned		 failed, done;	/* answers, by status */
	char			 aliases[512];	/* "a>b c>d " */
	char			 names[512];	/* "a b @hub " */
	char			 owned[512];	/* "a:1001 " */
	char			 tokens[512];	/* "1001:token " */
	char			 expired[4096];	/* "id>sender " */
	uint32_t		 expired_unread;	/* after the last one */
	/*
	 * Files that the store may import; NULL ends them.  DISK_TOGGLE is
	 * st_disk() at this moment, NO_ANSWER the end of the world.
	 */
	const char *const	*imports;
	int			 imported;	/* has asked for all */
	char			 log[8192];
};

/* Nothing is started yet: conf may be changed. */
struct st	*st_new(void);
/* Stops the store if it runs, and removes everything. */
void		 st_end(struct st *);
void		 st_start(struct st *);
/* Starts it without waiting until it is ready. */
void		 st_launch(struct st *);
/* Ends it as its parent does; it must end with status 0. */
void		 st_stop(struct st *);
void		 st_kill(struct st *);
/* Its disk is full, or no longer. */
void		 st_disk(struct st *);
/* Waits for its end and returns the status. */
int		 st_ended(struct st *);
/* Runs the event loop until *what is not 0, for at most ms; returns it. */
int		 st_wait(struct st *, const int *what, int ms);
/* A path in the store's directory, in a buffer that the next call reuses. */
char		*st_path(struct st *, const char *);

/* Sends without waiting; frees the content of the buffer. */
void	st_send(struct st *, enum imsg_type, struct wbuf *);
/* Waits for all answers; the last one is in answer and rd. */
void	st_answers(struct st *);

/* Each asks and waits for the answer. */
struct store_registered	st_register(struct st *,
			    const struct store_register *);
struct store_registered	st_rename(struct st *, const struct store_rename *);
struct store_appended	st_append(struct st *, const struct store_append *);
struct store_mail	st_inbox(struct st *, const struct store_inbox *);
struct store_marked	st_mark(struct st *, const struct store_mark *);
struct store_message	st_status(struct st *, const struct store_query *);
struct store_cleaned	st_clean(struct st *, const struct store_clean *);
struct store_out_listed	st_out_list(struct st *,
			    const struct store_out_list *);
struct store_marked	st_out_mark(struct st *,
			    const struct store_out_mark *);

/* The same with the members that matter. */
struct store_append	st_message(const char *from, const char *to,
			    const char *id, const char *text);
struct store_appended	st_post(struct st *, const char *from, const char *to,
			    const char *id);
enum store_status	st_enter(struct st *, const char *name);
struct store_registered	st_call(struct st *, const char *from,
			    const char *to);
struct store_mail	st_read(struct st *, const char *name,
			    enum inbox_mode, uint32_t limit,
			    const char *since);
/* ids as in "a b c". */
struct store_marked	st_mark_ids(struct st *, const char *name,
			    enum msg_state, const char *ids);

/* Texts, each in a buffer that the next call of the function reuses. */
/* The ids of a list, "a b c". */
const char	*st_ids(const struct store_mail *);
/* "id>sender:state id>sender:state" */
const char	*st_receipts(const struct store_marked *);
/* The ids in a mailbox; of those not yet seen; what became of a message. */
const char	*st_all(struct st *, const char *name);
const char	*st_unseen(struct st *, const char *name);
const char	*st_state(struct st *, const char *sender, const char *id);

#define want_str(a, b)	do {						\
	const char *a_ = (a), *b_ = (b);				\
	want(strcmp(a_, b_) == 0, "is \"%s\", should be \"%s\"", a_, b_); \
} while (0)
#define want_int(a, b)	do {						\
	long long a_ = (long long)(a), b_ = (long long)(b);		\
	want(a_ == b_, #a " is %lld, should be %lld", a_, b_);		\
} while (0)

#endif
