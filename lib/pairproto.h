/* SPDX-License-Identifier: ISC */
/*
 * Pairing, by which a hub gets the token of a relay and the key of another
 * hub there: codes, and what the router, the parent and the uplink tell each
 * other of it.  What is asked goes from the router by way of the parent to the
 * uplink, and the answers go back, all with the id of the first.
 */
#ifndef PAIRPROTO_H
#define PAIRPROTO_H

#include "linkproto.h"
#include "uplinkconf.h"

#define PAIR_CODE_LEN	16	/* digits of base32 (RFC 4648): 80 bits */
#define PAIR_CODE_SIZE	(PAIR_CODE_LEN + 1)
#define PAIR_SHOWN_SIZE	(PAIR_CODE_LEN + 4)	/* in groups of four */
#define PAIR_SECONDS	300	/* that a code is good for, by default */
#define PAIR_SECONDS_MAX 3600

/*
 * PAIR_INVITE: url "" is any relay.  PAIR_JOIN.  PAIR_CANCEL has no body: what
 * was asked with that id has no answer.
 */
struct pair_ask {
	char	url[UPLINK_URL_SIZE];
	char	code[PAIR_CODE_SIZE];		/* of PAIR_JOIN */
	char	ca_file[UPLINK_FILE_SIZE];	/* likewise; or "" */
};
/* PAIR_CODE: the first answer to PAIR_INVITE: it can be joined now. */
struct pair_code {
	char	url[UPLINK_URL_SIZE];
	char	code[PAIR_CODE_SIZE];
	uint32_t seconds;		/* that it is good for */
};
/* PAIR_DONE: the last answer. */
struct pair_done {
	char	why[LINK_WHY_SIZE];	/* it is not done; or "" */
	char	hub_id[NAME_SIZE];	/* the other hub */
	char	key[LINK_KEY_SIZE];
	/* of PAIR_JOIN; the token is for the parent alone */
	char	url[UPLINK_URL_SIZE];
	char	token[UPLINK_TOKEN_SIZE];
};

void	pair_ask_put(struct wbuf *, const struct pair_ask *);
int	pair_ask_get(struct reader *, struct pair_ask *);
void	pair_code_put(struct wbuf *, const struct pair_code *);
int	pair_code_get(struct reader *, struct pair_code *);
void	pair_done_put(struct wbuf *, const struct pair_done *);
int	pair_done_get(struct reader *, struct pair_done *);

/* Why the hub that has shown the code is not trusted. */
void	pair_refusal(char why[LINK_WHY_SIZE], enum key_verdict,
	    const char *hub);

void	pair_code_new(char code[PAIR_CODE_SIZE]);
/*
 * Reads what somebody has typed: small letters, blanks and `-' are allowed,
 * and 0, 1 and 8 are the letters that they look like.  0 or -1.
 */
int	pair_code_read(const char *, char code[PAIR_CODE_SIZE]);
void	pair_code_show(const char *code, char dst[PAIR_SHOWN_SIZE]);

#endif
