/* SPDX-License-Identifier: ISC */
/*
 * The resolver process: from names to addresses (RESOLVE_NAME).
 */
#ifndef RESOLVER_H
#define RESOLVER_H

int	resolver_main(void);

#endif
