/* SPDX-License-Identifier: ISC */
/*
 * What the router and a carrier of links tell each other.
 */
#include "compat.h"

#include "linkproto.h"

void
link_up_put(struct wbuf *w, const struct link_up *m)
{
	put_u32(w, m->link);
	put_str(w, m->hub_id);
	put_u8(w, m->plaintext);
	put_u8(w, m->caller);
	put_u8(w, m->rank);
	put_str(w, m->key);
	wbuf_add(w, m->hello.p, m->hello.len);
}

int
link_up_get(struct reader *r, struct link_up *m)
{
	m->link = get_u32(r);
	get_str(r, m->hub_id, sizeof(m->hub_id));
	m->plaintext = get_u8(r);
	m->caller = get_u8(r);
	m->rank = get_u8(r);
	get_str(r, m->key, sizeof(m->key));
	m->hello = get_rest(r);
	return reader_done(r) == 0 && (m->key[0] == '\0' ||
	    link_key_valid(m->key)) ? 0 : -1;
}

void
link_end_put(struct wbuf *w, const struct link_end *m)
{
	put_u32(w, m->link);
	put_str(w, m->why);
}

int
link_end_get(struct reader *r, struct link_end *m)
{
	m->link = get_u32(r);
	get_str(r, m->why, sizeof(m->why));
	return reader_done(r);
}

void
link_line_put(struct wbuf *w, const struct link_line *m)
{
	put_u32(w, m->link);
	wbuf_add(w, m->line.p, m->line.len);
}

int
link_line_get(struct reader *r, struct link_line *m)
{
	m->link = get_u32(r);
	m->line = get_rest(r);
	return reader_done(r);
}

void
link_full_put(struct wbuf *w, const struct link_full *m)
{
	put_u32(w, m->link);
	put_u8(w, m->full);
}

int
link_full_get(struct reader *r, struct link_full *m)
{
	m->link = get_u32(r);
	m->full = get_u8(r);
	return reader_done(r);
}

void
link_written_put(struct wbuf *w, const struct link_written *m)
{
	put_u32(w, m->link);
	put_u64(w, (uint64_t)m->lines);
}

int
link_written_get(struct reader *r, struct link_written *m)
{
	m->link = get_u32(r);
	m->lines = (int64_t)get_u64(r);
	return reader_done(r);
}

void
link_report_put(struct wbuf *w, const struct link_report *m)
{
	put_str(w, m->hub_id);
	put_u32(w, (uint32_t)m->state);
	put_str(w, m->where);
	put_str(w, m->why);
}

int
link_report_get(struct reader *r, struct link_report *m)
{
	uint32_t state;

	get_str(r, m->hub_id, sizeof(m->hub_id));
	state = get_u32(r);
	m->state = (enum link_state)state;
	get_str(r, m->where, sizeof(m->where));
	get_str(r, m->why, sizeof(m->why));
	return state > LINK_IS_UP ? -1 : reader_done(r);
}

int
link_key_valid(const char *key)
{
	return strlen(key) == LINK_KEY_SIZE - 1 &&
	    strspn(key, "0123456789abcdef") == LINK_KEY_SIZE - 1;
}

void
link_key_put(struct wbuf *w, const struct link_key *m)
{
	put_str(w, m->hub_id);
	put_str(w, m->key);
	put_u8(w, m->paired);
}

int
link_key_get(struct reader *r, struct link_key *m)
{
	get_str(r, m->hub_id, sizeof(m->hub_id));
	get_str(r, m->key, sizeof(m->key));
	m->paired = get_u8(r);
	return reader_done(r) == 0 && name_valid(slice_of(m->hub_id)) &&
	    (m->key[0] == '\0' || link_key_valid(m->key)) ? 0 : -1;
}

void
link_relay_put(struct wbuf *w, const struct link_relay *m)
{
	put_u32(w, m->relay);
	put_u32(w, (uint32_t)m->state);
	put_u32(w, m->hubs);
	put_str(w, m->url);
	put_str(w, m->why);
}

int
link_relay_get(struct reader *r, struct link_relay *m)
{
	uint32_t state;

	m->relay = get_u32(r);
	state = get_u32(r);
	m->state = (enum link_state)state;
	m->hubs = get_u32(r);
	get_str(r, m->url, sizeof(m->url));
	get_str(r, m->why, sizeof(m->why));
	return state > LINK_IS_UP ? -1 : reader_done(r);
}

void
link_send_put(struct wbuf *w, const struct link_send *m)
{
	put_u32(w, m->link);
	put_slice(w, m->head);
	wbuf_add(w, m->inner.p, m->inner.len);
}

int
link_send_get(struct reader *r, struct link_send *m)
{
	m->link = get_u32(r);
	m->head = get_slice(r);
	m->inner = get_rest(r);
	return reader_done(r);
}
