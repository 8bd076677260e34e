/* SPDX-License-Identifier: ISC */
/*
 * The version of all programs, in an object of its own: a test links one with
 * another version.
 */
#ifndef VERSION_H
#define VERSION_H

extern const char	ecorelay_version[];

#endif
