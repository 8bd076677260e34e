/* SPDX-License-Identifier: ISC */
/*
 * Whether the scanner and jansson agree on a text, for the unit test and the
 * fuzz target: on its validity, and on each value of the keys asked for.
 */
#ifndef JSON_AGREE_H
#define JSON_AGREE_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define AGREE_DEPTH	16	/* deeper values are not compared */

static const char	*agree_value(const struct json_keys *,
			    const struct json_value *, const json_t *, int);

/* Names that the corpus and the seeds use; some hard, some absent. */
static const char *const agree_names[] = {
	"", "a", "b", "c", "x", "id", "to", "from", "text", "type", "msg_id",
	"reply_to", "ask_id", "n", "a\"b", "a\\b", "a/b", "a\nb", "\001",
	"caf\303\251", "\342\202\254", "\360\237\230\200", "key", "null",
	"a long name that goes on for more than sixteen bytes"
};
#define AGREE_NAMES	(sizeof(agree_names) / sizeof(agree_names[0]))

static inline struct json_keys *
agree_keys(void)
{
	return json_keys_new(agree_names, AGREE_NAMES);
}

/*
 * What jansson makes of a text.  It passes over a zero byte after a number
 * or a literal; no valid text has one, so that is made good here.
 */
static inline json_t *
agree_load(const char *text, size_t len)
{
	json_error_t err;

	if (len > 0 && memchr(text, 0, len) != NULL)
		return NULL;
	return json_loadb(text, len, 0, &err);
}

static inline size_t
agree_units(const char *s, size_t len)
{
	size_t i, n = 0;
	unsigned char c;

	for (i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if ((c & 0xc0) != 0x80)
			n += c >= 0xf0 ? 2 : 1;
	}
	return n;
}

static inline const char *
agree_string(const struct json_value *v, const json_t *j)
{
	const char *s = json_string_value(j), *bad = NULL;
	size_t len = json_string_length(j);
	char *buf = malloc(v->len + 1);

	if (buf == NULL)
		abort();
	if (len > v->len || json_decode(v, buf, v->len) != (long)len ||
	    memcmp(buf, s, len) != 0)
		bad = "json_decode";
	else if (len > 0 && json_decode(v, buf, len - 1) != -1)
		bad = "json_decode into too small a buffer";
	else if (json_str(v, buf, len) != -1)
		bad = "json_str into too small a buffer";
	else if (json_str(v, buf, len + 1) != (int)len ||
	    strcmp(buf, s) != 0)
		bad = "json_str";
	else if (v->escaped != (memchr(v->p, '\\', v->len) != NULL))
		bad = "escaped";
	else if (json_units(v) != agree_units(s, len) ||
	    utf16_units(s, len) != agree_units(s, len))
		bad = "json_units";
	else if (!utf8_valid(s, len) || !utf8_valid(v->p, v->len))
		bad = "utf8_valid";
	free(buf);
	return bad;
}

static inline const char *
agree_number(const struct json_value *v, const json_t *j)
{
	const char *bad = NULL;
	char *copy = strndup(v->p, v->len), *end;
	int64_t n, want;

	if (copy == NULL)
		abort();
	if (json_is_integer(j)) {
		want = json_integer_value(j);
		if (json_int(v, INT64_MIN, INT64_MAX, &n) == -1 || n != want ||
		    json_int(v, want, want, &n) == -1)
			bad = "json_int";
		else if ((want < INT64_MAX &&
		    json_int(v, want + 1, INT64_MAX, &n) != -1) ||
		    (want > INT64_MIN &&
		    json_int(v, INT64_MIN, want - 1, &n) != -1))
			bad = "bounds of json_int";
	} else if (json_int(v, INT64_MIN, INT64_MAX, &n) != -1)
		bad = "json_int of a real number";
	else if (strtod(copy, &end) != json_real_value(j) || *end != '\0')
		bad = "a real number";
	free(copy);
	return bad;
}

static inline const char *
agree_array(const struct json_keys *keys, const struct json_value *v,
    const json_t *j, int depth)
{
	struct json_value elem;
	const char *bad;
	size_t pos = 0, i = 0;

	while (json_next(v, &pos, &elem)) {
		if (elem.p < v->p || elem.p + elem.len > v->p + v->len)
			return "json_next left the array";
		bad = agree_value(keys, &elem, json_array_get(j, i++), depth);
		if (bad != NULL)
			return bad;
	}
	return i == json_array_size(j) ? NULL : "length of an array";
}

static inline const char *
agree_object(const struct json_keys *keys, const struct json_value *v,
    const json_t *j, int depth)
{
	struct json_value out[AGREE_NAMES];
	const char *bad;
	size_t i;

	if (json_scan(v->p, v->len, keys, out) == -1)
		return "an object within is not valid";
	for (i = 0; i < AGREE_NAMES; i++) {
		bad = agree_value(keys, &out[i],
		    json_object_get(j, agree_names[i]), depth);
		if (bad != NULL)
			return bad;
	}
	return NULL;
}

static inline const char *
agree_value(const struct json_keys *keys, const struct json_value *v,
    const json_t *j, int depth)
{
	static const uint8_t types[] = {
		[JSON_OBJECT] = JS_OBJECT, [JSON_ARRAY] = JS_ARRAY,
		[JSON_STRING] = JS_STRING, [JSON_INTEGER] = JS_NUMBER,
		[JSON_REAL] = JS_NUMBER, [JSON_TRUE] = JS_TRUE,
		[JSON_FALSE] = JS_FALSE, [JSON_NULL] = JS_NULL
	};

	if (j == NULL)
		return v->type == JS_ABSENT ? NULL : "a value too many";
	if (v->type != types[json_typeof(j)])
		return "type";
	if (v->type != JS_STRING && v->escaped)
		return "escaped, but no string";
	switch (json_typeof(j)) {
	case JSON_STRING:
		return agree_string(v, j);
	case JSON_INTEGER:
	case JSON_REAL:
		return agree_number(v, j);
	case JSON_TRUE:
	case JSON_NULL:
		return v->len == 4 ? NULL : "length of a literal";
	case JSON_FALSE:
		return v->len == 5 ? NULL : "length of a literal";
	case JSON_ARRAY:
		return depth == 0 ? NULL : agree_array(keys, v, j, depth - 1);
	default:
		return depth == 0 ? NULL : agree_object(keys, v, j, depth - 1);
	}
}

/*
 * Returns what they do not agree on, or NULL; *valid is 1 if the text is an
 * object, 2 if it is an array, else 0.
 */
static inline const char *
agree_text(const struct json_keys *keys, const char *text, size_t len,
    int *valid)
{
	struct json_value top = { 0 }, out[AGREE_NAMES];
	json_t *j = agree_load(text, len);
	const char *bad = NULL;
	size_t blanks = 0;

	*valid = j == NULL ? 0 : json_is_object(j) ? 1 : 2;
	if ((json_scan(text, len, NULL, NULL) == 0) != (j != NULL))
		bad = "validity";
	else if ((json_scan(text, len, keys, out) == 0) != (*valid == 1))
		bad = "validity with keys";
	if (bad == NULL && j != NULL) {
		while (strchr(" \t\r\n", text[blanks]) != NULL)
			blanks++;
		while (strchr(" \t\r\n", text[len - 1]) != NULL)
			len--;
		top.type = *valid == 1 ? JS_OBJECT : JS_ARRAY;
		top.p = text + blanks;
		top.len = len - blanks;
		bad = agree_value(keys, &top, j, AGREE_DEPTH);
	}
	json_decref(j);
	return bad;
}

#endif
