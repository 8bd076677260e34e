/* SPDX-License-Identifier: ISC */
/*
 * What hubctl says to the hub over hubctl.sock.  The bodies, in order:
 *
 *	CTL_HELLO	u32 version (CTL_VERSION); answered with CTL_RESULT
 *	CTL_SHOW	string: "peers", "sessions", "rooms", "groups",
 *			"mailboxes", "links", "keys", "status",
 *			"processes", "stats", "metrics"
 *	CTL_SEND	strings from, to, text (UTF-8); u8 urgent
 *	CTL_INBOX	string name, u32 limit: the newest, without marking them
 *	CTL_SEARCH	string name, string query, u32 limit: in its mailbox and
 *			groups, the newest first, without marking them
 *	CTL_MESSAGE	string msg_id: what is known of it but its text
 *	CTL_MONITOR	nothing; CTL_EVENTs follow until hubctl closes
 *	CTL_CLEAN	u32 days
 *	CTL_LEVEL	u8 enum log_level, of all processes of the hub
 *	CTL_TRUST	strings hub, key (64 hexadecimal digits); key "": the
 *			one that it has shown
 *	CTL_DISTRUST	string hub
 *	CTL_FORGET	string hub
 *	CTL_INVITE	string url, or ""; a CTL_EVENT with the code comes
 *			before the answer, which may take 5 minutes
 *	CTL_JOIN	strings url, code, and the path of a file of CAs or ""
 *	CTL_STOP	nothing
 *
 * Each is answered once, with the id it came with: CTL_RESULT, whose body is
 * a JSON object, or CTL_ERROR, strings code and text.  CTL_EVENT's body is a
 * JSON object, too: {ts, event, ...}; names and ids, never a text.
 */
#ifndef CTLPROTO_H
#define CTLPROTO_H

/* Another one whenever the number of a message changes (imsg.h). */
#define CTL_VERSION	3

#endif
