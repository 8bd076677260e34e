/* SPDX-License-Identifier: ISC */
/*
 * Finding the hub's socket, and starting a hub where none answers.
 */
#include "compat.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hubfind.h"
#include "hubtoken.h"
#include "log.h"
#include "paths.h"
#include "proc.h"
#include "reaper.h"
#include "timeutil.h"
#include "unixsock.h"
#include "wsproxy.h"

#define SYSTEM_SOCKET	"/run/ecorelay/hub.sock"
#define SPAWN_LOCK	"spawn.lock"
#define HUB_PATH_MAX	1024
#define REMOTE_MS	1000	/* between two tries to reach another machine */
#define TOKEN_MAX	1024

struct hubfind {
	struct event_base *base;
	void		(*changed)(void *);
	void		*arg;
	int		 launched, failed;	/* in this search */
	int		 lock_fd;
	struct reaper	*hub;			/* of hubd's first process */
	struct reaper	*proxy;			/* see connect_url() */
	int64_t		 tried;			/* when; monotonic ms */
	char		 trouble[HUB_PATH_MAX + 64];
};

static void	trouble(struct hubfind *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static const char *remote_url(void);
static int	connect_here(struct hubfind *);
static int	connect_url(struct hubfind *, const char *);
static int	start_proxy(struct hubfind *, const char *);
static void	proxy_ended(int, void *);
static int	token(char *, size_t);
static int	take_lock(struct hubfind *);
static void	launch(struct hubfind *);
static void	exec_hubd(const char *) __attribute__((__noreturn__));
static void	hub_ended(int, void *);

struct hubfind *
hubfind_new(struct event_base *base, void (*changed)(void *), void *arg)
{
	struct hubfind *hf = xcalloc(1, sizeof(*hf));

	hf->base = base;
	hf->changed = changed;
	hf->arg = arg;
	hf->lock_fd = -1;
	return hf;
}

void
hubfind_free(struct hubfind *hf)
{
	hubfind_end(hf);
	reaper_free(hf->hub);
	reaper_free(hf->proxy);
	free(hf);
}

void
hubfind_begin(struct hubfind *hf)
{
	hf->launched = hf->failed = 0;
}

int
hubfind_failed(const struct hubfind *hf)
{
	return hf->failed;
}

const char *
hubfind_trouble(const struct hubfind *hf)
{
	return hf->trouble;
}

static void
trouble(struct hubfind *hf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(hf->trouble, sizeof(hf->trouble), fmt, ap);
	va_end(ap);
}

/* What was wrong far away holds until it is known to be something else. */
int
hubfind_connect(struct hubfind *hf)
{
	int far = remote_url() != NULL;
	int fd = far ? connect_url(hf, remote_url()) : connect_here(hf);

	if (fd != -1 && (!far || hf->trouble[0] == '\0'))
		trouble(hf, "the hub does not answer");
	return fd;
}

static int
connect_here(struct hubfind *hf)
{
	char path[HUB_PATH_MAX];
	int fd, err;

	if (paths_hub_socket(path, sizeof(path)) == -1) {
		err = errno;
		trouble(hf, "no path to the hub's socket: %s", strerror(err));
		/* ENOENT would mean that one can be started */
		errno = err == ENOENT ? ENOTDIR : err;
		return -1;
	}
	if ((fd = unix_connect(path)) != -1)
		return fd;
	err = errno;
	if (getenv("RELAY_HUB_SOCKET") == NULL &&
	    getenv("ECORELAY_DATA") == NULL &&
	    (fd = unix_connect(SYSTEM_SOCKET)) != -1)
		return fd;
	if (err == ENAMETOOLONG)
		trouble(hf, "too long a path for a Unix socket: %s", path);
	else if (!hf->failed)
		trouble(hf, "cannot connect to %s: %s", path, strerror(err));
	errno = err;
	return -1;
}

static const char *
remote_url(void)
{
	const char *url = getenv("ECORELAY_WS_URL");

	if (url == NULL || url[0] == '\0')
		url = getenv("RELAY_URL");
	return url != NULL && url[0] != '\0' ? url : NULL;
}

static int
token(char *dst, size_t size)
{
	char dir[HUB_PATH_MAX], path[HUB_PATH_MAX];
	struct stat st;
	int r;

	if ((r = hubtoken_env(dst, size)) != 0)
		return r == 1 ? 0 : -1;
	if (paths_data(dir, sizeof(dir)) == -1 ||
	    paths_join(path, sizeof(path), dir, HUBTOKEN_FILE) == -1)
		return -1;
	return hubtoken_read(path, dst, size, &st) > 0 ? 0 : -1;
}

/* A hub on another machine: none is started here. */
static int
connect_url(struct hubfind *hf, const char *url)
{
	int64_t now = time_mono_ms();

	if (hf->tried != 0 && now - hf->tried < REMOTE_MS) {
		errno = EAGAIN;
		return -1;
	}
	hf->tried = now;
	/* nobody has its socket any more, but it may hang in connect(2) */
	reaper_kill(hf->proxy);
	hf->proxy = NULL;
	return start_proxy(hf, url);
}

static int
start_proxy(struct hubfind *hf, const char *url)
{
	char secret[TOKEN_MAX];
	pid_t pid;
	int fd;

	if (token(secret, sizeof(secret)) == -1) {
		trouble(hf, "there is no token: set ECORELAY_WS_TOKEN to what "
		    "the file " HUBTOKEN_FILE " of that hub has");
		errno = EACCES;
		return -1;
	}
	fd = wsproxy_start(url, secret, &pid);
	if (fd != -1)
		hf->proxy = reaper_new(hf->base, pid, 0, proxy_ended, hf);
	else {
		if (errno == EINVAL)
			trouble(hf, "ECORELAY_WS_URL must be like "
			    "ws://host:9376: it is %.200s", url);
		else
			trouble(hf, "cannot connect: %s", strerror(errno));
		errno = EACCES;
	}
	explicit_bzero(secret, sizeof(secret));
	return fd;
}

static void
proxy_ended(int status, void *arg)
{
	struct hubfind *hf = arg;

	reaper_free(hf->proxy);
	hf->proxy = NULL;
	trouble(hf, "%s", wsproxy_trouble(status));
}

int
hubfind_start(struct hubfind *hf)
{
	int fd;

	if (hf->hub != NULL || hf->launched)
		return -1;
	if (hf->lock_fd == -1) {
		if (take_lock(hf) == -1)
			return -1;
		/* its former owner may just have started one */
		if ((fd = hubfind_connect(hf)) != -1)
			return fd;
	}
	launch(hf);
	return -1;
}

void
hubfind_end(struct hubfind *hf)
{
	if (hf->lock_fd != -1)
		close(hf->lock_fd);
	hf->lock_fd = -1;
}

static int
take_lock(struct hubfind *hf)
{
	char dir[HUB_PATH_MAX], path[HUB_PATH_MAX];
	int fd;

	if (paths_data(dir, sizeof(dir)) == -1 || paths_mkdir(dir) == -1 ||
	    paths_join(path, sizeof(path), dir, SPAWN_LOCK) == -1 ||
	    (fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1) {
		trouble(hf, "cannot use the data directory: %s",
		    strerror(errno));
		hf->failed = 1;
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		close(fd);
		return -1;
	}
	hf->lock_fd = fd;
	return 0;
}

static void
launch(struct hubfind *hf)
{
	char path[HUB_PATH_MAX];
	pid_t pid;

	hf->launched = 1;
	if (paths_program("hubd", path, sizeof(path)) == -1) {
		trouble(hf, "hubd is not installed beside this program");
		hf->failed = 1;
		return;
	}
	if ((pid = fork()) == -1) {
		trouble(hf, "fork: %s", strerror(errno));
		hf->failed = 1;
		return;
	}
	if (pid == 0)
		exec_hubd(path);
	log_info("no hub answers: starting %s", path);
	hf->hub = reaper_new(hf->base, pid, 0, hub_ended, hf);
}

static void
exec_hubd(const char *path)
{
	int fd;

	(void)setsid();
	(void)signal(SIGPIPE, SIG_DFL);
	if ((fd = open("/dev/null", O_RDWR)) == -1 ||
	    dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		_exit(126);
	/* what the host left open is not to be kept open by the hub */
	closefrom(STDERR_FILENO + 1);
	execl(path, path, "-e", (char *)NULL);
	_exit(127);
}

/* hubd -e: the process we started ends when the hub is ready, or failed. */
static void
hub_ended(int status, void *arg)
{
	struct hubfind *hf = arg;
	char how[64];

	reaper_free(hf->hub);
	hf->hub = NULL;
	if (status != -1 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		trouble(hf, "hubd %s", proc_exit(status, how, sizeof(how)));
		log_warnx("starting a hub: %s", hf->trouble);
		hf->failed = 1;
	}
	hf->changed(hf->arg);
}
