/* SPDX-License-Identifier: ISC */
/*
 * What one user's hubctl can have wait in a hub of several users: no more
 * because it does not wait for the answers.
 */
#include "compat.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "ctlproto.h"
#include "imsg.h"

#define BOB	40002		/* need not exist */
#define CONNS	16		/* that a plain user may have */

static int
dial(const char *path)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	want(fd != -1 && connect(fd, (struct sockaddr *)&sun,
	    sizeof(sun)) == 0, "connect: %s", strerror(errno));
	return (fd);
}

static void
put_request(struct wbuf *w, enum imsg_type type, const struct wbuf *body)
{
	put_u32(w, (uint32_t)type);
	put_u32(w, (uint32_t)body->len);
	put_u32(w, 1);
	put_u32(w, (uint32_t)getpid());
	wbuf_add(w, wbuf_data(body), body->len);
}

/* 1 if the hub has taken a request for the store, which does not answer. */
static int
asks(const char *path)
{
	struct pollfd	pfd = { .fd = dial(path), .events = POLLIN };
	struct wbuf	hello = { 0 }, show = { 0 }, w = { 0 };
	char		answer[512];
	int		taken;

	put_u32(&hello, CTL_VERSION);
	put_request(&w, CTL_HELLO, &hello);
	put_str(&show, "mailboxes");
	put_request(&w, CTL_SHOW, &show);
	/* it may be closed already */
	(void)send(pfd.fd, wbuf_data(&w), w.len, MSG_NOSIGNAL);
	want(poll(&pfd, 1, T_WAIT) == 1, "neither answered nor closed");
	taken = read(pfd.fd, answer, sizeof(answer)) > 0;
	close(pfd.fd);
	wbuf_free(&hello);
	wbuf_free(&show);
	wbuf_free(&w);
	return (taken);
}

static int
has_room(void *arg)
{
	return (asks(arg));
}

START_TEST(who_does_not_wait)
{
	struct tenv	*t = tenv_new();
	char		 text[T_PATH], ctl[T_PATH];
	pid_t		 store;
	int		 n = 0;

	want(chmod(t->dir, 0755) == 0, "chmod");
	snprintf(text, sizeof(text), "listen on socket \"%s\" mode 0666\n",
	    t->sock);
	hub_conf(t, text);
	hub_start(t);
	hub_serves(t);
	want(chmod(t->data, 0755) == 0, "chmod");
	snprintf(ctl, sizeof(ctl), "%s/hubctl.sock", t->data);
	want((store = hub_pid(t, "store")) != 0, "no store");
	kill(store, SIGSTOP);
	want(seteuid(BOB) == 0, "seteuid");
	while (n <= 2 * CONNS && asks(ctl))
		n++;
	want(seteuid(0) == 0, "seteuid");
	want(n == CONNS, "%d of one user's wait", n);
	want(asks(ctl), "root is refused, too");
	kill(store, SIGCONT);
	want(seteuid(BOB) == 0, "seteuid");
	want(t_until(t, has_room, ctl, T_WAIT), "there is no room again");
	want(seteuid(0) == 0, "seteuid");
	tenv_end(t);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite	*s = suite_create("waiting");

	(void)argc;
	if (geteuid() != 0) {
		printf("only root can be another user\n");
		return (77);
	}
	test_add(s, who_does_not_wait, 60);
	return (test_main(argv[0], s));
}
