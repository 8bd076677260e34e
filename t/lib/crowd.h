/* SPDX-License-Identifier: ISC */
/*
 * Many sessions that speak at the same time, and what each of them must be
 * given: all of it, nothing else, and in order what one sender says.
 */
#ifndef CROWD_H
#define CROWD_H

#include "client.h"

#define CROWD		100

/*
 * A message as its receivers must see it.  What the hub chooses, msg_id and
 * ts, is not in it before somebody has seen it, and then binds the others.
 */
struct msg {
	TAILQ_ENTRY(msg) entry;
	json_t		*json;
	int		 from;
};
TAILQ_HEAD(msgs, msg);

/* What is stored goes another way than what is not; each keeps its order. */
enum way { STORED, PASSED, WAYS };

struct peer {
	struct conn	*c;		/* NULL: away */
	char		 name[32];	/* sN, or sN.M after a rename */
	struct msgs	 due[CROWD][WAYS];	/* what each has sent it */
};

/* A request, and what it must be answered. */
struct op {
	int		 who, done;
	const char	*answer;
	const char	*key;		/* a member that it has, or NULL */
	json_t		*value;
	json_t		*json;		/* has the answer's msg_id, or NULL */
};

struct crowd {
	struct tenv	*t;
	struct peer	 peers[CROWD];
	struct op	*ops;		/* since all had come */
	unsigned	 nops, opsize, unanswered, due, texts;
	unsigned long	 sent, given;
	uint64_t	 random;
	/* called for each incoming_group_msg that is as it must be */
	void		(*group_msg)(void *, int to, const json_t *);
	void		*arg;
};

/* A number from the environment. */
unsigned	 test_setting(const char *, unsigned otherwise);

/* A hub, and all of them there; seed: the same numbers as another time. */
void		 crowd_begin(struct crowd *, unsigned seed);
void		 crowd_end(struct crowd *);
/* One that was away registers; those with odd numbers know ids. */
void		 crowd_enter(struct crowd *, int);
unsigned	 crowd_pick(struct crowd *, unsigned below);
/* Any that is there; the one that has this name now. */
int		 crowd_online(struct crowd *);
int		 crowd_by_name(struct crowd *, const json_t *);
/* The one that this is from, by whatever name of it. */
int		 crowd_sender(const json_t *);
/* How many are in it. */
int		 crowd_count(const int in[CROWD]);
/* The names, or the objects with one, are those of in[], each once. */
void		 crowd_names(struct crowd *, const json_t *, const int *in);
/* Another one each time; the caller's. */
json_t		*crowd_text(struct crowd *);

/* A message that one of them must get, behind others that went that way. */
void		 crowd_expect(struct crowd *, int to, int from, enum way,
		    json_t *);
/*
 * An answer that must come; value is stolen.  Returns the req_id, in a buffer
 * that the next call reuses.
 */
const char	*crowd_ask(struct crowd *, int, const char *answer,
		    const char *key, json_t *value, json_t *);
/* One asks all others, who answer. */
void		 crowd_broadcast(struct crowd *, int);
/* Waits until every answer and every message has come. */
void		 crowd_arrive(struct crowd *);

void		 msg_add(struct msgs *, int from, json_t *);
void		 msg_drop(struct msgs *, struct msg *);
/* The member is the same; if it is not known yet, this is what it is. */
void		 same_member(json_t *known, const json_t *, const char *key);

#endif
