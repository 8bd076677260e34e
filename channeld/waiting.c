/* SPDX-License-Identifier: ISC */
/*
 * What came for the model and is in no mailbox.
 */
#include "compat.h"

#include <stdlib.h>

#include "waiting.h"

struct item {
	TAILQ_ENTRY(item) entry;
	json_t		*what;
	size_t		 bytes;
	int		 pushed;
};
TAILQ_HEAD(items, item);

struct waiting {
	struct {
		struct items	 items;
		size_t		 n, bytes;
	} of[WAITING_KINDS];
	size_t		 dropped;
};

static const size_t max_bytes[WAITING_KINDS] = {
	[WAITING_ASKS] = WAITING_BYTES,
	[WAITING_REPLIES] = WAITING_BYTES,
	[WAITING_ROOM_MSGS] = WAITING_ROOM_BYTES,
};

static void	drop(struct waiting *, enum waiting_kind, struct item *);

struct waiting *
waiting_new(void)
{
	struct waiting *w = xcalloc(1, sizeof(*w));
	int i;

	for (i = 0; i < WAITING_KINDS; i++)
		TAILQ_INIT(&w->of[i].items);
	return w;
}

void
waiting_free(struct waiting *w)
{
	int i;

	for (i = 0; i < WAITING_KINDS; i++)
		json_decref(waiting_take(w, i));
	free(w);
}

static void
drop(struct waiting *w, enum waiting_kind kind, struct item *it)
{
	TAILQ_REMOVE(&w->of[kind].items, it, entry);
	w->of[kind].n--;
	w->of[kind].bytes -= it->bytes;
	json_decref(it->what);
	free(it);
}

void
waiting_add(struct waiting *w, enum waiting_kind kind, json_t *what,
    const char *text_key, int pushed)
{
	struct item *it = xcalloc(1, sizeof(*it));

	it->what = what;
	it->bytes = json_string_length(json_object_get(what, text_key));
	it->pushed = pushed;
	TAILQ_INSERT_TAIL(&w->of[kind].items, it, entry);
	w->of[kind].n++;
	w->of[kind].bytes += it->bytes;
	while (w->of[kind].n > 1 && (w->of[kind].n > WAITING_MAX ||
	    w->of[kind].bytes > max_bytes[kind])) {
		drop(w, kind, TAILQ_FIRST(&w->of[kind].items));
		w->dropped++;
	}
}

void
waiting_pushed(struct waiting *w, enum waiting_kind kind, const json_t *msg)
{
	static const char *const keys[] = { "ask_id", "msg_id", "room" };
	struct item *it;
	json_t *is;
	size_t i;

	TAILQ_FOREACH(it, &w->of[kind].items, entry) {
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			is = json_object_get(it->what, keys[i]);
			if (is != NULL &&
			    !json_equal(is, json_object_get(msg, keys[i])))
				break;
		}
		if (i == sizeof(keys) / sizeof(keys[0]))
			it->pushed = 1;
	}
}

void
waiting_remove(struct waiting *w, enum waiting_kind kind, const char *ask_id)
{
	struct item *it, *next;
	const char *id;

	TAILQ_FOREACH_SAFE(it, &w->of[kind].items, entry, next) {
		id = json_string_value(json_object_get(it->what, "ask_id"));
		if (id != NULL && strcmp(id, ask_id) == 0)
			drop(w, kind, it);
	}
}

json_t *
waiting_take(struct waiting *w, enum waiting_kind kind)
{
	json_t *list;
	struct item *it;

	if (TAILQ_EMPTY(&w->of[kind].items))
		return NULL;
	list = json_array();
	while ((it = TAILQ_FIRST(&w->of[kind].items)) != NULL) {
		if (it->pushed)
			json_object_set_new(it->what, "pushed", json_true());
		json_array_append(list, it->what);
		drop(w, kind, it);
	}
	return list;
}

size_t
waiting_dropped(struct waiting *w)
{
	size_t n = w->dropped;

	w->dropped = 0;
	return n;
}

size_t
waiting_unread(const struct waiting *w)
{
	size_t n = w->of[WAITING_ASKS].n + w->of[WAITING_ROOM_MSGS].n;
	struct item *it;

	TAILQ_FOREACH(it, &w->of[WAITING_REPLIES].items, entry)
		n += !it->pushed;
	return n;
}
