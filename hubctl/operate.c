/* SPDX-License-Identifier: ISC */
/*
 * hubctl log level, token and version.
 */
#include "compat.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "ctlproto.h"
#include "hubctl.h"
#include "log.h"

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
	struct rbuf *result = NULL;
	struct wbuf w = { 0 };
	json_t *json = NULL;
	struct ctl *c = NULL;

	(void)argc;
	(void)argv;
	switch (ctl_probe(ctl->socket, found)) {
	case -1:
		return EXIT_FAILURE;
	case 1:
		if ((c = ctl_open(found)) == NULL)
			return EXIT_FAILURE;
		put_str(&w, "status");
		result = ctl_call(c, CTL_SHOW, &w);
		wbuf_free(&w);
		ctl_close(c);
		if (result == NULL)
			return EXIT_FAILURE;
		json = json_loadb(result->data, result->len, 0, NULL);
		version = json_string_value(json_object_get(
		    json_object_get(json, "hub"), "version"));
	}
	if (ctl->json && version != NULL)
		printf("{\"hubctl\":\"%s\",\"hub\":\"%s\"}\n",
		    ECORELAY_VERSION, version);
	else if (ctl->json)
		printf("{\"hubctl\":\"%s\",\"hub\":null}\n",
		    ECORELAY_VERSION);
	else
		printf("hubctl %s\nhub %s\n", ECORELAY_VERSION,
		    version != NULL ? version : "is not running");
	json_decref(json);
	rbuf_unref(result);
	return EXIT_SUCCESS;
}
