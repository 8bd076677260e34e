/* SPDX-License-Identifier: ISC */
/*
 * Tests of the configuration of links by way of relays: URLs, tokens, and the
 * message in which it goes to the uplink.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "uplinkconf.h"

struct url {
	const char	*text;
	int		 tls;
	const char	*host;
	uint32_t	 port;
	const char	*path;
};

START_TEST(urls)
{
	static const struct url good[] = {
		{ "wss://r", 1, "r", 443, "/" },
		{ "ws://r", 0, "r", 80, "/" },
		{ "WSS://R.Example:9800/a/b?c=d", 1, "R.Example", 9800,
		    "/a/b?c=d" },
		{ "ws://[::1]:1", 0, "::1", 1, "/" },
		{ "wss://[::1]/x", 1, "::1", 443, "/x" },
		{ "wss://r?q", 1, "r", 443, "/?q" },
		{ "ws://10.0.0.1:65535/", 0, "10.0.0.1", 65535, "/" },
	};
	static const char *const bad[] = { "", "r", "http://r", "https://r",
	    "ws:/r", "ws://", "ws:///x", "ws://:1", "ws://r:", "ws://r:0",
	    "ws://r:65536", "ws://r:4294967297", "ws://r:1x", "ws://u@r",
	    "ws://u:p@r", "ws://r/#x", "ws://r#x", "ws://r/a b", "ws://[::1",
	    "ws://[]", "ws://[::1]x", "ws://r r", "ws://r\n", "ws://r/\r\n",
	    "ws://[a\r\nb: c]/" };
	struct uplink_relay r;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(&r, 0xff, sizeof(r));
		want(uplink_relay_url(&r, good[i].text) == NULL, "%s",
		    good[i].text);
		want(strcmp(r.url, good[i].text) == 0 &&
		    !r.at.tls == !good[i].tls && r.at.port == good[i].port &&
		    strcmp(r.at.host, good[i].host) == 0 &&
		    strcmp(r.at.path, good[i].path) == 0, "%s: %s, %u, %s",
		    good[i].text, r.at.host, r.at.port, r.at.path);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		want(uplink_relay_url(&r, bad[i]) != NULL, "\"%s\" is taken",
		    bad[i]);
		want(r.url[0] == '\0', "\"%s\" is set", bad[i]);
	}
}
END_TEST

START_TEST(long_urls)
{
	struct uplink_relay r;
	char *path = t_fill('p', UPLINK_URL_SIZE), url[UPLINK_URL_SIZE + 8];

	snprintf(url, sizeof(url), "ws://r/%s", path);
	want(uplink_relay_url(&r, url) != NULL, "too long");
	url[UPLINK_URL_SIZE] = '\0';
	want(uplink_relay_url(&r, url) != NULL, "one too long");
	url[UPLINK_URL_SIZE - 1] = '\0';
	want(uplink_relay_url(&r, url) == NULL, "not too long");
	want(strcmp(r.at.path, url + 6) == 0, "%s", r.at.path);
	free(path);
}
END_TEST

START_TEST(tokens)
{
	char *longest = t_fill('t', UPLINK_TOKEN_SIZE);
	struct uplink_relay r;

	want(uplink_relay_token(&r, "12345678", 8) == 0 &&
	    strcmp(r.token, "12345678") == 0, "8");
	want(uplink_relay_token(&r, "12345678 \r\n\t", 12) == 0 &&
	    strcmp(r.token, "12345678") == 0, "with white space");
	want(uplink_relay_token(&r, " 1234567\n", 9) == 0 &&
	    strcmp(r.token, " 1234567") == 0, "white space at its beginning");
	want(uplink_relay_token(&r, "1234567", 7) == -1, "7");
	want(uplink_relay_token(&r, "1234567\n\n\n", 10) == -1, "7 and lines");
	want(uplink_relay_token(&r, "", 0) == -1, "none");
	want(uplink_relay_token(&r, "\n\n\n\n\n\n\n\n\n", 9) == -1, "lines");
	want(uplink_relay_token(&r, "12345678\0x", 10) == -1, "with a NUL");
	want(uplink_relay_token(&r, longest, UPLINK_TOKEN_SIZE) == -1,
	    "too long");
	want(uplink_relay_token(&r, longest, UPLINK_TOKEN_SIZE - 1) == 0,
	    "not too long");
	free(longest);
}
END_TEST

START_TEST(relays)
{
	struct relays_conf c = { .n = 0 };
	struct uplink_relay r = { .unsealed = 0 };
	char url[32];
	uint32_t i;

	for (i = 0; i < UPLINK_RELAYS_MAX; i++) {
		snprintf(url, sizeof(url), "ws://r%u", i);
		want(uplink_relay_url(&r, url) == NULL &&
		    uplink_relay_add(&c, &r) == 0, "%s", url);
		want(uplink_relay_add(&c, &r) == -1, "%s again", url);
	}
	want(uplink_relay_url(&r, "ws://more") == NULL &&
	    uplink_relay_add(&c, &r) == -1, "more");
	want(c.n == UPLINK_RELAYS_MAX, "%u", c.n);
}
END_TEST

/* One relay, however it is spelt. */
START_TEST(same_relay)
{
	static const char *const same[] = {
		"wss://relay.example.org/", "wss://relay.example.org:443",
		"wss://RELAY.example.ORG:443/", "WSS://relay.example.org"
	};
	static const char *const others[] = {
		"ws://relay.example.org:443", "wss://relay.example.org:444",
		"wss://relay.example.com", "wss://relay.example.org/x",
		"wss://relay.example.org/X", "wss://relay.example.org/?x"
	};
	struct relays_conf c = { .n = 0 };
	struct uplink_relay r = { .unsealed = 0 };
	size_t i;

	want(uplink_relay_url(&r, "wss://relay.example.org") == NULL &&
	    uplink_relay_add(&c, &r) == 0, "the first");
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		want(uplink_relay_url(&r, same[i]) == NULL &&
		    uplink_relay_find(&c, &r.at) == &c.relays[0] &&
		    uplink_relay_add(&c, &r) == -1, "%s", same[i]);
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		want(uplink_relay_url(&r, others[i]) == NULL &&
		    uplink_relay_find(&c, &r.at) == NULL &&
		    uplink_relay_add(&c, &r) == 0, "%s", others[i]);
	}
}
END_TEST

static void
fill(struct uplink_conf *c, uint32_t nrelays)
{
	struct uplink_relay r;
	char text[32];
	uint32_t i;

	memset(c, 0, sizeof(*c));
	strlcpy(c->hub_id, "here", sizeof(c->hub_id));
	for (i = 0; i < sizeof(c->seed); i++)
		c->seed[i] = (unsigned char)(255 - i);
	strlcpy(c->https_proxy, "http://a", sizeof(c->https_proxy));
	strlcpy(c->http_proxy, "http://b", sizeof(c->http_proxy));
	strlcpy(c->no_proxy, "c,d", sizeof(c->no_proxy));
	c->log_level = 3;
	for (i = 0; i < nrelays; i++) {
		memset(&r, 0, sizeof(r));
		snprintf(text, sizeof(text), "ws%s://r%u/", i & 1 ? "s" : "",
		    i);
		want(uplink_relay_url(&r, text) == NULL, "%s", text);
		snprintf(text, sizeof(text), "token %u of all", i);
		want(uplink_relay_token(&r, text, strlen(text)) == 0, "%s",
		    text);
		if (i & 2)
			strlcpy(r.ca_file, "/a/file", sizeof(r.ca_file));
		r.unsealed = (i & 4) != 0;
		want(uplink_relay_add(&c->relays, &r) == 0, "%u", i);
	}
}

/* 0 or -1, of the first len bytes in a piece of memory of just that size. */
static int
get(const struct wbuf *w, size_t len, struct uplink_conf *c)
{
	char *copy = malloc(len > 0 ? len : 1);
	struct reader rd;
	int r;

	want(copy != NULL, "malloc");
	memcpy(copy, wbuf_data(w), len);
	reader_init(&rd, copy, len);
	r = uplink_conf_get(&rd, c);
	free(copy);
	return r;
}

START_TEST(message)
{
	static struct uplink_conf c, got;
	struct wbuf w = { 0 };
	const struct uplink_relay *a, *b;
	size_t len;
	uint32_t n, i;

	for (n = 0; n <= UPLINK_RELAYS_MAX; n++) {
		fill(&c, n);
		uplink_conf_put(&w, &c);
		want(get(&w, w.len, &got) == 0, "%u relays", n);
		want(strcmp(got.hub_id, "here") == 0 &&
		    memcmp(got.seed, c.seed, sizeof(c.seed)) == 0 &&
		    strcmp(got.https_proxy, "http://a") == 0 &&
		    strcmp(got.http_proxy, "http://b") == 0 &&
		    strcmp(got.no_proxy, "c,d") == 0 && got.log_level == 3 &&
		    got.relays.n == n, "%u relays: other values", n);
		for (i = 0; i < n; i++) {
			a = &c.relays.relays[i];
			b = &got.relays.relays[i];
			want(strcmp(a->url, b->url) == 0 &&
			    strcmp(a->token, b->token) == 0 &&
			    a->unsealed == b->unsealed &&
			    !a->ca_file[0] == !b->ca_file[0] &&
			    strcmp(a->at.host, b->at.host) == 0 &&
			    a->at.port == b->at.port &&
			    a->at.tls == b->at.tls, "relay %u", i);
		}
		for (len = 0; len < w.len; len++)
			want(get(&w, len, &got) == -1, "%zu of %zu bytes",
			    len, w.len);
		put_u8(&w, 0);
		want(get(&w, w.len, &got) == -1, "a byte more");
		wbuf_free(&w);
	}
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("uplinkconf");

	(void)argc;
	test_add(s, urls, 10);
	test_add(s, long_urls, 10);
	test_add(s, tokens, 10);
	test_add(s, relays, 10);
	test_add(s, same_relay, 10);
	test_add(s, message, 10);
	return test_main(argv[0], s);
}
