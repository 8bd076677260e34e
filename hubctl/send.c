/* SPDX-License-Identifier: ISC */
/*
 * hubctl send, inbox, search, show message, clean and stop.
 */
#include "compat.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "hubctl.h"
#include "json.h"
#include "paths.h"
#include "table.h"
#include "term.h"
#include "unixsock.h"

#define INBOX_SHOWN	20
#define FOUND_SHOWN	50

static int	read_stdin(struct wbuf *);
static int	check_text(const char *, size_t);
static int	sent(json_t *);
static int	print_inbox(json_t *);
static void	add_word(struct wbuf *, const char *);
static int	print_found(json_t *);
static int	print_state(json_t *);
static void	print_message(json_t *);
static void	print_member(json_t *, const char *, const char *);
static int	cleaned(json_t *);
static int	clean_sockets(const char *);
static int	take_lock(const char *);
static int	remove_stale(const char *);

void
login_name(char dst[NAME_SIZE])
{
	const char *user = getenv("USER");
	struct passwd *pw;

	if (user == NULL || user[0] == '\0') {
		pw = getpwuid(getuid());
		user = pw != NULL ? pw->pw_name : "";
	}
	name_slug(user, "user", dst);
}

/* Makes one request of a connection of its own and shows the answer. */
int
hubctl_ask(struct hubctl *ctl, enum imsg_type type, const struct wbuf *w,
    int (*show)(json_t *))
{
	struct rbuf *result;
	struct ctl *c;
	json_t *json;
	int rc = EXIT_FAILURE;

	c = type == CTL_STOP ? ctl_open_any(ctl->socket) :
	    ctl_open(ctl->socket);
	if (c == NULL)
		return EXIT_FAILURE;
	result = ctl_call(c, type, w);
	if (result != NULL && ctl->json) {
		print_json(result->data, result->len);
		rc = EXIT_SUCCESS;
	} else if (result != NULL) {
		json = json_loadb(result->data, result->len, 0, NULL);
		rc = show(json);
		json_decref(json);
	}
	if (result != NULL && type == CTL_STOP && ctl_wait_gone(c) == -1) {
		warnx("the hub is still there");
		rc = EXIT_FAILURE;
	}
	rbuf_unref(result);
	ctl_close(c);
	return rc;
}

static int
check_text(const char *text, size_t len)
{
	if (len == 0)
		warnx("the text is empty");
	else if (!utf8_valid(text, len))
		warnx("the text is not UTF-8");
	else if (utf16_units(text, len) > TEXT_UNITS_MAX)
		warnx("the text is longer than %d characters",
		    TEXT_UNITS_MAX);
	else
		return 0;
	return -1;
}

/* All of standard input, without a newline at its end. */
static int
read_stdin(struct wbuf *text)
{
	ssize_t n = 1;

	while (n > 0 && text->len <= LINE_MAX_BYTES) {
		n = read(STDIN_FILENO, wbuf_room(text, 65536), 65536);
		if (n > 0)
			text->len += (size_t)n;
	}
	if (n == -1) {
		warn("standard input");
		return -1;
	}
	if (text->len > 0 && wbuf_data(text)[text->len - 1] == '\n')
		text->len--;
	return 0;
}

int
cmd_send(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf text = { 0 }, w = { 0 };
	char from[NAME_SIZE];
	int rc = EXIT_FAILURE;

	(void)argc;
	if (strlen(argv[0]) > TARGET_LEN_MAX) {
		warnx("name too long: %s", argv[0]);
		return EXIT_FAILURE;
	}
	if (strcmp(argv[1], "-") != 0)
		wbuf_adds(&text, argv[1]);
	else if (read_stdin(&text) == -1)
		goto done;
	if (check_text(wbuf_data(&text), text.len) == -1)
		goto done;
	login_name(from);
	put_str(&w, from);
	put_str(&w, argv[0]);
	put_bytes(&w, wbuf_data(&text), text.len);
	put_u8(&w, (uint8_t)ctl->urgent);
	rc = hubctl_ask(ctl, CTL_SEND, &w, sent);
 done:
	wbuf_free(&text);
	wbuf_free(&w);
	return rc;
}

static int
sent(json_t *json)
{
	print_member(json, "status", "");
	print_member(json, "msg_id", " ");
	printf("\n");
	return EXIT_SUCCESS;
}

/* A string member, made safe, with something before it; or nothing. */
static void
print_member(json_t *o, const char *key, const char *before)
{
	const char *s = json_string_value(json_object_get(o, key));
	struct wbuf w = { 0 };

	if (s == NULL)
		return;
	term_add(&w, s, strlen(s), TERM_LINE, term_ascii());
	printf("%s%.*s", before, (int)w.len, wbuf_data(&w));
	wbuf_free(&w);
}

int
cmd_inbox(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };
	int rc;

	(void)argc;
	if (strlen(argv[0]) > TARGET_LEN_MAX) {
		warnx("name too long: %s", argv[0]);
		return EXIT_FAILURE;
	}
	put_str(&w, argv[0]);
	put_u32(&w, INBOX_SHOWN);
	rc = hubctl_ask(ctl, CTL_INBOX, &w, print_inbox);
	wbuf_free(&w);
	return rc;
}

static int
print_inbox(json_t *json)
{
	json_t *list = json_object_get(json, "messages"), *o;
	size_t i;

	json_array_foreach(list, i, o)
		print_message(o);
	if (json_array_size(list) == 0)
		printf("no messages\n");
	else
		printf("%zu messages, %" JSON_INTEGER_FORMAT " unread\n",
		    json_array_size(list),
		    json_integer_value(json_object_get(json, "unread")));
	return EXIT_SUCCESS;
}

/* An argument with blanks in it was in quotes: those words in their order. */
static void
add_word(struct wbuf *w, const char *word)
{
	int quote = strpbrk(word, " \t\n") != NULL &&
	    strchr(word, '"') == NULL;

	if (w->len > 0)
		wbuf_adds(w, " ");
	if (quote)
		wbuf_adds(w, "\"");
	wbuf_adds(w, word);
	if (quote)
		wbuf_adds(w, "\"");
}

int
cmd_search(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf query = { 0 }, w = { 0 };
	int i, rc = EXIT_FAILURE;

	for (i = 1; i < argc; i++)
		add_word(&query, argv[i]);
	if (strlen(argv[0]) > TARGET_LEN_MAX) {
		warnx("name too long: %s", argv[0]);
	} else if (!utf8_valid(wbuf_data(&query), query.len)) {
		warnx("the words are not UTF-8");
	} else if (utf16_units(wbuf_data(&query), query.len) > REF_LEN_MAX) {
		warnx("the words are longer than %d characters", REF_LEN_MAX);
	} else {
		put_str(&w, argv[0]);
		put_bytes(&w, wbuf_data(&query), query.len);
		put_u32(&w, FOUND_SHOWN);
		rc = hubctl_ask(ctl, CTL_SEARCH, &w, print_found);
	}
	wbuf_free(&query);
	wbuf_free(&w);
	return rc;
}

static int
print_found(json_t *json)
{
	json_t *list = json_object_get(json, "messages");
	json_int_t more;
	size_t i = json_array_size(list);

	if (i == 0) {
		printf("nothing found\n");
		return EXIT_SUCCESS;
	}
	/* the newest one last, next to the prompt */
	while (i > 0)
		print_message(json_array_get(list, --i));
	more = json_integer_value(json_object_get(json, "remaining"));
	printf("%zu found", json_array_size(list));
	if (more > 0)
		printf(", %" JSON_INTEGER_FORMAT " older ones not shown",
		    more);
	printf("\n");
	return EXIT_SUCCESS;
}

int
cmd_show_message(struct hubctl *ctl, int argc, char **argv)
{
	struct wbuf w = { 0 };
	int rc;

	(void)argc;
	if (strlen(argv[0]) > MSG_ID_LEN_MAX) {
		warnx("not the id of a message: %s", argv[0]);
		return EXIT_FAILURE;
	}
	put_str(&w, argv[0]);
	rc = hubctl_ask(ctl, CTL_MESSAGE, &w, print_state);
	wbuf_free(&w);
	return rc;
}

static int
print_state(json_t *json)
{
	static const char *const titles[] = { "", "" };
	static const char *const rows[][2] = {
		{ "from", "from" }, { "to", "to" }, { "sent", "ts" },
		{ "state", "state" }, { "since", "state_ts" },
		{ "kind", "kind" }
	};
	struct table *t = table_new(titles, 2);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		table_add(t, rows[i][0]);
		table_add(t, json_string_value(json_object_get(json,
		    rows[i][1])));
	}
	table_add(t, "urgent");
	table_add(t, json_is_true(json_object_get(json, "urgent")) ? "yes" :
	    "no");
	table_add(t, "in the mailbox");
	table_add(t, json_is_true(json_object_get(json, "kept")) ? "yes" :
	    "no longer");
	table_print(t, stdout);
	table_free(t);
	return EXIT_SUCCESS;
}

/* The text is set off, so that it cannot look like another message. */
static void
print_message(json_t *o)
{
	const char *text = json_string_value(json_object_get(o, "text"));
	struct wbuf w = { 0 };

	print_member(o, "ts", "");
	print_member(o, "from", " ");
	print_member(o, "group", " in ");
	print_member(o, "msg_id", " ");
	print_member(o, "kind", " ");
	print_member(o, "reply_to", " reply to ");
	printf("%s\n", json_is_true(json_object_get(o, "urgent")) ?
	    " urgent" : "");
	if (text == NULL)
		return;
	term_block(&w, text, strlen(text), 0, 0);
	fwrite(wbuf_data(&w), 1, w.len, stdout);
	wbuf_free(&w);
}

static int
cleaned(json_t *json)
{
	printf("forgotten: %" JSON_INTEGER_FORMAT " sessions, %"
	    JSON_INTEGER_FORMAT " messages\n",
	    json_integer_value(json_object_get(json, "sessions")),
	    json_integer_value(json_object_get(json, "messages")));
	return EXIT_SUCCESS;
}

int
cmd_clean(struct hubctl *ctl, int argc, char **argv)
{
	char path[CTL_PATH_SIZE];
	struct wbuf w = { 0 };
	int rc;

	(void)argc;
	(void)argv;
	if ((rc = ctl_probe(ctl->socket, path)) == -1)
		return EXIT_FAILURE;
	if (rc == 0)
		return clean_sockets(path);
	put_u32(&w, ctl->days);
	rc = hubctl_ask(ctl, CTL_CLEAN, &w, cleaned);
	wbuf_free(&w);
	return rc;
}

/*
 * What a hub that was killed has left in the directory of ctl_path: hubctl's
 * and the sessions' socket.  A hub holds the lock for as long as it lives.
 */
static int
clean_sockets(const char *ctl_path)
{
	static const char *const names[] = { "hubctl.sock", "hub.sock" };
	char dir[CTL_PATH_SIZE], path[CTL_PATH_SIZE], *slash;
	int lock, rc = EXIT_SUCCESS;
	size_t i;

	strlcpy(dir, ctl_path, sizeof(dir));
	if ((slash = strrchr(dir, '/')) == NULL)
		strlcpy(dir, ".", sizeof(dir));
	else
		*slash = '\0';
	if ((lock = take_lock(dir)) == -1)
		return EXIT_FAILURE;
	printf("no hub is running\n");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (paths_join(path, sizeof(path), dir, names[i]) == -1 ||
		    remove_stale(path) == -1) {
			warn("%s/%s", dir, names[i]);
			rc = EXIT_FAILURE;
		}
	}
	close(lock);
	return rc;
}

/* Returns a descriptor that holds the hub's lock, or -1. */
static int
take_lock(const char *dir)
{
	char path[CTL_PATH_SIZE];
	int fd;

	if (paths_join(path, sizeof(path), dir, "hub.lock") == -1) {
		warn("%s", dir);
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1) {
		warnx("a hub is about to start or to end: try again");
		close(fd);
		return -1;
	}
	if (fd == -1)
		warn("%s", path);
	return fd;
}

static int
remove_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode))
		return 0;
	if ((fd = unix_connect(path)) != -1) {
		close(fd);
		return 0;
	}
	if (errno != ECONNREFUSED || unlink(path) == -1)
		return -1;
	printf("removed %s\n", path);
	return 0;
}

int
cmd_stop(struct hubctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return hubctl_ask(ctl, CTL_STOP, NULL, hubctl_silent);
}

int
hubctl_silent(json_t *json)
{
	(void)json;
	return EXIT_SUCCESS;
}
