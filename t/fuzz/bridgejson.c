/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes as bridge.json.  What is accepted can be used, and
 * reaches bridged as it is; of what is refused nothing is left.
 */
#include "compat.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridgejson.h"
#include "conf.h"
#include "log.h"
#include "tcpsock.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	quiet(enum log_level, const char *, void *);
static void	set_up(void);
static void	clean_up(void);
static void	write_text(const uint8_t *, size_t);
static void	check(const struct conf *);
static void	check_message(const struct conf *);

static char	 dir[] = "/tmp/ecorelay-fuzz.XXXXXX";
static char	 path[sizeof(dir) + 16];

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
set_up(void)
{
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/bridge.json", dir);
	(void)atexit(clean_up);
	log_to_fn(quiet, NULL);
}

static void
clean_up(void)
{
	(void)unlink(path);
	(void)rmdir(dir);
}

static void
write_text(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, data, size) != (ssize_t)size ||
	    close(fd) == -1)
		abort();
}

static void
check(const struct conf *c)
{
	const struct lan_conf *lan = &c->lan;
	const struct lan_peer *p;
	uint32_t i;

	if (!name_valid(slice_of(c->hub_id)) || lan->port > 65535 ||
	    (strcmp(lan->address, "*") != 0 &&
	    !tcp_is_address(lan->address)))
		abort();
	if (lan_wanted(lan) && strlen(lan->secret) < LAN_SECRET_MIN)
		abort();
	for (i = 0; i < lan->npeers; i++) {
		p = &lan->peers[i];
		if (!name_valid(slice_of(p->hub_id)) || p->host[0] == '\0' ||
		    p->port < 1 || p->port > 65535 ||
		    strcmp(p->hub_id, c->hub_id) == 0 ||
		    lan_peer_find(lan, p->hub_id) != p)
			abort();
	}
}

static void
check_message(const struct conf *c)
{
	struct bridge_conf bridge = { .lan = c->lan }, got;
	struct wbuf w = { 0 }, again = { 0 };
	struct reader rd;

	strlcpy(bridge.hub_id, c->hub_id, sizeof(bridge.hub_id));
	bridge_conf_put(&w, &bridge);
	reader_init(&rd, wbuf_data(&w), w.len);
	if (bridge_conf_get(&rd, &got) == -1)
		abort();
	bridge_conf_put(&again, &got);
	if (again.len != w.len ||
	    memcmp(wbuf_data(&again), wbuf_data(&w), w.len) != 0)
		abort();
	lan_conf_free(&got.lan);
	wbuf_free(&w);
	wbuf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf c;

	if (path[0] == '\0')
		set_up();
	write_text(data, size);
	conf_defaults(&c);
	strlcpy(c.data, dir, sizeof(c.data));
	if (bridgejson_load(&c) == 0) {
		check(&c);
		check_message(&c);
	} else if (lan_wanted(&c.lan) || c.lan.secret[0] != '\0') {
		abort();
	}
	lan_conf_free(&c.lan);
	return 0;
}
