/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a bridge.json of any content is read or refused.
 */
#include "compat.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridgejson.h"
#include "conf.h"
#include "log.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	quiet(enum log_level, const char *, void *);

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char dir[] = "/tmp/ecorelay-fuzz-XXXXXX", path[64];
	static int fd = -1;
	struct conf conf;

	if (fd == -1) {
		if (mkdtemp(dir) == NULL)
			abort();
		snprintf(path, sizeof(path), "%s/bridge.json", dir);
		if ((fd = open(path, O_RDWR | O_CREAT, 0600)) == -1 ||
		    setenv("ECORELAY_DATA", dir, 1) == -1)
			abort();
		log_to_fn(quiet, NULL);
	}
	if (ftruncate(fd, 0) == -1 ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	conf_defaults(&conf);
	strlcpy(conf.data, dir, sizeof(conf.data));
	if (bridgejson_load(&conf) == 0 && lan_wanted(&conf.lan) &&
	    (strlen(conf.lan.secret) < LAN_SECRET_MIN ||
	    lan_peer_find(&conf.lan, conf.hub_id) != NULL ||
	    conf.lan.port > 65535))
		abort();
	lan_conf_free(&conf.lan);
	return 0;
}
