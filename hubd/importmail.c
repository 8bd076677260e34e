/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes of EcoRelay.
 */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "importjson.h"
#include "json.h"
#include "log.h"
#include "mailbox.h"
#include "timeutil.h"

static size_t	read_until(const json_t *);
static int	take(struct import *, struct box *, const json_t *, int,
		    size_t *);
static int	message(const struct import *, const json_t *,
		    struct store_append *, struct wbuf *, struct wbuf *);
static void	message_id(const json_t *, char[MSG_ID_SIZE]);

/* How many messages have been read. */
static size_t
read_until(const json_t *root)
{
	const char *last, *id;
	json_t *list = json_object_get(root, "messages"), *m;
	size_t i;

	last = json_string_value(json_object_get(root, "last_read"));
	if (last == NULL)
		return 0;
	for (i = json_array_size(list); i > 0; i--) {
		m = json_array_get(list, i - 1);
		id = json_string_value(json_object_get(m, "msg_id"));
		if (id != NULL && strcmp(id, last) == 0)
			break;
	}
	return i;
}

int
import_mailbox(struct import *im, const char *path, const json_t *root)
{
	json_t *list = json_object_get(root, "messages");
	struct wbuf gone = { 0 };
	char owner[TARGET_SIZE];
	size_t i, seen, bad = 0;
	struct box *box;
	int r;

	if (import_name(json_object_get(root, "owner"), 0, owner) == -1 ||
	    !json_is_array(list)) {
		log_warnx("%s: not imported: not a mailbox", path);
		return 0;
	}
	if ((r = box_mailbox(im->bx, owner, &box)) != 1) {
		if (r == 0)
			log_warnx("%s: not imported: there are as many "
			    "mailboxes as there may be", path);
		return r;
	}
	if (box_count(im->bx, box) == -1)
		return -1;
	seen = read_until(root);
	for (i = 0; i < json_array_size(list); i++) {
		if (take(im, box, json_array_get(list, i), i < seen,
		    &bad) == -1)
			return -1;
	}
	/* nobody is there yet to be told */
	r = mailbox_trim(im->bx, box, boxes_keep(im->bx), &gone);
	wbuf_free(&gone);
	import_bad(path, bad);
	im->mailboxes++;
	return r;
}

/* One that is there already has been taken from another directory. */
static int
take(struct import *im, struct box *box, const json_t *m, int seen,
    size_t *bad)
{
	struct wbuf text = { 0 }, ref = { 0 };
	struct store_append q = { 0 };
	struct box *from;
	int64_t seq = 0;
	int r = 0;

	if (message(im, m, &q, &text, &ref) == -1) {
		(*bad)++;
		goto done;
	}
	strlcpy(q.to, box->name, sizeof(q.to));
	r = -1;
	if (db_value(boxes_db(im->bx), &seq, Q_SINCE, "si", q.msg_id,
	    box->id) == -1)
		goto done;
	r = 0;
	if (seq > 0)
		goto done;
	if (box_sender(im->bx, q.from, &from) == -1 ||
	    mailbox_put(im->bx, box, from, &q,
	    seen ? MSG_SEEN : MSG_ACCEPTED) == -1)
		r = -1;
	im->messages++;
 done:
	wbuf_free(&text);
	wbuf_free(&ref);
	return r;
}

static int
message(const struct import *im, const json_t *m, struct store_append *q,
    struct wbuf *text, struct wbuf *ref)
{
	if (import_name(json_object_get(m, "from"), 1, q->from) == -1 ||
	    import_string(text, json_object_get(m, "text"), TEXT_UNITS_MAX,
	    &q->text) == -1)
		return -1;
	q->has_reply_to = import_string(ref, json_object_get(m, "reply_to"),
	    REF_LEN_MAX, &q->reply_to) == 0;
	q->urgent = json_is_true(json_object_get(m, "urgent"));
	q->ts = import_time(im, json_object_get(m, "ts"));
	message_id(json_object_get(m, "msg_id"), q->msg_id);
	return 0;
}

/* Its own if it is one, else a new one. */
static void
message_id(const json_t *v, char dst[MSG_ID_SIZE])
{
	const char *id = json_string_value(v);
	char uuid[UUID_SIZE];
	size_t i, len = json_string_length(v);

	for (i = 0; i < len; i++) {
		if (id[i] <= ' ' || id[i] > '~' || id[i] == '"' ||
		    id[i] == '\\')
			break;
	}
	if (len > 0 && len <= MSG_ID_LEN_MAX && i == len) {
		strlcpy(dst, id, MSG_ID_SIZE);
		return;
	}
	uuid_v7(uuid);
	snprintf(dst, MSG_ID_SIZE, "m-%s", uuid);
}
