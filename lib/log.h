/* SPDX-License-Identifier: ISC */
/*
 * Logging: to stderr, to syslog, to a JSON-lines file of the day, or through
 * a function (a child that cannot open files logs through its parent).  Never
 * log the text of a message or a secret: names and ids only.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stddef.h>

enum log_level {
	LOG_LEVEL_FATAL,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/*
 * Until another is chosen the destination is stderr and the level is info.
 * Where stderr is systemd's journal a line begins with its priority, <6>, in
 * place of what the journal has anyway (sd-daemon(3)).
 */
void	log_to_stderr(void);
/* echo: warnings and worse go to stderr, too, which a new daemon still has. */
void	log_to_syslog(int echo);
/*
 * Appends to dir/relay-YYYY-MM-DD.log (mode 0600; UTC), at most 200 MB a day,
 * and removes those older than 7 days.  dir is made if it is missing.
 */
void	log_to_dir(const char *dir);
void	log_to_fn(void (*)(enum log_level, const char *, void *), void *);
/* Closes what is open for it; the next line opens it again. */
void	log_close(void);
/* That function sees each line that is logged here, too; NULL: no longer. */
void	log_watch(void (*)(enum log_level, const char *, void *), void *);
void	log_set_level(enum log_level);
enum log_level	log_get_level(void);
/* Program and role, as in "hubd" and "router"; the role may be NULL. */
void	log_set_name(const char *prog, const char *role);

/* Control characters in a text of somebody else become question marks. */
void	log_printable(char *);
/* Hands on a line that another process logged. */
void	log_from(const char *role, enum log_level, const char *line);

/* log_warn and fatal append strerror(errno). */
void	log_warn(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_warnx(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_info(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_debug(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	fatal(const char *, ...)
	    __attribute__((__format__(printf, 1, 2), __noreturn__));
void	fatalx(const char *, ...)
	    __attribute__((__format__(printf, 1, 2), __noreturn__));

#endif
