/* SPDX-License-Identifier: ISC */
/*
 * The push route into Claude Code's messaging socket.  Its session file, which
 * is looked at anew each time, says where that is; one line is one message.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "identity.h"
#include "log.h"
#include "pushclaude.h"
#include "pushtext.h"
#include "timeutil.h"
#include "unixsock.h"

#define LINE_BYTES	(1024 * 1024)
#define TEXT_BYTES	(384 * 1024)	/* escaped it may be longer */
#define SEND_MS		1000

static json_t	*session_file(const struct channel *);
static char	*line_for(const json_t *, const char *, const char *, json_t *);
static int	write_line(const char *, const char *, size_t);

/* Object with sessionId and messagingSocketPath, or NULL. */
static json_t *
session_file(const struct channel *s)
{
	const char *file = s->conf.identity->file;
	json_t *j = file[0] != '\0' ? json_load_file(file, 0, NULL) : NULL;

	if (json_is_string(json_object_get(j, "messagingSocketPath")) &&
	    json_is_string(json_object_get(j, "sessionId")))
		return j;
	json_decref(j);
	return NULL;
}

static const char *
str(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

int
pushclaude_usable(const struct channel *s)
{
	json_t *file = session_file(s);
	struct stat st;
	int usable;

	usable = file != NULL &&
	    stat(str(file, "messagingSocketPath"), &st) == 0 &&
	    S_ISSOCK(st.st_mode);
	json_decref(file);
	return usable;
}

/* The line, to be freed, or NULL: it would be too long. */
static char *
line_for(const json_t *file, const char *type, const char *content,
    json_t *meta)
{
	struct wbuf text = { 0 };
	char uuid[UUID_SIZE], *line;
	const char *from = str(meta, "from");
	json_t *msg;

	uuid_v7(uuid);
	pushtext_add(&text, type, content, meta);
	msg = json_pack("{s:s,s:i,s:s,s:s,s:s,s:O,s:{s:s,s:s%}}",
	    "type", "user", "msgV", 1, "msg_id", uuid,
	    "from", from != NULL ? from : "relay", "priority", "next",
	    "session_id", json_object_get(file, "sessionId"),
	    "message", "role", "user", "content", wbuf_data(&text), text.len);
	wbuf_free(&text);
	line = json_dumps(msg, JSON_COMPACT);
	json_decref(msg);
	if (line != NULL && strlen(line) < LINE_BYTES)
		return line;
	free(line);
	return NULL;
}

/* Blocks for a moment at most: the host reads this socket all the time. */
static int
write_line(const char *path, const char *line, size_t len)
{
	struct timeval tv = time_tv(SEND_MS);
	int fd = unix_connect(path), ok;
	size_t done = 0;
	ssize_t n = 0;

	if (fd == -1)
		return -1;
	ok = unix_blocking(fd) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0;
	while (ok && done < len) {
		n = write(fd, line + done, len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == -1 && errno != EINTR)
			ok = 0;
	}
	close(fd);
	return ok ? 0 : -1;
}

int
pushclaude_push(struct channel *s, const char *type, const char *content,
    json_t *meta)
{
	json_t *file = session_file(s);
	struct wbuf w = { 0 };
	char *line;
	int r = -1;

	if (file == NULL)
		return -1;
	line = strlen(content) <= TEXT_BYTES ?
	    line_for(file, type, content, meta) : NULL;
	if (line == NULL)
		line = line_for(file, type, "It is too long to be shown here: "
		    "read it with relay_inbox.", meta);
	wbuf_adds(&w, line);
	wbuf_adds(&w, "\n");
	if (write_line(str(file, "messagingSocketPath"), wbuf_data(&w),
	    w.len) == 0)
		r = 0;
	else
		log_warn("Claude Code's socket: not pushed");
	wbuf_free(&w);
	free(line);
	json_decref(file);
	return r;
}
