/* SPDX-License-Identifier: ISC */
/*
 * The file that a hub's key is in.
 */
#include "compat.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "hex.h"
#include "hubkey.h"
#include "hubtoken.h"
#include "log.h"
#include "paths.h"
#include "timeutil.h"
#include "wholefile.h"

static int	read_seed(const char *, unsigned char *);
static int	make_seed(const char *, unsigned char *);

/* 1; 0 if there is none; -1 if it cannot be used, and logged. */
static int
read_seed(const char *path, unsigned char *seed)
{
	char text[HUBKEY_HEX_SIZE + 1];		/* one more is too long */
	struct stat st;
	int r;

	if (hubtoken_read(path, text, sizeof(text), &st) == -1) {
		if (errno == ENOENT)
			return 0;
		/* too long is malformed, as below */
		if (errno != EFBIG) {
			log_warn("%s", path);
			return -1;
		}
		text[0] = '\0';
	} else if (st.st_uid != geteuid()) {
		explicit_bzero(text, sizeof(text));
		log_warnx("%s belongs to another user: chown it", path);
		return -1;
	} else if ((st.st_mode & 077) != 0) {
		explicit_bzero(text, sizeof(text));
		log_warnx("%s is open to others (mode %03o): chmod 600 it, "
		    "or, if somebody may have read it, remove it for a new key",
		    path, (unsigned)st.st_mode & 0777);
		return -1;
	}
	r = hex_decode(seed, HUBKEY_SIZE, text);
	explicit_bzero(text, sizeof(text));
	if (r == -1) {
		log_warnx("%s is not %d digits in hex: restore it, or remove "
		    "it for a new key, which other hubs have to trust", path,
		    2 * HUBKEY_SIZE);
		return -1;
	}
	return 1;
}

static int
make_seed(const char *path, unsigned char *seed)
{
	char text[HUBKEY_HEX_SIZE + 1];
	int r;

	random_bytes(seed, HUBKEY_SIZE);
	hex_encode(text, seed, HUBKEY_SIZE);
	strlcat(text, "\n", sizeof(text));
	r = wholefile_replace(path, text, strlen(text), NULL);
	explicit_bzero(text, sizeof(text));
	if (r == -1) {
		explicit_bzero(seed, HUBKEY_SIZE);
		log_warn("%s", path);
	}
	return r;
}

int
hubkey_load(const char *datadir, unsigned char seed[HUBKEY_SIZE])
{
	char path[PATH_MAX];
	int r;

	if (paths_join(path, sizeof(path), datadir, HUBKEY_FILE) == -1) {
		log_warn("%s/%s", datadir, HUBKEY_FILE);
		return -1;
	}
	if ((r = read_seed(path, seed)) == 0)
		return make_seed(path, seed);
	return r == 1 ? 0 : -1;
}
