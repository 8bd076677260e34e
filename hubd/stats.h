/* SPDX-License-Identifier: ISC */
/*
 * Statistics of the hub: of the router, which counts, of the store and of all
 * processes, which are asked.
 */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>

struct control;
struct ctl;
struct imsg;

/* CTL_SHOW: as JSON; as text for Prometheus, in the member text. */
void	stats_show(struct ctl *, uint32_t id);
void	stats_metrics(struct ctl *, uint32_t id);
/* PROC_USED_ALL; and who still waits for one is forgotten. */
void	stats_used(struct control *, struct imsg *);
void	stats_free(struct control *);

#endif
