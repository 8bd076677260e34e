/* SPDX-License-Identifier: ISC */
/*
 * Relays that this hub has joined.
 */
#include "compat.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "bridgejson.h"
#include "conf.h"
#include "datafile.h"
#include "joined.h"
#include "log.h"
#include "paths.h"

#define FILE_NAME	"relays.json"
#define FILE_MAX	65536

static json_t	*read_all(const char *);
static int	write_all(const char *, const json_t *);

/* An array; NULL with errno, EINVAL if it is something else. */
static json_t *
read_all(const char *path)
{
	json_t *root, *all;
	struct stat st;
	size_t len;
	char *text = datafile_read(path, FILE_MAX, &len, &st);

	if (text == NULL)
		return errno == ENOENT ? json_array() : NULL;
	if (bridgejson_private(path, &st) == -1) {
		explicit_bzero(text, len);
		free(text);
		errno = EPERM;
		return NULL;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	explicit_bzero(text, len);
	free(text);
	all = json_incref(json_object_get(root, "relays"));
	json_decref(root);
	if (json_is_array(all))
		return all;
	json_decref(all);
	errno = EINVAL;
	return NULL;
}

int
joined_load(struct conf *c)
{
	char path[CONF_PATH_MAX];
	const json_t *one;
	json_t *all;
	size_t i;
	int r = 0;

	if (paths_join(path, sizeof(path), c->data, FILE_NAME) == -1 ||
	    (all = read_all(path)) == NULL) {
		if (errno != EPERM)
			log_warnx("%s/%s: %s", c->data, FILE_NAME,
			    errno == EINVAL ? "not JSON that hubctl join has "
			    "written" : strerror(errno));
		return -1;
	}
	json_array_foreach(all, i, one) {
		if (bridgejson_relay(path, one, &c->relays) == -1)
			r = -1;
	}
	/* where links stand, if nowhere else */
	if (c->file[0] == '\0' && json_array_size(all) > 0)
		strlcpy(c->file, path, sizeof(c->file));
	json_decref(all);
	return r;
}

int
joined_save(const struct conf *c, const struct uplink_relay *r)
{
	char path[CONF_PATH_MAX];
	json_t *all, *one;
	int done = -1;

	if (paths_join(path, sizeof(path), c->data, FILE_NAME) == -1 ||
	    (all = read_all(path)) == NULL)
		return -1;
	one = json_pack("{s:s,s:s}", "url", r->url, "token", r->token);
	if (one != NULL && r->ca_file[0] != '\0' &&
	    json_object_set_new(one, "ca", json_string(r->ca_file)) == -1) {
		json_decref(one);
		one = NULL;
	}
	if (one == NULL || json_array_append_new(all, one) == -1)
		errno = ENOMEM;
	else
		done = write_all(path, all);
	json_decref(all);
	return done;
}

static int
write_all(const char *path, const json_t *all)
{
	json_t *root = json_pack("{s:O}", "relays", all);
	char *text = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
	struct wbuf w = { 0 };
	int r;

	json_decref(root);
	if (text == NULL) {
		errno = ENOMEM;
		return -1;
	}
	wbuf_printf(&w, "%s\n", text);
	explicit_bzero(text, strlen(text));
	free(text);
	r = datafile_replace(path, wbuf_data(&w), w.len);
	explicit_bzero(w.rb->data, w.len);
	wbuf_free(&w);
	return r;
}
