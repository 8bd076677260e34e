/* SPDX-License-Identifier: ISC */
/*
 * Tests of proxies: which one is used for which host, what is asked of it, and
 * what becomes of its answers.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../relayd/proxy.h"
#include "test.h"

#define ANSWER_MAX	8192

/* What proxy_find() is to say: its answer, and where and who. */
struct found {
	const char	*proxy, *no_proxy, *url;
	int		 answer;
	const char	*host;
	uint32_t	 port;
	const char	*user;
};

static const struct found table[] = {
	{ "", "", "wss://r/", 0, "", 0, "" },
	{ "http://p:3128", "", "wss://r/", 1, "p", 3128, "" },
	{ "http://p:3128/", "", "wss://r/", 1, "p", 3128, "" },
	{ "p:3128", "", "wss://r/", 1, "p", 3128, "" },
	{ "p", "", "wss://r/", 1, "p", 80, "" },
	{ "HTTP://p.example", "", "wss://r/", 1, "p.example", 80, "" },
	{ "http://10.0.0.1:65535", "", "wss://r/", 1, "10.0.0.1", 65535, "" },
	{ "http://[::1]:8080", "", "wss://r/", 1, "::1", 8080, "" },
	{ "[fe80::1]", "", "wss://r/", 1, "fe80::1", 80, "" },
	/* what is none */
	{ "http://", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://:80", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://p:", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://p:0", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://p:65536", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://p:99999999999999999999", "", "wss://r/", -1, NULL, 0,
	    NULL },
	{ "http://p:80x", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://[::1", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://[]", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://a b", "", "wss://r/", -1, NULL, 0, NULL },
	{ "https://p:3128", "", "wss://r/", -1, NULL, 0, NULL },
	{ "socks5://p:1080", "", "wss://r/", -1, NULL, 0, NULL },
	/* but it does not matter where it is not used */
	{ "socks5://p:1080", "*", "wss://r/", 0, "", 0, "" },
	/* who we are */
	{ "http://me:pw@p:1", "", "wss://r/", 1, "p", 1, "me:pw" },
	{ "http://me@p", "", "wss://r/", 1, "p", 80, "me" },
	{ "me:pw@p:1", "", "wss://r/", 1, "p", 1, "me:pw" },
	{ "http://m%3Ae:p%40%2f%25@p", "", "wss://r/", 1, "p", 80,
	    "m:e:p@/%" },
	{ "http://p/@x", "", "wss://r/", 1, "p", 80, "" },
	{ "http://me:100%@p", "", "wss://r/", 1, "p", 80, "me:100%" },
	{ "http://me:%4@p", "", "wss://r/", 1, "p", 80, "me:%4" },
	{ "http://me:%zz@p", "", "wss://r/", 1, "p", 80, "me:%zz" },
	{ "http://me:a%00b@p", "", "wss://r/", -1, NULL, 0, NULL },
	{ "http://@p", "", "wss://r/", 1, "p", 80, "" },
	/* who is not reached by it */
	{ "p", "*", "wss://r/", 0, "", 0, "" },
	{ "p", "r", "wss://r/", 0, "", 0, "" },
	{ "p", "R.Example", "wss://r.exAMple:99/", 0, "", 0, "" },
	{ "p", "example", "wss://r.example/", 0, "", 0, "" },
	{ "p", ".example", "wss://r.example/", 0, "", 0, "" },
	{ "p", ".example", "wss://example/", 0, "", 0, "" },
	{ "p", "a,, b\t,r.example ,c", "wss://r.example/", 0, "", 0, "" },
	{ "p", " example", "wss://a.b.example/", 0, "", 0, "" },
	{ "p", "10.0.0.1", "wss://10.0.0.1/", 0, "", 0, "" },
	{ "p", "::1", "wss://[::1]/", 0, "", 0, "" },
	{ "p", "example", "wss://badexample/", 1, "p", 80, "" },
	{ "p", "r.example", "wss://example/", 1, "p", 80, "" },
	{ "p", "r.example.org", "wss://r.example/", 1, "p", 80, "" },
	{ "p", "exampl", "wss://example/", 1, "p", 80, "" },
	{ "p", "**", "wss://r/", 1, "p", 80, "" },
	{ "p", ".", "wss://r/", 1, "p", 80, "" },
	{ "p", ",", "wss://r/", 1, "p", 80, "" },
	{ "p", " , ,", "wss://r/", 1, "p", 80, "" },
	{ "p", "0.0.1", "wss://110.0.0.1/", 1, "p", 80, "" },
};

static void
check(const struct found *f, int tls)
{
	static struct uplink_conf c;
	struct proxy_addr a;
	struct wsurl to;
	int r;

	memset(&c, 0, sizeof(c));
	/* the other kind's is never used */
	strlcpy(tls ? c.https_proxy : c.http_proxy, f->proxy,
	    sizeof(c.http_proxy));
	strlcpy(tls ? c.http_proxy : c.https_proxy, "http://wrong:1",
	    sizeof(c.http_proxy));
	strlcpy(c.no_proxy, f->no_proxy, sizeof(c.no_proxy));
	want(wsurl_parse(f->url, &to) == 0, "%s", f->url);
	to.tls = tls;
	r = proxy_find(&c, &to, &a);
	want(r == f->answer, "\"%s\" but \"%s\" for %s: %d", f->proxy,
	    f->no_proxy, f->url, r);
	if (r == -1)
		return;
	want(strcmp(a.host, f->host) == 0 && a.port == f->port &&
	    strcmp(a.user, f->user) == 0, "\"%s\" for %s: %s, %u, %s",
	    f->proxy, f->url, a.host, a.port, a.user);
}

START_TEST(finding)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		check(&table[i], 1);
		check(&table[i], 0);
	}
}
END_TEST

/* What is too long is none, wherever it is too long. */
START_TEST(long_ones)
{
	struct found f = { .no_proxy = "", .url = "wss://r/", .answer = -1 };
	char *host = t_fill('h', WSURL_HOST_SIZE);
	char *user = t_fill('u', 256), text[UPLINK_PROXY_SIZE];

	f.proxy = host;
	check(&f, 1);
	snprintf(text, sizeof(text), "http://%s@p", user);
	f.proxy = text;
	check(&f, 1);
	user[255] = '\0';
	snprintf(text, sizeof(text), "http://%s@p", user);
	f.answer = 1;
	f.host = "p";
	f.port = 80;
	f.user = user;
	check(&f, 1);
	host[WSURL_HOST_SIZE - 1] = '\0';
	f.proxy = f.host = host;
	f.user = "";
	check(&f, 1);
	free(host);
	free(user);
}
END_TEST

/* What has come of a proxy. */
struct outcome {
	int	 done, fd;
	char	 why[256];
};

static void
on_done(int fd, const char *why, void *arg)
{
	struct outcome *o = arg;

	o->done++;
	o->fd = fd;
	strlcpy(o->why, why != NULL ? why : "", sizeof(o->why));
}

/* Asks a proxy for that URL's host; into ask, what it is asked. */
static struct proxy *
begin(struct event_base *base, int pair[2], const char *url,
    const char *user, struct outcome *o, char *ask, size_t size)
{
	struct proxy_addr a = { .host = "p", .port = 80 };
	struct proxy *x;
	struct wsurl to;
	ssize_t n;

	memset(o, 0, sizeof(*o));
	want(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	want(wsurl_parse(url, &to) == 0, "%s", url);
	strlcpy(a.user, user, sizeof(a.user));
	x = proxy_connect(base, pair[0], &a, &to, on_done, o);
	event_base_loop(base, EVLOOP_NONBLOCK);
	n = recv(pair[1], ask, size - 1, MSG_DONTWAIT);
	want(n > 0, "nothing is asked");
	ask[n] = '\0';
	want(o->done == 0, "done already");
	return x;
}

static void
asks(const char *url, const char *user, const char *expected)
{
	struct event_base *base = event_base_new();
	struct outcome o;
	char ask[1024];
	int pair[2];

	proxy_free(begin(base, pair, url, user, &o, ask, sizeof(ask)));
	want(strcmp(ask, expected) == 0, "asked \"%s\"", ask);
	want(o.done == 0, "done is called");
	close(pair[1]);
	event_base_free(base);
}

START_TEST(asking)
{
	asks("wss://r.example:443/path", "",
	    "CONNECT r.example:443 HTTP/1.1\r\nHost: r.example:443\r\n\r\n");
	asks("ws://[::1]:9800/", "me:pw",
	    "CONNECT [::1]:9800 HTTP/1.1\r\nHost: [::1]:9800\r\n"
	    "Proxy-Authorization: Basic bWU6cHc=\r\n\r\n");
}
END_TEST

/*
 * The proxy sends that, step bytes at a time, and closes if it is to; why is
 * in what is said then, "": it has worked, and the socket is good.
 */
static void
answered(const char *text, size_t step, int closes, const char *why)
{
	struct event_base *base = event_base_new();
	size_t i, n, len = strlen(text);
	struct outcome o;
	char ask[1024];
	int pair[2];

	(void)begin(base, pair, "ws://r:1/", "", &o, ask, sizeof(ask));
	for (i = 0; i < len && !o.done; i += n) {
		n = len - i < step ? len - i : step;
		want(send(pair[1], text + i, n, MSG_NOSIGNAL) == (ssize_t)n,
		    "send");
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	if (closes) {
		close(pair[1]);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	want(o.done == 1, "\"%.40s\": done %d times", text, o.done);
	want(why[0] != '\0' ? o.fd == -1 && strstr(o.why, why) != NULL :
	    o.fd != -1 && o.why[0] == '\0', "\"%.40s\": %s", text, o.why);
	if (o.fd != -1) {
		want(send(pair[1], "x", 1, 0) == 1 &&
		    recv(o.fd, ask, 1, 0) == 1 && ask[0] == 'x',
		    "what follows is not there");
		close(o.fd);
	}
	if (!closes)
		close(pair[1]);
	event_base_free(base);
}

START_TEST(answers)
{
	static const char *const good[] = {
		"HTTP/1.1 200 Connection established\r\n\r\n",
		"HTTP/1.0 200 OK\r\nVia: x\r\n\r\n",
		"HTTP/1.1 299\r\n\r\n",
	};
	static const struct {
		const char	*text, *why;
	} bad[] = {
		{ "HTTP/1.1 407 Who are you?\r\nX: y\r\n\r\n", "status 407" },
		{ "HTTP/1.1 503\r\n\r\n", "status 503" },
		{ "HTTP/1.1 102 wait\r\n\r\n", "status 102" },
		{ "HTTP/2 200\r\n\r\n", "does not speak HTTP" },
		{ "HTTP/1.1\r\n\r\n", "does not speak HTTP" },
		{ "HTTP/1.1 2\r\n\r\n", "does not speak HTTP" },
		{ "HTTP/1.1 2xx\r\n\r\n", "does not speak HTTP" },
		{ "HTTP/1.12200 OK\r\n\r\n", "does not speak HTTP" },
		{ "\r\n\r\n", "does not speak HTTP" },
		{ "220 smtp.example ESMTP\r\n\r\n", "does not speak HTTP" },
	};
	char *much = t_fill('x', ANSWER_MAX + 1);
	size_t i, step;

	for (step = 1; step <= ANSWER_MAX; step *= 64) {
		for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			answered(good[i], step, 0, "");
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			answered(bad[i].text, step, 0, bad[i].why);
	}
	answered(much, ANSWER_MAX + 1, 0, "too long");
	answered("HTTP/1.1 200 OK\r\n", 1, 1, "closed by the proxy");
	answered("", 1, 1, "closed by the proxy");
	free(much);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("proxy");

	(void)argc;
	test_add(s, finding, 10);
	test_add(s, long_ones, 10);
	test_add(s, asking, 10);
	test_add(s, answers, 10);
	return test_main(argv[0], s);
}
