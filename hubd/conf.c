/* SPDX-License-Identifier: ISC */
/*
 * Defaults of the configuration, what the environment says, and the message
 * in which it goes to the children.
 */
#include "compat.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridgejson.h"
#include "conf.h"
#include "joined.h"
#include "log.h"
#include "paths.h"

#define IDLE_MS_MAX	86400000LL
#define WS_PORT		9376
#define EMBEDDED_IDLE_MS 10000
#define DAY_MS		(24LL * 3600 * 1000)

static void	host_id(char dst[NAME_SIZE]);
static int	absolute(char *, size_t);
static int	from_env(const char *, char *, size_t);
static int	relay_from_env(struct conf *);
static int	check_relays(const struct conf *, const char *);

/* The host's name up to the first dot, made valid. */
static void
host_id(char dst[NAME_SIZE])
{
	char host[256];

	if (gethostname(host, sizeof(host)) == -1)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	host[strcspn(host, ".")] = '\0';
	name_slug(host, "hub", dst);
}

void
conf_defaults(struct conf *c)
{
	memset(c, 0, sizeof(*c));
	host_id(c->hub_id);
	c->socket_mode = 0600;
	c->idle_ms = 0;
	c->keep_mailbox = 500;
	c->max_mailboxes = 10000;
	c->max_sessions = 10000;
	c->max_user_sessions = 1000;
	c->max_user_names = 1000;
	c->max_rooms = 50;
	c->max_room_members = 20;
	c->keep_group = 500;
	c->max_groups = 200;
	c->max_group_members = 20;
	c->ask_timeout_ms = 120000;
	strlcpy(c->ws_address, "127.0.0.1", sizeof(c->ws_address));
	c->ws_port = WS_PORT;
	c->max_hub_peers = 500;
	c->expire_queued_ms = 7 * DAY_MS;
	c->sync_full = 1;
	c->log_level = LOG_LEVEL_INFO;
}

static int
absolute(char *path, size_t size)
{
	char cwd[PATH_MAX], rel[CONF_PATH_MAX];

	if (path[0] == '/')
		return 0;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return -1;
	strlcpy(rel, path, sizeof(rel));
	return paths_join(path, size, cwd, rel);
}

/* 1 if the variable is set; -1 if its value does not fit. */
static int
from_env(const char *name, char *dst, size_t size)
{
	const char *v = getenv(name);

	if (v == NULL || v[0] == '\0')
		return 0;
	if (strlcpy(dst, v, size) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 1;
}

int
conf_read(const struct conf_source *s, struct conf *c)
{
	int r;

	conf_defaults(c);
	if (s->embedded)
		c->idle_ms = EMBEDDED_IDLE_MS;
	c->log_level = s->log_level;
	c->runs_at = s->data;
	/* a daemon is somewhere else than where it was started */
	if (s->dir[0] != '\0' && chdir(s->dir) == -1)
		log_warn("%s", s->dir);
	r = conf_load(s->file, !s->embedded, c);
	if (s->dir[0] != '\0' && chdir("/") == -1)
		fatal("chdir");
	c->runs_at = NULL;
	return r;
}

int
conf_load(const char *file, int system_too, struct conf *c)
{
	char path[CONF_PATH_MAX], home[CONF_PATH_MAX];

	if (file == NULL && paths_home(home, sizeof(home)) == 0 &&
	    paths_join(path, sizeof(path), home,
	    ".config/ecorelay/hubd.conf") == 0 && access(path, F_OK) == 0)
		file = path;
	if (file == NULL && system_too &&
	    access(ECORELAY_SYSCONFDIR "/hubd.conf", F_OK) == 0)
		file = ECORELAY_SYSCONFDIR "/hubd.conf";
	if (file != NULL) {
		strlcpy(c->file, file, sizeof(c->file));
		if (conf_parse(file, c) == -1)
			return -1;
	}
	/* of an embedded hub, where nothing else says so */
	if (!system_too && !c->has_links && relay_from_env(c) == -1)
		c->bad_links |= BAD_REMOTE;
	return conf_environment(c);
}

int
conf_environment(struct conf *c)
{
	const char *v, *err;
	char id[NAME_SIZE];

	if (from_env("ECORELAY_DATA", c->data, sizeof(c->data)) == -1 ||
	    (c->data[0] == '\0' &&
	    paths_data(c->data, sizeof(c->data)) == -1) ||
	    absolute(c->data, sizeof(c->data)) == -1) {
		log_warn("data directory");
		return -1;
	}
	if (from_env("RELAY_HUB_SOCKET", c->socket, sizeof(c->socket)) == -1 ||
	    (c->socket[0] == '\0' && paths_join(c->socket, sizeof(c->socket),
	    c->data, "hub.sock") == -1) ||
	    absolute(c->socket, sizeof(c->socket)) == -1) {
		log_warn("socket");
		return -1;
	}
	/* what is in there is not for this hub, either */
	if (c->runs_at != NULL && strcmp(c->data, c->runs_at) != 0) {
		log_warnx("data: takes effect after a restart");
		strlcpy(c->data, c->runs_at, sizeof(c->data));
	}
	if (!c->has_links && bridgejson_load(c) == -1)
		c->bad_links |= BAD_BRIDGE;
	if (joined_load(c) == -1)
		c->bad_links |= BAD_JOINED;
	if ((v = getenv("ECORELAY_IDLE_MS")) != NULL && v[0] != '\0') {
		c->idle_ms = strtonum(v, 0, IDLE_MS_MAX, &err);
		if (err != NULL) {
			log_warnx("ECORELAY_IDLE_MS: %s is %s", v, err);
			return -1;
		}
	}
	if ((v = getenv("ECORELAY_WS_PORT")) != NULL && v[0] != '\0') {
		c->ws_port = (uint32_t)strtonum(v, 0, 65535, &err);
		if (err != NULL) {
			log_warnx("ECORELAY_WS_PORT: %s is %s", v, err);
			return -1;
		}
	}
	if ((v = getenv("RELAY_MACHINE_NAME")) != NULL && v[0] != '\0') {
		name_slug(v, c->hub_id, id);
		strlcpy(c->hub_id, id, sizeof(c->hub_id));
	}
	if (conf_check_links(c, c->file) == -1) {
		conf_links_free(c);
		if (c->has_links)
			return -1;
		c->bad_links |= BAD_ALL;
	}
	/* others may want to reach it */
	if (conf_links_wanted(c))
		c->idle_ms = 0;
	return 0;
}

/* RELAY_REMOTE_URL and RELAY_API_KEY (protocol.md section 4). */
static int
relay_from_env(struct conf *c)
{
	const char *v = getenv("RELAY_REMOTE_URL"), *wrong;
	const char *token = getenv("RELAY_API_KEY");
	struct uplink_relay r = { .unsealed = 0 };
	char url[UPLINK_URL_SIZE + 1];

	if (v == NULL || v[0] == '\0')
		return 0;
	if (strncasecmp(v, "https://", 8) == 0)
		snprintf(url, sizeof(url), "wss://%s", v + 8);
	else if (strncasecmp(v, "http://", 7) == 0)
		snprintf(url, sizeof(url), "ws://%s", v + 7);
	else
		strlcpy(url, v, sizeof(url));
	wrong = uplink_relay_url(&r, url);
	if (wrong == NULL && (token == NULL ||
	    uplink_relay_token(&r, token, strlen(token)) == -1))
		wrong = "RELAY_API_KEY must be the relay's token, of 8 to 255 "
		    "characters";
	if (wrong != NULL) {
		log_warnx("RELAY_REMOTE_URL: %s", wrong);
		return -1;
	}
	/* it may stand in a file, too */
	(void)uplink_relay_add(&c->relays, &r);
	explicit_bzero(&r, sizeof(r));
	return 0;
}

int
conf_links_wanted(const struct conf *c)
{
	return lan_wanted(&c->lan) || c->relays.n > 0;
}

void
conf_links_free(struct conf *c)
{
	lan_conf_free(&c->lan);
	explicit_bzero(&c->relays, sizeof(c->relays));
	explicit_bzero(c->seed, sizeof(c->seed));
}

static int
check_relays(const struct conf *c, const char *path)
{
	const char *wrong;
	uint32_t i;

	if (c->relays.n == 0)
		return 0;
	for (i = 0; i < c->relays.n; i++) {
		if (c->relays.relays[i].token[0] != '\0')
			continue;
		log_warnx("%s: relay \"%s\" needs its token: token file",
		    path, c->relays.relays[i].url);
		return -1;
	}
	if ((wrong = conf_relay_id(c)) == NULL)
		return 0;
	log_warnx("%s: \"%s\": %s", path, c->hub_id, wrong);
	return -1;
}

const char *
conf_relay_id(const struct conf *c)
{
	return strchr(c->hub_id, '.') != NULL ||
	    strcmp(c->hub_id, "relay") == 0 ? "this hub's id cannot be used "
	    "on a relay: it must have no '.', and not be \"relay\"" : NULL;
}

int
conf_check_links(const struct conf *c, const char *path)
{
	if (check_relays(c, path) == -1)
		return -1;
	if (!lan_wanted(&c->lan))
		return 0;
	if (strlen(c->lan.secret) < LAN_SECRET_MIN) {
		log_warnx("%s: links need a secret of %d to %d characters, "
		    "the same on all hubs", path, LAN_SECRET_MIN,
		    LAN_SECRET_SIZE - 1);
		return -1;
	}
	if (lan_peer_find(&c->lan, c->hub_id) != NULL) {
		log_warnx("%s: \"%s\" is this hub itself: it cannot be a "
		    "peer", path, c->hub_id);
		return -1;
	}
	return 0;
}

void
conf_put(struct wbuf *w, const struct conf *c)
{
	uint32_t i;

	put_str(w, c->hub_id);
	put_str(w, c->data);
	put_str(w, c->socket);
	put_str(w, c->socket_group);
	put_u32(w, c->socket_mode);
	put_u64(w, (uint64_t)c->idle_ms);
	put_u32(w, c->keep_mailbox);
	put_u32(w, c->max_mailboxes);
	put_u32(w, c->max_sessions);
	put_u32(w, c->max_user_sessions);
	put_u32(w, c->max_user_names);
	put_u32(w, c->max_rooms);
	put_u32(w, c->max_room_members);
	put_u32(w, c->keep_group);
	put_u32(w, c->max_groups);
	put_u32(w, c->max_group_members);
	put_u64(w, (uint64_t)c->ask_timeout_ms);
	put_u64(w, (uint64_t)c->expire_unread_ms);
	put_str(w, c->ws_address);
	put_u32(w, c->ws_port);
	put_str(w, c->ws_origin);
	put_str(w, c->ws_token);
	put_u32(w, c->lan.npeers);
	for (i = 0; i < c->lan.npeers; i++) {
		put_str(w, c->lan.peers[i].hub_id);
		put_u8(w, c->lan.peers[i].plaintext);
	}
	put_u32(w, c->max_hub_peers);
	put_u64(w, (uint64_t)c->expire_queued_ms);
	put_u8(w, c->keys_strict);
	put_u8(w, c->sync_full);
	put_u8(w, c->log_level);
}

int
conf_get(struct reader *r, struct conf *c)
{
	struct lan_peer p = { .port = 0 };
	uint32_t n;

	get_str(r, c->hub_id, sizeof(c->hub_id));
	get_str(r, c->data, sizeof(c->data));
	get_str(r, c->socket, sizeof(c->socket));
	get_str(r, c->socket_group, sizeof(c->socket_group));
	c->socket_mode = get_u32(r);
	c->idle_ms = (int64_t)get_u64(r);
	c->keep_mailbox = get_u32(r);
	c->max_mailboxes = get_u32(r);
	c->max_sessions = get_u32(r);
	c->max_user_sessions = get_u32(r);
	c->max_user_names = get_u32(r);
	c->max_rooms = get_u32(r);
	c->max_room_members = get_u32(r);
	c->keep_group = get_u32(r);
	c->max_groups = get_u32(r);
	c->max_group_members = get_u32(r);
	c->ask_timeout_ms = (int64_t)get_u64(r);
	c->expire_unread_ms = (int64_t)get_u64(r);
	get_str(r, c->ws_address, sizeof(c->ws_address));
	c->ws_port = get_u32(r);
	get_str(r, c->ws_origin, sizeof(c->ws_origin));
	get_str(r, c->ws_token, sizeof(c->ws_token));
	memset(&c->lan, 0, sizeof(c->lan));
	for (n = get_u32(r); n > 0 && !r->failed; n--) {
		get_str(r, p.hub_id, sizeof(p.hub_id));
		p.plaintext = get_u8(r);
		if (!r->failed && lan_peer_add(&c->lan, &p) == -1)
			r->failed = 1;
	}
	c->max_hub_peers = get_u32(r);
	c->expire_queued_ms = (int64_t)get_u64(r);
	c->keys_strict = get_u8(r);
	c->sync_full = get_u8(r);
	c->log_level = get_u8(r);
	return reader_done(r);
}
