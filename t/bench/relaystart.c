/* SPDX-License-Identifier: ISC */
/*
 * The relay that is measured, with a secret and a certificate of its own.
 */
#include "compat.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "bench.h"
#include "log.h"
#include "paths.h"
#include "relayhub.h"

static FILE	*create(const struct bench *, const char *, char[PATH_MAX]);
static int	write_certificate(FILE *, FILE *);
static int	write_files(const struct bench *, const int[2],
		    char[PATH_MAX]);

/* A file in our directory that nobody else may read. */
static FILE *
create(const struct bench *b, const char *name, char path[PATH_MAX])
{
	FILE *f;

	if (paths_join(path, PATH_MAX, b->dir, name) == -1 ||
	    (f = fopen(path, "w")) == NULL)
		return NULL;
	if (fchmod(fileno(f), 0600) == -1) {
		fclose(f);
		return NULL;
	}
	return f;
}

/* ECDSA with P-256, as public relays have it. */
static int
write_certificate(FILE *certificate, FILE *key)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name;
	int ok;

	ok = pkey != NULL && x != NULL &&
	    (name = X509_get_subject_name(x)) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL &&
	    X509_set_pubkey(x, pkey) == 1 &&
	    X509_sign(x, pkey, EVP_sha256()) > 0 &&
	    PEM_write_X509(certificate, x) == 1 &&
	    PEM_write_PrivateKey(key, pkey, NULL, NULL, 0, NULL, NULL) == 1;
	X509_free(x);
	EVP_PKEY_free(pkey);
	return ok ? 0 : -1;
}

static int
write_files(const struct bench *b, const int ports[2], char conf[PATH_MAX])
{
	char secret[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];
	FILE *f[4];
	int i, r = -1;

	f[0] = create(b, "relay.secret", secret);
	f[1] = create(b, "relay.cert", cert);
	f[2] = create(b, "relay.key", key);
	f[3] = create(b, "relayd.conf", conf);
	if (f[0] != NULL && f[1] != NULL && f[2] != NULL && f[3] != NULL) {
		fprintf(f[0], "benchmarks\n");
		fprintf(f[3], "secret file \"%s\"\n"
		    "listen on 127.0.0.1 port %d\n"
		    "listen on 127.0.0.1 port %d tls certificate \"%s\" "
		    "key \"%s\"\nlimit hubs 20000\n", secret, ports[0],
		    ports[1], cert, key);
		r = write_certificate(f[1], f[2]);
	}
	for (i = 0; i < 4; i++) {
		if (f[i] != NULL && fclose(f[i]) != 0)
			r = -1;
	}
	return r;
}

int
relay_start(const struct bench *b, const int ports[2], pid_t *pid)
{
	char path[PATH_MAX], conf[PATH_MAX];
	int fd;

	if (paths_join(path, sizeof(path), b->tree, "relayd/relayd") == -1 ||
	    write_files(b, ports, conf) == -1) {
		log_warnx("cannot write what a relay needs");
		return -1;
	}
	if ((*pid = fork()) == -1)
		return -1;
	if (*pid == 0) {
		if ((fd = open("/dev/null", O_WRONLY)) != -1)
			(void)dup2(fd, 2);
		execl(path, path, "-d", "-f", conf, (char *)NULL);
		_exit(127);
	}
	return 0;
}
