/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: any bytes as each message between the router and the store or
 * a carrier of links, and as the configuration of that one.  What is accepted
 * must be written again as the same bytes.  The first byte says which message
 * it is.
 */
#include "compat.h"

#include <stdlib.h>

#include "groupproto.h"
#include "lanconf.h"
#include "linkproto.h"
#include "listproto.h"
#include "keyproto.h"
#include "outproto.h"
#include "pairproto.h"
#include "statproto.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define AGAIN_ANY(x)							\
static int								\
again_##x(struct wbuf *w, struct reader *rd)				\
{									\
	struct x m;							\
									\
	if (x##_get(rd, &m) == -1)					\
		return -1;						\
	x##_put(w, &m);							\
	return 0;							\
}
#define AGAIN(x)	AGAIN_ANY(store_##x)

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
AGAIN(name)
AGAIN(out_list)
AGAIN(out_listed)
AGAIN(out_mark)
AGAIN(hub)
AGAIN(hub_list)
AGAIN(key)
AGAIN(key_done)
AGAIN(key_list)
AGAIN(counts)
AGAIN_ANY(link_up)
AGAIN_ANY(link_end)
AGAIN_ANY(link_line)
AGAIN_ANY(link_full)
AGAIN_ANY(link_written)
AGAIN_ANY(link_report)
AGAIN_ANY(link_send)
AGAIN_ANY(link_key)
AGAIN_ANY(link_relay)
AGAIN_ANY(pair_ask)
AGAIN_ANY(pair_code)
AGAIN_ANY(pair_done)

static int
again_bridge_conf(struct wbuf *w, struct reader *rd)
{
	struct bridge_conf m;
	int r = bridge_conf_get(rd, &m);

	if (r == 0)
		bridge_conf_put(w, &m);
	lan_conf_free(&m.lan);
	return r;
}

static int	(*const again[])(struct wbuf *, struct reader *) = {
	again_store_register, again_store_registered, again_store_gone,
	again_store_rename, again_store_append, again_store_appended,
	again_store_inbox, again_store_mail, again_store_mark,
	again_store_marked, again_store_query, again_store_message,
	again_store_session_list, again_store_clean, again_store_cleaned,
	again_store_alias, again_store_group, again_store_group_done,
	again_store_mailbox_list, again_store_expired, again_store_name,
	again_store_out_list, again_store_out_listed, again_store_out_mark,
	again_store_hub, again_store_hub_list, again_link_up, again_link_end,
	again_link_line, again_link_full, again_link_written,
	again_link_report, again_link_send, again_bridge_conf,
	again_store_key, again_store_key_done, again_store_key_list,
	again_link_key, again_link_relay, again_pair_ask, again_pair_code,
	again_pair_done, again_store_counts
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
