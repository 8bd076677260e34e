/* SPDX-License-Identifier: ISC */
/*
 * Who this session is.
 */
#include "compat.h"

#include <sys/stat.h>

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "identity.h"
#include "paths.h"

#ifdef __APPLE__
#define st_mtim		st_mtimespec
#endif

#define FALLBACK_NAME	"relay"
#define SESSION_FILE_MAX	65536
#define SHORT_HASH	7

static void	choose_name(struct identity *, const char *);
static int	take_name(struct identity *, const char *);
static int	file_changed(struct identity *);
static void	read_file_name(struct identity *);
static ssize_t	read_start(const char *, char *, size_t);
static int	find_git_dir(const char *, char *, size_t);
static int	linked_git_dir(const char *, char *, size_t);
static void	parse_head(char *, char *);

/* protocol.md section 4; the first that is set counts. */
static const char *const name_variables[] = {
	"RELAY_PEER_ID", "CLAUDE_RELAY_SESSION_ID", "RELAY_CLIENT_ID",
	"RELAY_SESSION_NAME"
};
#define NVARIABLES	(sizeof(name_variables) / sizeof(name_variables[0]))

void
identity_init(struct identity *id, const char *option, const char *cwd,
    pid_t parent)
{
	const char *home = getenv("HOME");
	int n;

	memset(id, 0, sizeof(*id));
	strlcpy(id->cwd, cwd, sizeof(id->cwd));
	identity_branch(id->cwd, id->git_branch);
	if (home != NULL && home[0] == '/') {
		n = snprintf(id->file, sizeof(id->file),
		    "%s/.claude/sessions/%ld.json", home, (long)parent);
		if (n < 0 || (size_t)n >= sizeof(id->file))
			id->file[0] = '\0';
	}
	if (file_changed(id))
		read_file_name(id);
	choose_name(id, option);
}

static void
choose_name(struct identity *id, const char *option)
{
	const char *base;
	size_t i;

	id->fixed = 1;
	for (i = 0; i < NVARIABLES; i++) {
		if (take_name(id, getenv(name_variables[i])))
			return;
	}
	if (take_name(id, option))
		return;
	id->fixed = 0;
	if (take_name(id, id->file_name))
		return;
	base = strrchr(id->cwd, '/');
	name_slug(base != NULL ? base + 1 : id->cwd, FALLBACK_NAME, id->name);
}

/* A name that a person chose stays as it is, if it is one. */
static int
take_name(struct identity *id, const char *text)
{
	struct slice s;

	if (text == NULL)
		return 0;
	s = name_trim(slice_of(text));
	if (name_valid(s))
		return slice_copy(s, id->name, sizeof(id->name)) == 0;
	name_slug(text, "", id->name);
	return id->name[0] != '\0';
}

/* The host's file. */

static int
file_changed(struct identity *id)
{
	struct stat st;

	if (id->file[0] == '\0' || stat(id->file, &st) == -1)
		return 0;
	if (st.st_mtim.tv_sec == id->file_mtime &&
	    st.st_mtim.tv_nsec == id->file_mtime_ns &&
	    st.st_ino == id->file_ino)
		return 0;
	id->file_mtime = st.st_mtim.tv_sec;
	id->file_mtime_ns = st.st_mtim.tv_nsec;
	id->file_ino = st.st_ino;
	return 1;
}

json_t *
identity_file(const struct identity *id)
{
	json_t *file = NULL;
	char *text;
	ssize_t n;

	if (id->file[0] == '\0')
		return NULL;
	text = xmalloc(SESSION_FILE_MAX);
	if ((n = read_start(id->file, text, SESSION_FILE_MAX)) > 0)
		file = json_loadb(text, (size_t)n, 0, NULL);
	free(text);
	return file;
}

/* What cannot be read, perhaps because it is being written, is left alone. */
static void
read_file_name(struct identity *id)
{
	json_t *file = identity_file(id);
	const char *name, *status;

	name = json_string_value(json_object_get(file, "name"));
	if (name != NULL)
		name_slug(name, "", id->file_name);
	status = json_string_value(json_object_get(file, "status"));
	if (status != NULL && (strcmp(status, "idle") == 0 ||
	    strcmp(status, "busy") == 0))
		strlcpy(id->status, status, sizeof(id->status));
	json_decref(file);
}

int
identity_renamed(struct identity *id)
{
	char before[NAME_SIZE];

	if (!file_changed(id))
		return 0;
	strlcpy(before, id->file_name, sizeof(before));
	read_file_name(id);
	if (id->fixed || id->file_name[0] == '\0' ||
	    strcmp(id->file_name, before) == 0)
		return 0;
	strlcpy(id->name, id->file_name, sizeof(id->name));
	return 1;
}

/* The first size bytes of a file, or -1. */
static ssize_t
read_start(const char *path, char *dst, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = read(fd, dst, size);
	close(fd);
	return n;
}

/* The repository. */

void
identity_branch(const char *dir, char dst[IDENTITY_BRANCH_SIZE])
{
	char git[PATH_MAX], head[PATH_MAX], text[512];
	ssize_t n;

	dst[0] = '\0';
	if (find_git_dir(dir, git, sizeof(git)) == -1 ||
	    paths_join(head, sizeof(head), git, "HEAD") == -1 ||
	    (n = read_start(head, text, sizeof(text) - 1)) <= 0)
		return;
	text[n] = '\0';
	parse_head(text, dst);
}

/* In dir, or the nearest directory above it, that has a .git. */
static int
find_git_dir(const char *dir, char *dst, size_t size)
{
	char up[PATH_MAX];
	struct stat st;
	char *slash;

	strlcpy(up, dir, sizeof(up));
	for (;;) {
		if (paths_join(dst, size, up, ".git") == 0 &&
		    stat(dst, &st) == 0)
			return S_ISDIR(st.st_mode) ? 0 :
			    linked_git_dir(up, dst, size);
		if ((slash = strrchr(up, '/')) == NULL)
			return -1;
		*slash = '\0';
	}
}

/* A worktree or submodule: .git is a file that says where it is. */
static int
linked_git_dir(const char *dir, char *dst, size_t size)
{
	static const char tag[] = "gitdir:";
	char text[PATH_MAX], *path;
	ssize_t n;

	if ((n = read_start(dst, text, sizeof(text) - 1)) <= 0)
		return -1;
	text[n] = '\0';
	if (strncmp(text, tag, sizeof(tag) - 1) != 0)
		return -1;
	path = text + sizeof(tag) - 1;
	path += strspn(path, " \t");
	path[strcspn(path, "\r\n")] = '\0';
	if (path[0] == '/')
		return strlcpy(dst, path, size) < size ? 0 : -1;
	return paths_join(dst, size, dir, path);
}

static void
parse_head(char *text, char *dst)
{
	static const char ref[] = "ref:", heads[] = "refs/heads/";
	size_t i;

	text[strcspn(text, "\r\n")] = '\0';
	if (strncmp(text, ref, sizeof(ref) - 1) == 0) {
		text += sizeof(ref) - 1;
		text += strspn(text, " \t");
		if (strncmp(text, heads, sizeof(heads) - 1) == 0)
			text += sizeof(heads) - 1;
		/* no branch may begin with a dot: HEAD is elsewhere */
		if (text[0] != '.')
			strlcpy(dst, text, IDENTITY_BRANCH_SIZE);
		return;
	}
	for (i = 0; isxdigit((unsigned char)text[i]); i++)
		continue;
	if (i >= 40 && text[i] == '\0') {
		memcpy(dst, text, SHORT_HASH);
		dst[SHORT_HASH] = '\0';
	}
}
