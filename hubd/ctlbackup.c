/* SPDX-License-Identifier: ISC */
/*
 * hubctl backup.
 */
#include "compat.h"

#include <stdio.h>
#include <unistd.h>

#include "conf.h"
#include "copyproto.h"
#include "ctlbackup.h"
#include "ctlconn.h"
#include "db.h"
#include "imsg.h"
#include "json.h"
#include "log.h"
#include "router.h"
#include "storeq.h"

static void	ask_store(struct control *, uint32_t);
static struct ctl_pending	*take(struct control *);
static void	put_copy(struct wbuf *, const struct control *,
		    const struct store_copy *);

void
ctlbackup(struct ctl *t, struct imsg *m)
{
	struct control *c = t->control;

	if (c->backup != NULL) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "another backup is being "
		    "made: try again when it is done");
		return;
	}
	c->backup = ctl_pending_new(t, m->id);
	if (++c->last_backup == 0)
		c->last_backup++;
	ask_store(c, c->last_backup);
}

/* 0: it is not wanted any more. */
static void
ask_store(struct control *c, uint32_t number)
{
	struct store_backup q = { number };
	struct wbuf w = { 0 };

	store_backup_put(&w, &q);
	storeq_tell(c->router->store, STORE_BACKUP, &w);
	wbuf_free(&w);
}

/* It is not under way any more; NULL if none was. */
static struct ctl_pending *
take(struct control *c)
{
	struct ctl_pending *p = c->backup;

	c->backup = NULL;
	return p;
}

/* What comes for one that was given up in the last moment is dropped. */
void
ctlbackup_done(struct control *c, struct imsg *m)
{
	struct ctl_pending *p;
	struct store_copy d;
	struct wbuf w = { 0 };

	if (store_copy_get(&m->rd, &d) == -1)
		fatalx("bad %s", imsg_name(m->type));
	if (c->backup == NULL || d.number != c->last_backup) {
		if (m->fd != -1)
			close(m->fd);
		return;
	}
	p = take(c);
	if (m->type == STORE_COPY) {
		imsg_send(p->ctl->ib, CTL_COPY, p->id, m->fd, NULL, NULL);
		put_copy(&w, c, &d);
		ctl_result(p->ctl, p->id, &w);
	} else {
		ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR, d.why);
	}
	ctl_pending_free(p);
}

/* All but the closing bracket. */
static void
put_copy(struct wbuf *w, const struct control *c, const struct store_copy *d)
{
	char path[CONF_PATH_MAX + sizeof(DB_FILE) + 1];

	snprintf(path, sizeof(path), "%s/%s", c->router->conf->data, DB_FILE);
	json_begin(w, '{');
	json_put_str(w, "database", path);
	json_put_int(w, "bytes", d->bytes);
	json_put_int(w, "messages", d->messages);
	json_put_int(w, "mailboxes", d->mailboxes);
	json_put_int(w, "group_messages", d->entries);
}

void
ctlbackup_gone(struct ctl *t)
{
	struct control *c = t->control;

	if (c->backup == NULL || c->backup->ctl != t)
		return;
	ask_store(c, 0);
	ctl_pending_free(take(c));
}

void
ctlbackup_free(struct control *c)
{
	struct ctl_pending *p = take(c);

	if (p == NULL)
		return;
	ctl_error(p->ctl, p->id, ERR_MAILBOX_ERROR,
	    "the hub is being stopped: there is no copy");
	ctl_pending_free(p);
}
