/* SPDX-License-Identifier: ISC */
/*
 * Names of peers, rooms, groups and hubs.
 */
#include "compat.h"

#include <stdio.h>

#include "names.h"

static int	name_char(char);
static int	is_space(char);

static int
name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static int
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int
name_valid(struct slice s)
{
	size_t i;

	if (s.len == 0 || s.len > NAME_LEN_MAX || slice_is(s, ".") ||
	    slice_is(s, ".."))
		return 0;
	for (i = 0; i < s.len; i++) {
		if (!name_char(s.p[i]))
			return 0;
	}
	return 1;
}

struct slice
name_trim(struct slice s)
{
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

void
name_slug(const char *text, const char *fallback, char dst[NAME_SIZE])
{
	size_t n = 0;
	int gap = 0;

	for (; *text != '\0' && n < NAME_LEN_MAX; text++) {
		char c = *text;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!name_char(c) || c == '-') {
			gap = n > 0;
			continue;
		}
		if (gap && n < NAME_LEN_MAX - 1)
			dst[n++] = '-';
		gap = 0;
		dst[n++] = c;
	}
	dst[n] = '\0';
	if (!name_valid(slice_of(dst)))
		strlcpy(dst, fallback, NAME_SIZE);
}

void
name_number(const char *base, unsigned n, char dst[NAME_SIZE])
{
	char tail[16] = "";
	size_t len, room;

	if (n > 1)
		snprintf(tail, sizeof(tail), "-%u", n);
	room = NAME_LEN_MAX - strlen(tail);
	len = strlen(base) < room ? strlen(base) : room;
	memcpy(dst, base, len);
	strlcpy(dst + len, tail, NAME_SIZE - len);
}
