/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: lines of two sessions reach a router in this process.  Each
 * input line goes to one of them in turn; the store is another end that
 * answers what is asked often, as every request that it would answer is
 * covered by its own target.
 */
#include "compat.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <stdint.h>
#include <unistd.h>

#include "conf.h"
#include "fakestore.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	drain(int);

static void
drain(int fd)
{
	char buf[65536];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	static struct conf conf;
	struct router r = { .conf = &conf };
	struct fakestore *store;
	int ends[2], i;
	const uint8_t *nl;
	size_t n;

	if (base == NULL)
		base = fakestore_init(&conf);
	store = fakestore_router(base, &r);
	for (i = 0; i < 2; i++)
		ends[i] = fakestore_session(base, &r);
	for (i = 0; size > 0; i ^= 1) {
		nl = memchr(data, '\n', size);
		n = nl != NULL ? (size_t)(nl - data) + 1 : size;
		if (send(ends[i], data, n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
			break;
		data += n;
		size -= n;
		fakestore_turn(base);
		drain(ends[0]);
		drain(ends[1]);
	}
	close(ends[0]);
	close(ends[1]);
	fakestore_end(store, base, &r);
	return 0;
}
