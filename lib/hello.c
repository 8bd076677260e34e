/* SPDX-License-Identifier: ISC */
/*
 * The two lines with which a link begins.
 */
#include "compat.h"

#include "hello.h"
#include "json.h"

#define PROTOCOL_VERSION	"5"

enum {
	TYPE, HUB_ID, SECRET, VERSION, PEERS, CHECK, NOW, KEY, MEMBERS
};

static const char *const members[MEMBERS] = {
	[TYPE] = "type",
	[HUB_ID] = "hub_id",
	[SECRET] = "secret",
	[VERSION] = "protocol_version",
	[PEERS] = "peers",
	[CHECK] = "check",
	[NOW] = "now",
	[KEY] = "key",
};

static const char	*get(struct hello *, struct json_value *,
			    const char *, const char *, size_t);
static int		 is(const struct json_value *, const char *);
static void		 put(struct wbuf *, const struct hello *, const char *,
			    int);

static int
is(const struct json_value *v, const char *text)
{
	return v->type == JS_STRING &&
	    slice_is((struct slice){ v->p, v->len }, text);
}

static const char *
get(struct hello *h, struct json_value *v, const char *type, const char *line,
    size_t len)
{
	static struct json_keys *keys;
	struct json_value peer;
	size_t pos = 0, n = 0;

	if (keys == NULL)
		keys = json_keys_new(members, MEMBERS);
	memset(h, 0, sizeof(*h));
	if (json_scan(line, len, keys, v) == -1)
		return "not a JSON object";
	if (!is(&v[TYPE], type))
		return "not what a hub says first";
	if (v[HUB_ID].type != JS_STRING ||
	    json_str(&v[HUB_ID], h->hub_id, sizeof(h->hub_id)) == -1 ||
	    !name_valid(slice_of(h->hub_id))) {
		h->hub_id[0] = '\0';
		return "hub_id is not valid";
	}
	if (v[PEERS].type != JS_ARRAY)
		return "peers must be a list";
	while (json_next(&v[PEERS], &pos, &peer)) {
		if (++n > HELLO_PEERS_MAX)
			return "more than 500 peers: the rest must follow";
	}
	h->check = v[CHECK].type == JS_TRUE;
	(void)json_int(&v[NOW], 0, INT64_MAX, &h->now);
	if (v[KEY].type != JS_STRING ||
	    json_str(&v[KEY], h->key, sizeof(h->key)) == -1 ||
	    !link_key_valid(h->key))
		h->key[0] = '\0';
	return NULL;
}

const char *
hello_get(struct hello *h, const char *line, size_t len)
{
	struct json_value v[MEMBERS];
	const char *wrong = get(h, v, "bridge_hello", line, len);

	if (wrong != NULL)
		return wrong;
	if (!is(&v[VERSION], PROTOCOL_VERSION))
		return "another protocol version than " PROTOCOL_VERSION;
	if (v[SECRET].type != JS_STRING ||
	    json_str(&v[SECRET], h->secret, sizeof(h->secret)) == -1)
		return "secret is not a text";
	return NULL;
}

const char *
welcome_get(struct hello *h, const char *line, size_t len)
{
	struct json_value v[MEMBERS];

	return get(h, v, "bridge_welcome", line, len);
}

static void
put(struct wbuf *w, const struct hello *h, const char *type, int ask)
{
	json_begin(w, '{');
	json_put_str(w, "type", type);
	json_put_str(w, "hub_id", h->hub_id);
	if (ask) {
		json_put_str(w, "secret", h->secret);
		json_put_str(w, "protocol_version", PROTOCOL_VERSION);
	}
	/* all of them follow as joins, however many there are */
	json_key(w, "peers");
	wbuf_adds(w, "[]");
	json_key(w, "features");
	wbuf_adds(w, LINK_FEATURES);
	if (h->check)
		json_put_bool(w, "check", 1);
	if (h->now != 0)
		json_put_int(w, "now", h->now);
	if (h->key[0] != '\0')
		json_put_str(w, "key", h->key);
	json_end(w, '}');
	wbuf_add(w, "\n", 1);
}

void
hello_put(struct wbuf *w, const struct hello *h)
{
	put(w, h, "bridge_hello", 1);
}

void
welcome_put(struct wbuf *w, const struct hello *h)
{
	put(w, h, "bridge_welcome", 0);
}
