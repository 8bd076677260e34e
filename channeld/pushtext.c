/* SPDX-License-Identifier: ISC */
/*
 * An event as text: the header line, and a peer's text made harmless.
 */
#include "compat.h"

#include "pushtext.h"
#include "utf8.h"

#define MARK		"[relay]"
#define REPLACED	"\357\277\275"	/* U+FFFD */
#define UNTAGGED	"\342\200\271"	/* U+2039, in place of < */

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
static int	is_blank(uint32_t);
static int	begins(const char *, const char *, const char *);
static int	is_header(const char *, const char *);
static int	is_tag(const char *, const char *);
static int	is_lookalike(const char *, const char *);
static void	add_line(struct wbuf *, const char *, const char *);

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
	if (n == 4)
		return (b[0] & 0x07U) << 18 | (b[1] & 0x3fU) << 12 |
		    (b[2] & 0x3fU) << 6 | (b[3] & 0x3fU);
	return b[0];
}

/* Controls, and what turns or hides text: C0, C1, separators, bidi, tags. */
static int
is_hidden(uint32_t c)
{
	return (c < ' ' && c != '\n' && c != '\t') ||
	    (c >= 0x7f && c <= 0x9f) || c == 0xad ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0x61c || c == 0x180e ||
	    c == 0xfeff || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Not the ends of lines; what was hidden looks like one, too. */
static int
is_blank(uint32_t c)
{
	return c == ' ' || c == '\t' || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f ||
	    c == 0x3000 || c == 0xfffd;
}

static int
begins(const char *p, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - p) >= n && strncasecmp(p, with, n) == 0;
}

/* Our mark, in brackets of any kind. */
static int
is_header(const char *p, const char *end)
{
	static const char *const brackets[] = {
		"[", "(", "{", "<",
		"\357\274\273",		/* U+FF3B full width */
		"\343\200\220",		/* U+3010 lenticular */
		"\343\200\224",		/* U+3014 tortoise shell */
		"\343\200\226",		/* U+3016 white lenticular */
		"\343\200\232",		/* U+301A white square */
		"\342\237\246",		/* U+27E6 mathematical */
		"\342\201\205",		/* U+2045 with quill */
		"\342\235\262",		/* U+2772 tortoise shell */
		"\342\246\213"		/* U+298B with underbar */
	};
	size_t i;

	for (i = 0; i < sizeof(brackets) / sizeof(brackets[0]); i++) {
		if (!begins(p, end, brackets[i]))
			continue;
		p += strlen(brackets[i]);
		while (p < end && is_blank(decode(p, utf8_sequence(p, end))))
			p += utf8_sequence(p, end);
		return begins(p, end, "relay");
	}
	return 0;
}

/* At a '<': a tag that hosts put around what is not the user's. */
static int
is_tag(const char *p, const char *end)
{
	static const char *const tags[] = {
		"system-reminder", "channel", "untrusted_peer_message"
	};
	size_t i;

	p++;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '/'))
		p++;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (begins(p, end, tags[i]))
			return 1;
	}
	return 0;
}

/* A line that begins like a header of ours, a command or a quoted tag. */
static int
is_lookalike(const char *p, const char *end)
{
	static const char *const marks[] = {
		"/", "!", "</", "<system-reminder", "<channel",
		"<untrusted_peer_message", "Another Claude session"
	};
	size_t i;

	while (p < end && is_blank(decode(p, utf8_sequence(p, end))))
		p += utf8_sequence(p, end);
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (begins(p, end, marks[i]))
			return 1;
	}
	return is_header(p, end);
}

static void
add_line(struct wbuf *w, const char *line, const char *end)
{
	const char *p;

	if (is_lookalike(line, end))
		wbuf_adds(w, "> ");
	for (p = line; p < end; p++) {
		if (*p != '<' || !is_tag(p, end))
			continue;
		wbuf_add(w, line, (size_t)(p - line));
		wbuf_adds(w, UNTAGGED);
		line = p + 1;
	}
	wbuf_add(w, line, (size_t)(end - line));
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
		add_line(w, line, p);
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
