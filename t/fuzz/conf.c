/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a configuration file of any content is read or refused.
 */
#include "compat.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
	static char path[] = "/tmp/ecorelay-fuzz-XXXXXX";
	static int fd = -1;
	struct conf conf;

	/* a file that includes another may reach one that never ends */
	if (size >= 7 && memmem(data, size, "include", 7) != NULL)
		return 0;
	if (fd == -1) {
		if ((fd = mkstemp(path)) == -1)
			abort();
		log_to_fn(quiet, NULL);
	}
	if (ftruncate(fd, 0) == -1 ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	conf_defaults(&conf);
	if (conf_parse(path, &conf) == 0 &&
	    (conf.keep_mailbox < 10 || conf.max_sessions < 1 ||
	    conf.ask_timeout_ms < 1000 || (conf.socket_mode & 0600) != 0600 ||
	    conf.max_hub_peers < 1 || conf.expire_queued_ms < 1 ||
	    conf.lan.port > 65535 || (lan_wanted(&conf.lan) &&
	    strlen(conf.lan.secret) < LAN_SECRET_MIN)))
		abort();
	lan_conf_free(&conf.lan);
	return 0;
}
