/* SPDX-License-Identifier: ISC */
/*
 * The soak: two linked hubs, their sessions, what these have said to each
 * other, and what has become of it.
 */
#ifndef SOAK_H
#define SOAK_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdint.h>

#include "chan.h"
#include "client.h"

#define SITES		2
#define SOULS_MAX	512
#define GROUPS_MAX	32
#define GROUP_SIZE	8
#define TRAIL		12	/* events remembered of a message */
#define NAMES		3	/* that a session takes in turn */

/* What is said: mail is the only thing that must arrive. */
enum kind { MAIL, ASK, REPLY, CAST, ROOM, GROUP };

#define P_ACKED		1
#define P_READ		2	/* in its receiver's mailbox */
#define P_PUSHED	4
#define P_UNSURE	8	/* may be stored or not: nobody was told */
#define P_OVER		16	/* an ask that has ended */
#define P_AWAY		32	/* its asker was away: it may end later */

struct post {
	TAILQ_ENTRY(post) entry;	/* of the sender's open ones */
	unsigned	 id, seq;	/* seq: from this sender to this one */
	enum kind	 kind;
	int		 from, to;	/* to: a soul, a group, or -1 */
	unsigned	 len, flags;
	int64_t		 until;		/* of an ask */
	unsigned	 ntrail;
	struct {
		int64_t		 ms;
		const char	*what;
		int		 by;
	}		 trail[TRAIL];
};
TAILQ_HEAD(posts, post);

enum soul_kind { RAW, WEB, HOST };
enum soul_state { AWAY, COMING, THERE };

/* A session: a client of ours, or a channeld. */
struct soul {
	struct soak	*soak;
	int		 number, site;
	enum soul_kind	 kind;
	enum soul_state	 state;
	char		 name[32];
	char		 wanted[32];	/* of a rename without an answer */
	char		 former[32];
	unsigned	 renames;
	struct chan	*chan;
	pid_t		 pid;		/* of a channeld */
	unsigned	 gen;		/* of its hub, when it connected */
	int64_t		 back_at, gone_at, mute_until, excused_until;
	int64_t		 asked_at;	/* an inbox that is not answered */
	struct posts	 open;		/* sent and not acknowledged */
	unsigned	 nopen, owed;	/* owed: for it and not read yet */
	struct posts	 asks;
	char		 last_read[72];
	unsigned	 read_seq[SOULS_MAX], push_seq[SOULS_MAX];
	unsigned	 room_seq[SOULS_MAX], sent_seq[SOULS_MAX];
	int64_t		 group_id[GROUPS_MAX];	/* pushed last */
	int64_t		 history[GROUPS_MAX];	/* read up to there */
	int		 history_lost[GROUPS_MAX], history_done[GROUPS_MAX];
	int		 history_asked;	/* of that group, from 1; 0: none */
	int64_t		 next_act;
	unsigned	 calls, inbox_call;	/* of a channeld */
	struct post	*sending;
	unsigned	 send_call;
};

/* A hub. */
struct site {
	struct soak	*soak;
	int		 number;
	const char	*id;
	struct tenv	*env;
	int		 port, ws_port;
	char		 token[80];
	unsigned	 gen;		/* how often it was started */
	int		 dying;		/* a part of it was killed */
	int64_t		 start_at, started_at, killed_at;
	struct chan	*watch;		/* a session that only looks */
	int		 watching;
	int64_t		 looked_at;
	int		 links_up;
	json_t		*known;		/* names of its sessions */
	int64_t		 known_at, asked_at;
};

struct relay {
	char		 dir[64];
	int		 port;
	pid_t		 pid;
	int		 dying;
	int64_t		 start_at;
	unsigned	 starts;
};

/* A group, at the site of its first member, which is its admin. */
struct group {
	char		 name[16];
	int		 site, members[GROUP_SIZE], nmembers;
	int		 made;
	unsigned	*entries;	/* id of the post with each number */
	size_t		 nentries;
};

struct soak {
	struct site	 sites[SITES];
	struct relay	 relay;
	struct soul	*souls;
	int		 nsouls, ngroups;
	struct group	 groups[GROUPS_MAX];
	struct post	**posts;
	unsigned	 nposts, room;
	uint64_t	 random;
	unsigned	 seed, seconds, pace, hups, hupped, hold, faulty;
	int64_t		 began, now, turned;
	int64_t		 slept;		/* we were late, which counts so long */
	int64_t		 next_fault, next_kill, next_line, next_sample;
	int		 part;			/* of the run, 1 to 3 */
	int		 quiet;			/* nobody says anything new */
	unsigned	 errors;
	unsigned long	 sent, acked, read, pushed, again, asks, answers,
			 casts, heard_in_rooms, in_groups, renames, big;
	unsigned	 kills[16];
	unsigned	 excused, late;	/* dropped, and not the hub's fault */
	unsigned	 slow_turns, unsure;
};

/* soak.c */
unsigned	 pick(struct soak *, unsigned below);
/* Something is wrong: it is printed, with the post's trail unless NULL. */
void		 complain(struct soak *, const struct post *, const char *, ...)
		    __attribute__((__format__(printf, 3, 4)));
/* Seconds since the beginning, for what is printed. */
double		 clock_s(const struct soak *);
/* Turns the loop until the condition holds; 0 after ms. */
int		 soak_until(struct soak *, int (*)(struct soak *), int ms);

/* ledger.c */
/* to: as in struct post; a new text of that length. */
struct post	*post_new(struct soak *, enum kind, int from, int to,
		    unsigned len);
/* The caller's. */
char		*post_text(const struct post *);
/* Which one a text is, by its msg_id or else by what is in it; or NULL. */
struct post	*post_find(struct soak *, const char *msg_id,
		    const char *text);
void		 post_note(struct soak *, struct post *, const char *, int by);
/* What was given to a soul is that post, whole, from whom it should be. */
int		 post_check(struct soak *, struct post *, enum kind,
		    const struct soul *, const char *from, const char *text);
void		 post_acked(struct soak *, struct post *);
/* It is in its receiver's mailbox, read there in order. */
void		 post_read(struct soak *, struct post *, struct soul *);
void		 post_pushed(struct soak *, struct post *, struct soul *);
/* Nobody will ever know whether it was stored. */
void		 post_unsure(struct soak *, struct post *, const char *);
/* A length as they occur: mostly short, sometimes very long. */
unsigned	 post_length(struct soak *, unsigned least);
/* Who says it: by its name, or -1. */
int		 soul_by_name(const struct soak *, const char *);

/* crew.c: the sessions that speak to the hub themselves */
void		 crew_new(struct soak *);
void		 crew_turn(struct soak *);
void		 soul_line(void *soul, const json_t *);
/* Its connection is gone, and it comes back at that time. */
void		 soul_lost(struct soul *, int64_t back_at);
/* It has closed itself; whatever follows is not the hub's fault. */
void		 soul_close(struct soul *, int reset, int64_t back_at);
void		 soul_there(struct soul *);
/* Writes what a send is; resend: it has been written before. */
void		 soul_send(struct soul *, struct post *, int again);
void		 soul_read(struct soul *);
/* A name under which others may reach it from that site. */
void		 soul_address(const struct soul *, int site, int former,
		    char dst[96]);
/* heard.c: what the hub says to them */
void		 soul_hear(struct soul *, const json_t *);
void		 take_inbox(struct soul *, const json_t *);

/* host.c: those behind a channeld */
void		 host_start(struct soul *);
void		 host_line(void *soul, const json_t *);
void		 host_send(struct soul *, struct post *, const char *to);
void		 host_read(struct soul *);
void		 host_reply(struct soul *, const char *ask_id,
		    const char *text);
/* How its calls are lost with it. */
void		 host_lost(struct soul *);

/* groups.c */
void		 groups_new(struct soak *);
int		 groups_made(struct soak *);
void		 group_say(struct soul *);
void		 group_ask_history(struct soul *, int group);
void		 group_pushed(struct soul *, const json_t *);
void		 group_history(struct soul *, int group, const json_t *);
int		 groups_read(struct soak *);
void		 groups_final(struct soak *);

/* talk.c: what sessions do, at random */
void		 talk_turn(struct soak *);
/* Somebody was asked. */
void		 talk_answer(struct soul *, const char *ask_id, int sure);

/* faults.c */
enum fault {
	F_CLOSE, F_RESET, F_AWAY, F_MUTE, F_CHANNELD, F_BRIDGED, F_UPLINK,
	F_RELAYD, F_RESOLVER, F_ROUTER, F_STORE, F_PARENT, F_HUP, FAULTS
};
void		 faults_turn(struct soak *);
const char	*fault_name(enum fault);

/* site.c: the hubs and the relay */
void		 sites_new(struct soak *);
void		 sites_turn(struct soak *);
void		 sites_end(struct soak *);
void		 site_killed(struct site *);
/* The hubs are linked in some way, as far as they have last said. */
int		 sites_linked(struct soak *);
/* They are, over the LAN, and both are at the relay. */
int		 sites_links_up(struct soak *);
/* Which name a session has there whose rename was not answered; 0: unknown. */
int		 site_settle(struct soul *);

/* cert.c: "cert" and "key" in that directory, of localhost */
void		 cert_write(const char *dir);

/* memory.c */
void		 memory_sample(struct soak *);
/* 0 if descriptors and memory are as they were, as far as that is judged. */
int		 memory_judge(struct soak *);
/* And in between, of those that were there then. */
void		 memory_watch(struct soak *);
long		 memory_now(struct soak *, int site, const char *role);

#endif
