/* SPDX-License-Identifier: ISC */
/*
 * hubctl log level, token, version, upgrade and reload.
 */
#include "compat.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "hubctl.h"
#include "log.h"
#include "term.h"
#include "version.h"

#define RELOAD_WAIT_MS	60000	/* for a disk, and all processes */
#define UPGRADE_WAIT_MS	30000	/* for the hub to try the new version */

static int	upgraded(struct hubctl *, json_t *, const char *);
static void	show_reloaded(const json_t *, int);

static const struct {
	const char	*name;
	enum log_level	 level;
} levels[] = {
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

int
cmd_log_level(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };
	size_t i;
	int rc;

	(void)argc;
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, argv[0]) == 0)
			break;
	}
	if (i == sizeof(levels) / sizeof(levels[0])) {
		warnx("%s: the levels are warn, info and debug", argv[0]);
		return EXIT_FAILURE;
	}
	put_u8(&w, (uint8_t)levels[i].level);
	rc = hubctl_ask(ctl, CTL_LEVEL, &w, hubctl_silent);
	wbuf_free(&w);
	return rc;
}

static int
print_token(json_t *json)
{
	const char *token = json_string_value(json_object_get(json, "token"));

	if (token == NULL) {
		warnx("the hub sent no token");
		return EXIT_FAILURE;
	}
	printf("%s\n", token);
	return EXIT_SUCCESS;
}

int
cmd_token(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };
	int rc;

	(void)argc;
	(void)argv;
	put_u8(&w, (uint8_t)ctl->undo);
	rc = hubctl_ask(ctl, CTL_TOKEN, &w, print_token);
	wbuf_free(&w);
	return rc;
}

/* Without a hub there is still this program. */
int
cmd_version(struct hubctl *ctl, int argc, char **argv)
{
	char found[CTL_PATH_SIZE];
	const char *version = NULL;
	struct ctl *c = NULL;

	(void)argc;
	(void)argv;
	switch (ctl_probe(ctl->socket, found)) {
	case -1:
		return EXIT_FAILURE;
	case 1:
		if ((c = ctl_open_any(found)) == NULL)
			return EXIT_FAILURE;
		version = ctl_version(c);
	}
	if (ctl->json && version != NULL)
		printf("{\"hubctl\":\"%s\",\"hub\":\"%s\"}\n",
		    ecorelay_version, version);
	else if (ctl->json)
		printf("{\"hubctl\":\"%s\",\"hub\":null}\n",
		    ecorelay_version);
	else
		printf("hubctl %s\nhub %s\n", ecorelay_version,
		    version != NULL ? version : "is not running");
	if (c != NULL)
		ctl_close(c);
	return EXIT_SUCCESS;
}

/* The hub closes the connection, and answers at the next one when it is new. */
int
cmd_upgrade(struct hubctl *ctl, int argc, char **argv)
{
	struct rbuf *result;
	json_t *json = NULL;
	struct ctl *c;
	int rc = EXIT_FAILURE;

	(void)argc;
	(void)argv;
	if ((c = ctl_open_any(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	result = ctl_call_long(c, CTL_UPGRADE, NULL, UPGRADE_WAIT_MS, NULL,
	    NULL);
	if (result != NULL && ctl_wait_gone(c) == -1)
		warnx("the hub does not end");
	else if (result != NULL)
		json = json_loadb(result->data, result->len, 0, NULL);
	ctl_close(c);
	rbuf_unref(result);
	if (json != NULL && (c = ctl_open_any(ctl->socket)) != NULL) {
		rc = upgraded(ctl, json, ctl_version(c));
		ctl_close(c);
	} else if (json != NULL)
		warnx("the new version does not answer there: if its "
		    "configuration has not moved the socket, the hub's log "
		    "says why");
	json_decref(json);
	return rc;
}

static int
upgraded(struct hubctl *ctl, json_t *json, const char *version)
{
	const char *hub, *from;
	char *text;

	if (json_unpack(json, "{s:s,s:s}", "hub_id", &hub, "from",
	    &from) == -1) {
		warnx("the hub sent what makes no sense");
		return EXIT_FAILURE;
	}
	json_object_set_new(json, "to", json_string(version));
	if (ctl->json && (text = json_dumps(json, JSON_COMPACT)) != NULL) {
		print_json(text, strlen(text));
		free(text);
	} else {
		printf("hub %s: %s -> %s\n", hub, from, version);
	}
	return EXIT_SUCCESS;
}

/* What does not hold yet is no failure. */
int
cmd_reload(struct hubctl *ctl, int argc, char **argv)
{
	struct rbuf *result;
	struct ctl *c;
	json_t *json;
	int rc;

	(void)argc;
	(void)argv;
	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	result = ctl_call_long(c, CTL_RELOAD, NULL, RELOAD_WAIT_MS, NULL,
	    NULL);
	ctl_close(c);
	if (result == NULL)
		return EXIT_FAILURE;
	json = json_loadb(result->data, result->len, 0, NULL);
	rc = json_is_true(json_object_get(json, "reloaded")) ? EXIT_SUCCESS :
	    EXIT_FAILURE;
	if (ctl->json)
		print_json(result->data, result->len);
	else
		show_reloaded(json, rc);
	json_decref(json);
	rbuf_unref(result);
	return rc;
}

static void
show_reloaded(const json_t *json, int rc)
{
	const json_t *lines = json_object_get(json, "lines"), *line;
	struct wbuf w = { 0 };
	size_t i;

	json_array_foreach(lines, i, line) {
		wbuf_reset(&w);
		term_add(&w, json_string_value(line),
		    json_string_length(line), TERM_LINE, term_ascii());
		warnx("%.*s", (int)w.len, wbuf_data(&w));
	}
	wbuf_free(&w);
	if (rc == EXIT_SUCCESS)
		printf("reloaded\n");
}
