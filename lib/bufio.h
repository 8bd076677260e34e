/* SPDX-License-Identifier: ISC */
/*
 * Buffered, non-blocking I/O on a stream socket or pipe with libevent.  An
 * idle connection holds no buffer.  Output of one turn of the event loop goes
 * out in one write.  Input is split into lines, or handed on as it comes for
 * framings of another kind.
 */
#ifndef BUFIO_H
#define BUFIO_H

#include "buf.h"

struct event_base;
struct bufio;

struct bufio_ops {
	/*
	 * One line without its newline (and without a carriage return before
	 * it), valid during the call only.  Empty lines are not shown.  May
	 * pause or free the bufio.
	 */
	void	(*line)(struct bufio *, char *, size_t, void *);
	/*
	 * In place of line: all unconsumed input.  Returns how many bytes were
	 * consumed; the rest is shown again with what follows.
	 */
	size_t	(*input)(struct bufio *, char *, size_t, void *);
	/*
	 * Nothing more will come: end of file (0), EMSGSIZE (input over its
	 * limit), ENOBUFS (output over its limit) or another errno.  The owner
	 * frees the bufio, here or later.
	 */
	void	(*closed)(struct bufio *, int err, void *);
	/* All output has been handed to the kernel.  May be NULL. */
	void	(*drained)(struct bufio *, void *);
};

/*
 * Takes over the descriptor rfd (and wfd, if it is another one; -1: same)
 * and makes it non-blocking.  Reads at once.
 */
struct bufio	*bufio_new(struct event_base *, int rfd, int wfd,
		    const struct bufio_ops *, void *arg);
/* Closes the descriptors; unsent output is dropped.  Callbacks end here. */
void		 bufio_free(struct bufio *);
/* Bytes of one line (or of unconsumed input) and of queued output. */
void		 bufio_limits(struct bufio *, size_t max_in, size_t max_out);
void		 bufio_write(struct bufio *, const void *, size_t);
/* Queues the bytes by reference. */
void		 bufio_write_rbuf(struct bufio *, struct rbuf *);
/* The same for n bytes of it, from p. */
void		 bufio_write_part(struct bufio *, struct rbuf *,
		    const char *p, size_t n);
/* Queued bytes that the kernel has not taken yet. */
size_t		 bufio_pending(const struct bufio *);
/* No more input is shown until resumed as often as paused. */
void		 bufio_pause(struct bufio *);
void		 bufio_resume(struct bufio *);
/* 1 while it is paused. */
int		 bufio_paused(const struct bufio *);
/* 1 if output has waited for that long and nothing of it was taken. */
int		 bufio_stalled(const struct bufio *, int64_t ms);
/* Writes what is queued, blocking for at most timeout_ms; -1 if it did not. */
int		 bufio_flush(struct bufio *, int timeout_ms);
int		 bufio_fd(const struct bufio *);

#endif
