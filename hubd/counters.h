/* SPDX-License-Identifier: ISC */
/*
 * What the router counts: router.counters[], where a thing happens by nothing
 * more than an increment.  stats.c has a row for each, in the same order.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

enum counter {
	/* connections: of sessions, and of those that may become one */
	COUNT_SOCKET,
	COUNT_WEBSOCKET,
	COUNT_REFUSED_FULL,
	COUNT_REFUSED_HTTP,
	COUNT_REFUSED_TOKEN,
	COUNT_REGISTERED,
	/* sessions that were cut off */
	COUNT_CUT_LONG,		/* sent a line over the limit */
	COUNT_CUT_STUCK,	/* did not read */
	COUNT_CUT_SILENT,	/* did not answer */
	/* lines of sessions of this hub, without what WebSocket adds */
	COUNT_LINES_IN,
	COUNT_BYTES_IN,
	COUNT_LINES_OUT,
	COUNT_BYTES_OUT,
	COUNT_NOT_PUSHED,
	/* messages to mailboxes and to other hubs, as their senders are told */
	COUNT_DELIVERED,
	COUNT_QUEUED,
	COUNT_REPEATED,
	COUNT_NOT_STORED,
	COUNT_EXPIRED,
	COUNT_ASKS,
	COUNT_REPLIES,
	COUNT_BROADCASTS,
	COUNT_ROOM_MESSAGES,
	COUNT_GROUP_MESSAGES,
	/* other hubs */
	COUNT_LINK_UPS,
	COUNT_LINK_SENT,
	COUNT_LINK_RECEIVED,
	COUNTERS
};

#endif
