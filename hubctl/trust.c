/* SPDX-License-Identifier: ISC */
/*
 * hubctl trust, distrust and forget: keys of other hubs.
 */
#include "compat.h"

#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "hubctl.h"
#include "linkproto.h"

static int	read_key(const char *, char[LINK_KEY_SIZE]);
static int	ask(struct hubctl *, enum imsg_type, struct wbuf *,
		    int (*)(json_t *));
static int	trusted(json_t *);
static int	forgotten(json_t *);

/* In capitals, too. */
static int
read_key(const char *text, char key[LINK_KEY_SIZE])
{
	size_t i;

	if (strlen(text) != LINK_KEY_SIZE - 1)
		return -1;
	for (i = 0; i < LINK_KEY_SIZE - 1; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return -1;
		key[i] = (char)tolower((unsigned char)text[i]);
	}
	key[i] = '\0';
	return 0;
}

int
cmd_trust(struct hubctl *ctl, int argc, char **argv)
{
	char key[LINK_KEY_SIZE] = "";
	struct wbuf w = { 0 };

	if (argc > 1 && read_key(argv[1], key) == -1) {
		warnx("\"%s\" is no key: it has %d hexadecimal digits", argv[1],
		    LINK_KEY_SIZE - 1);
		return EXIT_FAILURE;
	}
	put_str(&w, argv[0]);
	put_str(&w, key);
	return ask(ctl, CTL_TRUST, &w, trusted);
}

int
cmd_distrust(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };

	(void)argc;
	put_str(&w, argv[0]);
	return ask(ctl, CTL_DISTRUST, &w, hubctl_silent);
}

int
cmd_forget(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };

	(void)argc;
	put_str(&w, argv[0]);
	return ask(ctl, CTL_FORGET, &w, forgotten);
}

static int
ask(struct hubctl *ctl, enum imsg_type type, struct wbuf *w,
    int (*show)(json_t *))
{
	int rc = hubctl_ask(ctl, type, w, show);

	wbuf_free(w);
	return rc;
}

static int
trusted(json_t *json)
{
	const char *hub, *key;

	if (json_unpack(json, "{s:s,s:s}", "hub_id", &hub, "key", &key) == 0)
		printf("%s is trusted with the key %s\n", hub, key);
	return EXIT_SUCCESS;
}

static int
forgotten(json_t *json)
{
	const char *hub;
	int queued;

	if (json_unpack(json, "{s:s,s:b}", "hub_id", &hub, "queued",
	    &queued) == -1)
		return EXIT_SUCCESS;
	if (queued)
		printf("the keys of %s are forgotten; messages wait for it\n",
		    hub);
	else
		printf("%s is forgotten\n", hub);
	return EXIT_SUCCESS;
}
