/* SPDX-License-Identifier: ISC */
/*
 * Reading the configuration again while the hub runs.
 */
#include "compat.h"

#include <stddef.h>
#include <stdlib.h>

#include "conf.h"
#include "kids.h"
#include "listeners.h"
#include "log.h"
#include "notify.h"
#include "pairs.h"
#include "reload.h"
#include "wstoken.h"

#define SAID_MAX	8192	/* bytes of what goes to hubctl */

struct reload {
	struct conf		*conf;
	const struct conf_source *source;
	struct listeners	*listeners;
	struct kids		*kids;
	struct pairs		*pairs;
	struct notify		*notify;
	int			 running;	/* children are told */
	int			 wanted;	/* once more */
	unsigned		 asked;		/* by hubctl, of that one */
	unsigned		 asking;	/* of the one that runs */
	struct wbuf		 said;		/* warnings, as lines */
};

static void	on_log(enum log_level, const char *, void *);
static void	run(struct reload *);
static void	end(struct reload *, int);
static int	read_again(struct reload *, struct conf *);
static int	restore(const struct conf *, struct conf *);
static void	take(struct reload *, struct conf *);

/* What of a hub is the same as long as it runs; so is where its data is. */
static const struct {
	const char	*what;
	size_t		 offset, size;
} fixed[] = {
	{ "hub id", offsetof(struct conf, hub_id), NAME_SIZE },
	{ "listen on socket", offsetof(struct conf, socket), CONF_PATH_MAX },
};

struct reload *
reload_new(struct conf *conf, const struct conf_source *source,
    struct listeners *listeners, struct kids *kids, struct pairs *pairs,
    struct notify *notify)
{
	struct reload *r = xcalloc(1, sizeof(*r));

	r->conf = conf;
	r->source = source;
	r->listeners = listeners;
	r->kids = kids;
	r->pairs = pairs;
	r->notify = notify;
	return r;
}

void
reload_free(struct reload *r)
{
	wbuf_free(&r->said);
	free(r);
}

/* Many that come while one is under way are one. */
void
reload_ask(struct reload *r, int hubctl)
{
	r->wanted = 1;
	r->asked += hubctl != 0;
	reload_go_on(r);
}

void
reload_go_on(struct reload *r)
{
	if (kids_busy(r->kids))
		return;
	if (r->running)
		end(r, 1);
	if (r->wanted)
		run(r);
}

static void
on_log(enum log_level level, const char *line, void *arg)
{
	struct reload *r = arg;

	if (level > LOG_LEVEL_WARN || r->said.len > SAID_MAX)
		return;
	wbuf_adds(&r->said, line);
	wbuf_adds(&r->said, "\n");
}

static void
run(struct reload *r)
{
	struct conf new;
	int ok;

	r->wanted = 0;
	r->asking = r->asked;
	r->asked = 0;
	r->running = 1;
	notify_reloading(r->notify);
	log_watch(on_log, r);
	ok = read_again(r, &new) == 0;
	if (ok)
		take(r, &new);
	else
		log_warnx("the old configuration stays in force");
	log_watch(NULL, NULL);
	conf_links_free(&new);
	explicit_bzero(&new, sizeof(new));
	if (!ok)
		end(r, 0);
	else
		reload_go_on(r);
}

/* All children do what they were told, or nothing was done. */
static void
end(struct reload *r, int done)
{
	struct imsgbuf *router = kids_get(r->kids, KID_ROUTER)->ib;
	struct wbuf w = { 0 };

	r->running = 0;
	if (done)
		log_info("the configuration has been read again");
	notify_ready(r->notify);
	put_u8(&w, (uint8_t)done);
	put_bytes(&w, wbuf_data(&r->said), r->said.len);
	for (; r->asking > 0; r->asking--) {
		if (router != NULL)
			imsg_send(router, PROC_RELOADED, 0, -1, &w, NULL);
	}
	wbuf_free(&w);
	wbuf_free(&r->said);
}

/*
 * Links that cannot be used do not keep a hub from starting, but here there
 * are those of before.  The environment is what it was at the start.
 */
static int
read_again(struct reload *r, struct conf *new)
{
	struct conf_source source = *r->source;

	source.data = r->conf->data;
	if (conf_read(&source, new) == -1 ||
	    (new->bad_links & ~(unsigned)BAD_REMOTE) != 0 ||
	    (new->ws_port != 0 && wstoken_load(new) == -1))
		return -1;
	return restore(r->conf, new);
}

/* And of what the program has found out, or was told, since it started. */
static int
restore(const struct conf *old, struct conf *new)
{
	const char *from = (const char *)old;
	char *to = (char *)new;
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (strcmp(from + fixed[i].offset, to + fixed[i].offset) == 0)
			continue;
		log_warnx("%s: takes effect after a restart", fixed[i].what);
		memcpy(to + fixed[i].offset, from + fixed[i].offset,
		    fixed[i].size);
	}
	new->log_level = old->log_level;
	new->has_key = old->has_key;
	memcpy(new->seed, old->seed, sizeof(new->seed));
	new->same_secret = strcmp(new->lan.secret, old->lan.secret) == 0;
	/* with that hub id */
	return conf_check_links(new, new->file);
}

/* new is empty then: from here on nothing fails. */
static void
take(struct reload *r, struct conf *new)
{
	listeners_change(r->listeners, new, r->conf);
	conf_links_free(r->conf);
	*r->conf = *new;
	memset(&new->lan, 0, sizeof(new->lan));
	kids_reload(r->kids, pairs_busy(r->pairs));
	/* the router has it */
	explicit_bzero(r->conf->ws_token, sizeof(r->conf->ws_token));
}
