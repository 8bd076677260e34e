/* SPDX-License-Identifier: ISC */
/*
 * What the router asks the store about groups and what it answers: the part of
 * storeproto.h that has to do with them.
 */
#ifndef GROUPPROTO_H
#define GROUPPROTO_H

#include "errcode.h"
#include "storeproto.h"

enum group_op {
	GROUP_CREATE,		/* text: n names of members, counted strings */
	GROUP_INVITE,
	GROUP_REMOVE,		/* text: the reason */
	GROUP_LEAVE,
	GROUP_SEND,		/* text: the message */
	GROUP_HISTORY,		/* what the caller has not read; it stays so */
	GROUP_READ,		/* the caller has read it, up to id */
	GROUP_LIST,		/* the caller's groups */
	GROUP_INFO,
	GROUP_DELETE,
	GROUP_SHOW		/* all groups, for hubctl; nobody calls */
};

#define GROUP_NOTE_SIZE	64

/* STORE_GROUP: something is done with a group on behalf of caller. */
struct store_group {
	enum group_op	 op;
	char		 caller[TARGET_SIZE];	/* name, or name@hub */
	/* owner.h; GROUP_SHOW: whose members count; OWNER_NONE: all groups */
	uint32_t	 owner;
	char		 group[NAME_SIZE], peer[TARGET_SIZE];
	int64_t		 now;
	int64_t		 serial, id;	/* GROUP_READ: from GROUP_HISTORY */
	uint32_t	 limit;		/* GROUP_HISTORY; 0: all that fit */
	uint32_t	 max_bytes;	/* of the answer's JSON */
	uint32_t	 n;
	struct slice	 text;		/* JSON string, without its quotes */
};
/*
 * STORE_GROUP_DONE.  With an error nothing has changed.  id is the number of
 * the entry that was made (GROUP_REMOVE, GROUP_LEAVE, GROUP_SEND), of the last
 * one shown (GROUP_HISTORY), of the one that would have come next
 * (GROUP_DELETE), or the last one that the caller has read (GROUP_INFO).
 * names are its members: all (GROUP_CREATE, GROUP_INFO), or whom to tell
 * (GROUP_SEND, GROUP_DELETE: all but the caller; GROUP_REMOVE: who was
 * removed).  json is an array: the messages of group_messages, the groups of
 * group_list_result, or, for GROUP_SHOW, of {name, admin, members, messages,
 * created_at}.
 */
struct store_group_done {
	enum store_status status;
	enum errcode	 err;		/* ERR_NONE: it is done */
	char		 note[GROUP_NOTE_SIZE];	/* of an error; or "" */
	char		 admin[TARGET_SIZE];	/* GROUP_INFO */
	int64_t		 serial, id;
	uint32_t	 unread;	/* the caller's, without those shown */
	uint32_t	 dropped;	/* GROUP_HISTORY: pushed out unread */
	uint32_t	 n;
	struct slice	 names;		/* n counted strings */
	struct slice	 json;		/* the rest of the message */
};

STOREPROTO(store_group);
STOREPROTO(store_group_done);

#endif
