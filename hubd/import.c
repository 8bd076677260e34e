/* SPDX-License-Identifier: ISC */
/*
 * Files of EcoRelay: reading them, and remembering which have been read.
 */
#include "compat.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "db.h"
#include "importjson.h"
#include "json.h"
#include "log.h"
#include "timeutil.h"

#define FILE_MAX_BYTES	(64 * 1024 * 1024)
#define TIME_MAX	253402300799999LL	/* the year 9999 */
#define DONE		"imported"		/* in the table meta */

static char	*read_all(const char *, int, size_t, size_t *);
static void	soften(char *, size_t);
static long	hex4(const char *, const char *);

struct import *
import_new(struct boxes *bx, struct groups *gs)
{
	struct import *im = xcalloc(1, sizeof(*im));

	im->bx = bx;
	im->gs = gs;
	im->mtime = time_now_ms();
	return im;
}

void
import_free(struct import *im)
{
	free(im);
}

int
import_wanted(struct import *im)
{
	int64_t done;
	int r;

	r = db_value(boxes_db(im->bx), &done, Q_META, "s", DONE);
	return r == -1 ? -1 : !r;
}

int
import_done(struct import *im)
{
	struct db *db = boxes_db(im->bx);

	if (im->mailboxes > 0 || im->groups > 0)
		log_info("imported from EcoRelay: %u mailboxes with %u "
		    "messages, %u groups with %u", im->mailboxes,
		    im->messages, im->groups, im->entries);
	return db_run(db, Q_META_FORGET, "") == -1 ? -1 :
	    db_run(db, Q_META_SET, "si", DONE, time_now_ms());
}

int
import_file(struct import *im, enum import_kind kind, const char *path,
    int fd)
{
	char key[CONF_PATH_MAX + 8], *text;
	struct db *db = boxes_db(im->bx);
	struct stat sb;
	int64_t done;
	size_t len;
	int r;

	snprintf(key, sizeof(key), "file %s", path);
	if ((r = db_value(db, &done, Q_META, "s", key)) != 0)
		return r == -1 ? -1 : 0;
	r = 0;
	if (fstat(fd, &sb) == -1) {
		log_warn("%s: not imported", path);
	} else if (sb.st_size > FILE_MAX_BYTES) {
		log_warnx("%s: not imported: larger than %d MiB", path,
		    FILE_MAX_BYTES / (1024 * 1024));
	} else if ((text = read_all(path, fd, (size_t)sb.st_size,
	    &len)) != NULL) {
		im->mtime = (int64_t)sb.st_mtime * 1000;
		r = import_text(im, kind, path, text, len);
		free(text);
	}
	return r == -1 ? -1 : db_run(db, Q_META_SET, "si", key,
	    time_now_ms());
}

static char *
read_all(const char *path, int fd, size_t size, size_t *len)
{
	char *text = xmalloc(size + 1);
	ssize_t n;

	for (*len = 0; *len < size; *len += (size_t)n) {
		n = read(fd, text + *len, size - *len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			break;
	}
	if (*len == size)
		return text;
	log_warnx("%s: not imported: cannot be read", path);
	free(text);
	return NULL;
}

/* What jansson says of an error has text of the file in it. */
int
import_text(struct import *im, enum import_kind kind, const char *path,
    char *text, size_t len)
{
	json_error_t err;
	json_t *root;
	int r = 0;

	if (len >= 3 && memcmp(text, "\357\273\277", 3) == 0) {
		text += 3;
		len -= 3;
	}
	soften(text, len);
	root = json_loadb(text, len, 0, &err);
	if (root == NULL)
		log_warnx("%s: not imported: not JSON (line %d)", path,
		    err.line);
	else if (kind == IMPORT_MAILBOX)
		r = import_mailbox(im, path, root);
	else
		r = import_group(im, path, root);
	json_decref(root);
	return r;
}

static long
hex4(const char *p, const char *end)
{
	char digits[5];
	size_t i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		if (strchr("0123456789abcdefABCDEF", p[i]) == NULL ||
		    p[i] == '\0')
			return -1;
		digits[i] = p[i];
	}
	digits[4] = '\0';
	return strtol(digits, NULL, 16);
}

/*
 * JavaScript writes characters that no text can have here, U+0000 and halves
 * of pairs: they become U+FFFD, so that one of them does not take the whole
 * file with it.
 */
static void
soften(char *text, size_t len)
{
	char *p = text, *end = text + len;
	long c, low;

	while (end - p >= 2 &&
	    (p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (end - p < 6 || p[1] != 'u' ||
		    (c = hex4(p + 2, end)) == -1) {
			p += 2;
			continue;
		}
		if (c >= 0xd800 && c <= 0xdbff && end - p >= 12 &&
		    p[6] == '\\' && p[7] == 'u') {
			low = hex4(p + 8, end);
			if (low >= 0xdc00 && low <= 0xdfff) {
				p += 12;
				continue;
			}
		}
		if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
			memcpy(p + 2, "fffd", 4);
		p += 6;
	}
}

int
import_name(const json_t *v, int hub, char dst[TARGET_SIZE])
{
	struct slice s, part;
	const char *at;

	if (!json_is_string(v))
		return -1;
	s.p = json_string_value(v);
	s.len = json_string_length(v);
	s = part = name_trim(s);
	at = memchr(s.p, '@', s.len);
	if (hub && at != NULL) {
		part.p = at + 1;
		part.len = (size_t)(s.p + s.len - part.p);
		if (!name_valid(part))
			return -1;
		part.p = s.p;
		part.len = (size_t)(at - s.p);
	}
	return name_valid(part) ? slice_copy(s, dst, TARGET_SIZE) : -1;
}

int64_t
import_time(const struct import *im, const json_t *v)
{
	int64_t ms = -1;

	if (json_is_integer(v))
		ms = json_integer_value(v);
	else if (json_is_real(v) && json_real_value(v) >= 0 &&
	    json_real_value(v) < (double)TIME_MAX)
		ms = (int64_t)json_real_value(v);
	else if (json_is_string(v))
		ms = time_parse(json_string_value(v));
	return ms >= 0 && ms <= TIME_MAX ? ms : im->mtime;
}

int
import_string(struct wbuf *w, const json_t *v, size_t max, struct slice *s)
{
	if (!json_is_string(v) || utf16_units(json_string_value(v),
	    json_string_length(v)) > max)
		return -1;
	wbuf_reset(w);
	json_add_str(w, json_string_value(v), json_string_length(v));
	s->p = wbuf_data(w) + 1;
	s->len = w->len - 2;
	return 0;
}

void
import_bad(const char *path, size_t n)
{
	if (n > 0)
		log_warnx("%s: %zu messages are not as they should be and are "
		    "left out", path, n);
}
