/* SPDX-License-Identifier: ISC */
/*
 * The certificate of a relay and its key, both in PEM.
 */
#ifndef CERT_H
#define CERT_H

#include "buf.h"

struct relay_conf;
struct ssl_ctx_st;

/*
 * CONF_CERT's body, to be cleared: reads the files of the configuration;
 * nothing without TLS.  -1, with the reason in the log, if they cannot be used.
 */
int	cert_read(const struct relay_conf *, struct wbuf *);
/* What serves with it; NULL, with the reason in the log. */
struct ssl_ctx_st	*cert_tls(struct slice certificate, struct slice key);

#endif
