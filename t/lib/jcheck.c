/* SPDX-License-Identifier: ISC */
/*
 * Assertions on JSON values.  Each failure shows the whole value.
 */
#include "compat.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define SHOW_MAX	1500

static int	 fits(const char *, const char *pattern);

const char *
show(const json_t *j)
{
	static char	 bufs[4][SHOW_MAX];
	static int	 turn;
	char		*text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);

	turn = (turn + 1) % 4;
	snprintf(bufs[turn], SHOW_MAX, "%s", text != NULL ? text : "(none)");
	free(text);
	return (bufs[turn]);
}

void
is_str_(const json_t *j, const char *key, const char *value)
{
	const char	*s = json_string_value(json_object_get(j, key));

	if (s == NULL || strcmp(s, value) != 0)
		t_fail("%s is not \"%.200s\": %s", key, value, show(j));
}

void
is_int_(const json_t *j, const char *key, json_int_t value)
{
	const json_t	*m = json_object_get(j, key);

	if (!json_is_integer(m) || json_integer_value(m) != value)
		t_fail("%s is not %" JSON_INTEGER_FORMAT ": %s", key, value,
		    show(j));
}

void
is_true_(const json_t *j, const char *key)
{
	if (!json_is_true(json_object_get(j, key)))
		t_fail("%s is not true: %s", key, show(j));
}

void
is_null_(const json_t *j, const char *key)
{
	if (!json_is_null(json_object_get(j, key)))
		t_fail("%s is not null: %s", key, show(j));
}

void
is_absent_(const json_t *j, const char *key)
{
	if (json_object_get(j, key) != NULL)
		t_fail("there should be no %s: %s", key, show(j));
}

json_t *
is_list_(const json_t *j, const char *key, size_t n)
{
	json_t	*list = json_object_get(j, key);

	if (!json_is_array(list) || json_array_size(list) != n)
		t_fail("%s is not an array of %zu: %s", key, n, show(j));
	return (list);
}

void
has_only_(const json_t *j, const char *keys)
{
	char	*copy = xstrdup(keys), *p, *word;
	size_t	 n = 0;

	for (p = copy; (word = strsep(&p, " ")) != NULL; n++) {
		if (json_object_get(j, word) == NULL)
			t_fail("there is no %s: %s", word, show(j));
	}
	free(copy);
	if (json_object_size(j) != n)
		t_fail("other members than %s: %s", keys, show(j));
}

void
is_same_(const json_t *j, const char *fmt, ...)
{
	va_list		 ap;
	json_error_t	 err;
	json_t		*other;

	va_start(ap, fmt);
	other = json_vpack_ex(&err, 0, fmt, ap);
	va_end(ap);
	if (other == NULL)
		t_fail("json_pack %s: %s", fmt, err.text);
	if (!json_equal(j, other))
		t_fail("wanted %s, got %s", show(other), show(j));
	json_decref(other);
}

const char *
str_of_(const json_t *j, const char *key)
{
	const char	*s = json_string_value(json_object_get(j, key));

	if (s == NULL)
		t_fail("%s is not a string: %s", key, show(j));
	return (s);
}

json_int_t
int_of_(const json_t *j, const char *key)
{
	const json_t	*m = json_object_get(j, key);

	if (!json_is_integer(m))
		t_fail("%s is not an integer: %s", key, show(j));
	return (json_integer_value(m));
}

json_t *
find_in(const json_t *array, const char *key, const char *value)
{
	const char	*s;
	json_t		*j;
	size_t		 i;

	for (i = 0; (j = json_array_get(array, i)) != NULL; i++) {
		s = json_string_value(json_object_get(j, key));
		if (s != NULL && strcmp(s, value) == 0)
			return (j);
	}
	return (NULL);
}

/* In the pattern, 9 stands for a digit and x for one in hexadecimal. */
static int
fits(const char *s, const char *pattern)
{
	for (; *pattern != '\0'; pattern++, s++) {
		if (*pattern == '9' ? !isdigit((unsigned char)*s) :
		    *pattern == 'x' ? !isxdigit((unsigned char)*s) :
		    *pattern != *s)
			return (0);
	}
	return (*s == '\0');
}

int
is_iso8601(const char *s)
{
	return (fits(s, "9999-99-99T99:99:99.999Z"));
}

int
is_msg_id(const char *s)
{
	return (fits(s, "m-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"));
}
