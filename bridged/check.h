/* SPDX-License-Identifier: ISC */
/*
 * bridged -t: could the links of the configuration be made?
 */
#ifndef CHECK_H
#define CHECK_H

/*
 * Reads the configuration as hubd does (file NULL: where it looks by itself)
 * and tries each link, or those to the hubs named.  Returns the exit status:
 * 0 if all is well, 1 if not.
 */
int	check_main(const char *file, int argc, char **argv);

#endif
