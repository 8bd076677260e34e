/* SPDX-License-Identifier: ISC */
/*
 * hubctl chat as a person sees it: on a terminal, with messages coming in
 * while a line is being typed.
 */
#include "compat.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"

#define COLUMNS		40
#define OUTPUT_MAX	65536

/* A chat on a terminal whose other end is ours. */
struct tty {
	struct tenv	*env;
	int		 fd;
	pid_t		 pid;
	char		 out[OUTPUT_MAX];	/* all that it has printed */
	size_t		 len;
	size_t		 from;			/* not yet looked at */
	const char	*wanted;
};

static struct tty	*tty_new(struct tenv *, const char *name);
static int		 tty_end(struct tty *);
static int		 has_printed(void *);
static void		 wait_for(struct tty *, const char *);
static void		 type_in(struct tty *, const char *);

static struct tty *
tty_new(struct tenv *t, const char *name)
{
	const char	*const argv[] = { "hubctl", "chat", name, NULL };
	const struct winsize ws = { .ws_row = 12, .ws_col = COLUMNS };
	struct tty	*tty = xcalloc(1, sizeof(*tty));
	int		 fds[2];

	setenv("TERM", "xterm", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	tty->env = t;
	tty->fd = posix_openpt(O_RDWR | O_NOCTTY);
	want(tty->fd != -1 && grantpt(tty->fd) == 0 && unlockpt(tty->fd) == 0,
	    "no pseudo-terminal");
	fds[0] = open(ptsname(tty->fd), O_RDWR | O_NOCTTY);
	want(fds[0] != -1 && ioctl(fds[0], TIOCSWINSZ, &ws) == 0,
	    "no terminal");
	fcntl(tty->fd, F_SETFL, O_NONBLOCK);
	fcntl(tty->fd, F_SETFD, FD_CLOEXEC);
	fds[1] = fds[0];
	tty->pid = program_start("hubctl", argv, fds,
	    tenv_path(t, "chat.log"), NULL);
	close(fds[0]);
	return (tty);
}

/* Its status; it must have ended by itself. */
static int
tty_end(struct tty *tty)
{
	int	status;

	want(program_wait(tty->pid, &status, T_WAIT) == 0, "it goes on: %s",
	    tty->out);
	close(tty->fd);
	free(tty);
	return (status);
}

static int
has_printed(void *arg)
{
	struct tty	*tty = arg;
	const char	*p;
	ssize_t		 n;

	n = read(tty->fd, tty->out + tty->len, OUTPUT_MAX - 1 - tty->len);
	if (n > 0)
		tty->len += (size_t)n;
	tty->out[tty->len] = '\0';
	if ((p = strstr(tty->out + tty->from, tty->wanted)) == NULL)
		return (0);
	tty->from = (size_t)(p - tty->out) + strlen(tty->wanted);
	return (1);
}

/* Waits for the text, behind the one waited for before. */
static void
wait_for(struct tty *tty, const char *text)
{
	tty->wanted = text;
	if (!t_until(tty->env, has_printed, tty, T_WAIT))
		t_fail("\"%s\" is not printed behind: %s ||| %s", text,
		    tty->out, tty->out + tty->from);
}

static void
type_in(struct tty *tty, const char *text)
{
	want(write(tty->fd, text, strlen(text)) == (ssize_t)strlen(text),
	    "write");
}

START_TEST(lines_are_not_broken)
{
	struct tenv	*t = tenv_new();
	struct conn	*c;
	struct tty	*tty;
	int		 status;

	hub_start(t);
	c = client_new(t, "c", NULL);
	tty = tty_new(t, "me");
	wait_for(tty, "[me] ");
	/* more than one row, the cursor in the second */
	type_in(tty, "@c a line that is longer than the terminal is wide");
	wait_for(tty, "wide");
	send_text(c, "me", "in between \x1b[31m\r\xc2\x9b \xe2\x80\xae",
	    "delivered");
	/* up to the prompt, clear, the message, and the line once more */
	wait_for(tty, "\033[1A\r\033[J");
	wait_for(tty, " c: in between ");
	wait_for(tty, "\\x1b[31m\\x0d\\u009b ");
	wait_for(tty, "[me] ");
	wait_for(tty, "@c");
	wait_for(tty, "wide");
	want(strstr(tty->out, "\x1b[31m") == NULL &&
	    strstr(tty->out, "\xc2\x9b") == NULL &&
	    strstr(tty->out, "\xe2\x80\xae") == NULL, "not escaped: %s",
	    tty->out);
	type_in(tty, "!\n");
	is_str(hear(c, "incoming_message"), "text",
	    "a line that is longer than the terminal is wide!");
	wait_for(tty, "[me -> c] ");
	type_in(tty, "\004");
	status = tty_end(tty);
	want(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x",
	    status);
	tenv_end(t);
}
END_TEST

START_TEST(asks_and_answers)
{
	struct tenv	*t = tenv_new();
	struct conn	*c;
	struct tty	*tty;
	json_t		*ask;
	int		 status;

	hub_start(t);
	c = client_new(t, "c", NULL);
	tty = tty_new(t, "me");
	wait_for(tty, "[me] ");
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "me", "question",
	    "which colour?", "ask_id", "k1");
	wait_for(tty, "c asks #1 (k1): ");
	wait_for(tty, "colour?");
	say(c, "{s:s,s:s,s:s,s:s}", "type", "ask", "to", "me", "question",
	    "and the size?", "ask_id", "k2");
	wait_for(tty, "#2 (k2): ");
	type_in(tty, "/reply #1 green\n/reply big\n");
	is_str(hear_with(c, "incoming_reply", "ask_id", "k1"), "text",
	    "green");
	is_str(hear_with(c, "incoming_reply", "ask_id", "k2"), "text", "big");
	type_in(tty, "/ask c really?\n");
	ask = hear(c, "incoming_ask");
	is_str(ask, "question", "really?");
	say(c, "{s:s,s:s,s:s}", "type", "reply", "ask_id",
	    str_of(ask, "ask_id"), "text", "yes");
	wait_for(tty, "c answers: yes");
	type_in(tty, "/quit\n");
	status = tty_end(tty);
	want(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x",
	    status);
	tenv_end(t);
}
END_TEST

/* What was shown is read when something is typed after it. */
START_TEST(shown_is_read)
{
	struct tenv	*t = tenv_new();
	struct conn	*c;
	struct tty	*tty;
	int		 status;

	hub_start(t);
	c = client_new(t, "c", FEATURES);
	tty = tty_new(t, "me");
	wait_for(tty, "[me] ");
	send_text(c, "me", "one", "delivered");
	hear_with(c, "receipt", "state", "received");
	quiet(c, "receipt");
	type_in(tty, "\n");
	hear_with(c, "receipt", "state", "seen");
	kill(tty->pid, SIGINT);
	status = tty_end(tty);
	want(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x",
	    status);
	tenv_end(t);
}
END_TEST

/* The hub ends under a chat, which waits for the next one. */
START_TEST(survives_the_hub)
{
	struct tenv	*t = tenv_new();
	struct tty	*tty;
	int		 status;

	hub_start(t);
	tty = tty_new(t, "me");
	wait_for(tty, "[me] ");
	type_in(tty, "half a line");
	wait_for(tty, "half a line");
	hub_stop(t, SIGTERM);
	wait_for(tty, "the hub has gone");
	wait_for(tty, "half a line");
	hub_start(t);
	wait_for(tty, "the hub is back");
	wait_for(tty, "half a line");
	kill(tty->pid, SIGTERM);
	status = tty_end(tty);
	want(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x",
	    status);
	tenv_end(t);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("chat");

	(void)argc;
	test_add(s, lines_are_not_broken, 60);
	test_add(s, asks_and_answers, 60);
	test_add(s, shown_is_read, 60);
	test_add(s, survives_the_hub, 60);
	return (test_main(argv[0], s));
}
