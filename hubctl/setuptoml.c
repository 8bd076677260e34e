/* SPDX-License-Identifier: ISC */
/*
 * [mcp_servers.relay] in a TOML file, between two comments that say whose it
 * is.  The file is walked statement by statement and only lines of our own
 * are touched; what does not look like TOML is refused.
 */
#include "compat.h"

#include <ctype.h>
#include <stdio.h>

#include "json.h"
#include "setup.h"

#define BEGIN		"# ecorelay begin"
#define END		"# ecorelay end"
#define SERVERS		"mcp_servers"
#define SEP		"\x1f"		/* between the parts of a key */
#define RELAY		SERVERS SEP SERVER
#define DEPTH_MAX	32
#define KEY_SIZE	256

enum kind {
	T_BLANK,
	T_COMMENT,
	T_TABLE,		/* [key] */
	T_TABLES,		/* [[key]] */
	T_VALUE			/* key = value */
};

/* A statement with its newline. */
struct stmt {
	enum kind	 kind;
	const char	*start, *end;
	char		 key[KEY_SIZE];	/* of T_VALUE: with its table's */
};

struct toml {
	const char	*p, *end;
	char		 table[KEY_SIZE];
	int		 line;
};

/* What there is of relay in a file. */
struct found {
	const char	*begin;		/* of our block, or NULL */
	const char	*end;		/* behind what belongs to us in it */
	const char	*mark, *mark_end;	/* the comment at its end */
	const char	*cmd, *cmd_end;	/* its line with the command */
	int		 other;		/* a relay of somebody else */
	int		 ours;		/* which starts a channeld, too */
	int		 closed;	/* there can be no [mcp_servers.x] */
};

static int	 at(const struct toml *, const char *);
static void	 blanks(struct toml *);
static int	 line_end(struct toml *);
static int	 quoted(struct toml *, int);
static int	 key(struct toml *, char *);
static int	 bracket(struct toml *, char *, int *);
static int	 value(struct toml *);
static int	 header(struct toml *, struct stmt *);
static int	 toml_next(struct toml *, struct stmt *);
static int	 is_mark(const struct stmt *, const char *);
static int	 is_relay(const struct stmt *);
static int	 has_channeld(const struct stmt *);
static void	 look_inside(struct found *, const struct stmt *, int *);
static void	 look_outside(struct found *, const struct stmt *);
static int	 look(struct change *, struct found *);
static void	 put_command(struct wbuf *, const char *);
static void	 put_block(struct wbuf *, const char *);
static enum edit_result add(struct change *, const struct found *);
static enum edit_result change_command(struct change *, const struct found *);
static enum edit_result undo(struct change *, const struct found *);

/* 1 if the text goes on with s. */
static int
at(const struct toml *t, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(t->end - t->p) >= n && memcmp(t->p, s, n) == 0;
}

static void
blanks(struct toml *t)
{
	while (at(t, " ") || at(t, "\t"))
		t->p++;
}

/* Passes over blanks, a comment and the newline; -1 if there is more. */
static int
line_end(struct toml *t)
{
	blanks(t);
	if (at(t, "#")) {
		while (t->p < t->end && *t->p != '\n' && *t->p != '\0')
			t->p++;
	}
	if (at(t, "\r\n"))
		t->p++;
	if (t->p == t->end)
		return 0;
	if (*t->p != '\n')
		return -1;
	t->p++;
	t->line++;
	return 0;
}

/* A string of any of the four kinds; those of keys have one line. */
static int
quoted(struct toml *t, int many_lines)
{
	char q[4] = { *t->p, *t->p, *t->p, '\0' };

	if (many_lines && at(t, q))
		t->p += 3;
	else {
		q[1] = '\0';
		t->p++;
	}
	for (; t->p < t->end && *t->p != '\0'; t->p++) {
		if (at(t, q)) {
			t->p += strlen(q);
			/* up to two more belong to the string */
			while (q[1] != '\0' && t->p < t->end && *t->p == *q)
				t->p++;
			return 0;
		}
		if (*t->p == '\\' && *q == '"' && t->p + 1 < t->end)
			t->p++;
		if (*t->p != '\n')
			continue;
		if (q[1] == '\0')
			return -1;
		t->line++;
	}
	return -1;
}

/* Adds a key's parts to dst[KEY_SIZE]; what does not fit is left out. */
static int
key(struct toml *t, char *dst)
{
	const char *start;
	char part[KEY_SIZE];
	int q;

	for (;;) {
		blanks(t);
		start = t->p;
		q = at(t, "\"") || at(t, "'");
		if (q && quoted(t, 0) == -1)
			return -1;
		while (!q && t->p < t->end && (isalnum((unsigned char)*t->p) ||
		    *t->p == '_' || *t->p == '-'))
			t->p++;
		if (t->p == start)
			return -1;
		snprintf(part, sizeof(part), "%.*s",
		    (int)(t->p - start) - 2 * q, start + q);
		if (dst[0] != '\0')
			strlcat(dst, SEP, KEY_SIZE);
		strlcat(dst, part, KEY_SIZE);
		blanks(t);
		if (!at(t, "."))
			return 0;
		t->p++;
	}
}

/* Keeps account of the brackets that are open; -1 if one does not fit. */
static int
bracket(struct toml *t, char *open, int *depth)
{
	if (*t->p == '[' || *t->p == '{') {
		if (*depth == DEPTH_MAX)
			return -1;
		open[(*depth)++] = *t->p == '[' ? ']' : '}';
	} else if (*depth == 0 || open[--*depth] != *t->p)
		return -1;
	t->p++;
	return 0;
}

/* Up to the end of the line, or of the last line of an array. */
static int
value(struct toml *t)
{
	char open[DEPTH_MAX];
	int depth = 0;

	blanks(t);
	if (t->p == t->end || strchr("\"'[{+-0123456789tfin", *t->p) == NULL)
		return -1;
	while (t->p < t->end && *t->p != '\0') {
		if (*t->p == '"' || *t->p == '\'') {
			if (quoted(t, 1) == -1)
				return -1;
		} else if (strchr("[]{}", *t->p) != NULL) {
			if (bracket(t, open, &depth) == -1)
				return -1;
		} else if (*t->p == '#' || *t->p == '\n' || *t->p == '\r') {
			/* a table in braces is on one line */
			if (depth > 0 && open[depth - 1] == '}')
				return -1;
			if (depth == 0)
				break;
			if (line_end(t) == -1)
				return -1;
		} else
			t->p++;
	}
	return depth > 0 ? -1 : line_end(t);
}

static int
header(struct toml *t, struct stmt *s)
{
	const char *close = s->kind == T_TABLES ? "]]" : "]";

	t->p += strlen(close);
	if (key(t, s->key) == -1 || !at(t, close))
		return -1;
	t->p += strlen(close);
	strlcpy(t->table, s->key, sizeof(t->table));
	return line_end(t);
}

/* 1 and the next statement, 0 at the end, -1 if it is not one. */
static int
toml_next(struct toml *t, struct stmt *s)
{
	int rc;

	if (t->p == t->end)
		return 0;
	s->start = t->p;
	s->key[0] = '\0';
	blanks(t);
	if (at(t, "[")) {
		s->kind = at(t, "[[") ? T_TABLES : T_TABLE;
		rc = header(t, s);
	} else if (t->p == t->end || strchr("#\r\n", *t->p) != NULL) {
		s->kind = at(t, "#") ? T_COMMENT : T_BLANK;
		rc = line_end(t);
	} else {
		s->kind = T_VALUE;
		strlcpy(s->key, t->table, sizeof(s->key));
		rc = key(t, s->key);
		if (rc == 0 && at(t, "=")) {
			t->p++;
			rc = value(t);
		} else
			rc = -1;
	}
	s->end = t->p;
	return rc == -1 ? -1 : 1;
}

static int
is_mark(const struct stmt *s, const char *mark)
{
	const char *p = s->start, *end = s->end;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	return s->kind == T_COMMENT && (size_t)(end - p) == strlen(mark) &&
	    memcmp(p, mark, strlen(mark)) == 0;
}

static int
is_relay(const struct stmt *s)
{
	size_t n = strlen(RELAY);

	return strncmp(s->key, RELAY, n) == 0 &&
	    (s->key[n] == '\0' || s->key[n] == SEP[0]);
}

static int
has_channeld(const struct stmt *s)
{
	const char *p, *word = "channeld";
	size_t n = strlen(word);

	for (p = s->start; (size_t)(s->end - p) > n; p++) {
		if (memcmp(p, word, n) == 0)
			return 1;
	}
	return 0;
}

/*
 * A statement behind our first comment.  Codex may have put tables of its own
 * before our last one; *inside is 0 from there on.
 */
static void
look_inside(struct found *f, const struct stmt *s, int *inside)
{
	if (is_mark(s, END)) {
		f->mark = s->start;
		f->mark_end = s->end;
		*inside = 0;
	} else if (is_relay(s)) {
		f->end = s->end;
		if (strcmp(s->key, RELAY SEP "command") == 0) {
			f->cmd = s->start;
			f->cmd_end = s->end;
		}
	} else if (s->kind >= T_TABLE)
		*inside = 0;
}

static void
look_outside(struct found *f, const struct stmt *s)
{
	if (is_relay(s)) {
		f->other = 1;
		f->ours |= has_channeld(s);
	}
	if (strcmp(s->key, SERVERS) == 0 && s->kind != T_TABLE)
		f->closed = 1;
	if (f->begin != NULL && f->mark == NULL && is_mark(s, END)) {
		f->mark = s->start;
		f->mark_end = s->end;
	}
}

/* -1 and why if it is not TOML. */
static int
look(struct change *e, struct found *f)
{
	struct toml t = { .p = e->text, .end = e->text + e->len, .line = 1 };
	struct stmt s = { .kind = T_BLANK };
	int inside = 0, line = 1, rc;

	memset(f, 0, sizeof(*f));
	if (at(&t, "\xef\xbb\xbf"))
		t.p += 3;
	while ((rc = toml_next(&t, &s)) == 1) {
		line = t.line;
		if (f->begin == NULL && is_mark(&s, BEGIN)) {
			f->begin = s.start;
			f->end = s.end;
			inside = 1;
			continue;
		}
		if (inside)
			look_inside(f, &s, &inside);
		if (!inside && s.start != f->mark)
			look_outside(f, &s);
	}
	if (rc == 0)
		return 0;
	snprintf(e->why, sizeof(e->why), "line %d is not TOML", line);
	return -1;
}

/* What JSON escapes, TOML's strings do alike. */
static void
put_command(struct wbuf *w, const char *command)
{
	wbuf_adds(w, "command = ");
	json_add_str(w, command, strlen(command));
	wbuf_adds(w, "\n");
}

static void
put_block(struct wbuf *w, const char *command)
{
	wbuf_adds(w, BEGIN "\n[" SERVERS "." SERVER "]\n");
	put_command(w, command);
	wbuf_adds(w, "args = []\n");
}

static enum edit_result
add(struct change *e, const struct found *f)
{
	if (f->other) {
		snprintf(e->why, sizeof(e->why), "[%s.%s] %s", SERVERS, SERVER,
		    f->ours ? "there is not from here" : "is another server");
		return f->ours ? EDIT_NONE : EDIT_REFUSED;
	}
	if (f->begin != NULL)
		return change_command(e, f);
	if (f->closed) {
		snprintf(e->why, sizeof(e->why), "%s is not a table there",
		    SERVERS);
		return EDIT_REFUSED;
	}
	if (e->len > 0) {
		wbuf_add(&e->out, e->text, e->len);
		wbuf_adds(&e->out, e->text[e->len - 1] == '\n' ? "\n" : "\n\n");
	}
	put_block(&e->out, e->command);
	wbuf_adds(&e->out, END "\n");
	return EDIT_ADD;
}

/* Only the command's line, as arguments may have been added below it. */
static enum edit_result
change_command(struct change *e, const struct found *f)
{
	const char *from = f->cmd, *to = f->cmd_end;
	struct wbuf w = { 0 };

	if (from != NULL)
		put_command(&w, e->command);
	else {
		from = f->begin;
		to = f->end;
		put_block(&w, e->command);
	}
	if (w.len == (size_t)(to - from) &&
	    memcmp(wbuf_data(&w), from, w.len) == 0) {
		wbuf_free(&w);
		return EDIT_NONE;
	}
	wbuf_add(&e->out, e->text, (size_t)(from - e->text));
	wbuf_add(&e->out, wbuf_data(&w), w.len);
	wbuf_add(&e->out, to, (size_t)(e->text + e->len - to));
	wbuf_free(&w);
	return EDIT_CHANGE;
}

static enum edit_result
undo(struct change *e, const struct found *f)
{
	const char *from = f->begin, *to = f->end, *end = e->text + e->len;
	struct wbuf *w = &e->out;

	if (f->begin == NULL) {
		if (f->other)
			snprintf(e->why, sizeof(e->why),
			    "[%s.%s] there is not from here", SERVERS, SERVER);
		return EDIT_NONE;
	}
	if (from - e->text >= 2 && from[-1] == '\n' && from[-2] == '\n')
		from--;
	wbuf_add(w, e->text, (size_t)(from - e->text));
	if (f->mark != NULL) {
		wbuf_add(w, to, (size_t)(f->mark - to));
		to = f->mark_end;
	}
	wbuf_add(w, to, (size_t)(end - to));
	/* we may have ended its last line */
	if (e->old != NULL && w->len == e->old_len + 1 &&
	    memcmp(wbuf_data(w), e->old, e->old_len) == 0 &&
	    wbuf_data(w)[e->old_len] == '\n')
		w->len--;
	return EDIT_REMOVE;
}

enum edit_result
change_toml(struct change *e)
{
	struct found f;

	if (e->text == NULL)
		e->text = "";
	if (look(e, &f) == -1)
		return EDIT_REFUSED;
	return e->undo ? undo(e, &f) : add(e, &f);
}
