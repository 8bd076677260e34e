/* SPDX-License-Identifier: ISC */
/*
 * Could the links of the configuration be made?  Each step of each link is
 * tried as the hub would do it, and said in one line.
 */
#include "compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probe.h"
#include "conf.h"
#include "hello.h"
#include "log.h"
#include "psk.h"
#include "timeutil.h"

#define WAIT_MS		5000
#define CLOCK_MS	60000		/* so far apart is not worth a word */

struct check {
	struct conf	 conf;
	struct psk	*psk;
	int		 failed, utf8;
};

enum verdict { GOOD, BAD, NOTE };

static void	say(struct check *, enum verdict, const char *, const char *,
		    ...) __attribute__((__format__(printf, 4, 5)));
static int	configuration(struct check *, const char *);
static void	listener(struct check *);
static void	peer(struct check *, const struct lan_peer *);
static int	dial(struct check *, const struct lan_peer *);
static int	reach(const struct addrinfo *);
static void	shake(struct check *, const struct lan_peer *, int);
static void	queue(const void *, size_t, void *);
static int	handshake(struct tls *, int, struct wbuf *);
static int	ask(struct check *, struct tls *, int, struct wbuf *,
		    struct hello *);
static int	flush(int, struct wbuf *);
static ssize_t	more(struct tls *, int);
static void	compare_clocks(struct check *, const struct lan_peer *,
		    int64_t);

int
probe_main(const char *file, int argc, char **argv)
{
	struct check c = { .failed = 0 };
	const struct lan_peer *p;
	uint32_t i;
	int a;

	setlocale(LC_CTYPE, "");
	c.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_WARN);
	if (configuration(&c, file) == -1) {
		conf_links_free(&c.conf);
		return 1;
	}
	if (lan_wanted(&c.conf.lan)) {
		c.psk = psk_new(c.conf.lan.secret, c.conf.hub_id);
		listener(&c);
	}
	for (a = 0; a < argc; a++) {
		if ((p = lan_peer_find(&c.conf.lan, argv[a])) != NULL)
			peer(&c, p);
		else
			say(&c, BAD, argv[a], "is no peer in the "
			    "configuration");
	}
	for (i = 0; i < c.conf.lan.npeers && argc == 0; i++)
		peer(&c, &c.conf.lan.peers[i]);
	for (i = 0; i < c.conf.relays.n && argc == 0; i++)
		say(&c, NOTE, "relay", "%s: hubctl show links says how it is",
		    c.conf.relays.relays[i].url);
	psk_free(c.psk);
	conf_links_free(&c.conf);
	return c.failed;
}

static void
say(struct check *c, enum verdict v, const char *what, const char *fmt, ...)
{
	static const char *const marks[][2] = {
		[GOOD] = { "ok   ", "\xe2\x9c\x93" },
		[BAD] = { "WRONG", "\xe2\x9c\x97" },
		[NOTE] = { "note ", "-" },
	};
	va_list ap;

	if (v == BAD)
		c->failed = 1;
	printf("%s %s: ", marks[v][c->utf8], what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static int
configuration(struct check *c, const char *file)
{
	conf_defaults(&c->conf);
	if (conf_load(file, 1, &c->conf) == -1 || c->conf.bad_links != 0) {
		say(c, BAD, "configuration", "see above");
		return -1;
	}
	if (!conf_links_wanted(&c->conf)) {
		say(c, BAD, "configuration", "there are no links in %s: "
		    "hubd.conf(5) says how to write them", c->conf.file[0] !=
		    '\0' ? c->conf.file : "it, and no file at all");
		return -1;
	}
	say(c, GOOD, "configuration", "%s, as hub %s", c->conf.file,
	    c->conf.hub_id);
	return 0;
}

/* Of the hub that should be running here. */
static void
listener(struct check *c)
{
	const struct lan_conf *lan = &c->conf.lan;
	struct addrinfo hints = { 0 }, *ai;
	char service[16], what[32];
	int fd;

	if (lan->port == 0) {
		say(c, NOTE, "listener", "none: this hub only calls others");
		return;
	}
	snprintf(what, sizeof(what), "port %u", lan->port);
	snprintf(service, sizeof(service), "%u", lan->port);
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(strcmp(lan->address, "*") == 0 ||
	    strcmp(lan->address, "0.0.0.0") == 0 ||
	    strcmp(lan->address, "::") == 0 ? "127.0.0.1" : lan->address,
	    service, &hints, &ai) != 0) {
		say(c, BAD, what, "%s is not an address", lan->address);
		return;
	}
	fd = reach(ai);
	if (fd != -1) {
		say(c, GOOD, what, "somebody listens here");
		close(fd);
	} else {
		say(c, BAD, what, "nobody listens here (%s): start the hub, "
		    "or hubctl reload if it was running before this was "
		    "configured", strerror(errno));
	}
	freeaddrinfo(ai);
}

static void
peer(struct check *c, const struct lan_peer *p)
{
	int fd;

	if (p->host[0] == '\0') {
		say(c, NOTE, p->hub_id, "has no host here: it calls this hub");
		return;
	}
	if ((fd = dial(c, p)) == -1)
		return;
	if (p->plaintext)
		say(c, NOTE, p->hub_id, "is in plaintext: no more can be "
		    "tried without being a link");
	else
		shake(c, p, fd);
	close(fd);
}

/* Name and TCP. */
static int
dial(struct check *c, const struct lan_peer *p)
{
	struct addrinfo hints = { 0 }, *list, *ai;
	char service[16], text[LAN_ADDRESS_SIZE];
	int e, fd = -1;

	hints.ai_socktype = SOCK_STREAM;
	snprintf(service, sizeof(service), "%u", p->port);
	if ((e = getaddrinfo(p->host, service, &hints, &list)) != 0) {
		say(c, BAD, p->hub_id, "name %s: %s: correct it, or write "
		    "the address", p->host, gai_strerror(e));
		return -1;
	}
	for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next) {
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text,
		    sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			strlcpy(text, "?", sizeof(text));
		if (strcmp(text, p->host) != 0)
			say(c, GOOD, p->hub_id, "name %s: %s", p->host, text);
		if ((fd = reach(ai)) != -1)
			say(c, GOOD, p->hub_id, "TCP to %s port %u", text,
			    p->port);
		else
			say(c, ai->ai_next != NULL ? NOTE : BAD, p->hub_id,
			    "TCP to %s port %u: %s: is the hub running there, "
			    "with a listener at that port, and no firewall in "
			    "between?", text, p->port, strerror(errno));
	}
	freeaddrinfo(list);
	return fd;
}

/* A connected socket, or -1 with errno. */
static int
reach(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int fl, e = 0;

	if (fd == -1)
		return -1;
	if ((fl = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
	    (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1 &&
	    errno != EINPROGRESS))
		e = errno;
	else if (poll(&pfd, 1, WAIT_MS) == 0)
		e = ETIMEDOUT;
	else
		(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len);
	if (e == 0)
		return fd;
	close(fd);
	errno = e;
	return -1;
}

static void
shake(struct check *c, const struct lan_peer *p, int fd)
{
	struct wbuf out = { 0 };
	struct tls *t = psk_call(c->psk, p->hub_id, queue, &out);
	struct hello h;
	int r = handshake(t, fd, &out);

	if (r == 1 && errno == ETIMEDOUT)
		say(c, BAD, p->hub_id, "TLS: no answer within %d seconds: "
		    "is that a hub, and is it not stopped?", WAIT_MS / 1000);
	else if (r == 1)
		say(c, BAD, p->hub_id, "TLS: the other end closed at once: "
		    "it is no hub of ours, or too many wrong secrets have "
		    "come from here: wait a minute");
	else if (r == -1)
		say(c, BAD, p->hub_id, "TLS: the secret is not the same there, "
		    "or it is another hub than \"%s\"", p->hub_id);
	else {
		say(c, GOOD, p->hub_id, "TLS 1.3: the secret is the same");
		if (ask(c, t, fd, &out, &h) == -1)
			say(c, BAD, p->hub_id, "handshake: no answer: does "
			    "another hub use the id \"%s\" of this one?",
			    c->conf.hub_id);
		else if (strcmp(h.hub_id, p->hub_id) != 0)
			say(c, BAD, p->hub_id, "handshake: that is hub %s",
			    h.hub_id);
		else {
			say(c, GOOD, p->hub_id, "handshake");
			compare_clocks(c, p, h.now);
		}
	}
	tls_free(t);
	wbuf_free(&out);
}

static void
queue(const void *p, size_t n, void *arg)
{
	wbuf_add(arg, p, n);
}

/* Sends what TLS has to send; -1 if it cannot. */
static int
flush(int fd, struct wbuf *out)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	size_t done = 0;
	ssize_t n;

	while (done < out->len) {
		if (poll(&pfd, 1, WAIT_MS) != 1 || (n = send(fd,
		    wbuf_data(out) + done, out->len - done, 0)) == -1)
			return -1;
		done += (size_t)n;
	}
	wbuf_reset(out);
	return 0;
}

/* Gives TLS what has come; 0 at the end, -1 if nothing comes. */
static ssize_t
more(struct tls *t, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	static char buf[16384];		/* read before the next call */
	ssize_t n;

	if (poll(&pfd, 1, WAIT_MS) != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	errno = 0;
	n = recv(fd, buf, sizeof(buf), 0);
	if (n > 0)
		tls_feed(t, buf, (size_t)n);
	return n;
}

/* 0; 1 if the other end only closed; -1 if it did not like the key. */
static int
handshake(struct tls *t, int fd, struct wbuf *out)
{
	char byte;

	while (tls_read(t, &byte, 0) != -1 && !tls_done(t)) {
		if (flush(fd, out) == -1 || more(t, fd) <= 0)
			return 1;
	}
	(void)flush(fd, out);
	return psk_proved(t) ? 0 : -1;
}

static int
ask(struct check *c, struct tls *t, int fd, struct wbuf *out,
    struct hello *h)
{
	struct hello mine = { .check = 1, .now = time_now_ms() };
	struct wbuf w = { 0 }, in = { 0 };
	const char *nl = NULL, *wrong = "no answer";
	ssize_t n;

	strlcpy(mine.hub_id, c->conf.hub_id, sizeof(mine.hub_id));
	hello_put(&w, &mine);
	if (tls_write(t, wbuf_data(&w), w.len) == 0 && flush(fd, out) == 0) {
		while (nl == NULL && in.len < HELLO_MAX) {
			n = tls_read(t, wbuf_room(&in, 16384), 16384);
			if (n == -1 || (n == 0 && more(t, fd) <= 0))
				break;
			in.len += (size_t)n;
			nl = memchr(wbuf_data(&in), '\n', in.len);
		}
	}
	if (nl != NULL)
		wrong = welcome_get(h, wbuf_data(&in),
		    (size_t)(nl - wbuf_data(&in)));
	wbuf_free(&w);
	wbuf_free(&in);
	return wrong == NULL ? 0 : -1;
}

static void
compare_clocks(struct check *c, const struct lan_peer *p, int64_t theirs)
{
	int64_t diff = theirs - time_now_ms();

	if (theirs == 0)
		return;
	if (diff >= -CLOCK_MS && diff <= CLOCK_MS)
		say(c, GOOD, p->hub_id, "clock");
	else
		say(c, NOTE, p->hub_id, "its clock is %" PRId64 " s %s: times "
		    "of messages will look strange", (diff < 0 ? -diff :
		    diff) / 1000, diff < 0 ? "behind" : "ahead");
}
