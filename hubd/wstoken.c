/* SPDX-License-Identifier: ISC */
/*
 * The token of the WebSocket.
 */
#include "compat.h"

#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "paths.h"
#include "timeutil.h"
#include "wstoken.h"

#define TOKEN_FILE	"hub-ws-token"
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
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	if ((st.st_mode & 077) != 0 && fchmod(fd, 0600) == -1)
		log_warn("%s: mode", path);
	n = read(fd, dst, size - 1);
	close(fd);
	if (n == -1)
		return -1;
	while (n > 0 && isspace((unsigned char)dst[n - 1]))
		n--;
	dst[n] = '\0';
	return n >= TOKEN_LEN_MIN;
}

/* Whoever reads it never sees a part of it. */
static int
write_token(const char *path, const char *token)
{
	char temp[CONF_PATH_MAX];
	size_t n = strlen(token);
	int fd, ok;

	if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	ok = write(fd, token, n) == (ssize_t)n && fsync(fd) == 0;
	close(fd);
	return ok && rename(temp, path) == 0 ? 0 : -1;
}

/* Clients look in the usual place, wherever the configuration has the data. */
static void
keep_copy(const struct conf *c)
{
	const char *env = getenv("ECORELAY_DATA");
	char dir[CONF_PATH_MAX], path[CONF_PATH_MAX], there[CONF_WS_TOKEN];

	if ((env != NULL && env[0] != '\0') ||
	    paths_data(dir, sizeof(dir)) == -1 || strcmp(dir, c->data) == 0 ||
	    paths_join(path, sizeof(path), dir, TOKEN_FILE) == -1)
		return;
	if (read_token(path, there, sizeof(there)) == 1 &&
	    strcmp(there, c->ws_token) == 0)
		return;
	if (paths_mkdir(dir) == -1 || write_token(path, c->ws_token) == -1)
		log_warn("%s", path);
}

int
wstoken_load(struct conf *c)
{
	const char *env = getenv("ECORELAY_WS_TOKEN");
	uint8_t bytes[TOKEN_BYTES];
	char path[CONF_PATH_MAX];
	int i, r;

	if (env != NULL && env[0] != '\0') {
		if (strlcpy(c->ws_token, env, sizeof(c->ws_token)) <
		    sizeof(c->ws_token))
			return 0;
		log_warnx("ECORELAY_WS_TOKEN: too long");
		c->ws_token[0] = '\0';
		return -1;
	}
	if (paths_join(path, sizeof(path), c->data, TOKEN_FILE) == -1 ||
	    (r = read_token(path, c->ws_token, sizeof(c->ws_token))) == -1) {
		log_warn("%s/%s", c->data, TOKEN_FILE);
		return -1;
	}
	if (r == 0) {
		random_bytes(bytes, sizeof(bytes));
		for (i = 0; i < TOKEN_BYTES; i++)
			snprintf(c->ws_token + 2 * i, 3, "%02x", bytes[i]);
		explicit_bzero(bytes, sizeof(bytes));
		if (write_token(path, c->ws_token) == -1) {
			log_warn("%s", path);
			return -1;
		}
	}
	keep_copy(c);
	return 0;
}
