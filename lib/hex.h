/* SPDX-License-Identifier: ISC */
/*
 * Bytes as hexadecimal digits, in lower case.
 */
#ifndef HEX_H
#define HEX_H

#include <stddef.h>

/* dst has 2 * n + 1 bytes. */
void	hex_encode(char *dst, const unsigned char *, size_t n);
/* The text must be 2 * n digits and no more: else -1, with nothing in dst. */
int	hex_decode(unsigned char *dst, size_t n, const char *text);

#endif
