/* SPDX-License-Identifier: ISC */
/*
 * Logging.
 */
#include "compat.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "buf.h"
#include "datafile.h"
#include "json.h"
#include "log.h"
#include "paths.h"
#include "timeutil.h"

#define LOG_LINE_MAX	1024
#define LOG_FROM_MAX	1536	/* of another process */
#define LOG_DAY_MAX	(200LL * 1024 * 1024)
#define LOG_KEEP_DAYS	7

static void	sink_stderr(const char *, enum log_level, const char *);
static int	is_journal(int);
static void	sink_syslog(const char *, enum log_level, const char *);
static void	sink_dir(const char *, enum log_level, const char *);
static void	sink_fn(const char *, enum log_level, const char *);
static void	vlog(enum log_level, int, const char *, va_list)
		    __attribute__((__format__(printf, 3, 0)));
static int	open_day(const char *);
static void	purge(int, int64_t);

static struct {
	void		 (*sink)(const char *, enum log_level, const char *);
	void		 (*fn)(enum log_level, const char *, void *);
	void		*arg;
	void		 (*watch)(enum log_level, const char *, void *);
	void		*watch_arg;
	enum log_level	 level;
	const char	*prog, *role;
	char		 dir[PATH_MAX];
	char		 day[11];	/* of the file that is open */
	int		 fd;
	int		 echo;
} self = { .sink = sink_stderr, .level = LOG_LEVEL_INFO, .fd = -1 };

static const struct {
	const char	*name;
	int		 priority;
} levels[] = {
	[LOG_LEVEL_FATAL] = { "fatal", LOG_CRIT },
	[LOG_LEVEL_WARN] = { "warn", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

void
log_to_stderr(void)
{
	self.sink = sink_stderr;
}

void
log_to_syslog(int echo)
{
	openlog(self.prog, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	self.sink = sink_syslog;
	self.echo = echo;
}

void
log_to_dir(const char *dir)
{
	if (strlcpy(self.dir, dir, sizeof(self.dir)) >= sizeof(self.dir))
		return;
	self.sink = sink_dir;
}

void
log_to_fn(void (*fn)(enum log_level, const char *, void *), void *arg)
{
	self.fn = fn;
	self.arg = arg;
	self.sink = sink_fn;
}

void
log_close(void)
{
	if (self.fd != -1)
		close(self.fd);
	self.fd = -1;
	closelog();
}

void
log_watch(void (*fn)(enum log_level, const char *, void *), void *arg)
{
	self.watch = fn;
	self.watch_arg = arg;
}

void
log_set_level(enum log_level level)
{
	self.level = level;
}

enum log_level
log_get_level(void)
{
	return self.level;
}

void
log_set_name(const char *prog, const char *role)
{
	self.prog = prog;
	self.role = role;
}

/* Those of ISO 8859-1 (U+0080 to U+009F) move a terminal's cursor, too. */
void
log_printable(char *text)
{
	unsigned char *p = (unsigned char *)text;

	for (; *p != '\0'; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

void
log_from(const char *role, enum log_level level, const char *line)
{
	char text[LOG_FROM_MAX];

	if (level > self.level)
		return;
	/* whoever has taken that process over could write lines of others */
	strlcpy(text, line, sizeof(text));
	log_printable(text);
	self.sink(role, level, text);
}

/* JOURNAL_STREAM in systemd.exec(5): the device and the inode of its end. */
static int
is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[48];

	if (stream == NULL || fstat(fd, &st) == -1)
		return 0;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

/* The journal knows the time and the process; the level it is told. */
static void
sink_stderr(const char *role, enum log_level level, const char *line)
{
	char ts[ISO8601_SIZE];

	if (is_journal(STDERR_FILENO)) {
		fprintf(stderr, "<%d>%s%s%s\n", levels[level].priority,
		    role != NULL ? role : "", role != NULL ? ": " : "", line);
		return;
	}
	time_iso8601(time_now_ms(), ts);
	fprintf(stderr, "%s %s%s%s[%ld] %s: %s\n", ts,
	    self.prog != NULL ? self.prog : "", role != NULL ? "/" : "",
	    role != NULL ? role : "", (long)getpid(), levels[level].name, line);
}

static void
sink_syslog(const char *role, enum log_level level, const char *line)
{
	syslog(levels[level].priority, "%s%s%s", role != NULL ? role : "",
	    role != NULL ? ": " : "", line);
	if (self.echo && level <= LOG_LEVEL_WARN)
		sink_stderr(role, level, line);
}

static void
sink_fn(const char *role, enum log_level level, const char *line)
{
	static int busy;

	(void)role;
	if (busy)
		return;
	busy = 1;
	self.fn(level, line, self.arg);
	busy = 0;
}

/* Log files have fixed names; one of another kind is left alone. */
static void
purge(int dir, int64_t now)
{
	char oldest[ISO8601_SIZE], name[40];
	int copy = dup(dir);
	struct dirent *e;
	DIR *d = copy != -1 ? fdopendir(copy) : NULL;

	if (d == NULL) {
		if (copy != -1)
			close(copy);
		return;
	}
	time_iso8601(now - (int64_t)LOG_KEEP_DAYS * 86400000, oldest);
	snprintf(name, sizeof(name), "relay-%.10s.log", oldest);
	while ((e = readdir(d)) != NULL) {
		if (strlen(e->d_name) == strlen(name) &&
		    strncmp(e->d_name, "relay-", 6) == 0 &&
		    strcmp(e->d_name + 16, ".log") == 0 &&
		    strcmp(e->d_name, name) < 0)
			(void)unlinkat(dir, e->d_name, 0);
	}
	closedir(d);
}

static int
open_day(const char *ts)
{
	char name[40];
	int dir;

	if (self.fd != -1 && strncmp(ts, self.day, 10) == 0)
		return 0;
	if (self.fd != -1)
		close(self.fd);
	self.fd = -1;
	snprintf(self.day, sizeof(self.day), "%.10s", ts);
	snprintf(name, sizeof(name), "relay-%s.log", self.day);
	if (paths_mkdir(self.dir) == -1 ||
	    (dir = datafile_dir(self.dir)) == -1)
		return -1;
	self.fd = datafile_append_at(dir, name);
	if (self.fd != -1)
		purge(dir, time_now_ms());
	close(dir);
	return self.fd != -1 ? 0 : -1;
}

/* One write a line: several processes append to the same file. */
static void
sink_dir(const char *role, enum log_level level, const char *line)
{
	struct wbuf w = { 0 };
	char ts[ISO8601_SIZE];
	struct stat st;

	time_iso8601(time_now_ms(), ts);
	if (open_day(ts) == -1 || fstat(self.fd, &st) == -1 ||
	    st.st_size > LOG_DAY_MAX)
		return;
	json_begin(&w, '{');
	json_put_str(&w, "ts", ts);
	json_put_str(&w, "level", levels[level].name);
	json_put_str(&w, "proc", self.prog != NULL ? self.prog : "");
	if (role != NULL)
		json_put_str(&w, "role", role);
	json_put_int(&w, "pid", getpid());
	json_put_str(&w, "msg", line);
	json_end(&w, '}');
	wbuf_adds(&w, "\n");
	if (write(self.fd, wbuf_data(&w), w.len) == -1) {
		close(self.fd);		/* tried anew with the next line */
		self.fd = -1;
	}
	wbuf_free(&w);
}

static void
vlog(enum log_level level, int err, const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX];
	size_t n;

	if (level > self.level)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	if (err != 0) {
		n = strlen(line);
		snprintf(line + n, sizeof(line) - n, ": %s", strerror(err));
	}
	log_printable(line);
	self.sink(self.role, level, line);
	if (self.watch != NULL)
		self.watch(level, line, self.watch_arg);
}

void
log_warn(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARN, saved, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARN, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_FATAL, saved, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_FATAL, 0, fmt, ap);
	va_end(ap);
	exit(1);
}
