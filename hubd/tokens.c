/* SPDX-License-Identifier: ISC */
/*
 * What a client over WebSocket must show, and who it is then.
 */
#include "compat.h"

#include <stdlib.h>

#include "conf.h"
#include "ctlconn.h"
#include "hex.h"
#include "imsg.h"
#include "json.h"
#include "log.h"
#include "map.h"
#include "owner.h"
#include "router.h"
#include "storeq.h"
#include "timeutil.h"
#include "tokenproto.h"
#include "tokens.h"

struct token {
	uint32_t	 owner;
	char		 token[TOKEN_SIZE];
};

struct tokens {
	struct map	*owners;	/* to struct token */
};

static struct token	*find(const struct tokens *, uint32_t);
static void	keep(struct tokens *, uint32_t, const char *);
static int	same_secret(const char *, const char *);
static void	show_own(struct ctl *, uint32_t, int);
static void	ask_store(struct ctl *, uint32_t, int);
static void	got_token(struct imsg *, void *);
static void	answer(struct ctl *, uint32_t, const char *);

struct tokens *
tokens_new(void)
{
	struct tokens *ts = xcalloc(1, sizeof(*ts));

	ts->owners = map_new();
	return ts;
}

void
tokens_free(struct tokens *ts)
{
	struct token *t;
	size_t pos = 0;

	while ((t = map_next(ts->owners, &pos)) != NULL)
		freezero(t, sizeof(*t));
	map_free(ts->owners);
	free(ts);
}

static struct token *
find(const struct tokens *ts, uint32_t owner)
{
	return map_get(ts->owners, &owner, sizeof(owner));
}

static void
keep(struct tokens *ts, uint32_t owner, const char *token)
{
	struct token *t = find(ts, owner);

	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		t->owner = owner;
		map_set(ts->owners, &owner, sizeof(owner), t);
	}
	strlcpy(t->token, token, sizeof(t->token));
}

int
tokens_told(struct tokens *ts, struct reader *rd)
{
	struct store_token m;
	int r = store_token_get(rd, &m);

	if (r == 0)
		keep(ts, m.owner, m.token);
	explicit_bzero(&m, sizeof(m));
	return r;
}

static int
same_secret(const char *a, const char *b)
{
	size_t n = strlen(a), i;
	unsigned char diff = n != strlen(b);

	for (i = 0; i < n && b[i] != '\0'; i++)
		diff |= (unsigned char)(a[i] ^ b[i]);
	return diff == 0;
}

uint32_t
tokens_owner(const struct router *r, const char *token)
{
	uint32_t owner = OWNER_NONE;
	const struct token *t;
	size_t pos = 0;

	if (token[0] == '\0')
		return OWNER_NONE;
	while ((t = map_next(r->tokens->owners, &pos)) != NULL) {
		if (same_secret(token, t->token))
			owner = t->owner;
	}
	if (same_secret(token, r->conf->ws_token))
		owner = OWNER_HUB;
	return owner;
}

/* It is in a file, which only the parent can write. */
static void
show_own(struct ctl *t, uint32_t id, int renew)
{
	if (renew)
		ctl_error(t, id, ERR_BAD_ARGS, "the token of the user that "
		    "the hub runs as is in the file hub-ws-token of its data "
		    "directory: remove that, and start the hub again");
	else
		answer(t, id, t->control->router->conf->ws_token);
}

void
tokens_ctl(struct ctl *t, struct imsg *m)
{
	const struct router *r = t->control->router;
	int renew = get_u8(&m->rd) != 0;
	const struct token *known = find(r->tokens, t->owner);

	if (r->conf->ws_port == 0)
		ctl_error(t, m->id, ERR_BAD_ARGS, "this hub has no WebSocket");
	else if (owner_is_admin(t->owner))
		show_own(t, m->id, renew);
	else if (known != NULL && !renew)
		answer(t, m->id, known->token);
	else
		ask_store(t, m->id, renew);
}

/* It holds, and is shown, when it is on disk. */
static void
ask_store(struct ctl *t, uint32_t id, int renew)
{
	struct store_token q = { .owner = t->owner };
	uint8_t bytes[TOKEN_BYTES];
	struct wbuf w = { 0 };

	q.renew = (uint8_t)renew;
	random_bytes(bytes, sizeof(bytes));
	hex_encode(q.token, bytes, sizeof(bytes));
	store_token_put(&w, &q);
	storeq_ask(t->control->router->store, STORE_SET_TOKEN, &w, got_token,
	    ctl_pending_new(t, id));
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(&q, sizeof(q));
}

static void
got_token(struct imsg *msg, void *arg)
{
	struct ctl_pending *p = arg;
	struct store_token_set m;

	if (store_token_set_get(&msg->rd, &m) == -1)
		fatalx("bad STORE_TOKEN_SET");
	if (m.status != STORE_OK) {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
		    "the token could not be stored");
	} else {
		keep(p->ctl->control->router->tokens, p->ctl->owner, m.token);
		answer(p->ctl, p->id, m.token);
	}
	explicit_bzero(&m, sizeof(m));
	ctl_pending_free(p);
}

static void
answer(struct ctl *t, uint32_t id, const char *token)
{
	struct wbuf w = { 0 };

	/* in one place, which ctl_result() clears */
	(void)wbuf_room(&w, 2 * CONF_WS_TOKEN);
	json_begin(&w, '{');
	json_put_str(&w, "token", token);
	ctl_result(t, id, &w);
}
