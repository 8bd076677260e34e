/* SPDX-License-Identifier: ISC */
/*
 * The hub "us" from inside: a router and its store, with the test as their
 * parent and as bridged and the uplink.  What the other hub, "other", says on
 * each link and hears there is written in the test.
 */
#ifndef HUBTEST_H
#define HUBTEST_H

#include <sys/queue.h>

#include "client.h"
#include "imsg.h"
#include "linkproto.h"

enum { LAN, UPLINK, CARRIERS };

/* What the router has given a carrier; its type is "#" and more if no line. */
struct given {
	TAILQ_ENTRY(given)	 entry;
	int			 carrier;
	uint32_t		 link;		/* or the id */
	json_t			*json;
};

struct kid {
	struct hubtest	*test;
	struct imsgbuf	*ib;
	pid_t		 pid;
	int		 ready;
};

/* One test. */
struct hubtest {
	struct tenv		*env;
	struct event_base	*base;
	struct kid		 router, store;
	struct carrier		 {
		struct hubtest	*test;
		int		 number;
		struct imsgbuf	*ib;
	}			 carriers[CARRIERS];
	TAILQ_HEAD(, given)	 all;
	uint32_t		 invited;	/* id of the last PAIR_INVITE */
	/* of the other hub, for its test */
	int64_t			 started;
	int			 tellings;
	const char		*said_key;	/* said on its next links */
	/* what hears() waits for */
	int			 carrier;
	uint32_t		 link;
	const char		*type, *key, *value;
	struct given		*found;
};

/* It serves at hub.sock; without carriers, with both; strict: keys.h. */
struct hubtest	*hubtest_begin(int strict);
struct hubtest	*hubtest_both(void);
void		 hubtest_end(struct hubtest *);
/* The process is started; dies. */
void	 carrier_begin(struct hubtest *, int carrier);
void	 carrier_end(struct hubtest *, int carrier);
/* One turn of the loop; 0. */
int	 turn(void *hubtest);

/* LINK_UP of the other hub; features and peers as JSON.  LINK_DOWN. */
void	 up_as(struct hubtest *, int carrier, uint32_t link, uint8_t rank,
	    const char *features, const char *peers);
void	 up(struct hubtest *, int carrier, uint32_t link, uint8_t rank);
void	 down(struct hubtest *, int carrier, uint32_t link);
/* The other hub says an object, as json_pack() wants it. */
void	 says(struct hubtest *, int carrier, uint32_t link, const char *fmt,
	    ...);
/*
 * The next line of that type on that link in which the member, in it or in
 * what is wrapped in it, is value (NULL: any line of the type).
 */
json_t	*hears(struct hubtest *, int carrier, uint32_t link, const char *type,
	    const char *key, const char *value);

#endif
