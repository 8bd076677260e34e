/* SPDX-License-Identifier: ISC */
/*
 * The token of the WebSocket.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>

#include "conf.h"
#include "datafile.h"
#include "hex.h"
#include "hubtoken.h"
#include "log.h"
#include "paths.h"
#include "timeutil.h"
#include "wstoken.h"

#define TOKEN_BYTES	32
#define TOKEN_LEN_MIN	16

static int	read_token(const char *, char *, size_t);
static int	write_token(const char *, const char *);
static void	keep_copy(const struct conf *);

/* 1: it is there and long enough; 0: make one; -1: it cannot be used. */
static int
read_token(const char *path, char *dst, size_t size)
{
	struct stat st;
	int n = hubtoken_read(path, dst, size, &st);

	if (n == -1)
		return errno == ENOENT ? 0 : -1;
	if (datafile_private(path, &st) == -1)
		log_warn("%s: mode", path);
	return n >= TOKEN_LEN_MIN;
}

static int
write_token(const char *path, const char *token)
{
	return datafile_replace(path, token, strlen(token));
}

/* Clients look in the usual place, wherever the configuration has the data. */
static void
keep_copy(const struct conf *c)
{
	const char *env = getenv("ECORELAY_DATA");
	char dir[CONF_PATH_MAX], path[CONF_PATH_MAX], there[CONF_WS_TOKEN];
	int same;

	if ((env != NULL && env[0] != '\0') ||
	    paths_data(dir, sizeof(dir)) == -1 || strcmp(dir, c->data) == 0 ||
	    paths_join(path, sizeof(path), dir, HUBTOKEN_FILE) == -1)
		return;
	same = read_token(path, there, sizeof(there)) == 1 &&
	    strcmp(there, c->ws_token) == 0;
	explicit_bzero(there, sizeof(there));
	if (same)
		return;
	if (paths_mkdir(dir) == -1 || write_token(path, c->ws_token) == -1)
		log_warn("%s", path);
}

int
wstoken_load(struct conf *c)
{
	uint8_t bytes[TOKEN_BYTES];
	char path[CONF_PATH_MAX];
	int r;

	if ((r = hubtoken_env(c->ws_token, sizeof(c->ws_token))) == 1)
		return 0;
	if (r == -1) {
		log_warnx("ECORELAY_WS_TOKEN: too long");
		explicit_bzero(c->ws_token, sizeof(c->ws_token));
		return -1;
	}
	if (paths_join(path, sizeof(path), c->data, HUBTOKEN_FILE) == -1 ||
	    (r = read_token(path, c->ws_token, sizeof(c->ws_token))) == -1) {
		log_warn("%s/%s", c->data, HUBTOKEN_FILE);
		return -1;
	}
	if (r == 0) {
		random_bytes(bytes, sizeof(bytes));
		hex_encode(c->ws_token, bytes, sizeof(bytes));
		explicit_bzero(bytes, sizeof(bytes));
		if (write_token(path, c->ws_token) == -1) {
			log_warn("%s", path);
			return -1;
		}
	}
	keep_copy(c);
	return 0;
}
