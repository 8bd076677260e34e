/* SPDX-License-Identifier: ISC */
/*
 * hubctl invite and join: two hubs get to know each other by way of a relay,
 * with a code that people carry from one to the other.
 */
#include "compat.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "hubctl.h"
#include "pairproto.h"

#define INVITE_MS	((PAIR_SECONDS_MAX + 30) * 1000)
#define JOIN_MS		90000

static int	on_code(const char *, size_t, void *);
static int	paired(struct hubctl *, struct rbuf *, const char *,
		    const char *);

int
cmd_invite(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };
	struct rbuf *result;
	struct ctl *c;

	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	put_str(&w, argc > 0 ? argv[0] : "");
	result = ctl_call_long(c, CTL_INVITE, &w, INVITE_MS, on_code, ctl);
	wbuf_free(&w);
	ctl_close(c);
	return paired(ctl, result, "", " has joined");
}

/* The hub reads the file, from wherever it is. */
int
cmd_join(struct hubctl *ctl, int argc, char **argv)
{
	struct pair_ask a = { .ca_file = "" };
	char *path = NULL;
	struct wbuf w = { 0 };
	struct rbuf *result;
	struct ctl *c;

	(void)argc;
	if (strlcpy(a.url, argv[0], sizeof(a.url)) >= sizeof(a.url)) {
		warnx("a relay's URL has up to %zu characters",
		    sizeof(a.url) - 1);
		return EXIT_FAILURE;
	}
	if (pair_code_read(argv[1], a.code) == -1) {
		warnx("\"%s\" is no code: it has %d letters A to Z and digits "
		    "2 to 7, as hubctl invite shows it", argv[1],
		    PAIR_CODE_LEN);
		return EXIT_FAILURE;
	}
	if (ctl->file != NULL && ((path = realpath(ctl->file, NULL)) == NULL ||
	    strlcpy(a.ca_file, path, sizeof(a.ca_file)) >=
	    sizeof(a.ca_file))) {
		warn("%s", ctl->file);
		free(path);
		return EXIT_FAILURE;
	}
	free(path);
	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	pair_ask_put(&w, &a);
	result = ctl_call_long(c, CTL_JOIN, &w, JOIN_MS, NULL, NULL);
	wbuf_free(&w);
	ctl_close(c);
	return paired(ctl, result, "joined ", "");
}

/* What has to be typed at the other hub. */
static int
on_code(const char *text, size_t len, void *arg)
{
	struct hubctl *ctl = arg;
	json_t *json = json_loadb(text, len, 0, NULL);
	const char *url, *code;
	json_int_t seconds;

	if (ctl->json)
		print_json(text, len);
	else if (json_unpack(json, "{s:s,s:s,s:I}", "url", &url, "code", &code,
	    "seconds", &seconds) == 0)
		printf("On the other machine, within %lld %s:\n"
		    "\n    hubctl join %s %s\n\n",
		    (long long)(seconds < 120 ? seconds : seconds / 60),
		    seconds < 120 ? "seconds" : "minutes", url, code);
	json_decref(json);
	fflush(stdout);
	return 0;
}

static int
paired(struct hubctl *ctl, struct rbuf *result, const char *before,
    const char *behind)
{
	const char *hub;
	json_t *json;

	if (result == NULL)
		return EXIT_FAILURE;
	json = json_loadb(result->data, result->len, 0, NULL);
	if (ctl->json)
		print_json(result->data, result->len);
	else if ((hub = json_string_value(json_object_get(json, "hub_id"))) !=
	    NULL)
		printf("%s%s%s: sessions there are NAME@%s\n", before, hub,
		    behind, hub);
	json_decref(json);
	rbuf_unref(result);
	return EXIT_SUCCESS;
}
