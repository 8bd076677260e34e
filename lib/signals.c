/* SPDX-License-Identifier: ISC */
/*
 * The signals of a daemon's parent process.
 */
#include "compat.h"

#include <signal.h>
#include <stdlib.h>

#include "buf.h"
#include "log.h"
#include "signals.h"

static const int numbers[] = {
	SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2,
#ifdef SIGINFO
	SIGINFO
#endif
};
#define NSIGNALS	(sizeof(numbers) / sizeof(numbers[0]))

struct signals {
	struct event	*events[NSIGNALS];
};

struct signals *
signals_new(struct event_base *base, event_callback_fn fn, void *arg)
{
	struct signals *s = xcalloc(1, sizeof(*s));
	size_t i;

	for (i = 0; i < NSIGNALS; i++) {
		s->events[i] = evsignal_new(base, numbers[i], fn, arg);
		if (s->events[i] == NULL || event_add(s->events[i], NULL) == -1)
			fatalx("evsignal_new");
	}
	return s;
}

void
signals_free(struct signals *s)
{
	size_t i;

	for (i = 0; i < NSIGNALS; i++)
		event_free(s->events[i]);
	free(s);
}
