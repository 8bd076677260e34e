/* SPDX-License-Identifier: ISC */
/*
 * bridged -t: could the links of the configuration be made?
 */
#ifndef PROBE_H
#define PROBE_H

/*
 * Reads the configuration as hubd does (file NULL: where it looks by itself)
 * and tries each link, or those to the hubs named.  Returns the exit status:
 * 0 if all is well, 1 if not.
 */
int	probe_main(const char *file, int argc, char **argv);

#endif
