/* SPDX-License-Identifier: ISC */
/*
 * The children of a hub's parent.
 */
#include "compat.h"

#include <sys/wait.h>

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "backoff.h"
#include "child.h"
#include "conf.h"
#include "hubkey.h"
#include "json.h"
#include "kidconf.h"
#include "kids.h"
#include "listeners.h"
#include "log.h"
#include "paths.h"
#include "privdrop.h"
#include "proc.h"
#include "proclist.h"
#include "sandbox.h"
#include "timeutil.h"
#include "unixsock.h"
#include "watchdog.h"

/* that long alive, and the next restart is soon again */
#define GOOD_MS		60000

static const struct kid_row rows[KIDS] = {
	[KID_ROUTER] = { "hubd", "-x", "router", PROC_ROUTER, 0, ROOT_EMPTY,
	    LISTENS_AT(LISTEN_SESSIONS) | LISTENS_AT(LISTEN_CTL) |
	    LISTENS_AT(LISTEN_WS) | LISTENS_AT(LISTEN_WS_OTHER),
	    kidconf_router },
	[KID_STORE] = { "hubd", "-x", "store", PROC_STORE, 0, ROOT_DATA, 0,
	    kidconf_store },
	[KID_BRIDGED] = { "bridged", "-x", "bridged", PROC_BRIDGED, 1,
	    ROOT_EMPTY, LISTENS_AT(LISTEN_LAN), kidconf_bridged },
	[KID_UPLINK] = { "relayd", "-u", "uplink", PROC_UPLINK, 1,
	    ROOT_EMPTY, 0, kidconf_uplink },
	/* getaddrinfo(3) reads /etc, and loads what that names */
	[KID_RESOLVER] = { "hubd", "-x", "resolver", PROC_RESOLVER, 1,
	    ROOT_SAME, 0, kidconf_resolver },
};

struct kids {
	struct event_base	*base;
	struct conf		*conf;
	const struct listeners	*listeners;
	const struct privdrop	*user;		/* NULL: as the parent */
	struct watchdog		*watchdog;
	const struct imsg_ops	*ops;
	struct kid		 all[KIDS];
	int			 lock, stopping;
	int			 pairing;	/* wants the uplink */
};

static int	start(struct kids *, int);
static void	configure(struct kids *, int);
static void	configured(struct kids *, int);
static void	introduce(struct kids *, int, int);
static const char	*root_of(const struct kid *);
static void	drop(struct kid *);
static void	watch(struct kid *);
static void	try_later(struct kid *);
static int	wanted(const struct kids *, int);
static void	want(struct kids *, int);
static void	dismiss(struct kids *, int);
static void	start_carrier(struct kids *, int);
static void	start_resolver(struct kids *);
static int	load_key(struct kids *);
static void	on_again(evutil_socket_t, short, void *);

struct kids *
kids_new(struct event_base *base, struct conf *conf,
    const struct privdrop *user, int lock, const struct listeners *listeners,
    struct watchdog *watchdog,
    const struct imsg_ops *ops, void *arg)
{
	struct kids *ks = xcalloc(1, sizeof(*ks));
	struct kid *k;
	int i;

	ks->base = base;
	ks->conf = conf;
	ks->user = user;
	ks->watchdog = watchdog;
	ks->ops = ops;
	ks->lock = lock;
	ks->listeners = listeners;
	for (i = 0; i < KIDS; i++) {
		k = &ks->all[i];
		k->kids = ks;
		k->row = &rows[i];
		k->arg = arg;
		if ((k->again = evtimer_new(base, on_again, k)) == NULL)
			fatalx("evtimer_new");
	}
	return ks;
}

void
kids_free(struct kids *ks)
{
	struct kid *k;
	int i, status;

	for (i = 0; i < KIDS; i++) {
		k = &ks->all[i];
		if (k->pid != 0) {
			(void)kill(k->pid, SIGKILL);
			(void)waitpid(k->pid, &status, 0);
		}
	}
	for (i = 0; i < KIDS; i++) {
		imsg_free(ks->all[i].ib);
		event_free(ks->all[i].again);
	}
	free(ks);
}

struct kid *
kids_get(struct kids *ks, int which)
{
	return &ks->all[which];
}

struct kid *
kids_of_pid(struct kids *ks, pid_t pid)
{
	int i;

	for (i = 0; i < KIDS; i++) {
		if (ks->all[i].pid == pid)
			return &ks->all[i];
	}
	return NULL;
}

/* -1 with errno: there is no such program. */
static int
start(struct kids *ks, int which)
{
	static char path[CONF_PATH_MAX];
	struct kid *k = &ks->all[which];
	char option[4], name[16], *argv[4];
	int fds[2];

	if (paths_program(k->row->program, path, sizeof(path)) == -1)
		return -1;
	if (unix_pair(fds) == -1)
		fatal("socketpair");
	strlcpy(option, k->row->option, sizeof(option));
	strlcpy(name, k->row->role, sizeof(name));
	argv[0] = path;
	argv[1] = option;
	argv[2] = name;
	argv[3] = NULL;
	k->ready = 0;
	k->started = time_mono_ms();
	k->began = time_now_ms();
	k->pid = proc_start(argv, fds[1], ks->lock);
	close(fds[1]);
	k->ib = imsg_new(ks->base, fds[0], PROC_PARENT, k->row->id, ks->ops,
	    k);
	watch(k);
	drop(k);
	return 0;
}

/* "" is that of the parent. */
static const char *
root_of(const struct kid *k)
{
	if (k->kids->user == NULL || k->row->root == ROOT_SAME)
		return "";
	return k->row->root == ROOT_DATA ? k->kids->conf->data :
	    ECORELAY_EMPTYDIR;
}

static void
drop(struct kid *k)
{
	struct wbuf w = { 0 };
	struct privdrop d;

	if (k->kids->user == NULL)
		return;
	d = *k->kids->user;
	if (strlcpy(d.root, root_of(k), sizeof(d.root)) >= sizeof(d.root))
		fatalx("%s is too long for a root directory", root_of(k));
	privdrop_put(&w, &d);
	imsg_send(k->ib, CONF_DROP, 0, -1, &w, NULL);
	wbuf_free(&w);
}

/* All that it is to know but who else is there; configured() follows. */
static void
configure(struct kids *ks, int which)
{
	struct kid *k = &ks->all[which];
	unsigned kind;
	int fd;

	k->row->conf(k->ib, ks->conf);
	for (kind = 0; kind < LISTENERS; kind++) {
		fd = ks->listeners->fds[kind];
		if (!(k->row->listens & LISTENS_AT(kind)) || fd == -1)
			continue;
		if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
			log_warn("a listener");
		else
			kid_send_u32(k, CONF_LISTEN, kind, fd);
	}
}

static void
configured(struct kids *ks, int which)
{
	struct kid *k = &ks->all[which];

	imsg_send(k->ib, CONF_END, 0, -1, NULL, NULL);
	k->busy = 1;
}

void
kids_start(struct kids *ks)
{
	if (start(ks, KID_ROUTER) == -1 || start(ks, KID_STORE) == -1)
		fatal("hubd");
	configure(ks, KID_ROUTER);
	configure(ks, KID_STORE);
	introduce(ks, KID_ROUTER, KID_STORE);
	configured(ks, KID_ROUTER);
	configured(ks, KID_STORE);
}

/* Two of them get the ends of a socketpair, if both are there. */
static void
introduce(struct kids *ks, int one, int other)
{
	struct kid *a = &ks->all[one], *b = &ks->all[other];
	int fds[2];

	if (a->ib == NULL || b->ib == NULL)
		return;
	if (unix_pair(fds) == -1)
		fatal("socketpair");
	kid_send_u32(a, CONF_PEER, b->row->id, fds[0]);
	kid_send_u32(b, CONF_PEER, a->row->id, fds[1]);
}

/* The resolver waits for name servers as long as they take. */
static void
watch(struct kid *k)
{
	if (k->row->id != PROC_RESOLVER)
		watchdog_child(k->kids->watchdog, k->row->id, k->ib, k->pid,
		    k->row->optional);
}

/* It may be being replaced at this moment. */
static void
try_later(struct kid *k)
{
	struct timeval tv = time_tv(backoff_next(&k->backoff));

	evtimer_add(k->again, &tv);
}

static int
wanted(const struct kids *ks, int which)
{
	const struct conf *conf = ks->conf;

	switch (which) {
	case KID_BRIDGED:
		return lan_wanted(&conf->lan);
	case KID_UPLINK:
		return conf->relays.n > 0 || ks->pairing;
	default:
		return conf_links_wanted(conf) || ks->pairing;
	}
}

/* Unless it runs, or is to be started again in a moment. */
static void
want(struct kids *ks, int which)
{
	struct kid *k = &ks->all[which];

	if (k->pid != 0 || evtimer_pending(k->again, NULL))
		return;
	if (which == KID_RESOLVER)
		start_resolver(ks);
	else
		start_carrier(ks, which);
}

/* It may have been wanted up to now. */
static void
dismiss(struct kids *ks, int which)
{
	struct kid *k = &ks->all[which];

	event_del(k->again);
	if (k->pid == 0 || k->ending)
		return;
	k->ending = 1;
	log_info("no %s any more: no link needs it", k->row->role);
	if (k->ib != NULL)
		imsg_send(k->ib, PROC_SHUTDOWN, 0, -1, NULL, NULL);
	if (which == KID_RESOLVER)
		(void)kill(k->pid, SIGTERM);
}

/* The resolver comes first, and goes last. */
void
kids_links(struct kids *ks)
{
	int i;

	if (ks->stopping)
		return;
	if (conf_links_wanted(ks->conf) && load_key(ks) == -1)
		ks->conf->relays.n = 0;
	for (i = KID_RESOLVER; i >= KID_BRIDGED; i--) {
		if (wanted(ks, i))
			want(ks, i);
	}
	for (i = KID_BRIDGED; i <= KID_RESOLVER; i++) {
		if (!wanted(ks, i))
			dismiss(ks, i);
	}
}

/*
 * A link that is not wanted any more ends with that reason.  To the resolver,
 * which may be busy for long, all configurations are the same.
 */
void
kids_reload(struct kids *ks, int pairing)
{
	int i;

	ks->pairing = pairing;
	for (i = 0; i < KID_RESOLVER; i++) {
		if (ks->all[i].ib == NULL || ks->all[i].ending)
			continue;
		configure(ks, i);
		configured(ks, i);
	}
	kids_links(ks);
}

void
kids_reload_uplink(struct kids *ks)
{
	if (kids_uplink(ks) == NULL)
		return;
	configure(ks, KID_UPLINK);
	configured(ks, KID_UPLINK);
}

int
kids_busy(const struct kids *ks)
{
	int i;

	for (i = 0; i < KIDS; i++) {
		if (ks->all[i].busy)
			return 1;
	}
	return 0;
}

static int
load_key(struct kids *ks)
{
	struct conf *conf = ks->conf;

	if (!conf->has_key && hubkey_load(conf->data, conf->seed) == -1) {
		log_warnx("without a key of this hub's: no links by way of "
		    "relays");
		return -1;
	}
	conf->has_key = 1;
	return 0;
}

struct imsgbuf *
kids_uplink(struct kids *ks)
{
	struct kid *uplink = &ks->all[KID_UPLINK];

	if (uplink->ib == NULL && !ks->stopping && load_key(ks) == 0) {
		ks->pairing = 1;
		want(ks, KID_RESOLVER);
		want(ks, KID_UPLINK);
	}
	return uplink->ending ? NULL : uplink->ib;
}

static void
start_resolver(struct kids *ks)
{
	if (start(ks, KID_RESOLVER) == -1) {
		try_later(&ks->all[KID_RESOLVER]);
		return;
	}
	configure(ks, KID_RESOLVER);
	introduce(ks, KID_BRIDGED, KID_RESOLVER);
	introduce(ks, KID_UPLINK, KID_RESOLVER);
	configured(ks, KID_RESOLVER);
}

static void
start_carrier(struct kids *ks, int which)
{
	struct kid *k = &ks->all[which];

	if (start(ks, which) == -1) {
		log_warnx("%s is not installed: no links %s", k->row->program,
		    which == KID_UPLINK ? "by way of relays" :
		    "to other hubs of the LAN");
		try_later(k);
		return;
	}
	configure(ks, which);
	introduce(ks, KID_ROUTER, which);
	introduce(ks, which, KID_RESOLVER);
	configured(ks, which);
}

static void
on_again(evutil_socket_t fd, short ev, void *arg)
{
	struct kid *k = arg;

	(void)fd;
	(void)ev;
	if (!k->kids->stopping)
		want(k->kids, (int)(k->row - rows));
}

void
kid_again(struct kid *k, int status)
{
	char how[64];

	k->busy = 0;
	kid_disconnect(k);
	if (k->ending) {
		/* it may be wanted again by now */
		k->ending = 0;
		kids_links(k->kids);
		return;
	}
	if (time_mono_ms() - k->started >= GOOD_MS)
		k->backoff = 0;
	log_warnx("%s %s: it is started again", k->row->role,
	    proc_exit(status, how, sizeof(how)));
	k->restarts++;
	try_later(k);
}

void
kid_disconnect(struct kid *k)
{
	imsg_free(k->ib);
	k->ib = NULL;
	watch(k);
}

void
kid_kill(struct kid *k)
{
	if (k->pid != 0)
		(void)kill(k->pid, SIGKILL);
}

struct kid *
kids_stop_next(struct kids *ks)
{
	struct kid *k;
	int i;

	ks->stopping = 1;
	for (i = 0; i < KIDS; i++) {
		k = &ks->all[i];
		if (k->pid == 0)
			continue;
		if (k->ib != NULL)
			imsg_send(k->ib, PROC_SHUTDOWN, 0, -1, NULL, NULL);
		/* the resolver may be waiting for a name server */
		if (k->row->optional)
			(void)kill(k->pid, SIGTERM);
		return k;
	}
	return NULL;
}

int
kids_ready(struct kids *ks)
{
	int i;

	for (i = 0; i < KIDS; i++) {
		if (!ks->all[i].ready && !rows[i].optional)
			return 0;
	}
	return 1;
}

void
kids_tell(struct kids *ks, enum imsg_type type)
{
	int i;

	for (i = 0; i < KIDS; i++) {
		if (ks->all[i].ib != NULL)
			imsg_send(ks->all[i].ib, type, 0, -1, NULL, NULL);
	}
}

void
kids_set_level(struct kids *ks, uint8_t level)
{
	struct wbuf w = { 0 };
	int i;

	ks->conf->log_level = level;
	log_set_level((enum log_level)level);
	put_u8(&w, level);
	for (i = 0; i < KIDS; i++) {
		if (ks->all[i].ib != NULL)
			imsg_send(ks->all[i].ib, PROC_LEVEL, 0, -1, &w, NULL);
	}
	wbuf_free(&w);
}

void
kids_list(struct kids *ks, struct wbuf *json)
{
	struct proc_info info = { "parent", getpid(), 1, 0, 0, "" };
	const struct kid *k;
	int i;

	info.uid = (uint32_t)geteuid();
	info.layers = sandbox_layers();
	json_begin(json, '[');
	proclist_put(json, &info);
	for (i = 0; i < KIDS; i++) {
		k = &ks->all[i];
		info = (struct proc_info){ k->row->role, k->pid, k->ready,
		    k->uid, k->layers, root_of(k) };
		if (k->pid != 0)
			proclist_put(json, &info);
	}
	json_end(json, ']');
}

void
kid_send_u32(struct kid *k, enum imsg_type type, uint32_t v, int fd)
{
	struct wbuf w = { 0 };

	put_u32(&w, v);
	imsg_send(k->ib, type, 0, fd, &w, NULL);
	wbuf_free(&w);
}
