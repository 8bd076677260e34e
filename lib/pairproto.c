/* SPDX-License-Identifier: ISC */
/*
 * Pairing: codes, and what processes tell each other of it.
 */
#include "compat.h"

#include <ctype.h>
#include <stdio.h>

#include "pairproto.h"
#include "timeutil.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void
pair_ask_put(struct wbuf *w, const struct pair_ask *m)
{
	put_str(w, m->url);
	put_str(w, m->code);
	put_str(w, m->ca_file);
}

int
pair_ask_get(struct reader *rd, struct pair_ask *m)
{
	get_str(rd, m->url, sizeof(m->url));
	get_str(rd, m->code, sizeof(m->code));
	get_str(rd, m->ca_file, sizeof(m->ca_file));
	return reader_done(rd);
}

void
pair_code_put(struct wbuf *w, const struct pair_code *m)
{
	put_str(w, m->url);
	put_str(w, m->code);
	put_u32(w, m->seconds);
}

int
pair_code_get(struct reader *rd, struct pair_code *m)
{
	get_str(rd, m->url, sizeof(m->url));
	get_str(rd, m->code, sizeof(m->code));
	m->seconds = get_u32(rd);
	return reader_done(rd);
}

void
pair_done_put(struct wbuf *w, const struct pair_done *m)
{
	put_str(w, m->why);
	put_str(w, m->hub_id);
	put_str(w, m->key);
	put_str(w, m->url);
	put_str(w, m->token);
}

int
pair_done_get(struct reader *rd, struct pair_done *m)
{
	get_str(rd, m->why, sizeof(m->why));
	get_str(rd, m->hub_id, sizeof(m->hub_id));
	get_str(rd, m->key, sizeof(m->key));
	get_str(rd, m->url, sizeof(m->url));
	get_str(rd, m->token, sizeof(m->token));
	return reader_done(rd) == 0 && (m->why[0] != '\0' ||
	    (name_valid(slice_of(m->hub_id)) && link_key_valid(m->key))) ?
	    0 : -1;
}

void
pair_refusal(char why[LINK_WHY_SIZE], enum key_verdict v, const char *hub)
{
	if (v == KEY_CHANGED)
		snprintf(why, LINK_WHY_SIZE, "another hub of the id %s is "
		    "known here: if this one replaces it, say hubctl trust %s "
		    "and try again", hub, hub);
	else if (v == KEY_UNKNOWN)
		snprintf(why, LINK_WHY_SIZE, "hub %s is known from the LAN, "
		    "and has told no key there: if this is that hub, say "
		    "hubctl trust %s and try again", hub, hub);
	else if (v == KEY_DISTRUSTED)
		snprintf(why, LINK_WHY_SIZE, "hub %s is distrusted here: if "
		    "it is to be trusted again, say hubctl trust %s and try "
		    "again", hub, hub);
	else
		snprintf(why, LINK_WHY_SIZE, "the key of hub %s cannot be "
		    "stored: the log of this hub says why", hub);
}

void
pair_code_new(char code[PAIR_CODE_SIZE])
{
	uint8_t bytes[PAIR_CODE_LEN];
	int i;

	random_bytes(bytes, sizeof(bytes));
	for (i = 0; i < PAIR_CODE_LEN; i++)
		code[i] = digits[bytes[i] % 32];
	code[i] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
}

int
pair_code_read(const char *text, char code[PAIR_CODE_SIZE])
{
	static const char alike[] = "0O1I8B";
	const char *a;
	size_t n = 0;
	char c;

	for (; *text != '\0'; text++) {
		if (*text == ' ' || *text == '-')
			continue;
		c = (char)toupper((unsigned char)*text);
		if ((a = strchr(alike, c)) != NULL && isdigit((unsigned char)c))
			c = a[1];
		if (strchr(digits, c) == NULL || n == PAIR_CODE_LEN)
			return -1;
		code[n++] = c;
	}
	code[n] = '\0';
	return n == PAIR_CODE_LEN ? 0 : -1;
}

void
pair_code_show(const char *code, char dst[PAIR_SHOWN_SIZE])
{
	size_t i, n = 0;

	for (i = 0; i < PAIR_CODE_LEN; i++) {
		if (i > 0 && i % 4 == 0)
			dst[n++] = '-';
		dst[n++] = code[i];
	}
	dst[n] = '\0';
}
