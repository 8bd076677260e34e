/* SPDX-License-Identifier: ISC */
/*
 * Names of peers, rooms, groups and hubs, and the limits that the programs
 * share (architecture: Limits).
 */
#ifndef NAMES_H
#define NAMES_H

#include "buf.h"

#define NAME_LEN_MAX	64		/* characters of [A-Za-z0-9._-] */
#define NAME_SIZE	(NAME_LEN_MAX + 1)
#define TARGET_LEN_MAX	129		/* name@hub */
#define TARGET_SIZE	(TARGET_LEN_MAX + 1)
#define MSG_ID_LEN_MAX	64
#define MSG_ID_SIZE	(MSG_ID_LEN_MAX + 1)
#define REF_LEN_MAX	256		/* ask_id, req_id, reply_to ... */
#define REF_SIZE	(REF_LEN_MAX + 1)
/* <broadcast_id>:<name> is an ask_id, too */
#define ASK_ID_LEN_MAX	(REF_LEN_MAX + 1 + TARGET_LEN_MAX)
#define ASK_ID_SIZE	(ASK_ID_LEN_MAX + 1)
#define CWD_LEN_MAX	1024
#define BRANCH_LEN_MAX	256
#define REASON_LEN_MAX	256		/* of a removal from a group */
#define TEXT_UNITS_MAX	524288		/* UTF-16 code units */
#define LINE_MAX_BYTES	(4 * 1024 * 1024)
#define LINE_MAX_PLAIN	(1024 * 1024)	/* to clients without features */
#define LINE_MAX_EARLY	8192		/* before register */

/* 1 if it is 1 to 64 characters of the set, and neither "." nor "..". */
int	name_valid(struct slice);
/* The slice without white space at its ends. */
struct slice	name_trim(struct slice);
/*
 * Makes a name of any text: lower case, each run of other characters one '-',
 * none at the ends, at most 64; fallback if nothing is left.
 */
void	name_slug(const char *text, const char *fallback, char dst[NAME_SIZE]);
/* base-n, with as much of base as fits: n from 2 on, base itself for 1. */
void	name_number(const char *base, unsigned n, char dst[NAME_SIZE]);

#endif
