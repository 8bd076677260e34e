/* SPDX-License-Identifier: ISC */
/*
 * How long to wait before the next try to connect.
 */
#include "compat.h"

#include "backoff.h"
#include "timeutil.h"

static const int64_t delays[] = { 1000, 2000, 4000, 8000, 16000, 30000 };
#define NDELAYS	(sizeof(delays) / sizeof(delays[0]))

int64_t
backoff_next(unsigned *step)
{
	int64_t ms = delays[*step];
	uint16_t dice;

	if (*step < NDELAYS - 1)
		(*step)++;
	/* so that not all come back at the same moment */
	random_bytes(&dice, sizeof(dice));
	return ms * 3 / 4 + ms / 2 * dice / UINT16_MAX;
}
