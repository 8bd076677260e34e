/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes to the scanner and to jansson, which must agree on
 * whether they are valid and on every value.  The bytes also go through the
 * writer, and what that makes of them must be a string that both read.
 */
#include "compat.h"

#include <stdlib.h>

#include "../unit/json_agree.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Written and read back, a text that was valid UTF-8 is what it was. */
static void
write_and_read(const struct json_keys *keys, const char *text, size_t len)
{
	struct wbuf w = { 0 };
	json_t *j;
	const char *bad;
	int valid, zero;

	zero = len > 0 && memchr(text, 0, len) != NULL;
	json_begin(&w, '{');
	json_put_strn(&w, "text", text, len);
	json_end(&w, '}');
	bad = agree_text(keys, wbuf_data(&w), w.len, &valid);
	if (bad != NULL || valid != !zero)
		abort();
	if (!zero && utf8_valid(text, len)) {
		j = agree_load(wbuf_data(&w), w.len);
		if (json_string_length(json_object_get(j, "text")) != len ||
		    memcmp(json_string_value(json_object_get(j, "text")),
		    text, len) != 0)
			abort();
		json_decref(j);
	}
	wbuf_free(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct json_keys *keys;
	const char *text = (const char *)data;
	int valid;

	if (keys == NULL)
		keys = agree_keys();
	if (agree_text(keys, text, len, &valid) != NULL)
		abort();
	write_and_read(keys, text, len);
	return 0;
}
