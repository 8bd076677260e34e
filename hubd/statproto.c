/* SPDX-License-Identifier: ISC */
/*
 * Messages about statistics.
 */
#include "compat.h"

#include "statproto.h"

void
store_counts_put(struct wbuf *w, const struct store_counts *m)
{
	int i;

	put_u8(w, (uint8_t)m->status);
	for (i = 0; i < STORE_STATS_MAX; i++)
		put_u64(w, m->v[i]);
}

int
store_counts_get(struct reader *rd, struct store_counts *m)
{
	uint8_t status = get_u8(rd);
	int i;

	m->status = (enum store_status)status;
	for (i = 0; i < STORE_STATS_MAX; i++)
		m->v[i] = get_u64(rd);
	return status > STORE_FAILED ? -1 : reader_done(rd);
}

void
proc_used_put(struct wbuf *w, const struct proc_used *m)
{
	put_str(w, m->process);
	put_u64(w, (uint64_t)m->started);
	put_u32(w, m->restarts);
	usage_put(w, &m->usage);
}

int
proc_used_get(struct reader *rd, struct proc_used *m)
{
	get_str(rd, m->process, sizeof(m->process));
	m->started = (int64_t)get_u64(rd);
	m->restarts = get_u32(rd);
	usage_read(rd, &m->usage);
	return rd->failed ? -1 : 0;
}
