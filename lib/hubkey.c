/* SPDX-License-Identifier: ISC */
/*
 * The key by which other hubs know this one.
 */
#include "compat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hubkey.h"
#include "log.h"
#include "paths.h"
#include "timeutil.h"
#include "wholefile.h"

#define DIGITS		(2 * UPLINK_SEED_SIZE)
#define FILE_MAX	(DIGITS + 2)		/* bytes */
#define PATH_SIZE	1024

static int	digit(char);
static int	parse(const char *, size_t, unsigned char[UPLINK_SEED_SIZE]);
static int	make(const char *, unsigned char[UPLINK_SEED_SIZE]);

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : -1;
}

static int
parse(const char *text, size_t len, unsigned char seed[UPLINK_SEED_SIZE])
{
	size_t i;
	int a, b;

	while (len > DIGITS && (text[len - 1] == '\n' ||
	    text[len - 1] == '\r'))
		len--;
	if (len != DIGITS)
		return -1;
	for (i = 0; i < UPLINK_SEED_SIZE; i++) {
		if ((a = digit(text[2 * i])) == -1 ||
		    (b = digit(text[2 * i + 1])) == -1)
			return -1;
		seed[i] = (unsigned char)(a << 4 | b);
	}
	return 0;
}

static int
make(const char *path, unsigned char seed[UPLINK_SEED_SIZE])
{
	char text[DIGITS + 2];
	int i, r;

	random_bytes(seed, UPLINK_SEED_SIZE);
	for (i = 0; i < UPLINK_SEED_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", seed[i]);
	text[DIGITS] = '\n';
	r = wholefile_replace(path, text, DIGITS + 1, NULL);
	explicit_bzero(text, sizeof(text));
	return r;
}

int
hubkey_load(const char *datadir, unsigned char seed[UPLINK_SEED_SIZE])
{
	char path[PATH_SIZE], *text;
	struct stat st;
	size_t len;
	int r;

	if (paths_join(path, sizeof(path), datadir, HUBKEY_FILE) == -1) {
		log_warn("%s", datadir);
		return -1;
	}
	if ((text = wholefile_read(path, FILE_MAX, &len, &st)) == NULL) {
		if (errno == ENOENT && make(path, seed) == 0)
			return 0;
		log_warn("%s", path);
		return -1;
	}
	if ((st.st_mode & 077) != 0 ||
	    (st.st_uid != geteuid() && st.st_uid != 0)) {
		log_warnx("%s: others can read it: chmod 600 it, or remove it "
		    "to be known by another key", path);
		r = -1;
	} else if ((r = parse(text, len, seed)) == -1) {
		log_warnx("%s: it is no key: restore it, or remove it to be "
		    "known by another one", path);
	}
	explicit_bzero(text, len);
	free(text);
	return r;
}
