/* SPDX-License-Identifier: ISC */
/*
 * Tests of the messages about other hubs: between the router and a carrier of
 * links, of the carrier's configuration, and between the router and the store.
 * Each is read back as it was written, and nothing else is read at all.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "lanconf.h"
#include "linkproto.h"
#include "outproto.h"
#include "test.h"

/* Writes what get has read. */
#define AGAIN(x)							\
static int								\
again_##x(struct wbuf *w, struct reader *rd)				\
{									\
	struct x m;							\
									\
	if (x##_get(rd, &m) == -1)					\
		return -1;						\
	x##_put(w, &m);							\
	return 0;							\
}

AGAIN(link_up)
AGAIN(link_end)
AGAIN(link_line)
AGAIN(link_full)
AGAIN(link_written)
AGAIN(link_report)
AGAIN(link_send)
AGAIN(store_name)
AGAIN(store_out_list)
AGAIN(store_out_listed)
AGAIN(store_out_mark)
AGAIN(store_hub)
AGAIN(store_hub_list)

typedef int	again_fn(struct wbuf *, struct reader *);

static int
again_bridge_conf(struct wbuf *w, struct reader *rd)
{
	struct bridge_conf m;
	int r = bridge_conf_get(rd, &m);

	if (r == 0)
		bridge_conf_put(w, &m);
	lan_conf_free(&m.lan);
	return r;
}

/* Reads the first len bytes and, if they are right, writes them to out. */
static int
read_again(again_fn *again, const struct wbuf *w, size_t len,
    struct wbuf *out)
{
	/* a copy of just that size, so that sanitizers see its end */
	char *copy = malloc(len > 0 ? len : 1);
	struct reader rd;
	int r;

	memcpy(copy, wbuf_data(w), len);
	reader_init(&rd, copy, len);
	wbuf_reset(out);
	r = again(out, &rd);
	free(copy);
	return r;
}

/* The last rest bytes are a text without a length of its own. */
static void
check(const char *what, again_fn *again, struct wbuf *w, size_t rest)
{
	struct wbuf out = { 0 };
	size_t i, len = w->len;

	want(read_again(again, w, len, &out) == 0, "%s is not read", what);
	want(out.len == len && memcmp(wbuf_data(&out), wbuf_data(w), len) == 0,
	    "%s is not what it was", what);
	for (i = 0; i < len - rest; i++)
		want(read_again(again, w, i, &out) == -1,
		    "%zu of %zu bytes of %s are read", i, len, what);
	put_u8(w, 0);
	want(rest > 0 || read_again(again, w, len + 1, &out) == -1,
	    "a longer %s is read", what);
	wbuf_free(&out);
	wbuf_free(w);
}
#define KEY	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"
#define CHECK(x, w, rest)	check(#x, again_##x, w, rest)

START_TEST(links)
{
	struct link_up up = { 7, "other", 1, 1, 3, KEY,
	    { "{\"a\":1}", 7 } };
	struct link_end end = { 7, "the reason" };
	struct link_line line = { UINT32_MAX, { "{}", 2 } };
	struct link_full full = { 7, 1 };
	struct link_written written = { 7, INT64_MAX };
	struct link_send send = { 7, { "{\"a\":", 5 }, { "{}\n", 3 } };
	struct link_report report = { "other", LINK_IS_UP, "host:9700",
	    "no answer" };
	struct wbuf w = { 0 }, out = { 0 };

	link_up_put(&w, &up);
	CHECK(link_up, &w, up.hello.len);
	strlcpy(up.key, "no key", sizeof(up.key));
	link_up_put(&w, &up);
	want(read_again(again_link_up, &w, w.len, &out) == -1, "key");
	wbuf_free(&w);
	link_end_put(&w, &end);
	CHECK(link_end, &w, 0);
	link_line_put(&w, &line);
	CHECK(link_line, &w, line.line.len);
	link_full_put(&w, &full);
	CHECK(link_full, &w, 0);
	link_written_put(&w, &written);
	CHECK(link_written, &w, 0);
	link_send_put(&w, &send);
	CHECK(link_send, &w, send.inner.len);
	link_report_put(&w, &report);
	CHECK(link_report, &w, 0);
	report.state = (enum link_state)(LINK_IS_UP + 1);
	link_report_put(&w, &report);
	want(read_again(again_link_report, &w, w.len, &out) == -1, "state");
	wbuf_free(&w);
	wbuf_free(&out);
}
END_TEST

START_TEST(outbox)
{
	struct store_name n = { UINT32_MAX, 1, "@other" };
	struct store_out_list q = { "other", INT64_MAX, 65536 };
	struct store_out m = { 8, 9, "x@other", "api", "m-1", 1, KIND_REQUEST,
	    1, { "m-0", 3 }, { "a text", 6 } };
	struct store_out_listed a = { STORE_OK, 2, { NULL, 0 } };
	struct store_out_mark k = { "other", 8, "a", "x@other", "m-1",
	    MSG_SEEN };
	struct store_hub h = { "other", 9 };
	struct store_hub_info i = { "other", 3, 9 };
	struct store_hub_list l = { STORE_OK, 2, { NULL, 0 } };
	struct wbuf w = { 0 }, list = { 0 }, out = { 0 };

	store_name_put(&w, &n);
	CHECK(store_name, &w, 0);
	store_out_list_put(&w, &q);
	CHECK(store_out_list, &w, 0);
	store_out_put(&list, &m);
	store_out_put(&list, &m);
	a.messages = (struct slice){ wbuf_data(&list), list.len };
	store_out_listed_put(&w, &a);
	CHECK(store_out_listed, &w, 0);
	a.n = 1;
	store_out_listed_put(&w, &a);
	want(read_again(again_store_out_listed, &w, w.len, &out) == -1,
	    "one too many");
	wbuf_reset(&w);
	wbuf_reset(&list);
	store_out_mark_put(&w, &k);
	CHECK(store_out_mark, &w, 0);
	store_hub_put(&w, &h);
	CHECK(store_hub, &w, 0);
	store_hub_info_put(&list, &i);
	store_hub_info_put(&list, &i);
	l.hubs = (struct slice){ wbuf_data(&list), list.len };
	store_hub_list_put(&w, &l);
	CHECK(store_hub_list, &w, 0);
	wbuf_free(&list);
	wbuf_free(&out);
}
END_TEST

static struct bridge_conf
sample(void)
{
	struct bridge_conf c = { .hub_id = "here", .log_level = 2 };
	struct lan_peer a = { "a", "192.0.2.1", 9700, 0 };
	struct lan_peer b = { "b", "", 0, 1 };

	strlcpy(c.lan.secret, "a secret of all", sizeof(c.lan.secret));
	strlcpy(c.lan.address, "*", sizeof(c.lan.address));
	c.lan.port = 9700;
	want(lan_peer_add(&c.lan, &a) == 0 && lan_peer_add(&c.lan, &b) == 0,
	    "lan_peer_add");
	return c;
}

START_TEST(configuration)
{
	struct bridge_conf c = sample();
	struct wbuf w = { 0 }, out = { 0 };

	bridge_conf_put(&w, &c);
	CHECK(bridge_conf, &w, 0);
	c.has_key = 1;
	memset(c.seed, 0xa5, sizeof(c.seed));
	bridge_conf_put(&w, &c);
	CHECK(bridge_conf, &w, 0);
	/* two peers of one name */
	strlcpy(c.lan.peers[1].hub_id, "a", sizeof(c.lan.peers[1].hub_id));
	bridge_conf_put(&w, &c);
	want(read_again(again_bridge_conf, &w, w.len, &out) == -1, "twice");
	wbuf_free(&w);
	/* none at all */
	lan_conf_free(&c.lan);
	bridge_conf_put(&w, &c);
	CHECK(bridge_conf, &w, 0);
	wbuf_free(&out);
}
END_TEST

START_TEST(peers)
{
	struct bridge_conf c = sample();
	struct lan_peer p = { "a", "other.local", 1, 1 };
	const struct lan_peer *found;
	uint32_t i;

	want(lan_wanted(&c.lan), "not wanted");
	want(lan_peer_add(&c.lan, &p) == -1 && c.lan.npeers == 2, "twice");
	found = lan_peer_find(&c.lan, "a");
	want(found != NULL && strcmp(found->host, "192.0.2.1") == 0, "a");
	want(lan_peer_find(&c.lan, "A") == NULL &&
	    lan_peer_find(&c.lan, "") == NULL, "nobody");
	for (i = c.lan.npeers; i < LAN_PEERS_MAX; i++) {
		snprintf(p.hub_id, sizeof(p.hub_id), "p%u", i);
		want(lan_peer_add(&c.lan, &p) == 0, "%s", p.hub_id);
	}
	strlcpy(p.hub_id, "more", sizeof(p.hub_id));
	want(lan_peer_add(&c.lan, &p) == -1, "more than %d", LAN_PEERS_MAX);
	lan_conf_free(&c.lan);
	want(c.lan.peers == NULL && c.lan.npeers == 0 && c.lan.port == 0 &&
	    c.lan.secret[0] == '\0' && c.lan.address[0] == '\0',
	    "something is left");
	want(!lan_wanted(&c.lan), "wanted");
	c.lan.port = 1;
	want(lan_wanted(&c.lan), "a listener is not wanted");
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("linkproto");

	(void)argc;
	test_add(s, links, 10);
	test_add(s, outbox, 10);
	test_add(s, configuration, 10);
	test_add(s, peers, 10);
	return test_main(argv[0], s);
}
