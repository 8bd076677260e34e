/* SPDX-License-Identifier: ISC */
/*
 * The configuration of a hub: read by the parent, handed to its children.
 */
#ifndef CONF_H
#define CONF_H

#include <sys/types.h>

#include <stdint.h>

#include "buf.h"
#include "lanconf.h"
#include "names.h"
#include "uplinkconf.h"

#define CONF_PATH_MAX	1024
#define CONF_WS_TOKEN	256

/* What cannot be used: the hub runs without the links in it. */
enum bad_links {
	BAD_BRIDGE = 1,		/* bridge.json */
	BAD_JOINED = 2,		/* relays.json */
	BAD_REMOTE = 4,		/* RELAY_REMOTE_URL */
	BAD_ALL = 8		/* they do not go with the rest */
};

struct conf {
	char		 hub_id[NAME_SIZE];
	char		 data[CONF_PATH_MAX];
	char		 socket[CONF_PATH_MAX];
	uint32_t	 socket_mode;
	char		 socket_group[64];	/* "" = the user's own */
	int64_t		 idle_ms;		/* 0 = never leave */
	uint32_t	 keep_mailbox;		/* messages per mailbox */
	uint32_t	 max_mailboxes;
	uint32_t	 max_sessions;
	uint32_t	 max_user_sessions;	/* of a plain user */
	uint32_t	 max_user_names;
	uint32_t	 max_rooms;
	uint32_t	 max_room_members;
	uint32_t	 keep_group;		/* messages per group */
	uint32_t	 max_groups;
	uint32_t	 max_group_members;
	int64_t		 ask_timeout_ms;
	int64_t		 expire_unread_ms;	/* 0 = never */
	char		 ws_address[64];	/* of the WebSocket */
	uint32_t	 ws_port;		/* 0 = none */
	char		 ws_origin[256];	/* allowed; "" = none */
	char		 ws_token[CONF_WS_TOKEN];	/* wstoken.h */
	struct lan_conf	 lan;			/* links to other hubs */
	struct relays_conf relays;		/* and by way of relays */
	unsigned char	 seed[UPLINK_SEED_SIZE];	/* of this hub's key */
	uint8_t		 has_key;		/* it is there */
	uint8_t		 same_secret;		/* of the LAN, as before */
	uint32_t	 max_hub_peers;		/* sessions of another hub */
	int64_t		 expire_queued_ms;	/* messages to other hubs */
	char		 file[CONF_PATH_MAX];	/* that was read; or "" */
	uint8_t		 has_links;		/* the file says so, not JSON */
	unsigned	 bad_links;		/* enum bad_links */
	uint8_t		 keys_strict;		/* keys.h */
	uint8_t		 sync_full;
	uint8_t		 log_level;		/* of hubd, from -v */
	/* data directory of the hub that reads it again, which keeps it */
	const char	*runs_at;		/* or NULL */
};

/* What the configuration is made of, each time that it is read. */
struct conf_source {
	const char	*file;			/* of -f; NULL: look for it */
	char		 dir[CONF_PATH_MAX];	/* of relative paths; or "" */
	int		 embedded;
	uint8_t		 log_level;
	const char	*data;			/* runs_at of conf; or NULL */
};

/*
 * Reads it all: conf_defaults(), conf_load().  -1, with the reason in the log;
 * conf_links_free() then, too.
 */
int	conf_read(const struct conf_source *, struct conf *);
/* What holds without a file; data and socket are empty. */
void	conf_defaults(struct conf *);
/*
 * Reads a file (hubd.conf(5)) over the defaults in conf.  Errors go to the
 * log as file:line: text.  Returns 0, or -1 if there was any.
 */
int	conf_parse(const char *path, struct conf *);
/*
 * Finds the configuration and reads it over the defaults in conf: that file,
 * or the user's own, or (system_too) the system's; then the environment.  -1,
 * with the reason in the log.
 */
int	conf_load(const char *file, int system_too, struct conf *);
/*
 * What the environment says goes over the file; data and socket are filled in
 * if they are still empty, and made absolute.  -1, with the reason in the log.
 */
int	conf_environment(struct conf *);
/*
 * What must hold of links, whichever file they stand in; its name is for the
 * log.  0 or -1.
 */
int	conf_check_links(const struct conf *, const char *path);
/* NULL, or why this hub's id cannot be used on a relay. */
const char	*conf_relay_id(const struct conf *);
/* 1 if there are links to other hubs, of whatever kind. */
int	conf_links_wanted(const struct conf *);
/* Frees what of it concerns links, and clears their secrets. */
void	conf_links_free(struct conf *);
/* CONF_START's body, for router and store: without the secret of links. */
void	conf_put(struct wbuf *, const struct conf *);
int	conf_get(struct reader *, struct conf *);

#endif
