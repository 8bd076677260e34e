/* SPDX-License-Identifier: ISC */
/*
 * relayd.conf and relay-config.json: what `relayd -n` says of a file, and of
 * the secret beside it.
 */
#include "compat.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#define CONF_MAX	4096

static const char begin[] = "listen on 127.0.0.1 port 9800\n";

static int
exit_code(const struct output *o)
{
	return WIFEXITED(o->status) ? WEXITSTATUS(o->status) : -1;
}

/* Writes a file; returns its path, which is good until the next call. */
static const char *
put(struct tenv *t, const char *name, const char *text, mode_t mode)
{
	static char path[T_PATH];

	strlcpy(path, tenv_path(t, name), sizeof(path));
	write_file(path, text, strlen(text));
	want(chmod(path, mode) == 0, "chmod %s", path);
	return path;
}

/* What is said of these statements, with a secret. */
static struct output *
check(struct tenv *t, const char *text)
{
	char conf[CONF_MAX];

	snprintf(conf, sizeof(conf), "%s\nsecret file \"%s\"\n", text,
	    put(t, "secret", "long enough\n", 0600));
	return run(t, NULL, "relayd", "-n", "-f",
	    put(t, "relayd.conf", conf, 0644), NULL);
}

START_TEST(good_files)
{
	static const char *const texts[] = {
		"",
		"listen on * port 1",
		"listen on \"::1\"",
		"metrics on 127.0.0.1\nmetrics on 127.0.0.1 port 9801",
		"limit hubs 5\nlimit peers 5 per hub",
		"limit messages 5 per second\nlimit bytes 1024 per second",
		"handshake timeout 600 seconds\npair timeout 1",
		"a = \"127.0.0.1\"\nlisten on $a port 5",
	};
	struct tenv *t = tenv_new();
	char text[CONF_MAX];
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", begin, texts[i]);
		o = check(t, text);
		want(exit_code(o) == 0 &&
		    strstr(o->out, "configuration OK") != NULL,
		    "%s: status 0x%x: %s", texts[i], o->status, o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

START_TEST(bad_files)
{
	/* What is said of it, and the statement in line 2. */
	static const struct {
		const char	*said, *text;
	} bad[] = {
		{ ":2:", "nonsense" },
		{ ":2:", "listen on localhost" },
		{ ":2:", "listen on *  port 0" },
		{ ":2:", "listen on * port 65536" },
		{ ":2:", "listen on * tls" },
		{ ":2:", "listen on * tls certificate \"/c\"" },
		{ ":3:", "listen on * tls certificate \"/c\" key \"/k\"\n"
		    "listen on * tls certificate \"/d\" key \"/k\"" },
		{ ":2:", "secret \"in here\"" },
		{ ":2:", "secret file \"/no/such/file\"" },
		{ ":2:", "limit hubs 0" },
		{ ":2:", "limit hubs 5 per second" },
		{ ":2:", "limit peers 5" },
		{ ":2:", "limit messages 0 per second" },
		{ ":2:", "limit bytes 1023 per second" },
		{ ":2:", "handshake timeout 0" },
		{ ":2:", "handshake timeout 601" },
		{ ":2:", "pair timeout 0" },
		{ ":2:", "metrics on x" },
		{ ":2:", "include \"/no/such/file\"" },
	};
	struct tenv *t = tenv_new();
	char text[CONF_MAX];
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", begin, bad[i].text);
		o = check(t, text);
		want(exit_code(o) == 1 &&
		    strstr(o->err, "relayd.conf") != NULL &&
		    strstr(o->err, bad[i].said) != NULL,
		    "%s: status 0x%x: %s", bad[i].text, o->status, o->err);
		want(strstr(o->err, "in here") == NULL, "%s", o->err);
		want(strstr(o->out, "configuration OK") == NULL,
		    "%s is said to be OK", bad[i].text);
		output_free(o);
	}
	o = check(t, "# no listener");
	want(exit_code(o) == 1 && strstr(o->err, "listen on") != NULL, "%s",
	    o->err);
	output_free(o);
	o = run(t, NULL, "relayd", "-n", "-f",
	    put(t, "relayd.conf", begin, 0644), NULL);
	want(exit_code(o) == 1 && strstr(o->err, "secret file") != NULL, "%s",
	    o->err);
	output_free(o);
	tenv_end(t);
}
END_TEST

/* What the files must be; t/conf has good ones. */
START_TEST(certificates)
{
	static const struct {
		const char	*certificate, *said;
		mode_t		 mode;
	} rows[] = {
		{ NULL, "certificate: No such file", 0600 },
		{ "no PEM", "chmod 600", 0640 },
		{ "no PEM", "cannot be used", 0600 },
	};
	struct tenv *t = tenv_new();
	char text[CONF_MAX];
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(t, "key", "no PEM", rows[i].mode);
		if (rows[i].certificate != NULL)
			put(t, "certificate", rows[i].certificate, 0644);
		snprintf(text, sizeof(text),
		    "listen on * tls certificate \"%s/certificate\" "
		    "key \"%s/key\"", t->dir, t->dir);
		o = check(t, text);
		want(exit_code(o) == 1 &&
		    strstr(o->err, rows[i].said) != NULL &&
		    strstr(o->out, "configuration OK") == NULL,
		    "%s: status 0x%x: %s", rows[i].said, o->status, o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

START_TEST(secrets)
{
	static const struct {
		const char	*text, *said;
		mode_t		 mode;
	} rows[] = {
		{ "12345678", NULL, 0600 },
		{ "12345678 \r\n\n", NULL, 0400 },
		{ "12345678", "chmod 600", 0640 },
		{ "12345678", "chmod 600", 0604 },
		{ "1234567\n", "8 to 255", 0600 },
		{ "", "8 to 255", 0600 },
	};
	struct tenv *t = tenv_new();
	char conf[CONF_MAX];
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)remove(tenv_path(t, "secret"));
		snprintf(conf, sizeof(conf), "%ssecret file \"%s\"\n", begin,
		    put(t, "secret", rows[i].text, rows[i].mode));
		o = run(t, NULL, "relayd", "-n", "-f",
		    put(t, "relayd.conf", conf, 0644), NULL);
		want(exit_code(o) == (rows[i].said != NULL) &&
		    (rows[i].said == NULL ||
		    strstr(o->err, rows[i].said) != NULL),
		    "\"%s\": status 0x%x: %s", rows[i].text, o->status,
		    o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

START_TEST(relay_config_json)
{
	static const struct {
		const char	*text, *said;
		mode_t		 mode;
	} rows[] = {
		{ "{\"secret\":\"12345678\"}", NULL, 0600 },
		{ "{\"secret\":\"12345678\",\"port\":1,\"max_hubs\":1,"
		    "\"handshake_timeout_ms\":100,\"more\":[]}", NULL, 0600 },
		{ "{\"secret\":\"12345678\"}", "chmod 600", 0644 },
		{ "{\"secret\":\"1234567\"}", "8 to 255", 0600 },
		{ "{\"secret\":5}", "8 to 255", 0600 },
		{ "{}", "8 to 255", 0600 },
		{ "[]", "8 to 255", 0600 },
		{ "{\"secret\":\"12345678\"", "not JSON", 0600 },
		{ "{\"secret\":\"12345678\",\"port\":65536}", "port", 0600 },
		{ "{\"secret\":\"12345678\",\"port\":\"1\"}", "port", 0600 },
		{ "{\"secret\":\"12345678\",\"max_hubs\":0}", "max_hubs",
		    0600 },
		{ "{\"secret\":\"12345678\",\"handshake_timeout_ms\":1}",
		    "handshake_timeout_ms", 0600 },
	};
	struct tenv *t = tenv_new();
	struct output *o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)remove(tenv_path(t, "relay-config.json"));
		o = run(t, NULL, "relayd", "-n", "-c", put(t,
		    "relay-config.json", rows[i].text, rows[i].mode), NULL);
		want(exit_code(o) == (rows[i].said != NULL) &&
		    (rows[i].said == NULL ||
		    strstr(o->err, rows[i].said) != NULL),
		    "%s: status 0x%x: %s", rows[i].text, o->status, o->err);
		want(strstr(o->err, "1234567") == NULL, "%s", o->err);
		output_free(o);
	}
	tenv_end(t);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s = suite_create("relayconf");

	(void)argc;
	test_add(s, good_files, 120);
	test_add(s, bad_files, 120);
	test_add(s, certificates, 60);
	test_add(s, secrets, 120);
	test_add(s, relay_config_json, 120);
	return test_main(argv[0], s);
}
