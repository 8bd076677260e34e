/* SPDX-License-Identifier: ISC */
/*
 * The grammar of relayd.conf(5).
 */
%{
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "lex.h"
#include "log.h"
#include "tcpsock.h"

static struct lex	*lx;
static struct relay_conf *conf;
/* It may be seen by others, and a message must not show it. */
static const char	no_secret[] = "the secret does not belong here: write "
			    "it into a file and name that: secret file";

static int	yylex(void);
static void	yyerror(const char *);
static int	in_range(const char *, int64_t, int64_t, int64_t);
static struct relay_listen *add_listen(const char *, int64_t);
static void	set_listen(struct relay_listen *, const char *, int64_t);
static void	set_tls(struct relay_listen *, const char *, const char *);
static void	set_secret(const char *);
int		yyparse(void);
%}

%union {
	const char	*text;
	struct {
		const char	*text;
		int64_t		 n;
	} number;
}

%token			BAD BYTES CERTIFICATE FILE_ HANDSHAKE HUB HUBS INCLUDE
%token			KEY LIMIT LISTEN MESSAGES METRICS ON PAIR PEERS PER
%token			PORT SECOND SECONDS SECRET TIMEOUT TLS
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

address		: value
		| '*'				{ $$ = "*"; }
		;

port		: /* empty */			{ $$.n = RELAY_PORT; }
		| PORT NUMBER			{ $$ = $2; }
		;

statement	: LISTEN ON address port	{ (void)add_listen($3, $4.n); }
		| LISTEN ON address port TLS CERTIFICATE STRING KEY STRING {
			set_tls(add_listen($3, $4.n), $7, $9);
		}
		| METRICS ON address port {
			set_listen(&conf->metrics, $3, $4.n);
		}
		| SECRET FILE_ STRING		{ set_secret($3); }
		| SECRET STRING			{ lex_error(lx, no_secret); }
		| LIMIT HUBS NUMBER {
			if (in_range("hubs", $3.n, 1, 1000000))
				conf->max_hubs = (uint32_t)$3.n;
		}
		| LIMIT PEERS NUMBER PER HUB {
			if (in_range("peers per hub", $3.n, 1, 10000))
				conf->max_peers = (uint32_t)$3.n;
		}
		| LIMIT MESSAGES NUMBER PER SECOND {
			if (in_range("messages per second", $3.n, 1, 10000000))
				conf->messages_per_s = (uint32_t)$3.n;
		}
		| LIMIT BYTES NUMBER PER SECOND {
			if (in_range("bytes per second", $3.n, 1024,
			    UINT32_MAX))
				conf->bytes_per_s = (uint32_t)$3.n;
		}
		| HANDSHAKE TIMEOUT NUMBER seconds {
			if (in_range("handshake timeout", $3.n, 1, 600))
				conf->handshake_ms = (uint32_t)$3.n * 1000;
		}
		| PAIR TIMEOUT NUMBER seconds {
			if (in_range("pair timeout", $3.n, 1, 3600))
				conf->pair_ms = (uint32_t)$3.n * 1000;
		}
		;

seconds		: /* empty */
		| SECOND
		| SECONDS
		;

%%

static const struct {
	const char	*word;
	int		 token;
} keywords[] = {
	{ "bytes", BYTES },
	{ "certificate", CERTIFICATE },
	{ "file", FILE_ },
	{ "handshake", HANDSHAKE },
	{ "hub", HUB },
	{ "hubs", HUBS },
	{ "include", INCLUDE },
	{ "key", KEY },
	{ "limit", LIMIT },
	{ "listen", LISTEN },
	{ "messages", MESSAGES },
	{ "metrics", METRICS },
	{ "on", ON },
	{ "pair", PAIR },
	{ "peers", PEERS },
	{ "per", PER },
	{ "port", PORT },
	{ "second", SECOND },
	{ "seconds", SECONDS },
	{ "secret", SECRET },
	{ "timeout", TIMEOUT },
	{ "tls", TLS },
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
set_listen(struct relay_listen *l, const char *address, int64_t port)
{
	if (strcmp(address, "*") != 0 && !tcp_is_address(address))
		lex_error(lx, "%s is not a numeric address", address);
	else if (in_range("port", port, 1, 65535)) {
		(void)strlcpy(l->address, address, sizeof(l->address));
		l->port = (uint32_t)port;
	}
}

static struct relay_listen *
add_listen(const char *address, int64_t port)
{
	if (conf->nlistens == RELAY_LISTEN_MAX) {
		lex_error(lx, "more than %d listeners", RELAY_LISTEN_MAX);
		return NULL;
	}
	set_listen(&conf->listens[conf->nlistens], address, port);
	return &conf->listens[conf->nlistens++];
}

/* All listeners with TLS have the same certificate. */
static void
set_tls(struct relay_listen *l, const char *certificate, const char *key)
{
	if (l == NULL)
		return;
	l->tls = 1;
	if (conf->certificate[0] != '\0' &&
	    (strcmp(conf->certificate, certificate) != 0 ||
	    strcmp(conf->key, key) != 0))
		lex_error(lx, "all listeners have one certificate and key");
	if (strlcpy(conf->certificate, certificate,
	    sizeof(conf->certificate)) >= sizeof(conf->certificate) ||
	    strlcpy(conf->key, key, sizeof(conf->key)) >= sizeof(conf->key))
		lex_error(lx, "path too long");
}

static void
set_secret(const char *path)
{
	char why[RELAY_PATH_MAX + 64];

	if (relay_conf_secret(path, conf, why, sizeof(why)) == -1)
		lex_error(lx, "%s", why);
}

int
relay_conf_parse(const char *path, struct relay_conf *c)
{
	int errors;

	if ((lx = lex_open(path)) == NULL)
		return -1;
	conf = c;
	(void)yyparse();
	errors = lex_errors(lx);
	lex_close(lx);
	lx = NULL;
	if (errors == 0 && c->nlistens == 0) {
		log_warnx("%s: no listener: write listen on * port %d", path,
		    RELAY_PORT);
		errors = 1;
	}
	if (errors == 0 && c->secret[0] == '\0') {
		log_warnx("%s: no secret: write secret file \"...\"", path);
		errors = 1;
	}
	return errors == 0 ? 0 : -1;
}
