/* SPDX-License-Identifier: ISC */
/*
 * The error codes of protocol.md and what each tells a model to do.
 */
#ifndef ERRCODE_H
#define ERRCODE_H

#include "buf.h"

enum errcode {
	ERR_NONE,
	ERR_PEER_NOT_FOUND,
	ERR_PEER_GONE,
	ERR_TIMEOUT,
	ERR_NAME_TAKEN,
	ERR_NOT_REGISTERED,
	ERR_ALREADY_REGISTERED,
	ERR_UNKNOWN_ASK,
	ERR_BAD_MSG,
	ERR_BAD_ARGS,
	ERR_HUB_UNREACHABLE,
	ERR_PROTOCOL_MISMATCH,
	ERR_MAILBOX_ERROR,
	ERR_NOT_MEMBER,
	ERR_NOT_ADMIN,
	ERR_GROUP_NOT_FOUND,
	ERR_UNEXPECTED,
	ERR_RATE_LIMITED,
	ERR_TOO_LARGE,
	ERR_MAX
};

/* "peer_not_found" and so on. */
const char	*err_code(enum errcode);
/* The code of that name; ERR_UNEXPECTED if there is none. */
enum errcode	 err_of(struct slice);
/* One sentence that says what to do next. */
const char	*err_advice(enum errcode);

#endif
