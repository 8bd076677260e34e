/* SPDX-License-Identifier: ISC */
/*
 * What every child of hubd has.
 */
#include "compat.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "heap.h"
#include "log.h"
#include "privdrop.h"
#include "proc.h"
#include "sandbox.h"
#include "usage.h"

#define FATAL_FLUSH_MS	500

struct child {
	struct imsgbuf		*parent;
	const struct child_ops	*ops;
	void			*arg;
	struct privdrop		*drop;	/* NULL: nothing, or done */
};

static void	dispatch(struct imsgbuf *, struct imsg *, void *);
static void	parent_gone(struct imsgbuf *, int, void *);
static void	take_drop(struct child *, struct imsg *);
static void	pong(struct child *);
static void	tell_usage(struct child *);
static void	log_to_parent(enum log_level, const char *, void *);

static const struct imsg_ops parent_ops = {
	.dispatch = dispatch,
	.closed = parent_gone,
};

struct child *
child_new(struct event_base *base, enum proc_id id, const char *program,
    const char *role, const struct child_ops *ops, void *arg)
{
	struct child *c = xcalloc(1, sizeof(*c));

	heap_keep(HEAP_KEEP, HEAP_BLOCK);
	c->ops = ops;
	c->arg = arg;
	/* the parent alone decides when the hub ends */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
#ifdef SIGINFO
	signal(SIGINFO, SIG_IGN);
#endif
	signal(SIGPIPE, SIG_IGN);
	log_set_name(program, role);
	c->parent = imsg_new(base, PROC_FD, id, PROC_PARENT, &parent_ops, c);
	log_to_fn(log_to_parent, c);
	return c;
}

void
child_free(struct child *c)
{
	if (c->parent != NULL) {
		(void)imsg_flush(c->parent, FATAL_FLUSH_MS);
		log_to_stderr();
		imsg_free(c->parent);
	}
	free(c->drop);
	free(c);
}

static void
log_to_parent(enum log_level level, const char *line, void *arg)
{
	struct child *c = arg;
	struct wbuf w = { 0 };

	if (c->parent == NULL)
		return;
	put_u8(&w, (uint8_t)level);
	put_str(&w, line);
	imsg_send(c->parent, PROC_LOG, 0, -1, &w, NULL);
	wbuf_free(&w);
	if (level == LOG_LEVEL_FATAL)
		(void)imsg_flush(c->parent, FATAL_FLUSH_MS);
}

static void
dispatch(struct imsgbuf *ib, struct imsg *m, void *arg)
{
	struct child *c = arg;
	uint32_t v;

	(void)ib;
	switch (m->type) {
	case CONF_START:
		if (c->ops->conf(&m->rd, c->arg) == -1)
			fatalx("bad CONF_START");
		break;
	case CONF_DROP:
		take_drop(c, m);
		break;
	case CONF_LISTEN:
		v = get_u32(&m->rd);
		if (c->ops->listen == NULL)
			fatalx("unexpected CONF_LISTEN");
		c->ops->listen((enum listen_kind)v, m->fd, c->arg);
		break;
	case CONF_PEER:
		v = get_u32(&m->rd);
		c->ops->peer((enum proc_id)v, m->fd, c->arg);
		break;
	case CONF_END:
		c->ops->start(c->arg);
		break;
	case PROC_SHUTDOWN:
		c->ops->shutdown(c->arg);
		break;
	case PROC_PING:
		pong(c);
		break;
	case PROC_LEVEL:
		v = get_u8(&m->rd);
		if (v > LOG_LEVEL_DEBUG)
			fatalx("bad PROC_LEVEL");
		log_set_level((enum log_level)v);
		break;
	case PROC_STATS:
		if (c->ops->stats != NULL)
			c->ops->stats(c->arg);
		usage_log();
		break;
	case PROC_USAGE:
		tell_usage(c);
		break;
	default:
		if (c->ops->other == NULL)
			fatalx("unexpected %s from the parent",
			    imsg_name(m->type));
		c->ops->other(m, c->arg);
	}
}

static void
take_drop(struct child *c, struct imsg *m)
{
	if (c->drop != NULL)
		fatalx("unexpected CONF_DROP");
	c->drop = xcalloc(1, sizeof(*c->drop));
	if (privdrop_get(&m->rd, c->drop) == -1)
		fatalx("bad CONF_DROP");
}

int
child_drop(struct child *c)
{
	int moved;

	if (c->drop == NULL)
		return 0;
	privdrop_enter(c->drop);
	moved = c->drop->root[0] != '\0';
	free(c->drop);
	c->drop = NULL;
	return moved;
}

/* From the event loop: whoever is stuck in a function does not answer. */
static void
pong(struct child *c)
{
	struct wbuf w = { 0 };

	put_u32(&w, c->ops->clients != NULL ? c->ops->clients(c->arg) : 0);
	child_send(c, PROC_PONG, 0, &w);
	wbuf_free(&w);
}

static void
tell_usage(struct child *c)
{
	struct wbuf w = { 0 };
	struct usage u;

	usage_get(&u);
	usage_put(&w, &u);
	child_send(c, PROC_USED, 0, &w);
	wbuf_free(&w);
}

static void
parent_gone(struct imsgbuf *ib, int err, void *arg)
{
	struct child *c = arg;

	(void)err;
	c->parent = NULL;
	imsg_free(ib);
	c->ops->shutdown(c->arg);
}

void
child_ready(struct child *c)
{
	struct wbuf w = { 0 };

	put_u32(&w, (uint32_t)geteuid());
	put_u32(&w, sandbox_layers());
	child_send(c, PROC_READY, 0, &w);
	wbuf_free(&w);
}

void
child_tell(struct child *c, enum imsg_type type)
{
	child_send(c, type, 0, NULL);
}

void
child_send(struct child *c, enum imsg_type type, uint32_t id,
    const struct wbuf *w)
{
	if (c->parent != NULL)
		imsg_send(c->parent, type, id, -1, w, NULL);
}

void
child_stop_hub(struct child *c, const char *why)
{
	struct wbuf w = { 0 };

	put_str(&w, why);
	child_send(c, PROC_STOP, 0, &w);
	wbuf_free(&w);
}
