/* SPDX-License-Identifier: ISC */
/*
 * The grammar of hubd.conf(5).
 */
%{
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "datafile.h"
#include "lex.h"
#include "log.h"
#include "privdrop.h"
#include "tcpsock.h"

#define DAY_MS		(24LL * 3600 * 1000)
#define SECRET_FILE_MAX	4096

static struct lex	*lx;
static struct conf	*conf;
static struct lan_peer	peer;		/* in the making */
static struct uplink_relay relay;	/* likewise */
/* It may be seen by others, and a message must not show it. */
static const char	no_secret[] = "the secret does not belong here: write "
			    "it into a file and name that: secret file, "
			    "token file";

static int	yylex(void);
static void	yyerror(const char *);
static int	in_range(const char *, int64_t, int64_t, int64_t);
static void	set_text(const char *, char *, size_t, const char *);
static void	set_mode(const char *);
static void	set_ws(const char *, int64_t);
static void	set_secret(const char *, size_t);
static char	*read_private(const char *, size_t *);
static void	read_secret(const char *);
static void	begin_relay(const char *);
static void	read_token(const char *);
static void	set_ca(const char *);
static void	end_relay(void);
static void	set_lan(const char *, int64_t);
static void	begin_peer(const char *);
static void	set_host(const char *, int64_t);
static void	end_peer(void);
int		yyparse(void);
%}

%union {
	const char	*text;
	struct {
		const char	*text;
		int64_t		 n;
	} number;
}

%token			ALLOW ORIGIN PORT
%token			AFTER DAYS EXPIRE UNREAD
%token			BAD
%token			ASK DATA EXIT FULL GROUP GROUPS HUB ID IDLE INCLUDE KEEP
%token			LIMIT LISTEN MAILBOX MAILBOXES MEMBERS MESSAGES MODE
%token			NEVER FILE_ HOST LAN PEER PEERS PLAINTEXT QUEUED SECRET
%token			CA KEYS RELAY STRICT TOKEN UNSEALED
%token			NAMES USER
%token			NORMAL ON PER ROOM ROOMS SECONDS SESSIONS SOCKET SYNC
%token			TIMEOUT
%token	<text>		WORD STRING
%token	<number>	NUMBER
%type	<text>		value address
%type	<number>	port

%%

grammar		: /* empty */
		| grammar '\n'
		| grammar include '\n'
		| grammar macro '\n'
		| grammar statement '\n'
		| grammar error '\n'		{ yyerrok; }
		;

include		: INCLUDE STRING		{ (void)lex_include(lx, $2); }
		;

macro		: WORD '=' value		{ lex_macro(lx, $1, $3); }
		;

value		: STRING
		| WORD
		| NUMBER			{ $$ = $1.text; }
		;

statement	: HUB ID STRING {
			if (!name_valid(slice_of($3)))
				lex_error(lx, "hub id \"%s\" is not a name "
				    "of 1 to 64 letters, digits, '.', '_' "
				    "and '-'", $3);
			else
				strlcpy(conf->hub_id, $3,
				    sizeof(conf->hub_id));
		}
		| DATA STRING {
			set_text("data", conf->data, sizeof(conf->data), $2);
		}
		| LISTEN ON SOCKET STRING {
			/* a socket's name is no longer */
			set_text("socket", conf->socket,
			    sizeof(((struct sockaddr_un *)0)->sun_path), $4);
		} socket_opts
		| LISTEN ON value PORT NUMBER	{ set_ws($3, $5.n); }
		| ALLOW ORIGIN STRING {
			set_text("origin", conf->ws_origin,
			    sizeof(conf->ws_origin), $3);
		}
		| LAN				{ conf->has_links = 1; } lan
		| RELAY STRING			{ begin_relay($2); }
		  relay_opts			{ end_relay(); }
		| KEYS STRICT			{ conf->keys_strict = 1; }
		| IDLE EXIT NEVER		{ conf->idle_ms = 0; }
		| IDLE EXIT NUMBER seconds {
			if (in_range("idle exit", $3.n, 1, 86400))
				conf->idle_ms = $3.n * 1000;
		}
		| KEEP NUMBER MESSAGES PER MAILBOX {
			if (in_range("messages per mailbox", $2.n, 10, 100000))
				conf->keep_mailbox = (uint32_t)$2.n;
		}
		| KEEP NUMBER MESSAGES PER GROUP {
			if (in_range("messages per group", $2.n, 10, 100000))
				conf->keep_group = (uint32_t)$2.n;
		}
		| LIMIT MAILBOXES NUMBER {
			if (in_range("mailboxes", $3.n, 1, 1000000))
				conf->max_mailboxes = (uint32_t)$3.n;
		}
		| LIMIT SESSIONS NUMBER {
			if (in_range("sessions", $3.n, 1, 100000))
				conf->max_sessions = (uint32_t)$3.n;
		}
		| LIMIT SESSIONS NUMBER PER USER {
			if (in_range("sessions per user", $3.n, 1, 100000))
				conf->max_user_sessions = (uint32_t)$3.n;
		}
		| LIMIT NAMES NUMBER PER USER {
			if (in_range("names per user", $3.n, 1, 100000))
				conf->max_user_names = (uint32_t)$3.n;
		}
		| LIMIT ROOMS NUMBER {
			if (in_range("rooms", $3.n, 1, 100000))
				conf->max_rooms = (uint32_t)$3.n;
		}
		| LIMIT MEMBERS NUMBER PER ROOM {
			if (in_range("members per room", $3.n, 1, 10000))
				conf->max_room_members = (uint32_t)$3.n;
		}
		| LIMIT GROUPS NUMBER {
			if (in_range("groups", $3.n, 1, 100000))
				conf->max_groups = (uint32_t)$3.n;
		}
		| LIMIT MEMBERS NUMBER PER GROUP {
			if (in_range("members per group", $3.n, 1, 1000))
				conf->max_group_members = (uint32_t)$3.n;
		}
		| LIMIT PEERS NUMBER PER HUB {
			if (in_range("peers per hub", $3.n, 1, 10000))
				conf->max_hub_peers = (uint32_t)$3.n;
		}
		| EXPIRE QUEUED AFTER NUMBER days {
			/* for longer no hub remembers what it has */
			if (in_range("days", $4.n, 1, 7))
				conf->expire_queued_ms = $4.n * DAY_MS;
		}
		| ASK TIMEOUT NUMBER seconds {
			if (in_range("ask timeout", $3.n, 1, 86400))
				conf->ask_timeout_ms = $3.n * 1000;
		}
		| EXPIRE UNREAD NEVER		{ conf->expire_unread_ms = 0; }
		| EXPIRE UNREAD AFTER NUMBER days {
			if (in_range("days", $4.n, 1, 36500))
				conf->expire_unread_ms = $4.n * DAY_MS;
		}
		| SYNC FULL			{ conf->sync_full = 1; }
		| SYNC NORMAL			{ conf->sync_full = 0; }
		;

lan		: SECRET FILE_ STRING		{ read_secret($3); }
		| SECRET STRING			{ lex_error(lx, no_secret); }
		| LISTEN ON address port	{ set_lan($3, $4.n); }
		| PEER STRING			{ begin_peer($2); }
		  peer_opts			{ end_peer(); }
		;

address		: value
		| '*'				{ $$ = "*"; }
		;

port		: /* empty */			{ $$.n = LAN_PORT; }
		| PORT NUMBER			{ $$ = $2; }
		;

peer_opts	: /* empty */
		| peer_opts HOST value port	{ set_host($3, $4.n); }
		| peer_opts PLAINTEXT		{ peer.plaintext = 1; }
		;

relay_opts	: /* empty */
		| relay_opts TOKEN FILE_ STRING	{ read_token($4); }
		| relay_opts TOKEN STRING	{ lex_error(lx, no_secret); }
		| relay_opts CA FILE_ STRING	{ set_ca($4); }
		| relay_opts ALLOW UNSEALED	{ relay.unsealed = 1; }
		;

days		: /* empty */
		| DAYS
		;

seconds		: /* empty */
		| SECONDS
		;

socket_opts	: /* empty */
		| socket_opts MODE NUMBER	{ set_mode($3.text); }
		| socket_opts GROUP STRING {
			set_text("group", conf->socket_group,
			    sizeof(conf->socket_group), $3);
		}
		;

%%

static const struct {
	const char	*word;
	int		 token;
} keywords[] = {
	{ "after", AFTER },
	{ "allow", ALLOW },
	{ "ask", ASK },
	{ "ca", CA },
	{ "data", DATA },
	{ "days", DAYS },
	{ "exit", EXIT },
	{ "expire", EXPIRE },
	{ "file", FILE_ },
	{ "full", FULL },
	{ "group", GROUP },
	{ "groups", GROUPS },
	{ "host", HOST },
	{ "hub", HUB },
	{ "id", ID },
	{ "idle", IDLE },
	{ "include", INCLUDE },
	{ "keep", KEEP },
	{ "keys", KEYS },
	{ "lan", LAN },
	{ "limit", LIMIT },
	{ "listen", LISTEN },
	{ "mailbox", MAILBOX },
	{ "mailboxes", MAILBOXES },
	{ "members", MEMBERS },
	{ "messages", MESSAGES },
	{ "mode", MODE },
	{ "names", NAMES },
	{ "never", NEVER },
	{ "normal", NORMAL },
	{ "on", ON },
	{ "origin", ORIGIN },
	{ "peer", PEER },
	{ "peers", PEERS },
	{ "per", PER },
	{ "plaintext", PLAINTEXT },
	{ "port", PORT },
	{ "queued", QUEUED },
	{ "relay", RELAY },
	{ "room", ROOM },
	{ "rooms", ROOMS },
	{ "seconds", SECONDS },
	{ "secret", SECRET },
	{ "sessions", SESSIONS },
	{ "socket", SOCKET },
	{ "strict", STRICT },
	{ "sync", SYNC },
	{ "timeout", TIMEOUT },
	{ "token", TOKEN },
	{ "unread", UNREAD },
	{ "unsealed", UNSEALED },
	{ "user", USER },
};

/* The last token, for the message about it. */
static struct lex_token	last;

static int
yylex(void)
{
	size_t i;

	lex_next(lx, &last);
	switch (last.type) {
	case LEX_EOF:
		return 0;
	case LEX_NEWLINE:
		return '\n';
	case LEX_STRING:
		yylval.text = last.text;
		return STRING;
	case LEX_NUMBER:
		yylval.number.text = last.text;
		yylval.number.n = last.number;
		return NUMBER;
	case LEX_CHAR:
		return last.ch;
	case LEX_BAD:
		return BAD;
	case LEX_WORD:
		break;
	}
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (strcmp(keywords[i].word, last.text) == 0)
			return keywords[i].token;
	}
	yylval.text = last.text;
	lex_unknown(lx, &last);
	return WORD;
}

static void
yyerror(const char *msg)
{
	(void)msg;
	lex_unexpected(lx, &last);
}

static int
in_range(const char *what, int64_t n, int64_t min, int64_t max)
{
	if (n >= min && n <= max)
		return 1;
	lex_error(lx, "%s: %lld is not within %lld to %lld", what,
	    (long long)n, (long long)min, (long long)max);
	return 0;
}

static void
set_text(const char *what, char *dst, size_t size, const char *s)
{
	if (s[0] == '\0')
		lex_error(lx, "%s: empty", what);
	else if (strlcpy(dst, s, size) >= size) {
		lex_error(lx, "%s: longer than %zu characters", what, size - 1);
		dst[0] = '\0';
	}
}

static void
set_mode(const char *s)
{
	char *end;
	unsigned long mode = strtoul(s, &end, 8);

	if (*end != '\0' || mode > 0777 || (mode & 0600) != 0600)
		lex_error(lx, "mode %s is not octal within 0600 to 0777", s);
	else
		conf->socket_mode = (uint32_t)mode;
}

static void
set_ws(const char *address, int64_t port)
{
	if (!tcp_is_address(address))
		lex_error(lx, "%s is not a numeric address", address);
	else if (in_range("port", port, 1, 65535)) {
		set_text("address", conf->ws_address,
		    sizeof(conf->ws_address), address);
		conf->ws_port = (uint32_t)port;
	}
}

static void
set_secret(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	if (len < LAN_SECRET_MIN || len >= LAN_SECRET_SIZE ||
	    memchr(text, '\0', len) != NULL) {
		lex_error(lx, "the secret must have %d to %d characters",
		    LAN_SECRET_MIN, LAN_SECRET_SIZE - 1);
		return;
	}
	memcpy(conf->lan.secret, text, len);
	conf->lan.secret[len] = '\0';
}

/* What is in a file of secrets, to be cleared and freed; or NULL. */
static char *
read_private(const char *path, size_t *len)
{
	struct stat st;
	char *text = datafile_read(path, SECRET_FILE_MAX, len, &st);

	if (text == NULL) {
		lex_error(lx, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if ((st.st_mode & 077) == 0 && privdrop_trusts(st.st_uid))
		return text;
	lex_error(lx, "%s: others can read it: chmod 600 it", path);
	explicit_bzero(text, *len);
	free(text);
	return NULL;
}

static void
read_secret(const char *path)
{
	size_t len;
	char *text = read_private(path, &len);

	if (text == NULL)
		return;
	set_secret(text, len);
	explicit_bzero(text, len);
	free(text);
}

static void
begin_relay(const char *url)
{
	const char *wrong;

	conf->has_links = 1;
	memset(&relay, 0, sizeof(relay));
	if ((wrong = uplink_relay_url(&relay, url)) != NULL)
		lex_error(lx, "%s", wrong);
}

static void
read_token(const char *path)
{
	size_t len;
	char *text = read_private(path, &len);

	if (text == NULL)
		return;
	if (uplink_relay_token(&relay, text, len) == -1)
		lex_error(lx, "%s: a token has %d to %d characters", path,
		    UPLINK_TOKEN_MIN, UPLINK_TOKEN_SIZE - 1);
	explicit_bzero(text, len);
	free(text);
}

static void
set_ca(const char *path)
{
	set_text("ca file", relay.ca_file, sizeof(relay.ca_file), path);
	if (relay.ca_file[0] != '\0' && access(path, R_OK) == -1)
		lex_error(lx, "%s: %s", path, strerror(errno));
}

static void
end_relay(void)
{
	if (relay.url[0] != '\0' &&
	    uplink_relay_add(&conf->relays, &relay) == -1)
		lex_error(lx, "there is a relay \"%s\" already, or more than "
		    "%d", relay.url, UPLINK_RELAYS_MAX);
	explicit_bzero(&relay, sizeof(relay));
}

static void
set_lan(const char *address, int64_t port)
{
	if (strcmp(address, "*") != 0 && !tcp_is_address(address))
		lex_error(lx, "%s is not a numeric address", address);
	else if (in_range("port", port, 1, 65535)) {
		set_text("address", conf->lan.address,
		    sizeof(conf->lan.address), address);
		conf->lan.port = (uint32_t)port;
	}
}

static void
begin_peer(const char *id)
{
	memset(&peer, 0, sizeof(peer));
	if (!name_valid(slice_of(id)))
		lex_error(lx, "hub id \"%s\" is not a name of 1 to 64 "
		    "letters, digits, '.', '_' and '-'", id);
	else
		strlcpy(peer.hub_id, id, sizeof(peer.hub_id));
}

static void
set_host(const char *host, int64_t port)
{
	if (in_range("port", port, 1, 65535)) {
		set_text("host", peer.host, sizeof(peer.host), host);
		peer.port = (uint32_t)port;
	}
}

static void
end_peer(void)
{
	if (peer.hub_id[0] == '\0')
		return;
	if (lan_peer_find(&conf->lan, peer.hub_id) != NULL)
		lex_error(lx, "there is a peer \"%s\" already", peer.hub_id);
	else if (lan_peer_add(&conf->lan, &peer) == -1)
		lex_error(lx, "more than %d peers", LAN_PEERS_MAX);
}

int
conf_parse(const char *path, struct conf *c)
{
	int errors;

	if ((lx = lex_open(path)) == NULL)
		return -1;
	conf = c;
	(void)yyparse();
	errors = lex_errors(lx);
	if (errors == 0 && conf_check_links(conf, path) == -1)
		errors = 1;
	lex_close(lx);
	lx = NULL;
	return errors == 0 ? 0 : -1;
}
