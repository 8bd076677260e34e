/* SPDX-License-Identifier: ISC */
/*
 * bridge.json, in which EcoRelay has its links to other hubs.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridgejson.h"
#include "conf.h"
#include "datafile.h"
#include "log.h"
#include "paths.h"
#include "tcpsock.h"

#define FILE_MAX	(1024 * 1024)
#define FILE_NAME	"bridge.json"

static char	*find(const struct conf *, char *, size_t, size_t *);
static char	*read_one(const char *, const char *, char *, size_t,
		    size_t *);
static int	wrong(const char *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static int	get_text(const char *, const json_t *, const char *, char *,
		    size_t);
static int	get_port(const char *, const json_t *, const char *, int,
		    uint32_t *);
static int	get_peer(const char *, const json_t *, size_t,
		    struct lan_conf *);
static int	get_flag(const char *, const json_t *, const char *, uint8_t *);
static int	read_root(const char *, const json_t *, struct conf *);

static int
wrong(const char *path, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("%s: %s", path, text);
	return -1;
}

int
bridgejson_private(const char *path, const struct stat *st)
{
	if (datafile_private(path, st) == 0)
		return 0;
	return wrong(path, "others can read it: chmod 600 it");
}

/* NULL with errno, ENOENT if it is not there. */
static char *
read_one(const char *dir, const char *name, char *path, size_t size,
    size_t *len)
{
	struct stat st;
	char *text;

	if (paths_join(path, size, dir, name) == -1)
		return NULL;
	text = datafile_read(path, FILE_MAX, len, &st);
	if (text != NULL && bridgejson_private(path, &st) == -1) {
		free(text);
		errno = EPERM;
		return NULL;
	}
	return text;
}

/* NULL with errno; the path is that of the file found. */
static char *
find(const struct conf *c, char *path, size_t size, size_t *len)
{
	char dir[CONF_PATH_MAX];
	char *text;

	text = read_one(c->data, FILE_NAME, path, size, len);
	if (text == NULL && errno == ENOENT &&
	    paths_plugin_data(dir, sizeof(dir)) == 0)
		text = read_one(dir, FILE_NAME, path, size, len);
	if (text == NULL && errno == ENOENT && getenv("ECORELAY_DATA") ==
	    NULL && paths_home(dir, sizeof(dir)) == 0)
		text = read_one(dir, ".eco-relay/" FILE_NAME, path, size, len);
	return text;
}

/* 1 if it is there, 0 if not, -1. */
static int
get_text(const char *path, const json_t *o, const char *key, char *dst,
    size_t size)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_string(v) || json_string_length(v) == 0)
		return wrong(path, "%s must be a text", key);
	if (strlcpy(dst, json_string_value(v), size) >= size)
		return wrong(path, "%s: longer than %zu characters", key,
		    size - 1);
	return 1;
}

static int
get_port(const char *path, const json_t *o, const char *key, int min,
    uint32_t *port)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_integer_value(v);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || n < min || n > 65535)
		return wrong(path, "%s must be a port: a number within %d to "
		    "65535", key, min);
	*port = (uint32_t)n;
	return 1;
}

static int
get_flag(const char *path, const json_t *o, const char *key, uint8_t *flag)
{
	const json_t *v = json_object_get(o, key);

	if (v != NULL && !json_is_boolean(v))
		return wrong(path, "%s must be true or false", key);
	*flag = json_is_true(v);
	return 0;
}

int
bridgejson_relay(const char *path, const json_t *o, struct relays_conf *relays)
{
	struct uplink_relay r = { .unsealed = 0 };
	char url[UPLINK_URL_SIZE], token[UPLINK_TOKEN_SIZE];
	const char *why;
	int ok;

	if (o == NULL || json_is_null(o))
		return 0;
	if (!json_is_object(o) ||
	    get_text(path, o, "url", url, sizeof(url)) != 1 ||
	    get_text(path, o, "token", token, sizeof(token)) != 1 ||
	    get_text(path, o, "ca", r.ca_file, sizeof(r.ca_file)) == -1 ||
	    get_flag(path, o, "unsealed", &r.unsealed) == -1)
		return wrong(path, "relay must be {url, token}");
	if ((why = uplink_relay_url(&r, url)) != NULL)
		return wrong(path, "%s", why);
	ok = uplink_relay_token(&r, token, strlen(token)) == 0;
	explicit_bzero(token, sizeof(token));
	if (!ok)
		return wrong(path, "the relay's token must have %d to %d "
		    "characters", UPLINK_TOKEN_MIN, UPLINK_TOKEN_SIZE - 1);
	(void)uplink_relay_add(relays, &r);
	explicit_bzero(&r, sizeof(r));
	return 0;
}

static int
get_peer(const char *path, const json_t *o, size_t i, struct lan_conf *lan)
{
	struct lan_peer p = { .port = LAN_PORT };

	if (!json_is_object(o) ||
	    get_text(path, o, "hub_id", p.hub_id, sizeof(p.hub_id)) != 1 ||
	    get_text(path, o, "host", p.host, sizeof(p.host)) != 1 ||
	    get_port(path, o, "port", 1, &p.port) == -1)
		return wrong(path, "peers[%zu] must be {hub_id, host, port}",
		    i);
	if (!name_valid(slice_of(p.hub_id)))
		return wrong(path, "peers[%zu]: hub_id is not a name of 1 to "
		    "64 letters, digits, '.', '_' and '-'", i);
	if (get_flag(path, o, "plaintext", &p.plaintext) == -1)
		return -1;
	if (lan_peer_add(lan, &p) == -1)
		return wrong(path, "peers[%zu]: there is a peer \"%s\" "
		    "already, or more than %d", i, p.hub_id, LAN_PEERS_MAX);
	return 0;
}

static int
read_root(const char *path, const json_t *root, struct conf *c)
{
	struct lan_conf *lan = &c->lan;
	const json_t *peers = json_object_get(root, "peers");
	char id[NAME_SIZE];
	int has_id;
	size_t i;

	if (!json_is_object(root))
		return wrong(path, "must be an object");
	strlcpy(lan->address, "*", sizeof(lan->address));
	if ((has_id = get_text(path, root, "hub_id", id, sizeof(id))) == -1 ||
	    get_text(path, root, "secret", lan->secret,
	    sizeof(lan->secret)) == -1 ||
	    get_text(path, root, "bind", lan->address,
	    sizeof(lan->address)) == -1 ||
	    get_port(path, root, "listen", 0, &lan->port) == -1)
		return -1;
	if (strcmp(lan->address, "*") != 0 && !tcp_is_address(lan->address))
		return wrong(path, "bind must be a numeric address");
	if (peers != NULL && !json_is_array(peers))
		return wrong(path, "peers must be a list");
	for (i = 0; i < json_array_size(peers); i++) {
		if (get_peer(path, json_array_get(peers, i), i, lan) == -1)
			return -1;
	}
	if (bridgejson_relay(path, json_object_get(root, "relay"),
	    &c->relays) == -1)
		return -1;
	if (has_id && !name_valid(slice_of(id)))
		return wrong(path, "hub_id is not a name of 1 to 64 letters, "
		    "digits, '.', '_' and '-'");
	if (has_id)
		strlcpy(c->hub_id, id, sizeof(c->hub_id));
	return 0;
}

int
bridgejson_load(struct conf *c)
{
	char path[CONF_PATH_MAX];
	json_error_t error;
	json_t *root;
	char *text;
	size_t len, bom;
	int r;

	if ((text = find(c, path, sizeof(path), &len)) == NULL) {
		if (errno == ENOENT)
			return 0;
		if (errno != EPERM)
			log_warn("%s", path);
		return -1;
	}
	bom = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	root = json_loadb(text + bom, len - bom, JSON_REJECT_DUPLICATES,
	    &error);
	if (root != NULL)
		r = read_root(path, root, c);
	else
		/* what jansson says may have the secret in it */
		r = wrong(path, "line %d: this is not JSON",
		    error.line);
	json_decref(root);
	explicit_bzero(text, len);
	free(text);
	if (r == 0)
		r = conf_check_links(c, path);
	if (r == 0 && conf_links_wanted(c))
		strlcpy(c->file, path, sizeof(c->file));
	if (r == -1)
		conf_links_free(c);
	return r;
}
