/* SPDX-License-Identifier: ISC */
/*
 * The parent's part in pairing.
 */
#include "compat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "imsg.h"
#include "joined.h"
#include "kidconf.h"
#include "log.h"
#include "pairproto.h"
#include "pairs.h"

struct pairs {
	struct conf		*conf;
	const struct pairs_ops	*ops;
	void			*arg;
	struct uplink_relay	*relay;		/* that is joined; or NULL */
	uint32_t		 id;		/* of that */
};

static void	send(struct imsgbuf *, enum imsg_type, uint32_t,
		    struct wbuf *);
static void	forget(struct pairs *);
static void	refuse(struct pairs *, uint32_t, const char *);
static const char	*may_join(struct pairs *, uint32_t,
		    const struct pair_ask *);
static const struct uplink_relay	*known(const struct pairs *);
static void	name_relay(const struct pairs *, struct pair_ask *);
static const char	*keep(struct pairs *, const struct pair_done *);

struct pairs *
pairs_new(struct conf *conf, const struct pairs_ops *ops, void *arg)
{
	struct pairs *p = xcalloc(1, sizeof(*p));

	p->conf = conf;
	p->ops = ops;
	p->arg = arg;
	return p;
}

void
pairs_free(struct pairs *p)
{
	forget(p);
	free(p);
}

static void
forget(struct pairs *p)
{
	if (p->relay != NULL)
		explicit_bzero(p->relay, sizeof(*p->relay));
	free(p->relay);
	p->relay = NULL;
	p->id = 0;
}

/* What was sent is cleared. */
static void
send(struct imsgbuf *ib, enum imsg_type type, uint32_t id, struct wbuf *w)
{
	if (ib != NULL)
		imsg_send(ib, type, id, -1, w, NULL);
	explicit_bzero(w->rb->data, w->len);
	wbuf_free(w);
}

static void
refuse(struct pairs *p, uint32_t id, const char *why)
{
	struct pair_done d = { .hub_id = "" };
	struct wbuf w = { 0 };

	strlcpy(d.why, why, sizeof(d.why));
	pair_done_put(&w, &d);
	send(p->ops->router(p->arg), PAIR_DONE, id, &w);
}

static const struct uplink_relay *
known(const struct pairs *p)
{
	return uplink_relay_find(&p->conf->relays, &p->relay->at);
}

/* The uplink knows a relay by the URL that the configuration has. */
static void
name_relay(const struct pairs *p, struct pair_ask *a)
{
	struct uplink_relay r;
	const struct uplink_relay *found;

	if (uplink_relay_url(&r, a->url) == NULL &&
	    (found = uplink_relay_find(&p->conf->relays, &r.at)) != NULL)
		strlcpy(a->url, found->url, sizeof(a->url));
}

/* NULL, or why not. */
static const char *
may_join(struct pairs *p, uint32_t id, const struct pair_ask *a)
{
	const char *wrong;

	if (p->relay != NULL)
		return "this hub is joining a relay already: wait for that";
	p->relay = xcalloc(1, sizeof(*p->relay));
	p->id = id;
	if ((wrong = uplink_relay_url(p->relay, a->url)) != NULL ||
	    (wrong = conf_relay_id(p->conf)) != NULL)
		return wrong;
	strlcpy(p->relay->ca_file, a->ca_file, sizeof(p->relay->ca_file));
	if (known(p) == NULL && p->conf->relays.n == UPLINK_RELAYS_MAX)
		return "this hub has as many relays as it takes";
	return NULL;
}

void
pairs_ask(struct pairs *p, struct imsg *m)
{
	const char *wrong = NULL;
	struct imsgbuf *uplink;
	struct pair_ask a;
	struct wbuf w = { 0 };

	if (pair_ask_get(&m->rd, &a) == -1)
		fatalx("bad %s", imsg_name(m->type));
	if (m->type == PAIR_JOIN)
		wrong = may_join(p, m->id, &a);
	else if (p->conf->relays.n == 0)
		wrong = "this hub has no relay: it can join one "
		    "(hubctl join), or have one in its hubd.conf";
	else
		name_relay(p, &a);
	if (wrong == NULL && (uplink = p->ops->uplink(p->arg)) == NULL)
		wrong = "relayd does not run now: try again, or see the hub's "
		    "log";
	if (wrong == NULL && m->type == PAIR_JOIN &&
	    kidconf_ca(uplink, UPLINK_CA_JOIN, p->relay->at.tls ? a.ca_file :
	    NULL) == -1)
		wrong = "there are no CA certificates to check the relay "
		    "with: the hub's log says why";
	if (wrong != NULL) {
		if (p->id == m->id)
			forget(p);
		refuse(p, m->id, wrong);
	} else {
		pair_ask_put(&w, &a);
		send(uplink, m->type, m->id, &w);
	}
	explicit_bzero(&a, sizeof(a));
}

void
pairs_cancel(struct pairs *p, uint32_t id, struct imsgbuf *uplink)
{
	if (p->id == id)
		forget(p);
	if (uplink != NULL)
		imsg_send(uplink, PAIR_CANCEL, id, -1, NULL, NULL);
}

/* To the file, and to the uplink; NULL, or why not. */
static const char *
keep(struct pairs *p, const struct pair_done *d)
{
	static char why[LINK_WHY_SIZE];
	const struct uplink_relay *old = known(p);

	if (old != NULL)
		return strcmp(old->token, d->token) == 0 ? NULL :
		    "this hub has that relay already, with another token: "
		    "remove it from relays.json or hubd.conf first";
	if (uplink_relay_token(p->relay, d->token, strlen(d->token)) == -1)
		return "the other hub has sent what is no token";
	if (joined_save(p->conf, p->relay) == -1) {
		snprintf(why, sizeof(why), "relays.json cannot be written: %s",
		    strerror(errno));
		return why;
	}
	if (uplink_relay_add(&p->conf->relays, p->relay) == 0)
		p->ops->joined(p->arg);
	return NULL;
}

int
pairs_answer(struct pairs *p, struct imsg *m)
{
	struct pair_code c;
	struct pair_done d;
	struct wbuf w = { 0 };
	const char *wrong;

	if (m->type == PAIR_CODE) {
		if (pair_code_get(&m->rd, &c) == -1)
			return -1;
		pair_code_put(&w, &c);
		explicit_bzero(&c, sizeof(c));
		send(p->ops->router(p->arg), PAIR_CODE, m->id, &w);
		return 0;
	}
	if (pair_done_get(&m->rd, &d) == -1)
		return -1;
	if (p->relay != NULL && m->id == p->id) {
		if (d.why[0] == '\0' && (wrong = keep(p, &d)) != NULL)
			strlcpy(d.why, wrong, sizeof(d.why));
		forget(p);
	}
	explicit_bzero(d.token, sizeof(d.token));
	pair_done_put(&w, &d);
	send(p->ops->router(p->arg), PAIR_DONE, m->id, &w);
	return 0;
}

int
pairs_busy(const struct pairs *p)
{
	return p->relay != NULL;
}

/* Id 0 is all of them. */
void
pairs_gone(struct pairs *p)
{
	forget(p);
	refuse(p, 0, "relayd has ended: the hub's log says why");
}
