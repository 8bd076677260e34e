/* SPDX-License-Identifier: ISC */
/*
 * The configuration of a relay: defaults, EcoRelay's file, and the message in
 * which it goes to the router.
 */
#include "compat.h"

#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "privdrop.h"
#include "wholefile.h"

#define FILE_MAX	(64 * 1024)

static int	number(const char *, const json_t *, const char *, json_int_t,
		    json_int_t, uint32_t *);
static int	set_secret(struct relay_conf *, const char *, size_t);

void
relay_conf_defaults(struct relay_conf *c)
{
	memset(c, 0, sizeof(*c));
	c->max_hubs = 10000;
	c->max_peers = 500;
	c->handshake_ms = 5000;
	c->pair_ms = 5 * 60 * 1000;
	c->log_level = LOG_LEVEL_INFO;
}

static int
set_secret(struct relay_conf *c, const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	if (len < RELAY_SECRET_MIN || len >= RELAY_SECRET_SIZE ||
	    memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(c->secret, text, len);
	c->secret[len] = '\0';
	return 0;
}

int
relay_conf_secret(const char *path, struct relay_conf *c, char *why,
    size_t size)
{
	struct stat st;
	size_t len;
	char *text = wholefile_read(path, FILE_MAX, &len, &st);
	int r = 0;

	if (text == NULL) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if ((st.st_mode & 077) != 0 || !privdrop_trusts(st.st_uid)) {
		snprintf(why, size, "%s: others can read it: chmod 600 it",
		    path);
		r = -1;
	} else if (set_secret(c, text, len) == -1) {
		snprintf(why, size, "%s: a secret has %d to %d characters",
		    path, RELAY_SECRET_MIN, RELAY_SECRET_SIZE - 1);
		r = -1;
	}
	explicit_bzero(text, len);
	free(text);
	return r;
}

static int
number(const char *path, const json_t *o, const char *key, json_int_t min,
    json_int_t max, uint32_t *n)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min ||
	    json_integer_value(v) > max) {
		log_warnx("%s: %s must be a number within %lld to %lld", path,
		    key, (long long)min, (long long)max);
		return -1;
	}
	*n = (uint32_t)json_integer_value(v);
	return 0;
}

int
relay_conf_json(const char *path, struct relay_conf *c)
{
	uint32_t port = RELAY_PORT;
	json_error_t error;
	const json_t *v;
	struct stat st;
	json_t *root;
	char *text;
	size_t len;
	int r = -1;

	if ((text = wholefile_read(path, FILE_MAX, &len, &st)) == NULL) {
		log_warn("%s", path);
		return -1;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	explicit_bzero(text, len);
	free(text);
	if (root == NULL)
		log_warnx("%s: line %d: this is not JSON", path,
		    error.line);
	else if ((st.st_mode & 077) != 0)
		log_warnx("%s: others can read it: chmod 600 it", path);
	else if (!json_is_string(v = json_object_get(root, "secret")) ||
	    set_secret(c, json_string_value(v), json_string_length(v)) == -1)
		log_warnx("%s: secret must be a text of %d to %d characters",
		    path, RELAY_SECRET_MIN, RELAY_SECRET_SIZE - 1);
	else if (number(path, root, "port", 1, 65535, &port) == 0 &&
	    number(path, root, "max_hubs", 1, 1000000, &c->max_hubs) == 0 &&
	    number(path, root, "handshake_timeout_ms", 100, 600000,
	    &c->handshake_ms) == 0)
		r = 0;
	json_decref(root);
	strlcpy(c->listens[0].address, "*", sizeof(c->listens[0].address));
	c->listens[0].port = port;
	c->nlistens = 1;
	return r;
}

void
relay_conf_put(struct wbuf *w, const struct relay_conf *c)
{
	put_str(w, c->secret);
	put_u32(w, c->max_hubs);
	put_u32(w, c->max_peers);
	put_u32(w, c->messages_per_s);
	put_u32(w, c->bytes_per_s);
	put_u32(w, c->handshake_ms);
	put_u32(w, c->pair_ms);
	put_u8(w, c->log_level);
}

int
relay_conf_get(struct reader *r, struct relay_conf *c)
{
	relay_conf_defaults(c);
	get_str(r, c->secret, sizeof(c->secret));
	c->max_hubs = get_u32(r);
	c->max_peers = get_u32(r);
	c->messages_per_s = get_u32(r);
	c->bytes_per_s = get_u32(r);
	c->handshake_ms = get_u32(r);
	c->pair_ms = get_u32(r);
	c->log_level = get_u8(r);
	return reader_done(r);
}
