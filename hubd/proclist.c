/* SPDX-License-Identifier: ISC */
/*
 * A process for hubctl show processes.
 */
#include "compat.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "json.h"
#include "proclist.h"
#include "sandbox.h"

#define ROOT_SIZE	1024

static void	get_root(const struct proc_info *, char *, size_t);
static void	put_layers(struct wbuf *, unsigned);

/*
 * Who may not look believes what it was told to do, as it said that it is
 * ready.
 */
static void
get_root(const struct proc_info *p, char *dst, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/root", (long)p->pid);
	if ((n = readlink(path, dst, size - 1)) != -1)
		dst[n] = '\0';
	else
		strlcpy(dst, p->root[0] != '\0' ? p->root : "/", size);
}

static void
put_layers(struct wbuf *w, unsigned layers)
{
	char name[SANDBOX_NAMES_SIZE];
	unsigned bit;

	json_key(w, "sandbox");
	json_begin(w, '[');
	for (bit = 1; bit != 0; bit <<= 1) {
		if ((layers & bit) == 0)
			continue;
		json_comma(w);
		sandbox_names(bit, name, sizeof(name));
		json_add_str(w, name, strlen(name));
	}
	json_end(w, ']');
}

void
proclist_put(struct wbuf *w, const struct proc_info *p)
{
	const struct passwd *pw;
	char root[ROOT_SIZE];

	json_comma(w);
	json_begin(w, '{');
	json_put_str(w, "process", p->process);
	json_put_int(w, "pid", p->pid);
	json_put_bool(w, "ready", p->ready);
	if (p->ready) {
		json_put_int(w, "uid", p->uid);
		if ((pw = getpwuid((uid_t)p->uid)) != NULL)
			json_put_str(w, "user", pw->pw_name);
		get_root(p, root, sizeof(root));
		json_put_str(w, "root", root);
		put_layers(w, p->layers);
	}
	json_end(w, '}');
}
