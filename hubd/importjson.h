/* SPDX-License-Identifier: ISC */
/*
 * What importing mailboxes and importing groups have in common.
 */
#ifndef IMPORTJSON_H
#define IMPORTJSON_H

#include <stdint.h>

#include <jansson.h>

#include "import.h"
#include "names.h"

struct import {
	struct boxes	*bx;
	struct groups	*gs;
	int64_t		 mtime;		/* of the file at hand, ms */
	unsigned	 mailboxes, messages, groups, entries;
};

/* A mailbox or a group; -1 if the database failed. */
int	import_mailbox(struct import *, const char *path, const json_t *);
int	import_group(struct import *, const char *path, const json_t *);

/* A name, trimmed; -1 if it is not one.  With hub: name@hub is one, too. */
int	import_name(const json_t *, int hub, char dst[TARGET_SIZE]);
/* ISO 8601 or ms since 1970; else when the file was written. */
int64_t	import_time(const struct import *, const json_t *);
/*
 * The inside of a JSON string, in a buffer that is emptied first; -1 if it is
 * no string or has more than max UTF-16 units.
 */
int	import_string(struct wbuf *, const json_t *, size_t max,
	    struct slice *);
/* Logs how much of a file could not be taken over. */
void	import_bad(const char *path, size_t n);

#endif
