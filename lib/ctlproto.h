/* SPDX-License-Identifier: ISC */
/*
 * What hubctl says to the hub over hubctl.sock.  The bodies, in order:
 *
 *	CTL_HELLO	u32 CTL_VERSION, or 0 by one that sends only CTL_STOP
 *			and CTL_UPGRADE, which are the same in all versions
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
 *	CTL_BACKUP	nothing; CTL_COPY, whose descriptor is a copy of the
 *			database, to be read from its beginning, comes before
 *			the answer, which may take minutes
 *	CTL_RELOAD	nothing; the answer's "reloaded" is false if the old
 *			configuration stays, "lines" say why, or what does
 *			not hold yet
 *	CTL_TOKEN	u8 1: another one than until now
 *	CTL_STOP	nothing
 *	CTL_UPGRADE	nothing; answered when the new version has been tried.
 *			The hub closes the connection, and is soon there again
 *
 * Each is answered once, with the id it came with: CTL_RESULT, whose body is
 * a JSON object, or CTL_ERROR, strings code and text.  CTL_EVENT's body is a
 * JSON object, too: {ts, event, ...}; names and ids, never a text.
 */
#ifndef CTLPROTO_H
#define CTLPROTO_H

/* Another one whenever the number of a message changes (imsg.h). */
#define CTL_VERSION	6

#endif
