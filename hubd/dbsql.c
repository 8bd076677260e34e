/* SPDX-License-Identifier: ISC */
/*
 * The schema of relay.db and every statement the store uses.
 *
 * peer: all names that were ever seen.  Those with mailbox = 1 may get
 * messages; the others are only there because messages name them.  A rename
 * changes the name of a row, and all that refers to the row goes along.  owner
 * is whose name it is (owner.h); NULL: nobody's yet.
 * message: kept = 1 is in a mailbox; kept = 2 waits for another hub (its box
 * is name@hub, out the hub, sent_as the sender's name at that time); kept = 0
 * has been pushed out or cleaned away, or the other hub has it, and only what
 * became of it is remembered.  body and reply_to are the insides of JSON
 * strings, as they came.
 * hub: other hubs that have been linked or written to.
 * hub_key: keys of other hubs, and whether they are trusted (enum key_state);
 * one that is empty stands for a hub that is distrusted and has shown none, or
 * has been linked over the LAN without telling one.
 * grp, member, entry: groups, who is in them, and what was said in them or
 * has happened to them.  The entries of a group are numbered from 1 without
 * gaps; the newest are kept.  last_id of grp is the number before the first
 * entry ever made here, joined of member that of the last entry when the
 * member came.  body is the inside of a JSON string here, too.
 * token: what a client over WebSocket must show to be that user.
 * meta: what has been done once, and how far the index of words is.  The index
 * itself, an FTS5 table, is made when the file is opened, where SQLite has
 * that: search.c says what is in it.  scan_to of peer is its number of the
 * last message that the index has under another mailbox.
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
	"CREATE INDEX message_box ON message (box, seen) WHERE kept = 1;",

	"CREATE TABLE grp ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"	/* none is used again */
	" name TEXT NOT NULL UNIQUE,"
	" admin INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" last_id INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE member ("
	" seq INTEGER PRIMARY KEY,"
	" grp INTEGER NOT NULL,"
	" peer INTEGER NOT NULL,"
	" last_read INTEGER NOT NULL,"
	" joined INTEGER NOT NULL,"
	" ts INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX member_grp ON member (grp, peer);"
	"CREATE INDEX member_peer ON member (peer);"
	"CREATE TABLE entry ("
	" seq INTEGER PRIMARY KEY,"
	" grp INTEGER NOT NULL,"
	" id INTEGER NOT NULL,"
	" sender INTEGER NOT NULL,"
	" ts INTEGER NOT NULL,"
	" system INTEGER NOT NULL,"
	" body TEXT NOT NULL);"
	"CREATE UNIQUE INDEX entry_id ON entry (grp, id);",

	"CREATE TABLE meta ("
	" key TEXT PRIMARY KEY,"
	" value INTEGER NOT NULL) WITHOUT ROWID;"
	"ALTER TABLE peer ADD COLUMN scan_to INTEGER NOT NULL DEFAULT 0;",

	"CREATE TABLE hub ("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" last_seen INTEGER NOT NULL);"
	"ALTER TABLE message ADD COLUMN out INTEGER;"
	"ALTER TABLE message ADD COLUMN sent_as TEXT;"
	"CREATE INDEX message_out ON message (out, seq) WHERE kept = 2;",

	"CREATE TABLE hub_key ("
	" hub TEXT NOT NULL,"
	" key TEXT NOT NULL,"
	" state INTEGER NOT NULL,"
	" first_seen INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL,"
	" PRIMARY KEY (hub, key)) WITHOUT ROWID;",

	"ALTER TABLE peer ADD COLUMN owner INTEGER;"
	"CREATE TABLE token ("
	" owner INTEGER PRIMARY KEY,"
	" token TEXT NOT NULL);",

	/* in which order a name's former ones came */
	("ALTER TABLE alias ADD COLUMN n INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX alias_peer ON alias (peer);"),
};

const char db_index[] =
    "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5("
    "words, content = '', columnsize = 0, tokenize = 'ascii')";
const char db_index_renew[] =
    "BEGIN;"
    "DROP TABLE search;"
    "DELETE FROM meta WHERE key LIKE 'search%';"
    "UPDATE peer SET scan_to = 0 WHERE scan_to > 0;"
    "COMMIT;";

const int db_version = sizeof(db_migrations) / sizeof(db_migrations[0]);

/* an OWNER_NONE in place of NULL */
#define OWNER(p)	"coalesce(" p "owner, 4294967295)"

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

	/* no number that the index has is used again */
	[Q_LAST_SEQ] =
	    "SELECT max(coalesce((SELECT max(seq) FROM message), 0),"
	    " coalesce((SELECT value FROM meta WHERE key = 'search mail'),"
	    " 0))",
	[Q_COUNT_MAILBOXES] = "SELECT count(*) FROM peer WHERE mailbox = 1",
	[Q_COUNT_KEPT] =
	    "SELECT count(*), coalesce(sum(seen), 0)"
	    " FROM message INDEXED BY message_box WHERE kept = 1",
	[Q_PEER] =
	    "SELECT id, mailbox, dropped, name, " OWNER("")
	    " FROM peer WHERE name = ?1",
	[Q_PEER_BY_ALIAS] =
	    "SELECT p.id, p.mailbox, p.dropped, p.name, " OWNER("p.")
	    " FROM alias a"
	    " CROSS JOIN peer p ON p.id = a.peer WHERE a.name = ?1",
	[Q_PEER_ADD] = "INSERT INTO peer (name, mailbox) VALUES (?1, ?2)",
	[Q_PEER_OPEN] = "UPDATE peer SET mailbox = 1 WHERE id = ?1",
	[Q_PEER_OWNER] = "UPDATE peer SET owner = ?2 WHERE id = ?1",
	[Q_PEER_DROPPED] = "UPDATE peer SET dropped = ?2 WHERE id = ?1",
	[Q_BOX_COUNT] =
	    "SELECT count(*), coalesce(sum(seen), 0)"
	    " FROM message INDEXED BY message_box"
	    " WHERE box = ?1 AND kept = 1",

	[Q_REPEAT] =
	    "SELECT box, state, state_ts, seq"
	    " FROM message INDEXED BY message_id"
	    " WHERE msg_id = ?1 AND sender = ?2 AND ts > ?3 LIMIT 1",
	[Q_APPEND] =
	    "INSERT INTO message (seq, box, kept, seen, state, sender, ts,"
	    " state_ts, urgent, kind, msg_id, reply_to, body)"
	    " VALUES (?1, ?2, 1, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
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
	[Q_OLD_BOXES] =
	    "SELECT id, name FROM peer WHERE id > ?1 AND mailbox = 1"
	    " ORDER BY id LIMIT ?2",
	[Q_OLD_MESSAGES] =
	    "SELECT m.seq, m.msg_id, p.name, m.ts"
	    " FROM message m INDEXED BY message_box"
	    " CROSS JOIN peer p ON p.id = m.sender"
	    " WHERE m.box = ?1 AND m.kept = 1 AND m.seen = 0"
	    " ORDER BY m.seq LIMIT ?2",
	[Q_MAILBOXES] =
	    "SELECT name, dropped FROM peer WHERE mailbox = 1 ORDER BY name",
	[Q_MESSAGE] =
	    "SELECT t.name, m.state, m.state_ts, f.name, m.ts, m.kind,"
	    " m.urgent, m.kept"
	    " FROM message m INDEXED BY message_id"
	    " CROSS JOIN peer t ON t.id = m.box"
	    " CROSS JOIN peer f ON f.id = m.sender"
	    " WHERE m.msg_id = ?1 ORDER BY m.seq DESC LIMIT 1",

	/* from the indexes alone */
	[Q_COUNT_COPIED] =
	    "SELECT (SELECT count(*) FROM message INDEXED BY message_box"
	    " WHERE kept = 1) + (SELECT count(*) FROM message"
	    " INDEXED BY message_out WHERE kept = 2)",
	[Q_COUNT_ENTRIES] = "SELECT count(*) FROM entry",

	[Q_KEYS] =
	    "SELECT hub, key, state, first_seen, last_seen FROM hub_key"
	    " ORDER BY hub, state = 1, state, key",
	[Q_KEYS_OF] =
	    "SELECT hub, key, state, first_seen, last_seen FROM hub_key"
	    " WHERE hub = ?1",
	[Q_KEY_COUNT] = "SELECT count(DISTINCT hub) FROM hub_key",
	[Q_KEY_ADD] =
	    "INSERT OR REPLACE INTO hub_key (hub, key, state, first_seen,"
	    " last_seen) VALUES (?1, ?2, ?3, ?4, ?5)",
	[Q_KEY_SEEN] =
	    "UPDATE hub_key SET last_seen = ?3 WHERE hub = ?1 AND key = ?2",
	[Q_KEY_REFUSE] = "UPDATE hub_key SET state = ?2 WHERE hub = ?1",
	[Q_KEY_DROP] = "DELETE FROM hub_key WHERE hub = ?1",
	[Q_KEY_DROP_PENDING] =
	    "DELETE FROM hub_key WHERE hub = ?1 AND state = ?2",
	[Q_KEY_DROP_OLDEST] =
	    "DELETE FROM hub_key WHERE hub = (SELECT hub FROM hub_key"
	    " GROUP BY hub HAVING min(state IN (?1, ?2))"
	    " ORDER BY max(state = ?2),"
	    " max(state = ?2 AND last_seen - first_seen >= ?3),"
	    " max(last_seen) LIMIT 1)",

	[Q_HUB] = "SELECT id FROM hub WHERE name = ?1",
	[Q_HUB_COUNT] = "SELECT count(*) FROM hub",
	[Q_HUB_ADD] = "INSERT INTO hub (name, last_seen) VALUES (?1, ?2)",
	[Q_HUB_SEEN] = "UPDATE hub SET last_seen = ?2 WHERE id = ?1",
	/* the oldest that nothing waits for, and nobody speaks for */
	[Q_HUB_OLDEST] =
	    "SELECT name FROM hub h WHERE NOT EXISTS (SELECT 1"
	    " FROM message m INDEXED BY message_out"
	    " WHERE m.out = h.id AND m.kept = 2)"
	    " AND NOT EXISTS (SELECT 1 FROM hub_key k"
	    " WHERE k.hub = h.name AND k.state NOT IN (?1, ?2))"
	    " ORDER BY EXISTS (SELECT 1 FROM hub_key k"
	    " WHERE k.hub = h.name AND k.state = ?2), h.last_seen LIMIT 1",
	[Q_HUB_DROP] = "DELETE FROM hub WHERE name = ?1",
	[Q_HUBS] = "SELECT name, last_seen FROM hub ORDER BY name",
	/* a hub only written to is not known by that: it may not be there */
	[Q_NAMES] =
	    "SELECT name, " OWNER("") ", last_seen IS NOT NULL FROM peer"
	    " WHERE last_seen IS NOT NULL OR owner IS NOT NULL"
	    " UNION ALL SELECT '@' || name, 4294967295, 0"
	    " FROM hub WHERE last_seen > 0",
	[Q_OUT_COUNT] =
	    "SELECT count(*) FROM message INDEXED BY message_out"
	    " WHERE out = ?1 AND kept = 2",
	[Q_OUT_APPEND] =
	    "INSERT INTO message (seq, box, kept, seen, state, sender, ts,"
	    " state_ts, urgent, kind, msg_id, body, out, sent_as, reply_to)"
	    " VALUES (?1, ?2, 2, 0, 0, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
	    " ?11)",
	[Q_OUT_LIST] =
	    "SELECT m.seq, t.name, coalesce(m.sent_as, f.name), m.msg_id,"
	    " m.ts, m.urgent, m.kind, m.reply_to, m.body"
	    " FROM message m INDEXED BY message_out"
	    " CROSS JOIN peer t ON t.id = m.box"
	    " CROSS JOIN peer f ON f.id = m.sender"
	    " WHERE m.out = ?1 AND m.kept = 2 AND m.seq > ?2"
	    " ORDER BY m.seq LIMIT ?3",
	[Q_OUT_DONE] =
	    "UPDATE message SET kept = 0, reply_to = NULL, body = '',"
	    " sent_as = NULL, state = ?2, state_ts = ?3 WHERE seq = ?1",
	[Q_OUT_BY_SEQ] =
	    "SELECT m.msg_id, f.name, t.name FROM message m"
	    " CROSS JOIN peer t ON t.id = m.box"
	    " CROSS JOIN peer f ON f.id = m.sender"
	    " WHERE m.seq = ?1 AND m.out = ?2 AND m.kept = 2",
	[Q_OUT_BY_ID] =
	    "SELECT m.seq, f.name, m.kept"
	    " FROM message m INDEXED BY message_id"
	    " CROSS JOIN peer f ON f.id = m.sender"
	    " WHERE m.msg_id = ?1 AND m.box = ?2 AND m.sender = ?3"
	    " AND m.out IS NOT NULL AND m.state < ?4"
	    " ORDER BY m.seq DESC LIMIT 1",
	[Q_OUT_OLD] =
	    "SELECT m.seq, m.msg_id, f.name, t.name"
	    " FROM hub h CROSS JOIN message m INDEXED BY message_out"
	    " ON m.out = h.id AND m.kept = 2"
	    " CROSS JOIN peer t ON t.id = m.box"
	    " CROSS JOIN peer f ON f.id = m.sender"
	    " WHERE m.ts < ?1 LIMIT ?2",

	[Q_TOKENS] = "SELECT owner, token FROM token",
	[Q_TOKEN] = "SELECT token FROM token WHERE owner = ?1",
	[Q_TOKEN_SET] =
	    "INSERT OR REPLACE INTO token (owner, token) VALUES (?1, ?2)",

	[Q_REGISTER] =
	    "UPDATE peer SET cwd = ?2, git_branch = ?3, host = ?4, pid = ?5,"
	    " started = ?6, last_seen = ?7 WHERE id = ?1",
	[Q_GONE] =
	    "UPDATE peer SET last_seen = ?2"
	    " WHERE name = ?1 AND last_seen IS NOT NULL",
	[Q_PEER_RENAME] =
	    "UPDATE peer SET name = ?2, mailbox = 1, last_seen = ?3"
	    " WHERE id = ?1",
	[Q_PEER_NAME] = "UPDATE peer SET name = ?2 WHERE id = ?1",
	[Q_PEER_REMOVE] = "DELETE FROM peer WHERE id = ?1",
	/* without an index: it is rare, and not worth one more per message */
	[Q_MERGE_MESSAGES] =
	    "UPDATE OR FAIL message SET"
	    " box = CASE box WHEN ?1 THEN ?2 ELSE box END,"
	    " sender = CASE sender WHEN ?1 THEN ?2 ELSE sender END"
	    " WHERE box = ?1 OR sender = ?1",
	[Q_MERGE_ALIASES] = "UPDATE alias SET peer = ?2 WHERE peer = ?1",
	/* one that is in a group as both keeps its own place there */
	[Q_MERGE_MEMBERS] =
	    "UPDATE OR IGNORE member SET peer = ?2 WHERE peer = ?1",
	[Q_MERGE_REST] = "DELETE FROM member WHERE peer = ?1",
	[Q_MERGE_ADMINS] = "UPDATE grp SET admin = ?2 WHERE admin = ?1",
	[Q_MERGE_ENTRIES] =
	    "UPDATE OR FAIL entry SET sender = ?2 WHERE sender = ?1",
	[Q_ALIAS_SET] =
	    "INSERT OR REPLACE INTO alias (name, peer, n) VALUES (?1, ?2,"
	    " (SELECT 1 + coalesce(max(n), 0) FROM alias WHERE peer = ?2))",
	[Q_ALIAS_TRIM] = "DELETE FROM alias WHERE peer = ?1 AND name NOT IN"
	    " (SELECT name FROM alias WHERE peer = ?1"
	    " ORDER BY n DESC LIMIT ?2)",
	[Q_ALIAS_END] = "DELETE FROM alias WHERE name = ?1",
	[Q_ALIASES] =
	    "SELECT a.name, p.name FROM alias a JOIN peer p ON p.id = a.peer"
	    " ORDER BY a.n",
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
	    " AND id NOT IN (SELECT peer FROM alias)"
	    " AND id NOT IN (SELECT admin FROM grp)"
	    " AND id NOT IN (SELECT peer FROM member)"
	    " AND id NOT IN (SELECT sender FROM entry)",

	[Q_COUNT_GROUPS] = "SELECT count(*) FROM grp",
	[Q_GROUP] =
	    "SELECT g.id, g.admin, g.created,"
	    " coalesce((SELECT min(id) FROM entry WHERE grp = g.id),"
	    " g.last_id + 1),"
	    " coalesce((SELECT max(id) FROM entry WHERE grp = g.id),"
	    " g.last_id)"
	    " FROM grp g WHERE g.name = ?1",
	/* all, or those with a member that belongs to a user */
	[Q_GROUP_NAMES] =
	    "SELECT name FROM grp g WHERE ?1 IS NULL"
	    " OR EXISTS (SELECT 1 FROM member m INDEXED BY member_grp"
	    " CROSS JOIN peer p ON p.id = m.peer"
	    " WHERE m.grp = g.id AND p.owner = ?1) ORDER BY name",
	[Q_GROUPS_OF] =
	    "SELECT g.name, m.last_read,"
	    " coalesce((SELECT min(id) FROM entry WHERE grp = g.id),"
	    " g.last_id + 1),"
	    " coalesce((SELECT max(id) FROM entry WHERE grp = g.id),"
	    " g.last_id)"
	    " FROM member m INDEXED BY member_peer"
	    " CROSS JOIN grp g ON g.id = m.grp"
	    " WHERE m.peer = ?1 ORDER BY g.name",
	[Q_GROUP_ADD] =
	    "INSERT INTO grp (name, admin, created) VALUES (?1, ?2, ?3)",
	[Q_GROUP_REMOVE] = "DELETE FROM grp WHERE id = ?1",
	[Q_MEMBERS] =
	    "SELECT m.peer, m.last_read, m.joined, p.name"
	    " FROM member m INDEXED BY member_grp"
	    " CROSS JOIN peer p ON p.id = m.peer"
	    " WHERE m.grp = ?1 ORDER BY m.seq",
	[Q_MEMBER_ADD] =
	    "INSERT INTO member (grp, peer, last_read, joined, ts)"
	    " VALUES (?1, ?2, 0, ?3, ?4)",
	[Q_MEMBER_READ] =
	    "UPDATE member INDEXED BY member_grp SET last_read = ?3"
	    " WHERE grp = ?1 AND peer = ?2",
	[Q_MEMBER_REMOVE] = "DELETE FROM member WHERE grp = ?1 AND peer = ?2",
	[Q_MEMBERS_REMOVE] = "DELETE FROM member WHERE grp = ?1",
	/* no number that the index has is used again */
	[Q_ENTRY_ADD] =
	    "INSERT INTO entry (seq, grp, id, sender, ts, system, body)"
	    " VALUES (1 + max(coalesce((SELECT max(seq) FROM entry), 0),"
	    " coalesce((SELECT value FROM meta WHERE key = 'search group'),"
	    " 0)), ?1, ?2, ?3, ?4, ?5, ?6)",
	[Q_ENTRIES_REMOVE] =
	    "DELETE FROM entry INDEXED BY entry_id"
	    " WHERE grp = ?1 AND id <= ?2",
	[Q_ENTRIES] =
	    "SELECT e.id, p.name, e.body, e.ts, e.system"
	    " FROM entry e INDEXED BY entry_id"
	    " CROSS JOIN peer p ON p.id = e.sender"
	    " WHERE e.grp = ?1 AND e.id > ?2 ORDER BY e.id LIMIT ?3",

	[Q_META] = "SELECT value FROM meta WHERE key = ?1",
	[Q_META_SET] =
	    "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
	[Q_META_FORGET] =
	    "DELETE FROM meta WHERE key > 'file ' AND key < 'file!'",

	[Q_GROUP_BASE] = "UPDATE grp SET last_id = ?2 WHERE id = ?1",
	[Q_MEMBER_SET] =
	    "UPDATE member INDEXED BY member_grp SET last_read = ?3,"
	    " joined = ?4 WHERE grp = ?1 AND peer = ?2",

	[Q_SCAN_TO] = "SELECT scan_to FROM peer WHERE id = ?1",
	[Q_SCAN_TO_SET] = "UPDATE peer SET scan_to = ?2 WHERE id = ?1",
	[Q_SCAN_TO_RESET] = "UPDATE peer SET scan_to = 0 WHERE scan_to > 0",
	[Q_SINCE_TS] =
	    "SELECT seq, ts FROM message INDEXED BY message_id"
	    " WHERE msg_id = ?1 AND box = ?2 ORDER BY seq DESC LIMIT 1",
	[Q_MY_GROUPS] =
	    "SELECT grp, joined, last_read FROM member INDEXED BY member_peer"
	    " WHERE peer = ?1",
	[Q_SCAN_MAIL] =
	    "SELECT seq, ts, body FROM message INDEXED BY message_box"
	    " WHERE box = ?1 AND kept = 1 AND seen IN (0, 1)"
	    " AND seq > ?2 AND seq <= ?3",
	[Q_SCAN_ENTRIES] =
	    "SELECT seq, ts, body FROM entry INDEXED BY entry_id"
	    " WHERE grp = ?1 AND (id > ?2 OR id <= ?3) AND ts > ?4"
	    " AND seq > ?5",
	[Q_SHOW_MAIL] =
	    "SELECT m.seq, m.seen, m.msg_id, p.name, m.body, m.reply_to,"
	    " m.ts, m.urgent, m.kind, m.state"
	    " FROM message m CROSS JOIN peer p ON p.id = m.sender"
	    " WHERE m.seq = ?1",
	[Q_SHOW_ENTRY] =
	    "SELECT g.name, e.id, p.name, e.body, e.ts, e.system"
	    " FROM entry e CROSS JOIN grp g ON g.id = e.grp"
	    " CROSS JOIN peer p ON p.id = e.sender WHERE e.seq = ?1",
	[Q_NEXT_MAIL] = "SELECT min(seq) FROM message WHERE seq > ?1",
	[Q_NEXT_ENTRY] = "SELECT min(seq) FROM entry WHERE seq > ?1",
	[Q_TAKE_MAIL] =
	    "SELECT seq, box, body FROM message"
	    " WHERE seq >= ?1 AND seq < ?2 AND kept = 1 ORDER BY seq",
	[Q_TAKE_ENTRIES] =
	    "SELECT seq, grp, body FROM entry"
	    " WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
	[Q_LAST_ENTRY] = "SELECT coalesce(max(seq), 0) FROM entry",
	[Q_LIVE_MAIL] =
	    "SELECT count(*) FROM message INDEXED BY message_box"
	    " WHERE kept = 1",
	[Q_LIVE_ENTRIES] = "SELECT count(*) FROM entry",
	[Q_FIND_MAIL] =
	    "SELECT m.seq, m.ts FROM search"
	    " CROSS JOIN message m ON m.seq = search.rowid / 2"
	    " WHERE search MATCH ?1 AND m.box = ?2 AND m.kept = 1"
	    " AND m.seq > ?3",
	[Q_FIND_ENTRIES] =
	    "SELECT e.seq, e.ts FROM search"
	    " CROSS JOIN entry e ON e.seq = search.rowid / 2"
	    " WHERE search MATCH ?1 AND e.grp = ?2"
	    " AND (e.id > ?3 OR e.id <= ?4) AND e.ts > ?5",
	[Q_INDEX_ADD] =
	    "INSERT INTO search (rowid, words) VALUES (?1, ?2)",
	[Q_INDEX_CLEAR] =
	    "INSERT INTO search (search) VALUES ('delete-all')",
};
