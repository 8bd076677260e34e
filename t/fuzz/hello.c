/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes as the line with which a link begins.  What is
 * accepted comes from a hub with a valid name, and is the same when it is
 * written again.
 */
#include "compat.h"

#include <stdlib.h>

#include "../../lib/hello.h"

typedef const char	*get_fn(struct hello *, const char *, size_t);
typedef void		 put_fn(struct wbuf *, const struct hello *);

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	try(get_fn *, put_fn *, const char *, size_t);

static void
try(get_fn *get, put_fn *put, const char *line, size_t len)
{
	struct hello h, again;
	struct wbuf w = { 0 };
	const char *wrong = get(&h, line, len);

	if (wrong != NULL) {
		if (wrong[0] == '\0')
			abort();
		return;
	}
	if (!name_valid(slice_of(h.hub_id)) || h.now < 0)
		abort();
	put(&w, &h);
	if (w.len == 0 || memchr(wbuf_data(&w), '\n', w.len) !=
	    wbuf_data(&w) + w.len - 1 ||
	    get(&again, wbuf_data(&w), w.len - 1) != NULL)
		abort();
	if (strcmp(again.hub_id, h.hub_id) != 0 ||
	    memcmp(again.secret, h.secret, sizeof(h.secret)) != 0 ||
	    again.check != h.check || again.now != h.now)
		abort();
	wbuf_free(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	/* just that size, so that sanitizers see its end */
	memcpy(copy, data, len);
	try(hello_get, hello_put, copy, len);
	try(welcome_get, welcome_put, copy, len);
	free(copy);
	return 0;
}
