/* SPDX-License-Identifier: ISC */
/*
 * ws:// and wss:// URLs.
 */
#include "compat.h"

#include <stdio.h>

#include "names.h"
#include "wsurl.h"

int
wsurl_authority(const char **url, char *host, size_t size, uint32_t *port)
{
	const char *p = *url;
	struct slice h;

	*port = 0;
	h.p = p;
	if (*p == '[') {
		h.p++;
		h.len = strcspn(h.p, "]/?#@ \t\r\n");
		p += 1 + h.len;
		if (*p++ != ']')
			return -1;
	} else {
		h.len = strcspn(p, ":/?#@ \t\r\n");
		p += h.len;
	}
	if (h.len == 0 || slice_copy(h, host, size) == -1)
		return -1;
	if (*p == ':') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			*port = *port * 10 + (uint32_t)(*p - '0');
			if (*port > 65535)
				return -1;
		}
		if (*port == 0)
			return -1;
	}
	*url = p;
	return *p == '\0' || *p == '/' || *p == '?' ? 0 : -1;
}

int
wsurl_parse(const char *url, struct wsurl *u)
{
	size_t n;

	memset(u, 0, sizeof(*u));
	u->tls = strncasecmp(url, "wss://", 6) == 0;
	if (!u->tls && strncasecmp(url, "ws://", 5) != 0)
		return -1;
	url += u->tls ? 6 : 5;
	if (wsurl_authority(&url, u->host, sizeof(u->host), &u->port) == -1 ||
	    url[strcspn(url, " \t\r\n#")] != '\0')
		return -1;
	n = (size_t)snprintf(u->path, sizeof(u->path), "%s%s",
	    *url == '/' ? "" : "/", url);
	return n < sizeof(u->path) ? 0 : -1;
}
