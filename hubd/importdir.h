/* SPDX-License-Identifier: ISC */
/*
 * The files that EcoRelay has left, found and opened by the parent for the
 * store, which reads them (import.h).
 */
#ifndef IMPORTDIR_H
#define IMPORTDIR_H

struct conf;
struct importdir;

enum import_kind {
	IMPORT_MAILBOX,
	IMPORT_GROUP
};

/*
 * Lists mailboxes and groups in the data directory and, where that counts
 * (protocol.md section 4), in that of EcoRelay's plug-in of Claude Code.
 */
struct importdir	*importdir_new(const struct conf *);
void			 importdir_free(struct importdir *);
/*
 * Opens the next file and returns its descriptor, or -1 after the last one.
 * One that cannot be opened is named in the log and passed over.  *path is
 * valid until importdir_free().
 */
int			 importdir_next(struct importdir *,
			    enum import_kind *, const char **path);

#endif
