/* SPDX-License-Identifier: ISC */
/*
 * Line editing on a terminal with libedit.  Its wide interface is used
 * throughout: the narrow one differs between versions.
 */
#include "compat.h"

#include <sys/ioctl.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include <histedit.h>

#include "edit.h"
#include "utf8.h"

#define HISTORY_LINES	500
#define PROMPT_MAX	200

struct edit {
	const struct edit_ops	*ops;
	void			*arg;
	EditLine		*el;
	HistoryW		*history;
	wchar_t			 prompt[PROMPT_MAX];
	char			 in[4096];	/* not yet given to libedit */
	size_t			 in_len, in_pos;
	mbstate_t		 mbs;
	int			 active;	/* a line is being typed */
};

static wchar_t	*get_prompt(EditLine *);
static int	 get_char(EditLine *, wchar_t *);
static int	 take_char(struct edit *, wchar_t *);
static size_t	 cursor_row(struct edit *);
static size_t	 char_width(wchar_t, size_t);
static size_t	 advance(const wchar_t *, const wchar_t *, size_t, size_t *);

struct edit *
edit_new(const struct edit_ops *ops, void *arg)
{
	struct edit *e = xcalloc(1, sizeof(*e));
	HistEventW ev;

	e->ops = ops;
	e->arg = arg;
	if ((e->el = el_init("hubctl", stdin, stdout, stderr)) == NULL ||
	    (e->history = history_winit()) == NULL)
		errx(1, "line editing does not work here");
	history_w(e->history, &ev, H_SETSIZE, HISTORY_LINES);
	history_w(e->history, &ev, H_SETUNIQUE, 1);
	el_wset(e->el, EL_CLIENTDATA, e);
	el_wset(e->el, EL_PROMPT, get_prompt);
	el_wset(e->el, EL_EDITOR, L"emacs");
	el_wset(e->el, EL_HIST, history_w, e->history);
	el_wset(e->el, EL_GETCFN, get_char);
	el_wset(e->el, EL_BIND, L"^W", L"ed-delete-prev-word", NULL);
	el_source(e->el, NULL);
	return e;
}

void
edit_free(struct edit *e)
{
	el_end(e->el);
	history_wend(e->history);
	free(e);
}

static wchar_t *
get_prompt(EditLine *el)
{
	struct edit *e;
	const char *s;
	size_t i;

	el_wget(el, EL_CLIENTDATA, &e);
	s = e->ops->prompt(e->arg);
	for (i = 0; s[i] != '\0' && i < PROMPT_MAX - 1; i++)
		e->prompt[i] = (unsigned char)s[i];
	e->prompt[i] = L'\0';
	return e->prompt;
}

/* 1 with the next character of those that are here, or 0. */
static int
take_char(struct edit *e, wchar_t *wc)
{
	size_t n;

	while (e->in_pos < e->in_len) {
		n = mbrtowc(wc, e->in + e->in_pos, e->in_len - e->in_pos,
		    &e->mbs);
		if (n == (size_t)-2) {
			e->in_pos = e->in_len;
			return 0;
		}
		if (n == (size_t)-1) {
			memset(&e->mbs, 0, sizeof(e->mbs));
			e->in_pos++;
			el_beep(e->el);
			continue;
		}
		e->in_pos += n > 0 ? n : 1;
		if (n > 0)
			return 1;
	}
	return 0;
}

/* libedit's read function: 1 with a character, 0 at the end of input. */
static int
get_char(EditLine *el, wchar_t *wc)
{
	struct edit *e;

	el_wget(el, EL_CLIENTDATA, &e);
	while (!take_char(e, wc)) {
		e->in_pos = 0;
		e->active = 1;
		e->in_len = e->ops->read(e->in, sizeof(e->in), e->arg);
		e->active = 0;
		if (e->in_len == 0)
			return 0;
	}
	return 1;
}

int
edit_line(struct edit *e, struct wbuf *line)
{
	const wchar_t *w;
	HistEventW ev;
	char utf8[4];
	int n, i;

	wbuf_reset(line);
	w = el_wgets(e->el, &n);
	if (w == NULL || n <= 0) {
		fputs("\033[J\n", stdout);
		fflush(stdout);
		return 0;
	}
	if (n > 1)
		history_w(e->history, &ev, H_ENTER, w);
	for (i = 0; i < n && w[i] != L'\n' && w[i] != L'\r'; i++)
		wbuf_add(line, utf8, utf8_encode((uint32_t)w[i], utf8));
	return 1;
}

/* Columns of a character as libedit draws it at column col. */
static size_t
char_width(wchar_t c, size_t col)
{
	int w;

	if (c == L'\t')
		return 8 - col % 8;
	if (c < L' ' || c == 0x7f)
		return 2;			/* ^X */
	w = wcwidth(c);
	return w >= 0 ? (size_t)w : c > 0xffff ? 8 : 7;	/* \U+1234 */
}

/* Moves *col over [p, end); returns how often the line was full. */
static size_t
advance(const wchar_t *p, const wchar_t *end, size_t cols, size_t *col)
{
	size_t rows = 0, w;

	for (; p < end; p++) {
		w = char_width(*p, *col);
		if (*p == L'\n' || *col + w > cols) {
			rows++;
			*col = 0;
		}
		if (*p != L'\n')
			*col += w;
		if (*col >= cols) {
			rows++;
			*col -= cols;
		}
	}
	return rows;
}

size_t
edit_columns(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col;
	return 80;
}

/* The row of the cursor, 0 being that of the prompt. */
static size_t
cursor_row(struct edit *e)
{
	const LineInfoW *li = el_wline(e->el);
	const wchar_t *prompt = get_prompt(e->el);
	size_t cols = edit_columns(), col = 0, row;

	row = advance(prompt, prompt + wcslen(prompt), cols, &col);
	return row + advance(li->buffer, li->cursor, cols, &col);
}

void
edit_hide(struct edit *e)
{
	size_t row;

	if (!e->active)
		return;
	if ((row = cursor_row(e)) > 0)
		printf("\033[%zuA", row);
	fputs("\r\033[J", stdout);
}

void
edit_show(struct edit *e)
{
	fflush(stdout);
	if (e->active)
		el_wset(e->el, EL_REFRESH);
}

void
edit_resize(struct edit *e)
{
	el_resize(e->el);
}

void
edit_terminal(struct edit *e, int take)
{
	el_wset(e->el, EL_PREP_TERM, take);
}
