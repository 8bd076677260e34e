/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: lines of two sessions reach a router in this process.  Each
 * input line goes to one of them in turn.
 */
#include "compat.h"

#include "fakerouter.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake f;
	int pair[2], ends[2], i;
	const uint8_t *nl;
	size_t n;

	fake_open(&f);
	for (i = 0; i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
			abort();
		(void)session_new(&f.router, f.base, pair[0], 0);
		ends[i] = pair[1];
	}
	for (i = 0; size > 0; i ^= 1) {
		nl = memchr(data, '\n', size);
		n = nl != NULL ? (size_t)(nl - data) + 1 : size;
		if (send(ends[i], data, n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
			break;
		data += n;
		size -= n;
		fake_turn(&f, ends, 2);
	}
	close(ends[0]);
	close(ends[1]);
	fake_close(&f);
	return 0;
}
