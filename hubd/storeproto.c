/* SPDX-License-Identifier: ISC */
/*
 * The messages between the router and the store: a table of fields for each
 * struct, from which it is written and read.
 */
#include "compat.h"

#include "copyproto.h"
#include "groupproto.h"
#include "keyproto.h"
#include "listproto.h"
#include "outproto.h"
#include "storeproto.h"
#include "tokenproto.h"

struct field {
	const struct field_kind	*kind;
	size_t			 offset;
	size_t			 size;	/* of a string's array */
	uint32_t		 max;	/* of a number that names something */
};

struct field_kind {
	void	(*put)(struct wbuf *, const struct field *, const void *);
	void	(*get)(struct reader *, const struct field *, void *);
};

#define FIELD_KIND(x)							\
	static void	write_##x(struct wbuf *, const struct field *,	\
			    const void *);				\
	static void	read_##x(struct reader *, const struct field *,	\
			    void *);					\
	static const struct field_kind kind_##x = { write_##x, read_##x }

FIELD_KIND(enum);	/* an enum, in one byte */
FIELD_KIND(flag);	/* a uint8_t, 0 or 1 */
FIELD_KIND(u32);
FIELD_KIND(i64);
FIELD_KIND(str);	/* an array of char, terminated */
FIELD_KIND(slice);	/* counted */
FIELD_KIND(rest);	/* a slice that ends the message */

#define FIELD(k, s, m)							\
	{ &kind_##k, offsetof(struct s, m), sizeof(((struct s *)0)->m), 0 }
#define ENUM(s, m, max)							\
	{ &kind_enum, offsetof(struct s, m), 0, max }
#define STATUS(s)	ENUM(s, status, STORE_FAILED)
#define END		{ NULL, 0, 0, 0 }

_Static_assert(sizeof(enum msg_state) == sizeof(unsigned) &&
    sizeof(enum msg_kind) == sizeof(unsigned) &&
    sizeof(enum store_status) == sizeof(unsigned) &&
    sizeof(enum inbox_mode) == sizeof(unsigned) &&
    sizeof(enum group_op) == sizeof(unsigned) &&
    sizeof(enum key_op) == sizeof(unsigned) &&
    sizeof(enum key_state) == sizeof(unsigned) &&
    sizeof(enum key_verdict) == sizeof(unsigned) &&
    sizeof(enum errcode) == sizeof(unsigned), "enums are ints");

static void	put_fields(struct wbuf *, const struct field *, const void *);
static void	get_fields(struct reader *, const struct field *, void *);
static int	has_list(struct slice, size_t, size_t);

static const char *const state_names[] = {
	[MSG_ACCEPTED] = "accepted",
	[MSG_PUSHED] = "pushed",
	[MSG_RECEIVED] = "received",
	[MSG_SEEN] = "seen",
	[MSG_EXPIRED] = "expired",
};

static const char *const kind_names[] = {
	[KIND_INFO] = "info",
	[KIND_REQUEST] = "request",
	[KIND_RESPONSE] = "response",
};

static const struct field receipt_fields[] = {
	FIELD(str, store_receipt, sender),
	FIELD(str, store_receipt, peer),
	FIELD(str, store_receipt, msg_id),
	ENUM(store_receipt, state, MSG_EXPIRED),
	END
};

static const struct field session_fields[] = {
	FIELD(str, store_session, name),
	FIELD(slice, store_session, cwd),
	FIELD(slice, store_session, git_branch),
	FIELD(slice, store_session, host),
	FIELD(u32, store_session, pid),
	FIELD(u32, store_session, unread),
	FIELD(u32, store_session, kept),
	FIELD(i64, store_session, started),
	FIELD(i64, store_session, last_seen),
	END
};

static const struct field register_fields[] = {
	FIELD(str, store_register, name),
	FIELD(u32, store_register, owner),
	FIELD(slice, store_register, cwd),
	FIELD(slice, store_register, git_branch),
	FIELD(slice, store_register, host),
	FIELD(u32, store_register, pid),
	FIELD(i64, store_register, started),
	FIELD(i64, store_register, now),
	END
};

static const struct field registered_fields[] = {
	STATUS(store_registered),
	FIELD(u32, store_registered, unread),
	END
};

static const struct field gone_fields[] = {
	FIELD(str, store_gone, name),
	FIELD(i64, store_gone, now),
	END
};

static const struct field rename_fields[] = {
	FIELD(str, store_rename, from),
	FIELD(str, store_rename, to),
	FIELD(u32, store_rename, owner),
	FIELD(i64, store_rename, now),
	END
};

static const struct field append_fields[] = {
	FIELD(str, store_append, to),
	FIELD(str, store_append, from),
	FIELD(str, store_append, msg_id),
	FIELD(u32, store_append, owner),
	FIELD(u32, store_append, to_owner),
	FIELD(i64, store_append, ts),
	FIELD(flag, store_append, pushed),
	FIELD(flag, store_append, urgent),
	ENUM(store_append, kind, KIND_RESPONSE),
	FIELD(flag, store_append, has_reply_to),
	FIELD(slice, store_append, reply_to),
	FIELD(rest, store_append, text),
	END
};

static const struct field appended_fields[] = {
	STATUS(store_appended),
	FIELD(u32, store_appended, unread),
	ENUM(store_appended, state, MSG_EXPIRED),
	FIELD(flag, store_appended, push),
	FIELD(i64, store_appended, seq),
	FIELD(flag, store_appended, has_expired),
	END
};

static const struct field inbox_fields[] = {
	FIELD(str, store_inbox, name),
	ENUM(store_inbox, mode, INBOX_SEARCH),
	FIELD(u32, store_inbox, limit),
	FIELD(u32, store_inbox, max_bytes),
	FIELD(flag, store_inbox, peek),
	FIELD(str, store_inbox, since_id),
	FIELD(slice, store_inbox, query),
	END
};

static const struct field mail_fields[] = {
	STATUS(store_mail),
	FIELD(u32, store_mail, count),
	FIELD(u32, store_mail, remaining),
	FIELD(u32, store_mail, dropped),
	FIELD(u32, store_mail, unread),
	FIELD(u32, store_mail, nunseen),
	FIELD(slice, store_mail, unseen),
	FIELD(rest, store_mail, json),
	END
};

static const struct field mark_fields[] = {
	FIELD(str, store_mark, name),
	ENUM(store_mark, state, MSG_EXPIRED),
	FIELD(u32, store_mark, nseqs),
	FIELD(u32, store_mark, nids),
	FIELD(rest, store_mark, list),
	END
};

static const struct field marked_fields[] = {
	STATUS(store_marked),
	FIELD(u32, store_marked, unread),
	FIELD(u32, store_marked, nreceipts),
	FIELD(rest, store_marked, receipts),
	END
};

static const struct field query_fields[] = {
	FIELD(str, store_query, name),
	FIELD(str, store_query, msg_id),
	END
};

static const struct field message_fields[] = {
	STATUS(store_message),
	FIELD(flag, store_message, found),
	FIELD(str, store_message, to),
	ENUM(store_message, state, MSG_EXPIRED),
	FIELD(i64, store_message, ts),
	FIELD(str, store_message, from),
	FIELD(i64, store_message, sent),
	ENUM(store_message, kind, KIND_RESPONSE),
	FIELD(flag, store_message, urgent),
	FIELD(flag, store_message, kept),
	END
};

static const struct field session_list_fields[] = {
	STATUS(store_session_list),
	FIELD(u32, store_session_list, n),
	FIELD(rest, store_session_list, sessions),
	END
};

static const struct field clean_fields[] = {
	FIELD(i64, store_clean, before),
	FIELD(u32, store_clean, nkeep),
	FIELD(rest, store_clean, keep),
	END
};

static const struct field cleaned_fields[] = {
	STATUS(store_cleaned),
	FIELD(u32, store_cleaned, sessions),
	FIELD(u32, store_cleaned, messages),
	END
};

static const struct field group_fields[] = {
	ENUM(store_group, op, GROUP_SHOW),
	FIELD(str, store_group, caller),
	FIELD(u32, store_group, owner),
	FIELD(str, store_group, group),
	FIELD(str, store_group, peer),
	FIELD(i64, store_group, now),
	FIELD(i64, store_group, serial),
	FIELD(i64, store_group, id),
	FIELD(u32, store_group, limit),
	FIELD(u32, store_group, max_bytes),
	FIELD(u32, store_group, n),
	FIELD(rest, store_group, text),
	END
};

static const struct field group_done_fields[] = {
	STATUS(store_group_done),
	ENUM(store_group_done, err, ERR_MAX - 1),
	FIELD(str, store_group_done, note),
	FIELD(str, store_group_done, admin),
	FIELD(i64, store_group_done, serial),
	FIELD(i64, store_group_done, id),
	FIELD(u32, store_group_done, unread),
	FIELD(u32, store_group_done, dropped),
	FIELD(u32, store_group_done, n),
	FIELD(slice, store_group_done, names),
	FIELD(rest, store_group_done, json),
	END
};

static const struct field mailbox_fields[] = {
	FIELD(str, store_mailbox, name),
	FIELD(u32, store_mailbox, kept),
	FIELD(u32, store_mailbox, unread),
	FIELD(u32, store_mailbox, dropped),
	END
};

static const struct field mailbox_list_fields[] = {
	STATUS(store_mailbox_list),
	FIELD(u32, store_mailbox_list, n),
	FIELD(rest, store_mailbox_list, mailboxes),
	END
};

static const struct field expired_fields[] = {
	FIELD(str, store_expired, receipt.sender),
	FIELD(str, store_expired, receipt.peer),
	FIELD(str, store_expired, receipt.msg_id),
	ENUM(store_expired, receipt.state, MSG_EXPIRED),
	FIELD(u32, store_expired, unread),
	END
};

static const struct field alias_fields[] = {
	FIELD(str, store_alias, name),
	FIELD(str, store_alias, target),
	END
};

static const struct field name_fields[] = {
	FIELD(u32, store_name, owner),
	FIELD(flag, store_name, session),
	FIELD(str, store_name, name),
	END
};

static const struct field out_list_fields[] = {
	FIELD(str, store_out_list, hub),
	FIELD(i64, store_out_list, after),
	FIELD(u32, store_out_list, max_bytes),
	END
};

static const struct field out_listed_fields[] = {
	STATUS(store_out_listed),
	FIELD(u32, store_out_listed, n),
	FIELD(rest, store_out_listed, messages),
	END
};

static const struct field out_fields[] = {
	FIELD(i64, store_out, seq),
	FIELD(i64, store_out, ts),
	FIELD(str, store_out, to),
	FIELD(str, store_out, from),
	FIELD(str, store_out, msg_id),
	FIELD(flag, store_out, urgent),
	ENUM(store_out, kind, KIND_RESPONSE),
	FIELD(flag, store_out, has_reply_to),
	FIELD(slice, store_out, reply_to),
	FIELD(slice, store_out, text),
	END
};

static const struct field out_mark_fields[] = {
	FIELD(str, store_out_mark, hub),
	FIELD(i64, store_out_mark, seq),
	FIELD(str, store_out_mark, sender),
	FIELD(str, store_out_mark, peer),
	FIELD(str, store_out_mark, msg_id),
	ENUM(store_out_mark, state, MSG_EXPIRED),
	END
};

static const struct field backup_fields[] = {
	FIELD(u32, store_backup, number),
	END
};

static const struct field copy_fields[] = {
	FIELD(u32, store_copy, number),
	FIELD(i64, store_copy, bytes),
	FIELD(i64, store_copy, messages),
	FIELD(i64, store_copy, mailboxes),
	FIELD(i64, store_copy, entries),
	FIELD(str, store_copy, why),
	END
};

static const struct field hub_fields[] = {
	FIELD(str, store_hub, hub),
	FIELD(i64, store_hub, now),
	END
};

static const struct field key_fields[] = {
	ENUM(store_key, op, KEY_FORGET),
	FIELD(str, store_key, hub),
	FIELD(str, store_key, key),
	FIELD(flag, store_key, strict),
	FIELD(i64, store_key, now),
	END
};

static const struct field key_done_fields[] = {
	STATUS(store_key_done),
	ENUM(store_key_done, verdict, KEY_FAILED),
	FIELD(str, store_key_done, key),
	END
};

static const struct field key_info_fields[] = {
	FIELD(str, store_key_info, hub),
	FIELD(str, store_key_info, key),
	ENUM(store_key_info, state, KEY_SEEN),
	FIELD(i64, store_key_info, first_seen),
	FIELD(i64, store_key_info, last_seen),
	END
};

static const struct field key_list_fields[] = {
	STATUS(store_key_list),
	FIELD(u32, store_key_list, n),
	FIELD(rest, store_key_list, keys),
	END
};

static const struct field token_fields[] = {
	FIELD(u32, store_token, owner),
	FIELD(flag, store_token, renew),
	FIELD(str, store_token, token),
	END
};

static const struct field token_set_fields[] = {
	STATUS(store_token_set),
	FIELD(str, store_token_set, token),
	END
};

static const struct field hub_info_fields[] = {
	FIELD(str, store_hub_info, hub),
	FIELD(u32, store_hub_info, queued),
	FIELD(i64, store_hub_info, last_seen),
	END
};

static const struct field hub_list_fields[] = {
	STATUS(store_hub_list),
	FIELD(u32, store_hub_list, n),
	FIELD(rest, store_hub_list, hubs),
	END
};

const char *
msg_state_name(enum msg_state state)
{
	return state_names[state];
}

const char *
msg_kind_name(enum msg_kind kind)
{
	return kind_names[kind];
}

int
msg_kind_of(struct slice name)
{
	int i;

	for (i = KIND_INFO; i <= KIND_RESPONSE; i++)
		if (slice_is(name, kind_names[i]))
			return i;
	return -1;
}

static void
put_fields(struct wbuf *b, const struct field *f, const void *m)
{
	for (; f->kind != NULL; f++)
		f->kind->put(b, f, (const char *)m + f->offset);
}

static void
get_fields(struct reader *r, const struct field *f, void *m)
{
	for (; f->kind != NULL; f++)
		f->kind->get(r, f, (char *)m + f->offset);
}

/* 1 if it is that many 64-bit integers, then counted strings, and no more. */
static int
has_list(struct slice s, size_t ints, size_t strings)
{
	struct reader r;

	if (ints > s.len / sizeof(uint64_t))
		return 0;
	reader_init(&r, s.p + ints * sizeof(uint64_t),
	    s.len - ints * sizeof(uint64_t));
	for (; strings > 0 && !r.failed; strings--)
		(void)get_slice(&r);
	return reader_done(&r) == 0;
}

static void
write_enum(struct wbuf *b, const struct field *f, const void *p)
{
	unsigned v;

	(void)f;
	memcpy(&v, p, sizeof(v));
	put_u8(b, (uint8_t)v);
}

static void
read_enum(struct reader *r, const struct field *f, void *p)
{
	unsigned v = get_u8(r);

	if (v > f->max) {
		r->failed = 1;
		v = 0;
	}
	memcpy(p, &v, sizeof(v));
}

static void
write_flag(struct wbuf *b, const struct field *f, const void *p)
{
	(void)f;
	put_u8(b, *(const uint8_t *)p != 0);
}

static void
read_flag(struct reader *r, const struct field *f, void *p)
{
	uint8_t v = get_u8(r);

	(void)f;
	if (v > 1)
		r->failed = 1;
	*(uint8_t *)p = v;
}

static void
write_u32(struct wbuf *b, const struct field *f, const void *p)
{
	uint32_t v;

	(void)f;
	memcpy(&v, p, sizeof(v));
	put_u32(b, v);
}

static void
read_u32(struct reader *r, const struct field *f, void *p)
{
	uint32_t v = get_u32(r);

	(void)f;
	memcpy(p, &v, sizeof(v));
}

static void
write_i64(struct wbuf *b, const struct field *f, const void *p)
{
	int64_t v;

	(void)f;
	memcpy(&v, p, sizeof(v));
	put_u64(b, (uint64_t)v);
}

static void
read_i64(struct reader *r, const struct field *f, void *p)
{
	int64_t v = (int64_t)get_u64(r);

	(void)f;
	memcpy(p, &v, sizeof(v));
}

static void
write_str(struct wbuf *b, const struct field *f, const void *p)
{
	(void)f;
	put_str(b, p);
}

static void
read_str(struct reader *r, const struct field *f, void *p)
{
	get_str(r, p, f->size);
}

static void
write_slice(struct wbuf *b, const struct field *f, const void *p)
{
	(void)f;
	put_slice(b, *(const struct slice *)p);
}

static void
read_slice(struct reader *r, const struct field *f, void *p)
{
	(void)f;
	*(struct slice *)p = get_slice(r);
}

static void
write_rest(struct wbuf *b, const struct field *f, const void *p)
{
	const struct slice *s = p;

	(void)f;
	wbuf_add(b, s->p, s->len);
}

static void
read_rest(struct reader *r, const struct field *f, void *p)
{
	(void)f;
	*(struct slice *)p = get_rest(r);
}

/* The two functions of a struct that is nothing but its fields. */
#define PLAIN(x)							\
void									\
store_##x##_put(struct wbuf *b, const struct store_##x *m)		\
{									\
	put_fields(b, x##_fields, m);					\
}									\
									\
int									\
store_##x##_get(struct reader *r, struct store_##x *m)			\
{									\
	get_fields(r, x##_fields, m);					\
	return reader_done(r);						\
}

/* One that has a list in it: valid says whether it is complete. */
#define LISTING(x, valid)						\
void									\
store_##x##_put(struct wbuf *b, const struct store_##x *m)		\
{									\
	put_fields(b, x##_fields, m);					\
}									\
									\
int									\
store_##x##_get(struct reader *r, struct store_##x *m)			\
{									\
	get_fields(r, x##_fields, m);					\
	return reader_done(r) == 0 && (valid) ? 0 : -1;			\
}

/* One element of a list: more may follow. */
#define ELEMENT(x)							\
void									\
store_##x##_put(struct wbuf *b, const struct store_##x *m)		\
{									\
	put_fields(b, x##_fields, m);					\
}									\
									\
int									\
store_##x##_get(struct reader *r, struct store_##x *m)			\
{									\
	get_fields(r, x##_fields, m);					\
	return r->failed ? -1 : 0;					\
}

ELEMENT(receipt)
ELEMENT(session)
ELEMENT(mailbox)
ELEMENT(out)
ELEMENT(hub_info)
ELEMENT(key_info)

/* 1 if it is that many elements and no more. */
#define HAS_ALL(x)							\
static int								\
has_all_##x(struct slice s, uint32_t n)					\
{									\
	struct store_##x m;						\
	struct reader r;						\
									\
	reader_init(&r, s.p, s.len);					\
	while (n > 0 && store_##x##_get(&r, &m) == 0)			\
		n--;							\
	return n == 0 && reader_done(&r) == 0;				\
}

HAS_ALL(receipt)
HAS_ALL(session)
HAS_ALL(mailbox)
HAS_ALL(out)
HAS_ALL(hub_info)
HAS_ALL(key_info)

PLAIN(register)
PLAIN(registered)
PLAIN(gone)
PLAIN(rename)
PLAIN(append)
PLAIN(inbox)
PLAIN(query)
PLAIN(message)
PLAIN(cleaned)
PLAIN(expired)
PLAIN(alias)
PLAIN(name)
PLAIN(out_list)
PLAIN(out_mark)
PLAIN(hub)
PLAIN(backup)
PLAIN(copy)
PLAIN(key)
PLAIN(key_done)
PLAIN(token)
PLAIN(token_set)
LISTING(out_listed, has_all_out(m->messages, m->n))
LISTING(hub_list, has_all_hub_info(m->hubs, m->n))
LISTING(key_list, has_all_key_info(m->keys, m->n))
LISTING(mail, has_list(m->unseen, m->nunseen, 0))
LISTING(mark, has_list(m->list, m->nseqs, m->nids))
LISTING(marked, has_all_receipt(m->receipts, m->nreceipts))
LISTING(session_list, has_all_session(m->sessions, m->n))
LISTING(mailbox_list, has_all_mailbox(m->mailboxes, m->n))
LISTING(clean, has_list(m->keep, 0, m->nkeep))
LISTING(group, m->op == GROUP_CREATE ? has_list(m->text, 0, m->n) : m->n == 0)
LISTING(group_done, has_list(m->names, 0, m->n))

void
store_appended_put(struct wbuf *b, const struct store_appended *m)
{
	put_fields(b, appended_fields, m);
	if (m->has_expired)
		put_fields(b, receipt_fields, &m->expired);
}

int
store_appended_get(struct reader *r, struct store_appended *m)
{
	get_fields(r, appended_fields, m);
	if (m->has_expired)
		get_fields(r, receipt_fields, &m->expired);
	else
		memset(&m->expired, 0, sizeof(m->expired));
	return reader_done(r);
}
