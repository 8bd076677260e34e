/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes as each message between the router and the store.
 * What is accepted must be written again as the same bytes.  The first byte
 * says which message it is.
 */
#include "compat.h"

#include <stdlib.h>

#include "groupproto.h"
#include "listproto.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define AGAIN(x)							\
static int								\
again_##x(struct wbuf *w, struct reader *rd)				\
{									\
	struct store_##x m;						\
									\
	if (store_##x##_get(rd, &m) == -1)				\
		return -1;						\
	store_##x##_put(w, &m);						\
	return 0;							\
}

AGAIN(register)
AGAIN(registered)
AGAIN(gone)
AGAIN(rename)
AGAIN(append)
AGAIN(appended)
AGAIN(inbox)
AGAIN(mail)
AGAIN(mark)
AGAIN(marked)
AGAIN(query)
AGAIN(message)
AGAIN(session_list)
AGAIN(clean)
AGAIN(cleaned)
AGAIN(alias)
AGAIN(group)
AGAIN(group_done)
AGAIN(mailbox_list)
AGAIN(expired)

static int	(*const again[])(struct wbuf *, struct reader *) = {
	again_register, again_registered, again_gone, again_rename,
	again_append, again_appended, again_inbox, again_mail, again_mark,
	again_marked, again_query, again_message, again_session_list,
	again_clean, again_cleaned, again_alias, again_group,
	again_group_done, again_mailbox_list, again_expired
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wbuf w = { 0 };
	struct reader rd;

	if (len == 0)
		return 0;
	reader_init(&rd, data + 1, len - 1);
	if (again[data[0] % (sizeof(again) / sizeof(again[0]))](&w,
	    &rd) == 0 && (w.len != len - 1 ||
	    memcmp(wbuf_data(&w), data + 1, w.len) != 0))
		abort();
	wbuf_free(&w);
	return 0;
}
