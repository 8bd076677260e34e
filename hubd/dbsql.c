/* SPDX-License-Identifier: ISC */
/*
 * The schema of relay.db and every statement the store uses.
 *
 * peer: all names that were ever seen.  Those with mailbox = 1 may get
 * messages; the others are only there because messages name them.  A rename
 * changes the name of a row, and all that refers to the row goes along.
 * message: kept = 1 is in a mailbox; kept = 0 has been pushed out or cleaned
 * away, and only what became of it is remembered.  body and reply_to are the
 * insides of JSON strings, as they came.
 */
#include "compat.h"

#include "db.h"

const char *const db_migrations[] = {
	"CREATE TABLE peer ("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" mailbox INTEGER NOT NULL,"
	" dropped INTEGER NOT NULL DEFAULT 0,"
	" last_seen INTEGER,"		/* NULL: never registered */
	" started INTEGER,"
	" pid INTEGER,"
	" cwd TEXT, git_branch TEXT, host TEXT);"
	"CREATE TABLE alias ("
	" name TEXT PRIMARY KEY,"
	" peer INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE message ("
	" seq INTEGER PRIMARY KEY,"
	" box INTEGER NOT NULL,"
	" kept INTEGER NOT NULL,"
	" seen INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" sender INTEGER NOT NULL,"
	" ts INTEGER NOT NULL,"
	" state_ts INTEGER NOT NULL,"
	" urgent INTEGER NOT NULL,"
	" kind INTEGER NOT NULL,"
	" msg_id TEXT NOT NULL,"
	" reply_to TEXT,"
	" body TEXT NOT NULL);"
	"CREATE INDEX message_id ON message (msg_id);"
	"CREATE INDEX message_box ON message (box, seen) WHERE kept = 1;"
};

const int db_version = sizeof(db_migrations) / sizeof(db_migrations[0]);

#define LIST(seen)							\
	"SELECT m.seq, m.seen, m.msg_id, p.name, m.body, m.reply_to,"	\
	" m.ts, m.urgent, m.kind, m.state"				\
	" FROM message m INDEXED BY message_box"			\
	" CROSS JOIN peer p ON p.id = m.sender"				\
	" WHERE m.box = ?1 AND m.kept = 1 AND m.seen = " seen		\
	" AND m.seq > ?2 ORDER BY m.seq"

#define OLDEST(seen)							\
	"SELECT m.seq, m.msg_id, p.name"				\
	" FROM message m INDEXED BY message_box"			\
	" CROSS JOIN peer p ON p.id = m.sender"				\
	" WHERE m.box = ?1 AND m.kept = 1 AND m.seen = " seen		\
	" ORDER BY m.seq LIMIT 1"

/*
 * OR FAIL where many rows change: after an error the transaction is rolled
 * back anyway, and SQLite need not keep in memory how to undo the statement.
 */
const char *const db_queries[Q_MAX] = {
	[Q_BEGIN] = "BEGIN",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",

	[Q_LAST_SEQ] = "SELECT coalesce(max(seq), 0) FROM message",
	[Q_COUNT_MAILBOXES] = "SELECT count(*) FROM peer WHERE mailbox = 1",
	[Q_PEER] =
	    "SELECT id, mailbox, dropped, name FROM peer WHERE name = ?1",
	[Q_PEER_BY_ALIAS] =
	    "SELECT p.id, p.mailbox, p.dropped, p.name FROM alias a"
	    " CROSS JOIN peer p ON p.id = a.peer WHERE a.name = ?1",
	[Q_PEER_ADD] = "INSERT INTO peer (name, mailbox) VALUES (?1, ?2)",
	[Q_PEER_OPEN] = "UPDATE peer SET mailbox = 1 WHERE id = ?1",
	[Q_PEER_DROPPED] = "UPDATE peer SET dropped = ?2 WHERE id = ?1",
	[Q_BOX_COUNT] =
	    "SELECT count(*), coalesce(sum(seen), 0)"
	    " FROM message INDEXED BY message_box"
	    " WHERE box = ?1 AND kept = 1",

	[Q_REPEAT] =
	    "SELECT seq FROM message INDEXED BY message_id"
	    " WHERE msg_id = ?1 AND sender = ?2 AND ts > ?3 LIMIT 1",
	[Q_APPEND] =
	    "INSERT INTO message (seq, box, kept, seen, state, sender, ts,"
	    " state_ts, urgent, kind, msg_id, reply_to, body)"
	    " VALUES (?1, ?2, 1, 0, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10)",
	[Q_OLDEST_UNSEEN] = OLDEST("0"),
	[Q_OLDEST_SEEN] = OLDEST("1"),
	[Q_FORGET] =
	    "UPDATE message SET kept = 0, reply_to = NULL, body = ''"
	    " WHERE seq = ?1",
	[Q_EXPIRE] =
	    "UPDATE message SET kept = 0, reply_to = NULL, body = '',"
	    " state = ?2, state_ts = ?3 WHERE seq = ?1",
	[Q_SINCE] =
	    "SELECT max(seq) FROM message INDEXED BY message_id"
	    " WHERE msg_id = ?1 AND box = ?2",
	[Q_RECENT] =
	    "SELECT min(seq) FROM (SELECT seq FROM message"
	    " INDEXED BY message_box WHERE box = ?1 AND kept = 1"
	    " ORDER BY seq DESC LIMIT ?2)",
	[Q_COUNT_BEHIND] =
	    "SELECT count(*) FROM message INDEXED BY message_box"
	    " WHERE box = ?1 AND kept = 1 AND seen IN (0, 1) AND seq > ?2",
	[Q_LIST_UNSEEN] = LIST("0"),
	[Q_LIST_SEEN] = LIST("1"),
	[Q_BY_SEQ] =
	    "SELECT m.seq, m.state, m.msg_id, p.name FROM message m"
	    " CROSS JOIN peer p ON p.id = m.sender"
	    " WHERE m.seq = ?1 AND m.box = ?2 AND m.kept = 1",
	[Q_BY_ID] =
	    "SELECT m.seq, m.state, m.msg_id, p.name"
	    " FROM message m INDEXED BY message_id"
	    " CROSS JOIN peer p ON p.id = m.sender"
	    " WHERE m.msg_id = ?1 AND m.box = ?2 AND m.kept = 1",
	[Q_MARK] =
	    "UPDATE message SET state = ?2, state_ts = ?3, seen = ?4"
	    " WHERE seq = ?1",
	[Q_STATUS] =
	    "SELECT p.name, m.state, m.state_ts"
	    " FROM message m INDEXED BY message_id"
	    " CROSS JOIN peer p ON p.id = m.box"
	    " WHERE m.msg_id = ?1 AND m.sender = ?2"
	    " ORDER BY m.seq DESC LIMIT 1",
	[Q_FORGET_SEEN] =
	    "UPDATE OR FAIL message INDEXED BY message_box"
	    " SET kept = 0, reply_to = NULL, body = ''"
	    " WHERE box = ?1 AND kept = 1 AND seen = 1 AND state_ts < ?2",
	[Q_STEP_BEGIN] =
	    "SELECT ts FROM message WHERE seq > ?1 ORDER BY seq LIMIT 1",
	[Q_STEP_END] =
	    "SELECT seq FROM message WHERE seq > ?1"
	    " ORDER BY seq LIMIT 1 OFFSET ?2",
	[Q_STEP_DELETE] =
	    "DELETE FROM message WHERE seq > ?1 AND seq <= ?2"
	    " AND kept = 0 AND state_ts < ?3",

	[Q_REGISTER] =
	    "UPDATE peer SET cwd = ?2, git_branch = ?3, host = ?4, pid = ?5,"
	    " started = ?6, last_seen = ?7 WHERE id = ?1",
	[Q_GONE] =
	    "UPDATE peer SET last_seen = ?2"
	    " WHERE name = ?1 AND last_seen IS NOT NULL",
	[Q_PEER_RENAME] =
	    "UPDATE peer SET name = ?2, mailbox = 1, last_seen = ?3"
	    " WHERE id = ?1",
	[Q_PEER_REMOVE] = "DELETE FROM peer WHERE id = ?1",
	/* without an index: it is rare, and not worth one more per message */
	[Q_MERGE_MESSAGES] =
	    "UPDATE OR FAIL message SET"
	    " box = CASE box WHEN ?1 THEN ?2 ELSE box END,"
	    " sender = CASE sender WHEN ?1 THEN ?2 ELSE sender END"
	    " WHERE box = ?1 OR sender = ?1",
	[Q_MERGE_ALIASES] = "UPDATE alias SET peer = ?2 WHERE peer = ?1",
	[Q_ALIAS_SET] =
	    "INSERT OR REPLACE INTO alias (name, peer) VALUES (?1, ?2)",
	[Q_ALIAS_END] = "DELETE FROM alias WHERE name = ?1",
	[Q_ALIASES] =
	    "SELECT a.name, p.name FROM alias a JOIN peer p ON p.id = a.peer",
	[Q_SESSIONS] =
	    "SELECT name, cwd, git_branch, host, pid, started, last_seen"
	    " FROM peer WHERE last_seen IS NOT NULL ORDER BY name",
	[Q_CLEAN_LIST] =
	    "SELECT name, last_seen FROM peer WHERE mailbox = 1",
	[Q_PEER_FORGET] =
	    "UPDATE peer SET mailbox = 0, dropped = 0, last_seen = NULL,"
	    " started = NULL, pid = NULL, cwd = NULL, git_branch = NULL,"
	    " host = NULL WHERE id = ?1",
	[Q_ALIAS_FORGET] = "DELETE FROM alias WHERE peer = ?1",
	[Q_COUNT_NAMES] = "SELECT count(*) FROM peer WHERE mailbox = 0",
	[Q_PURGE_NAMES] =
	    "DELETE FROM peer WHERE mailbox = 0"
	    " AND id NOT IN (SELECT box FROM message)"
	    " AND id NOT IN (SELECT sender FROM message)"
	    " AND id NOT IN (SELECT peer FROM alias)",
};
