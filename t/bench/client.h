/* SPDX-License-Identifier: ISC */
/*
 * A session of the benchmark: protocol.md section 1, as far as it needs it.
 * Pings of the hub are answered here and not shown.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stddef.h>

#define CLIENT_IN	65536
#define CLIENT_OUT	65536
#define CLIENT_LINE	512	/* a send of TEXT_LEN fits */
#define TEXT_LEN	200

struct client {
	int	 fd;
	char	 name[32];
	char	*in, *out;
	size_t	 start, end;		/* of what is unread in in */
	size_t	 pending, out_size;	/* bytes in out, and room for them */
};

/* Connects and sends register; 0, or -1. */
int	client_open(struct client *, const char *socket, const char *name);
/* The same, and waits for the answer. */
int	client_register(struct client *, const char *socket, const char *name);
void	client_close(struct client *);
/* Makes room to queue so many bytes. */
void	client_room(struct client *, size_t);
/* Queues bytes; fatal if they are more than there is room for. */
void	client_write(struct client *, const char *, size_t);
/* Writes what is queued, as far as that goes; 0, or -1. */
int	client_flush(struct client *);
/* Reads once; the number of bytes, 0 if nothing is there, -1 at the end. */
int	client_fill(struct client *);
/* The next complete line, ended with a zero byte, or NULL. */
char	*client_line(struct client *);
/* Answers the line, a terminated string, if it is a ping; 1 if it is. */
int	client_ping(struct client *, char *);
/* Waits for a line of this type; NULL if it does not come, or an err does. */
char	*client_wait(struct client *, const char *type, int timeout_ms);
/* 1 if the line is of this type: the hub writes that member first. */
int	line_is(const char *line, const char *type);

/* Writes a send of TEXT_LEN bytes, which begin with serial. */
size_t	send_line(char dst[CLIENT_LINE], const char *to, unsigned serial);
/* The serial in an incoming_message; -1 if there is none. */
long	line_serial(const char *line);
/* Answers pings for so long; 0, or -1 if a connection ends. */
int	clients_rest(struct client *, size_t n, int ms);

#endif
