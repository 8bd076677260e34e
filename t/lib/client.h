/* SPDX-License-Identifier: ISC */
/*
 * Line connections to the programs under test, sessions on hub.sock, and
 * assertions on JSON values that show the value they did not like.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "test.h"

TAILQ_HEAD(linelist, line);

/* A line from a program, parsed (NULL if it is not JSON) and as it came. */
struct line {
	TAILQ_ENTRY(line) entry;
	json_t		*json;
	size_t		 len;		/* without the newline */
	char		*text;
};

/* A session on hub.sock, or the two pipes of a channeld (pid is set). */
struct conn {
	TAILQ_ENTRY(conn) entry;
	struct tenv	*env;
	struct linelist	 lines;		/* come in and not asked for yet */
	int		 rfd, wfd;
	pid_t		 pid;
	char		*buf;		/* a line that is not complete */
	size_t		 len, cap;
	int		 mute;		/* do not read */
	int		 nopong;	/* do not answer pings */
	int		 eof;
	unsigned	 seq;		/* of requests */
	char		 last[256];	/* what was sent last, for messages */
};

/* conn.c: lines */
struct conn	*conn_add(struct tenv *, int rfd, int wfd, pid_t);
void		 conn_close(struct conn *);
/* Closes our writing side only. */
void		 conn_shut(struct conn *);
/* Reads what there is from all connections, waiting at most ms. */
void		 conns_pump(struct tenv *, int ms);
/* Writes all of it; 0, or -1 if the other end closed or does not read. */
int		 conn_write(struct conn *, const void *, size_t);
/* The next line, taken from the queue; NULL after ms.  line_free() it. */
struct line	*conn_take(struct conn *, int ms);
void		 line_free(struct line *);
/* 1 if the other end closes within ms. */
int		 conn_closes(struct conn *, int ms);

/* client.c: sessions */
#define FEATURES	"receipts,ids,kind,sessions,ask"
#define client_open(t)	AT(client_open_(t))
struct conn	*client_open_(struct tenv *);	/* connected only */
/* Registered; features separated by commas, or NULL. */
#define client_new(t, name, features) AT(client_new_(t, name, features))
struct conn	*client_new_(struct tenv *, const char *name,
		    const char *features);
/* register without waiting; version "5", cwd and branch made up. */
void		 say_register(struct conn *, const char *name,
		    const char *features, const char *req_id);
/* Sends an object, written as json_pack() wants it, or a text as a line. */
#define say(c, ...)	AT(say_(c, __VA_ARGS__))
void		 say_(struct conn *, const char *, ...);
#define say_text(c, s)	AT(say_text_(c, s))
void		 say_text_(struct conn *, const char *);
/* The same with a req_id; returns the answer with that req_id. */
#define rpc(c, ...)	AT(rpc_(c, __VA_ARGS__))
json_t		*rpc_(struct conn *, const char *, ...);
/* rpc() that must be answered with that err. */
#define refused(c, code, ...) AT(refused_(c, code, __VA_ARGS__))
void		 refused_(struct conn *, const char *code, const char *, ...);
/* Sends a line; the next line that comes must be that err. */
#define refused_text(c, code, s) AT(refused_text_(c, code, s))
void		 refused_text_(struct conn *, const char *code, const char *);
/*
 * Waits for the first line of that type (NULL: any), or in which the member
 * key is value; others stay in the queue.
 */
#define hear(c, type)	AT(hear_(c, type, NULL, NULL, T_WAIT))
#define hear_with(c, type, key, value) \
	AT(hear_(c, type, key, value, T_WAIT))
#define hear_in(c, type, key, value, ms) \
	AT(hear_(c, type, key, value, ms))
json_t		*hear_(struct conn *, const char *type, const char *key,
		    const char *value, int ms);
/* A ping there and its pong back: all that was before it has come. */
#define in_step(c)	AT(in_step_(c))
void		 in_step_(struct conn *);
/* in_step(), and then no line of that type (NULL: any) is there. */
#define quiet(c, type)	AT(quiet_(c, type))
void		 quiet_(struct conn *, const char *type);
/* send; the msg_id of its send_ack, which must have that status if given. */
#define send_text(c, to, text, status) AT(send_text_(c, to, text, status))
const char	*send_text_(struct conn *, const char *to, const char *text,
		    const char *status);

/* jcheck.c: assertions on values; they show the value. */
#define is_str(j, key, value)	AT(is_str_(j, key, value))
void	 is_str_(const json_t *, const char *key, const char *value);
#define is_int(j, key, value)	AT(is_int_(j, key, value))
void	 is_int_(const json_t *, const char *key, json_int_t);
#define is_true(j, key)		AT(is_true_(j, key))
void	 is_true_(const json_t *, const char *key);
#define is_null(j, key)		AT(is_null_(j, key))
void	 is_null_(const json_t *, const char *key);
#define is_absent(j, key)	AT(is_absent_(j, key))
void	 is_absent_(const json_t *, const char *key);
/* An array of n elements; returns it. */
#define is_list(j, key, n)	AT(is_list_(j, key, n))
json_t	*is_list_(const json_t *, const char *key, size_t n);
/* Exactly these members, separated by spaces. */
#define has_only(j, keys)	AT(has_only_(j, keys))
void	 has_only_(const json_t *, const char *keys);
/* Equal to what json_pack() makes of the rest. */
#define is_same(j, ...)		AT(is_same_(j, __VA_ARGS__))
void	 is_same_(const json_t *, const char *, ...);
/* A value as text, shortened, in one of a few buffers that take turns. */
const char	*show(const json_t *);
/* A member that must be a string or an integer. */
#define str_of(j, key)		AT(str_of_(j, key))
const char	*str_of_(const json_t *, const char *key);
#define int_of(j, key)		AT(int_of_(j, key))
json_int_t	 int_of_(const json_t *, const char *key);
/* The element of an array of objects in which key is value, or NULL. */
json_t	*find_in(const json_t *array, const char *key, const char *value);
/* 1 if it looks like ISO 8601 in UTC with milliseconds; m- and a UUID. */
int	 is_iso8601(const char *);
int	 is_msg_id(const char *);

#endif
