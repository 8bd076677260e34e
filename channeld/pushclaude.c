/* SPDX-License-Identifier: ISC */
/*
 * The push route into Claude Code's messaging socket.  Its session file, which
 * is looked at anew each time, says where that is; one line is one message.
 */
#include "compat.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "identity.h"
#include "log.h"
#include "pushclaude.h"
#include "pushqueue.h"
#include "timeutil.h"
#include "unixsock.h"

#define SEND_MS		5000	/* without any of it being taken */

/* A line that is being written. */
struct pushclaude {
	struct event	*event;
	char		*line;
	size_t		 len, done;
	int		 fd;
};

static json_t	*session_file(const struct channel *);
static char	*line_for(const json_t *, const char *, size_t, const char *);
static void	on_writable(int, short, void *);
static void	end(struct channel *, const char *, int);

/* Object with sessionId and messagingSocketPath, or NULL. */
static json_t *
session_file(const struct channel *s)
{
	json_t *j = identity_file(s->conf.identity);

	if (json_is_string(json_object_get(j, "messagingSocketPath")) &&
	    json_is_string(json_object_get(j, "sessionId")))
		return j;
	json_decref(j);
	return NULL;
}

int
pushclaude_usable(const struct channel *s)
{
	json_t *file = session_file(s);
	int usable = file != NULL;

	json_decref(file);
	return usable;
}

/* Without its newline, to be freed. */
static char *
line_for(const json_t *file, const char *text, size_t len, const char *from)
{
	char uuid[UUID_SIZE], *line;
	json_t *msg;

	uuid_v7(uuid);
	msg = json_pack("{s:s,s:i,s:s,s:s,s:s,s:O,s:{s:s,s:s%}}",
	    "type", "user", "msgV", 1, "msg_id", uuid, "from", from,
	    "priority", "next",
	    "session_id", json_object_get(file, "sessionId"),
	    "message", "role", "user", "content", text, len);
	line = json_dumps(msg, JSON_COMPACT);
	json_decref(msg);
	return line;
}

void
pushclaude_send(struct channel *s, const char *text, size_t len,
    const char *from)
{
	struct pushclaude *pc;
	json_t *file = session_file(s);
	const char *path;

	if (file == NULL) {
		pushqueue_end(s->queue, "Claude Code has no messaging socket");
		return;
	}
	path = json_string_value(json_object_get(file, "messagingSocketPath"));
	s->claude = pc = xcalloc(1, sizeof(*pc));
	if ((pc->fd = unix_connect(path)) == -1) {
		end(s, "cannot connect to Claude Code's messaging socket",
		    errno);
		json_decref(file);
		return;
	}
	pc->line = line_for(file, text, len, from);
	json_decref(file);
	pc->event = event_new(s->conf.base, pc->fd, EV_WRITE, on_writable, s);
	if (pc->line == NULL || pc->event == NULL)
		fatalx("pushclaude: out of memory");
	pc->len = strlen(pc->line) + 1;
	pc->line[pc->len - 1] = '\n';
	on_writable(pc->fd, EV_WRITE, s);
}

static void
on_writable(int fd, short ev, void *arg)
{
	struct channel *s = arg;
	struct pushclaude *pc = s->claude;
	struct timeval tv = time_tv(SEND_MS);
	ssize_t n;

	if (ev & EV_TIMEOUT) {
		end(s, "Claude Code does not read", ETIMEDOUT);
		return;
	}
	while (pc->done < pc->len) {
		n = write(fd, pc->line + pc->done, pc->len - pc->done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != EAGAIN) {
			end(s, "writing to Claude Code", errno);
			return;
		}
		if (n == -1) {
			event_add(pc->event, &tv);
			return;
		}
		pc->done += (size_t)n;
	}
	end(s, NULL, 0);
}

static void
end(struct channel *s, const char *what, int err)
{
	char why[128];

	pushclaude_cancel(s);
	if (what != NULL)
		snprintf(why, sizeof(why), "%s: %s", what, strerror(err));
	pushqueue_end(s->queue, what != NULL ? why : NULL);
}

void
pushclaude_cancel(struct channel *s)
{
	struct pushclaude *pc = s->claude;

	s->claude = NULL;
	if (pc->event != NULL)
		event_free(pc->event);
	if (pc->fd != -1)
		close(pc->fd);
	free(pc->line);
	free(pc);
}
