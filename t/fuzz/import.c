/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any text as a mailbox or a group of EcoRelay.  The first byte
 * says which.  What has been taken over can be read, and is JSON.
 */
#include "compat.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "db.h"
#include "groupops.h"
#include "import.h"
#include "json.h"
#include "log.h"
#include "mailbox.h"

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	quiet(enum log_level, const char *, void *);
static void	set_up(void);
static void	clean_up(void);
static void	check(struct slice);
static void	check_mailboxes(void);
static void	check_groups(void);

static char		 dir[] = "/tmp/ecorelay-fuzz.XXXXXX";
static struct db	*db;
static struct boxes	*boxes;
static struct groups	*groups;

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
set_up(void)
{
	struct conf conf;

	conf_defaults(&conf);
	conf.keep_mailbox = conf.keep_group = 5;
	if (mkdtemp(dir) == NULL)
		abort();
	(void)atexit(clean_up);
	db = db_new(dir, 0);
	boxes = boxes_new(db, conf.keep_mailbox, 100);
	groups = groups_new(boxes, &conf);
	if (db_open(db) != 1)
		abort();
	log_to_fn(quiet, NULL);
}

static void
clean_up(void)
{
	char path[sizeof(dir) + 16];

	groups_free(groups);
	boxes_free(boxes);
	db_free(db);
	snprintf(path, sizeof(path), "%s/%s", dir, DB_FILE);
	(void)unlink(path);
	(void)rmdir(dir);
}

static void
check(struct slice json)
{
	if (json_scan(json.p, json.len, NULL, NULL) == -1)
		abort();
}

static void
check_mailboxes(void)
{
	struct store_mailbox_list l = { .status = STORE_OK };
	struct store_inbox q = { .mode = INBOX_RECENT, .limit = 100,
	    .max_bytes = LINE_MAX_BYTES };
	struct wbuf list = { 0 }, unseen = { 0 }, json = { 0 };
	struct store_mailbox b;
	struct store_mail a;
	struct reader rd;

	if (mailbox_list(boxes, &l, &list) == -1)
		abort();
	reader_init(&rd, l.mailboxes.p, l.mailboxes.len);
	while (l.n-- > 0) {
		if (store_mailbox_get(&rd, &b) == -1 || b.kept > 5 ||
		    b.unread > b.kept)
			abort();
		memset(&a, 0, sizeof(a));
		wbuf_reset(&unseen);
		wbuf_reset(&json);
		strlcpy(q.name, b.name, sizeof(q.name));
		if (mailbox_inbox(boxes, &q, &a, &unseen, &json) == -1 ||
		    a.count != b.kept || a.nunseen != b.unread)
			abort();
		check(a.json);
	}
	wbuf_free(&list);
	wbuf_free(&unseen);
	wbuf_free(&json);
}

static void
check_groups(void)
{
	struct store_group q = { .op = GROUP_SHOW,
	    .max_bytes = LINE_MAX_BYTES };
	struct store_group_done a = { .status = STORE_OK };
	struct wbuf list = { 0 }, json = { 0 };

	if (groupops_do(groups, &q, &a, &list, &json) == -1)
		abort();
	check(a.json);
	wbuf_free(&list);
	wbuf_free(&json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum import_kind kind;
	struct import *im;
	char *text;

	if (size == 0)
		return 0;
	if (db == NULL)
		set_up();
	kind = data[0] % 2 == 0 ? IMPORT_MAILBOX : IMPORT_GROUP;
	/* a copy of just that size, so that sanitizers see its end */
	text = xmalloc(size);
	memcpy(text, data + 1, size - 1);
	if (db_begin(db) == -1 || boxes_ready(boxes) == -1)
		abort();
	im = import_new(boxes, groups);
	if (import_text(im, kind, "file", text, size - 1) == -1)
		abort();
	check_mailboxes();
	check_groups();
	import_free(im);
	free(text);
	db_rollback(db);
	boxes_forget(boxes);
	return 0;
}
