/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes as what comes over a TLS connection of two hubs, at
 * either end.  Without the secret nobody gets through the handshake, nor is
 * anything read.  The first byte says which end we are and how long the pieces
 * are.
 */
#include "compat.h"

#include <stdint.h>
#include <stdlib.h>

#include "../../lib/psk.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	on_output(const void *, size_t, void *);

static void
on_output(const void *p, size_t n, void *arg)
{
	size_t *sent = arg;

	if (p == NULL || n == 0)
		abort();
	*sent += n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct psk *psk;
	struct tls *t;
	char buf[16384];
	size_t i, n, step, sent = 0;
	ssize_t got = 0;

	if (psk == NULL)
		psk = psk_new("a secret that nobody knows", "us");
	if (len < 1)
		return 0;
	t = data[0] & 1 ? psk_answer(psk, on_output, &sent) :
	    psk_call(psk, "other", on_output, &sent);
	step = data[0] < 2 ? len : (size_t)data[0];
	for (i = 1; i < len && got != -1; i += n) {
		n = len - i < step ? len - i : step;
		tls_feed(t, data + i, n);
		got = tls_read(t, buf, sizeof(buf));
		if (got > 0 || tls_done(t))
			abort();
	}
	if (got == -1 && tls_write(t, "x", 1) != -1)
		abort();
	if (psk_caller(t)[0] != '\0' && !name_valid(slice_of(psk_caller(t))))
		abort();
	tls_free(t);
	return 0;
}
