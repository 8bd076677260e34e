/* SPDX-License-Identifier: ISC */
/*
 * hubd or relayd as a service: the test is the service manager, which opens
 * sockets and is told how it goes.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "test.h"

#define SERVICE_SOCKETS	4
#define WATCHDOG_USEC	"400000"

/* A service, and its manager's end of it. */
struct service {
	struct tenv	*env;
	int		 notify;		/* datagrams */
	char		 address[96];		/* of it; @: abstract */
	int		 fds[SERVICE_SOCKETS];
	unsigned	 nfds;
	const char	*names;			/* LISTEN_FDNAMES */
	char		 text[512];		/* the last datagram */
};

/* A Unix socket bound there, and listening if it is a stream. */
int		 socket_at(const char *path, int type);
/*
 * In surroundings of its own.  Its two sockets are open, as the units of
 * systemd have them; notify is the name of its socket, @: an abstract one.
 */
struct service	*service_new(const char *notify);
void		 service_end(struct service *);
/* NAME -d -v, and with -f if there is a file. */
void		 service_start(struct service *, const char *name,
		    const char *file);
/* Starts a relay with that port for hubs, and for metrics; it is ready. */
void		 service_relay(struct service *, const int port[2]);
/* Its exit status, when it has ended; -1 if a signal has ended it. */
int		 service_status(struct service *);
/* The next datagram; 0 if there is none within ms. */
int		 told(struct service *, int ms);
/* Waits for the one that begins with this; others are passed over. */
void		 waits_for(struct service *, const char *begin);
/* 1 if that is in the hub's log; waits until it is. */
int		 in_log(struct tenv *, const char *text);
void		 logs(struct tenv *, const char *text);

#endif
