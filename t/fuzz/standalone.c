/* SPDX-License-Identifier: ISC */
/*
 * A driver for fuzz targets where there is no libFuzzer: runs the files and
 * directories given as arguments, then mutations of them, and takes those of
 * libFuzzer's options that t/fuzz/run uses.
 */
#include "compat.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX	(1024 * 1024)	/* bytes of a file that is read */
#define GROWTH_MAX	4096		/* bytes that mutations may add */
#define RUNS_DEFAULT	100000

struct input {
	uint8_t	*data;
	size_t	 len;
};

static struct {
	struct input	*list;
	size_t		 n;
} inputs;

/* What is being run: written to a file if it crashes. */
static const uint8_t	*running;
static size_t		 running_len;

static uint64_t		 seed = 1;
static unsigned long	 max_runs = RUNS_DEFAULT;
static time_t		 max_seconds;

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);
const char	*__asan_default_options(void);
const char	*__ubsan_default_options(void);

static void	catch_crashes(void);
static void	crashed(int);
static int	option(const char *);
static void	read_path(const char *);
static void	read_dir(const char *);
static void	read_input(const char *);
static void	add_input(uint8_t *, size_t);
static void	run_one(const uint8_t *, size_t);
static size_t	mutate(uint8_t *, size_t, size_t);
static size_t	change(uint8_t *, size_t, size_t);
static size_t	graft(uint8_t *, size_t, size_t);
static uint32_t	below(size_t);

int
main(int argc, char *argv[])
{
	static uint8_t buf[INPUT_MAX + GROWTH_MAX];
	unsigned long runs;
	time_t start = time(NULL);
	struct input *in;
	size_t i, len;
	int a;

	for (a = 1; a < argc; a++) {
		if (argv[a][0] != '-')
			read_path(argv[a]);
		else if (!option(argv[a]))
			warnx("%s: not known here, ignored", argv[a]);
	}
	if (inputs.n == 0)
		add_input(NULL, 0);
	catch_crashes();
	for (i = 0; i < inputs.n; i++)
		run_one(inputs.list[i].data, inputs.list[i].len);
	for (runs = 0; max_runs == 0 || runs < max_runs; runs++) {
		if (max_seconds > 0 && time(NULL) - start >= max_seconds)
			break;
		in = &inputs.list[below(inputs.n)];
		if (in->len > 0)
			memcpy(buf, in->data, in->len);
		len = mutate(buf, in->len, sizeof(buf));
		run_one(buf, len);
	}
	printf("stat::number_of_executed_units: %lu\n",
	    runs + (unsigned long)inputs.n);
	return 0;
}

/* A sanitizer's finding must end in a signal that crashed() sees. */
const char *
__asan_default_options(void)
{
	return "abort_on_error=1:handle_abort=0:handle_segv=1";
}

const char *
__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

static void
catch_crashes(void)
{
	static const int signals[] = { SIGABRT, SIGFPE, SIGILL, SIGBUS };
	struct sigaction sa, old;
	size_t i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = crashed;
	sa.sa_flags = (int)SA_RESETHAND;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
	/* ASan has its own for this one, which says where, then aborts. */
	if (sigaction(SIGSEGV, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(SIGSEGV, &sa, NULL);
}

static void
crashed(int sig)
{
	static const char said[] = "the input is in crash-input\n";
	int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd != -1 && write(fd, running, running_len) != -1)
		(void)!write(STDERR_FILENO, said, sizeof(said) - 1);
	raise(sig);
}

/* 1 if the option is one of ours. */
static int
option(const char *arg)
{
	if (strncmp(arg, "-runs=", 6) == 0) {
		max_runs = strtoul(arg + 6, NULL, 10);
		return 1;
	}
	if (strncmp(arg, "-seed=", 6) == 0) {
		seed = strtoull(arg + 6, NULL, 10) | 1;
		return 1;
	}
	if (strncmp(arg, "-max_total_time=", 16) == 0) {
		max_seconds = (time_t)strtoul(arg + 16, NULL, 10);
		max_runs = 0;
		return 1;
	}
	return strncmp(arg, "-rss_limit_mb=", 14) == 0 ||
	    strncmp(arg, "-print_final_stats=", 19) == 0;
}

static void
read_path(const char *path)
{
	DIR *dir = opendir(path);

	if (dir == NULL && errno == ENOTDIR)
		read_input(path);
	else if (dir == NULL)
		err(1, "%s", path);
	else {
		closedir(dir);
		read_dir(path);
	}
}

static void
read_dir(const char *path)
{
	char file[PATH_MAX];
	struct dirent *de;
	DIR *dir = opendir(path);

	if (dir == NULL)
		err(1, "%s", path);
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, de->d_name);
		read_path(file);
	}
	closedir(dir);
}

static void
read_input(const char *path)
{
	uint8_t *data = xmalloc(INPUT_MAX);
	FILE *fp = fopen(path, "rb");
	size_t len;

	if (fp == NULL)
		err(1, "%s", path);
	len = fread(data, 1, INPUT_MAX, fp);
	if (ferror(fp))
		err(1, "%s", path);
	fclose(fp);
	add_input(xreallocarray(data, len + 1, 1), len);
}

static void
add_input(uint8_t *data, size_t len)
{
	inputs.list = xreallocarray(inputs.list, inputs.n + 1,
	    sizeof(*inputs.list));
	inputs.list[inputs.n].data = data;
	inputs.list[inputs.n++].len = len;
}

/* In memory of its exact size, so that ASan sees a read past the end. */
static void
run_one(const uint8_t *data, size_t len)
{
	uint8_t *copy = xmalloc(len > 0 ? len : 1);

	if (len > 0)
		memcpy(copy, data, len);
	running = copy;
	running_len = len;
	LLVMFuzzerTestOneInput(copy, len);
	running_len = 0;
	free(copy);
}

/* One to eight changes; returns the new length, at most max. */
static size_t
mutate(uint8_t *buf, size_t len, size_t max)
{
	unsigned n = 1 + below(8);

	while (n-- > 0)
		len = below(6) == 0 ? graft(buf, len, max) :
		    change(buf, len, max);
	return len;
}

/* Changes, inserts or removes a few bytes. */
static size_t
change(uint8_t *buf, size_t len, size_t max)
{
	static const char hard[] = "\"\\{}[]:,0-.eE \n\r\tu"
	    "\x7f\x80\xc0\xed\xf0\xff";
	size_t at = below(len + 1), n = 1 + below(8);
	uint8_t byte = below(2) ? (uint8_t)hard[below(sizeof(hard))] :
	    (uint8_t)below(256);

	if (at == len || below(3) == 0) {
		if (n > max - len)
			return len;
		memmove(buf + at + n, buf + at, len - at);
		memset(buf + at, byte, n);
		return len + n;
	}
	if (below(3) == 0) {
		if (n > len - at)
			n = len - at;
		memmove(buf + at, buf + at + n, len - at - n);
		return len - n;
	}
	buf[at] = below(2) ? byte : (uint8_t)(buf[at] ^ (1u << below(8)));
	return len;
}

/* Puts a part of another input somewhere. */
static size_t
graft(uint8_t *buf, size_t len, size_t max)
{
	const struct input *in = &inputs.list[below(inputs.n)];
	size_t at = below(len + 1), from, n;

	if (in->len == 0)
		return len;
	from = below(in->len);
	n = 1 + below(in->len - from);
	if (n > 256)
		n = 256;
	if (n > max - len)
		return len;
	memmove(buf + at + n, buf + at, len - at);
	memcpy(buf + at, in->data + from, n);
	return len + n;
}

/* A number under n (which is under 2^32), xorshift: runs can be repeated. */
static uint32_t
below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 16) % n);
}
