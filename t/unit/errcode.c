/* SPDX-License-Identifier: ISC */
/*
 * Tests of the error codes: each has one sentence, and ecorelay(7) has the
 * same ones.
 */
#include "compat.h"

#include <ctype.h>
#include <stdlib.h>

#include "errcode.h"
#include "test.h"

/* The manual page, from the source tree that we were built in. */
static char *
page(void)
{
	char path[T_PATH], *slash;
	int i;

	program_path("hubd", path);
	for (i = 0; i < 2; i++)
		if ((slash = strrchr(path, '/')) != NULL)
			*slash = '\0';
	strlcat(path, "/man/ecorelay.7", sizeof(path));
	return read_file(path);
}

/* Adds a line of text to a paragraph. */
static void
add_line(char *dst, size_t size, const char *line)
{
	if (*dst != '\0')
		strlcat(dst, " ", size);
	strlcat(dst, line, size);
}

/* Compares what the page says of a code; the text is emptied. */
static void
compare(const char *code, char *text, unsigned *seen)
{
	enum errcode e = err_of(slice_of(code));

	if (*code == '\0')
		return;
	want(strcmp(err_code(e), code) == 0, "%s is no code", code);
	want(!(*seen & 1u << e), "%s is there twice", code);
	*seen |= 1u << e;
	want(strcmp(err_advice(e), text) == 0,
	    "%s: ecorelay(7) says \"%s\", not \"%s\"", code, text,
	    err_advice(e));
	*text = '\0';
}

START_TEST(in_the_manual)
{
	char *file = page(), *p, *line, code[64] = "", text[512] = "";
	unsigned seen = 0;
	int i;

	p = strstr(file, ".Sh ERROR CODES\n");
	want(p != NULL, "no section ERROR CODES");
	for (p = strchr(p, '\n') + 1; (line = strsep(&p, "\n")) != NULL;) {
		if (strncmp(line, ".El", 3) == 0)
			break;
		if (strncmp(line, ".It Er ", 7) == 0) {
			compare(code, text, &seen);
			strlcpy(code, line + 7, sizeof(code));
		} else if (*code != '\0') {
			add_line(text, sizeof(text), line);
		}
	}
	compare(code, text, &seen);
	for (i = ERR_NONE + 1; i < ERR_MAX; i++)
		want(seen & 1u << i, "%s is not in ecorelay(7)",
		    err_code((enum errcode)i));
	free(file);
}
END_TEST

START_TEST(sentences)
{
	const char *s;
	int i, k;

	for (i = ERR_NONE + 1; i < ERR_MAX; i++) {
		s = err_advice((enum errcode)i);
		want(isupper((unsigned char)s[0]) &&
		    s[strlen(s) - 1] == '.' && strstr(s, ". ") == NULL,
		    "not one sentence: %s", s);
		/* what is the matter, and what to do */
		want(strchr(s, ':') != NULL, "what to do is not said: %s", s);
		want(strlen(s) < 160, "long: %s", s);
		for (k = ERR_NONE + 1; k < i; k++)
			want(strcmp(s, err_advice((enum errcode)k)) != 0,
			    "of two codes: %s", s);
	}
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("errcode");

	(void)argc;
	test_add(s, in_the_manual, 10);
	test_add(s, sentences, 10);
	return test_main(argv[0], s);
}
