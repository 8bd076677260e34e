/* SPDX-License-Identifier: ISC */
/*
 * The key by which other hubs know this one.
 */
#include "compat.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "datafile.h"
#include "hex.h"
#include "hubkey.h"
#include "log.h"
#include "paths.h"
#include "timeutil.h"

#define DIGITS		(2 * UPLINK_SEED_SIZE)
#define FILE_MAX	(DIGITS + 2)		/* bytes */
#define PATH_SIZE	1024

static int	parse(char *, size_t, unsigned char[UPLINK_SEED_SIZE]);
static int	make(const char *, unsigned char[UPLINK_SEED_SIZE]);

static int
parse(char *text, size_t len, unsigned char seed[UPLINK_SEED_SIZE])
{
	while (len > DIGITS && (text[len - 1] == '\n' ||
	    text[len - 1] == '\r'))
		text[--len] = '\0';
	return len == DIGITS ? hex_decode(seed, UPLINK_SEED_SIZE, text) : -1;
}

static int
make(const char *path, unsigned char seed[UPLINK_SEED_SIZE])
{
	char text[DIGITS + 2];
	int r;

	random_bytes(seed, UPLINK_SEED_SIZE);
	hex_encode(text, seed, UPLINK_SEED_SIZE);
	text[DIGITS] = '\n';
	r = datafile_replace(path, text, DIGITS + 1);
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
	if ((text = datafile_read(path, FILE_MAX, &len, &st)) == NULL) {
		if (errno == ENOENT && make(path, seed) == 0)
			return 0;
		log_warn("%s", path);
		return -1;
	}
	if ((st.st_mode & 077) != 0 || !datafile_is_ours(path, &st)) {
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
