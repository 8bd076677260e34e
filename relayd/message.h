/* SPDX-License-Identifier: ISC */
/*
 * What hubs send to a relay: the members that it looks at.
 */
#ifndef RELAYD_MESSAGE_H
#define RELAYD_MESSAGE_H

#include "json.h"
#include "names.h"

enum member {
	M_TYPE, M_HUB_ID, M_SECRET, M_VERSION, M_PEERS, M_FEATURES, M_ACTION,
	M_PEER, M_NAME, M_NEW_NAME, M_TARGET, M_WRAPPED, M_SEQ, M_CWD,
	M_BRANCH, M_LAST_SEEN, M_SLOT, M_DATA, MEMBERS
};

/* 0, or -1 if p[n] is no JSON object. */
int	message_scan(struct json_value[MEMBERS], const char *p, size_t n);
/* The close code for p[n], which is none, and the reason. */
unsigned	message_fault(const char *p, size_t n, const char **why);
/* 1 if it is a string, and that one. */
int	message_is(const struct json_value *, const char *);
/* 0, or -1 if it is not a name. */
int	message_name(const struct json_value *, char[NAME_SIZE]);

#endif
