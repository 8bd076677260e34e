/* SPDX-License-Identifier: ISC */
/*
 * An event as text: the header line, and a peer's text made harmless.
 */
#include "compat.h"

#include "pushtext.h"
#include "utf8.h"

#define MARK		"[relay]"
#define REPLACED	"\357\277\275"	/* U+FFFD */

struct header {
	const char	*type;
	const char	*format;	/* %name: a member of meta */
};

static const struct header headers[] = {
	{ "incoming_message",
	    "message from %from, msg_id %msg_id: answer with relay_reply" },
	{ "incoming_ask",
	    "ask from %from, ask_id %ask_id: answer with relay_reply" },
	{ "incoming_reply", "answer from %from to your ask_id %ask_id" },
	{ "err", "no answer to your ask_id %ask_id (%code)" },
	{ "incoming_room_msg",
	    "room %room, from %from: answer with relay_room" },
	{ "incoming_group_msg",
	    "group %group, from %from: answer with relay_group_send" },
	{ NULL, "notice" }
};

static void	add_member(struct wbuf *, const json_t *, const char *,
		    size_t);
static uint32_t	decode(const char *, int);
static int	is_hidden(uint32_t);
static int	is_lookalike(const char *, const char *);

/* Ids come from other programs: what is no printable ASCII is left out. */
static void
add_member(struct wbuf *w, const json_t *meta, const char *key, size_t n)
{
	const char *s;
	char name[32];

	if (n >= sizeof(name))
		return;
	memcpy(name, key, n);
	name[n] = '\0';
	s = json_string_value(json_object_get(meta, name));
	for (; s != NULL && *s != '\0'; s++) {
		if (*s > ' ' && *s <= '~')
			wbuf_add(w, s, 1);
	}
}

void
pushtext_add(struct wbuf *w, const char *type, const char *content,
    const json_t *meta)
{
	const struct header *h;
	const char *f;
	size_t n;

	for (h = headers; h->type != NULL; h++) {
		if (strcmp(h->type, type) == 0)
			break;
	}
	wbuf_adds(w, MARK " ");
	if (json_object_get(meta, "urgent") != NULL)
		wbuf_adds(w, "urgent ");
	for (f = h->format; *f != '\0'; f += n) {
		if (*f != '%') {
			n = strcspn(f, "%");
			wbuf_add(w, f, n);
			continue;
		}
		n = 1 + strspn(f + 1, "abcdefghijklmnopqrstuvwxyz_");
		add_member(w, meta, f + 1, n - 1);
	}
	wbuf_adds(w, "\n");
	pushtext_neutral(w, content, strlen(content));
}

static uint32_t
decode(const char *p, int n)
{
	const unsigned char *b = (const unsigned char *)p;

	if (n == 2)
		return (b[0] & 0x1fU) << 6 | (b[1] & 0x3fU);
	if (n == 3)
		return (b[0] & 0x0fU) << 12 | (b[1] & 0x3fU) << 6 |
		    (b[2] & 0x3fU);
	return n == 1 ? b[0] : 0xffff;
}

/* Controls, and what turns or hides text: C0, C1, separators, bidi. */
static int
is_hidden(uint32_t c)
{
	return (c < ' ' && c != '\n' && c != '\t') ||
	    (c >= 0x7f && c <= 0x9f) || c == 0xad ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* A line that begins like a header of ours, a command or a quoted tag. */
static int
is_lookalike(const char *p, const char *end)
{
	static const char *const marks[] = {
		MARK, "/", "!", "</", "<system-reminder", "<channel",
		"<untrusted_peer_message", "Another Claude session"
	};
	size_t i, n;

	for (;;) {
		if (p < end && (*p == ' ' || *p == '\t'))
			p++;
		else if (end - p >= 3 && memcmp(p, REPLACED, 3) == 0)
			p += 3;
		else
			break;
	}
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		n = strlen(marks[i]);
		if ((size_t)(end - p) >= n && strncasecmp(p, marks[i], n) == 0)
			return 1;
	}
	return 0;
}

void
pushtext_neutral(struct wbuf *w, const char *p, size_t len)
{
	const char *end = p + len, *line;
	struct wbuf clean = { 0 };
	int n;

	/* first what is hidden goes, which could hide a mark */
	for (; p < end; p += n < 0 ? -n : n) {
		n = utf8_sequence(p, end);
		if (n < 0 || is_hidden(decode(p, n)))
			wbuf_adds(&clean, REPLACED);
		else
			wbuf_add(&clean, p, (size_t)n);
	}
	p = wbuf_data(&clean);
	end = p + clean.len;
	for (line = p; p < end; line = p) {
		while (p < end && *p != '\n')
			p++;
		if (p < end)
			p++;
		if (is_lookalike(line, end))
			wbuf_adds(w, "> ");
		wbuf_add(w, line, (size_t)(p - line));
	}
	wbuf_free(&clean);
}

size_t
pushtext_fit(const char *p, size_t len, size_t max, int json)
{
	const char *end = p + len, *at;
	size_t cost;
	int n;

	for (at = p; at < end; at += n) {
		if ((n = utf8_sequence(at, end)) < 0)
			n = -n;
		cost = (size_t)n;
		if (json && (*at == '"' || *at == '\\'))
			cost = 2;
		else if (json && *at >= 0 && *at < ' ')
			cost = 6;
		if (cost > max)
			break;
		max -= cost;
	}
	return (size_t)(at - p);
}
