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

#include "ctlproto.h"
#include "hubctl.h"
#include "linkproto.h"

static int	read_key(const char *, char[LINK_KEY_SIZE]);

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
	const char *trusted;
	struct wbuf w = { 0 };
	struct rbuf *result;
	struct ctl *c;
	json_t *json;

	if (argc > 1 && read_key(argv[1], key) == -1) {
		warnx("\"%s\" is no key: it has %d hexadecimal digits", argv[1],
		    LINK_KEY_SIZE - 1);
		return EXIT_FAILURE;
	}
	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	put_str(&w, argv[0]);
	put_str(&w, key);
	result = ctl_call(c, CTL_TRUST, &w);
	wbuf_free(&w);
	ctl_close(c);
	if (result == NULL)
		return EXIT_FAILURE;
	json = json_loadb(result->data, result->len, 0, NULL);
	if (ctl->json)
		print_json(result->data, result->len);
	else if ((trusted = json_string_value(json_object_get(json, "key"))) !=
	    NULL)
		printf("%s is trusted with the key %s\n", argv[0], trusted);
	json_decref(json);
	rbuf_unref(result);
	return EXIT_SUCCESS;
}

int
cmd_distrust(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };
	struct rbuf *result;
	struct ctl *c;

	(void)argc;
	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	put_str(&w, argv[0]);
	result = ctl_call(c, CTL_DISTRUST, &w);
	wbuf_free(&w);
	ctl_close(c);
	if (result == NULL)
		return EXIT_FAILURE;
	if (ctl->json)
		print_json(result->data, result->len);
	rbuf_unref(result);
	return EXIT_SUCCESS;
}

int
cmd_forget(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };
	struct rbuf *result;
	struct ctl *c;
	json_t *json;

	(void)argc;
	if ((c = ctl_open(ctl->socket)) == NULL)
		return EXIT_FAILURE;
	put_str(&w, argv[0]);
	result = ctl_call(c, CTL_FORGET, &w);
	wbuf_free(&w);
	ctl_close(c);
	if (result == NULL)
		return EXIT_FAILURE;
	json = json_loadb(result->data, result->len, 0, NULL);
	if (ctl->json)
		print_json(result->data, result->len);
	else if (json_is_true(json_object_get(json, "queued")))
		printf("the keys of %s are forgotten; messages wait for it\n",
		    argv[0]);
	else
		printf("%s is forgotten\n", argv[0]);
	json_decref(json);
	rbuf_unref(result);
	return EXIT_SUCCESS;
}
