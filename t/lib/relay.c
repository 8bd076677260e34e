/* SPDX-License-Identifier: ISC */
/*
 * A relay, and reading a configuration again.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay.h"

struct count {
	const char	*file, *text;
	int		 n, found;
};

static int	 answers(void *);
static int	 counts(void *);

struct relayproc *
relay_begin_(struct tenv *t)
{
	static const int	 none[2] = { -1, -1 };
	struct relayproc	*r = xcalloc(1, sizeof(*r));
	const char		*argv[] = { "relayd", "-d", "-f", r->conf,
				    NULL };

	r->env = t;
	close(port_take(&r->port));
	snprintf(r->url, sizeof(r->url), "ws://127.0.0.1:%d", r->port);
	snprintf(r->conf, sizeof(r->conf), "%s/relayd.conf", t->dir);
	snprintf(r->secret, sizeof(r->secret), "%s/relay.secret", t->dir);
	snprintf(r->log, sizeof(r->log), "%s/relayd.log", t->dir);
	relay_secret(r, RELAY_T_SECRET);
	relay_conf(r, NULL);
	r->pid = program_start("relayd", argv, none, r->log, NULL);
	if (!t_until(t, answers, r, T_WAIT))
		t_fail("no relay: %s", read_file(r->log));
	return (r);
}

static int
answers(void *arg)
{
	struct relayproc	*r = arg;
	int			 fd = port_call(r->port);

	if (fd != -1)
		close(fd);
	return (fd != -1);
}

void
relay_conf(struct relayproc *r, const char *more)
{
	char	text[1024];

	snprintf(text, sizeof(text), "listen on 127.0.0.1 port %d\n"
	    "secret file \"%s\"\n%s", r->port, r->secret,
	    more != NULL ? more : "");
	write_file(r->conf, text, strlen(text));
}

void
relay_secret(struct relayproc *r, const char *text)
{
	write_file(r->secret, text, strlen(text));
	if (chmod(r->secret, 0600) == -1)
		t_fail("chmod %s", r->secret);
}

void
relay_end_(struct relayproc *r)
{
	int	status;

	(void)kill(r->pid, SIGTERM);
	if (program_wait(r->pid, &status, t_slow(T_WAIT)) == -1 ||
	    status != 0)
		t_fail("relayd: 0x%x: %s", status, read_file(r->log));
	free(r);
}

static int
counts(void *arg)
{
	struct count	*c = arg;
	char		*log = read_file(c->file), *p = log;

	for (c->found = 0; (p = strstr(p, c->text)) != NULL; p++)
		c->found++;
	free(log);
	return (c->found >= c->n);
}

void
log_counts_(struct tenv *t, const char *file, const char *text, int n)
{
	struct count	c = { file, text, n, 0 };

	if (!t_until(t, counts, &c, T_WAIT) || c.found > n)
		t_fail("\"%s\" is %d times in %s, not %d", text, c.found, file,
		    n);
}

const char *
reload_(struct tenv *t, int status)
{
	static char	 said[4096];
	struct output	*o;

	tenv_enter(t);
	o = run_(t, NULL, "hubctl", "reload", NULL);
	snprintf(said, sizeof(said), "%s%s", o->err, o->out);
	if (!WIFEXITED(o->status) || WEXITSTATUS(o->status) != status ||
	    (strstr(o->out, "reloaded\n") != NULL) != (status == 0))
		t_fail("hubctl reload: 0x%x: %s", o->status, said);
	output_free(o);
	return (said);
}
