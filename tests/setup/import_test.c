/*
 * Other monitors' settings: whole files against what they must become (tests/import/golden; made
 * anew with GOLDEN=1), and conditions one by one.  Whatever it makes is free of secrets and loads
 * without an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "setup/import.h"
#include "setup/settings.h"

/* Every secret of the fixtures has one of these in it. */
static const char *const secrets[] = { "secretword", "mail-pass", "telegram-token", "abcdef",
	"basic-pass", "query-token", "api-token", "slackword", "smtp-password", "telegram-word",
	"push-word", "wecom-word", "topic-word", "header-token", "pushTokenOf", "pg-password",
	"my-password", "redis-password", "mongo-password", "backup-token" };

static char *
read_whole(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = xcalloc(1, 1 << 20);

	if (file == NULL) {
		free(text);
		return NULL;
	}
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static struct import *
import_text(bool is_gatus, const char *text)
{
	struct complaints *complaints = complaints_new();
	struct err e = { 0 };
	struct import *import =
		is_gatus ? import_gatus_text("gatus.yaml", text, strlen(text), complaints)
			 : import_kuma("kuma.json", text, strlen(text), &e);

	complaints_free(complaints);
	return import;
}

static void
compare(const char *path, const char *made)
{
	char *wanted = getenv("GOLDEN") == NULL ? read_whole(path) : NULL;

	if (getenv("GOLDEN") != NULL) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(made, file);
		fclose(file);
		return;
	}
	assert_non_null(wanted);
	assert_string_equal(wanted, made);
	free(wanted);
}

/* It loads, beside its file of values. */
static void
load(const char *config, const char *env)
{
	char folder[] = "/tmp/import-XXXXXX", said[4000] = "";
	struct complaints *complaints = complaints_new();
	struct tls_pool *tls = tls_pool_new();
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct settings *settings;
	char *paths[2];

	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		FILE *file;

		paths[i] = xasprintf("%s/%s", folder, i == 0 ? "triaged.yaml" : "triaged.env");
		file = fopen(paths[i], "w");
		assert_non_null(file);
		fputs(i == 0 ? config : env, file);
		fclose(file);
	}
	settings = settings_load(paths[0], &context, complaints);
	complaints_first(complaints, said, sizeof(said));
	assert_string_equal(said, "");
	assert_non_null(settings);
	assert_int_equal(complaints_warnings(complaints), 0);
	settings_unref(settings);
	complaints_free(complaints);
	tls_pool_free(tls);
	for (int i = 0; i < 2; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	rmdir(folder);
}

static void
check_file(const char *fixture, const char *golden, bool is_gatus)
{
	char *text = read_whole(fixture);
	struct import *import;
	struct buf config, env, empty;

	assert_non_null(text);
	import = import_text(is_gatus, text);
	assert_non_null(import);
	buf_init(&config, 0);
	buf_init(&env, 0);
	buf_init(&empty, 0);
	import_write(import, "triaged.env", &config);
	import_write_env(import, true, &env);
	import_write_env(import, false, &empty);
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		assert_null(strstr(buf_text(&config), secrets[i]));
		assert_null(strstr(buf_text(&empty), secrets[i]));
	}
	compare(golden, buf_text(&config));
	load(buf_text(&config), buf_text(&env));
	buf_fini(&config);
	buf_fini(&env);
	buf_fini(&empty);
	import_free(import);
	free(text);
}

static void
test_gatus(void **state)
{
	(void)state;
	unsetenv("TRACE");
	unsetenv("price");
	unsetenv("APP_URL");
	unsetenv("DISCORD_WEBHOOK_URL");
	check_file("tests/import/gatus.yaml", "tests/import/golden/gatus.yaml", true);
}

static void
test_kuma(void **state)
{
	(void)state;
	check_file("tests/import/kuma.json", "tests/import/golden/kuma.yaml", false);
}

/* One endpoint with one condition; `want` stands in the result, NULL: a note says why not. */
static const struct condition_row {
	const char *url, *condition, *want;
} conditions[] = {
	{ "http://a/", "[STATUS] == 200", "status: [200]" },
	{ "http://a/", "200 == [STATUS]", "status: [200]" },
	{ "http://a/", "300 > [STATUS]", "status: [100-299]" },
	{ "http://a/", "[STATUS] <= 299", "status: [100-299]" },
	{ "http://a/", "[STATUS] >= 500", "status: [500-599]" },
	{ "http://a/", "[STATUS] != 404", "status: [100-403, 405-599]" },
	{ "http://a/", "[STATUS] == any(200, 204)", "status: [200, 204]" },
	{ "http://a/", "[STATUS] != any(500,503)", "status: [100-499, 501-502, 504-599]" },
	{ "http://a/", "[STATUS] == pat(2*)", "status: [200-299]" },
	{ "http://a/", "[STATUS] == ok", NULL },
	{ "tcp://a:1", "[STATUS] == 200", NULL },
	{ "http://a/", "[CONNECTED] == true", "status: [100-599]" },
	{ "http://a/", "[CONNECTED] == false", NULL },
	{ "http://a/", "[RESPONSE_TIME] < 1500", "max_time: 1500ms" },
	{ "http://a/", "[RESPONSE_TIME] <= 1.5s", "max_time: 1500ms" },
	{ "http://a/", "[RESPONSE_TIME] < 150\", \"[RESPONSE_TIME] < 90\", \"[RESPONSE_TIME] < 2s",
		"max_time: 90ms" },
	{ "http://a/", "1h30m > [RESPONSE_TIME]", NULL },
	{ "http://a/", "[RESPONSE_TIME] > 10", NULL },
	{ "icmp://a", "[RESPONSE_TIME] < 20ms", "critical: it.rtt_time >= 20ms" },
	{ "tcp://a:1", "[RESPONSE_TIME] < 20", "critical: it.total_time >= 20ms" },
	{ "https://a/", "[CERTIFICATE_EXPIRATION] > 48h", "critical: it.tls_days_left <= 2d" },
	{ "tls://a:443", "[CERTIFICATE_EXPIRATION] >= 90m", "critical: it.days_left < 90m" },
	{ "http://a/", "[CERTIFICATE_EXPIRATION] > 48h", NULL },
	{ "http://a/", "[DOMAIN_EXPIRATION] > 48h", NULL },
	{ "http://a/", "[BODY] == ok", "body: \"^ok[[:space:]]*$\"" },
	{ "http://a/", "[BODY] == pat(*ready*)", "body: ready" },
	{ "http://a/", "[BODY] == pat(a.b*c?)", "body: \"^a[.]b.*c.[[:space:]]*$\"" },
	{ "http://a/", "[BODY] != pat(*error*)", "not_body: error" },
	{ "http://a/", "[BODY] == any(a, b)", "body: \"^a[[:space:]]*$|^b[[:space:]]*$\"" },
	{ "tcp://a:1", "[BODY] == pat(SSH*)", "expect: \"^SSH\"" },
	{ "http://a/", "[BODY].a.b[0].c == 5", "json: ['a.b[0].c in [5, \"5\"]']" },
	{ "http://a/", "[BODY].ok == true", "json: [\"ok == true\"]" },
	{ "http://a/", "[BODY].s == it's", "json: [\"s == \\\"it's\\\"\"]" },
	{ "http://a/", "[BODY].n < 3", "json: [\"n < 3\"]" },
	{ "http://a/", "3 > [BODY].n", "json: [\"n < 3\"]" },
	{ "http://a/", "[BODY].s == any(UP, 1)", "json: ['s in [\"UP\", 1, \"1\"]']" },
	{ "http://a/", "[BODY].n != 3", "json: ['not n in [3, \"3\"]']" },
	{ "http://a/", "[BODY].s == pat(U*)", NULL },
	{ "http://a/", "[BODY].my-key == 1", "json: [" },
	{ "http://a/", "has([BODY].a) == true", "json: [\"a != null or a == null\"]" },
	{ "http://a/", "has([BODY].a) == false", NULL },
	{ "http://a/", "len([BODY].a) >= 2", "a[1] != null" },
	{ "http://a/", "len([BODY].a) == 2", NULL },
	{ "http://a/", "len([BODY]) > 0", "critical: it.body_bytes <= 0B" },
	{ "icmp://a", "[BODY] == x", NULL },
	{ "http://a/", "[IP] == 127.0.0.1", NULL },
	{ "http://a/", "[CONTEXT].x == 1", NULL },
	{ "http://a/", "nonsense", NULL },
	{ "http://a/", "[STATUS]==200", NULL },
};

static void
check_condition(const struct condition_row *row)
{
	char *text = xasprintf("endpoints:\n  - name: it\n    url: %s\n    interval: 30s\n"
			       "    conditions: [\"%s\"]\n",
		row->url, row->condition);
	struct import *import = import_text(true, text);
	struct buf out, env;

	assert_non_null(import);
	buf_init(&out, 0);
	buf_init(&env, 0);
	import_write(import, "triaged.env", &out);
	import_write_env(import, true, &env);
	if (row->want != NULL && strstr(buf_text(&out), row->want) == NULL)
		fail_msg("%s: no %s in:\n%s", row->condition, row->want, buf_text(&out));
	if ((import->note_count > 0) != (row->want == NULL))
		fail_msg("%s: %zu notes: %s", row->condition, import->note_count,
			import->note_count > 0 ? import->notes[0].text : "");
	load(buf_text(&out), buf_text(&env));
	buf_fini(&out);
	buf_fini(&env);
	import_free(import);
	free(text);
}

static void
test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		check_condition(&conditions[i]);
}

static void
test_what_is_none(void **state)
{
	static const char *const none[] = { "", "x", "[1]", "{}", "checks: {}", "endpoints: [",
		"null" };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_null(import_text(true, none[i]));
		if (!str_eq(none[i], "[1]"))
			assert_null(import_text(false, none[i]));
	}
}

/* Uptime Kuma lets a tag be there twice; names of tags and headers are as long as somebody likes.
 */
static void
test_tags(void **state)
{
	char header[1500];
	struct import *import;
	struct buf out;
	char *text;

	(void)state;
	memset(header, 'h', sizeof(header));
	header[sizeof(header) - 1] = '\0';
	text = xasprintf(
		"{\"monitorList\": [{\"id\": 1, \"name\": \"a\", \"type\": \"http\", "
		"\"url\": \"http://a/\", \"headers\": \"{\\\"%s\\\": \\\"x\\\"}\", \"tags\": "
		"[{\"name\": \"team\", \"value\": \"core\"}, {\"name\": \"old\"}, "
		"{\"name\": \"team\", \"value\": \"web\"}]}]}",
		header);
	import = import_text(false, text);
	assert_non_null(import);
	buf_init(&out, 0);
	import_write(import, NULL, &out);
	assert_non_null(
		strstr(buf_text(&out), "labels:\n      team: \"core, web\"\n      old: \"yes\"\n"));
	assert_non_null(strstr(buf_text(&out), header));
	load(buf_text(&out), "");
	buf_fini(&out);
	import_free(import);
	free(text);
}

/* The same value has one name; a name that is taken by another gets a number. */
static void
test_fills(void **state)
{
	static const char text[] =
		"endpoints:\n"
		"  - { name: a, url: 'http://u:word-1@a/', conditions: ['[STATUS] == 200'] }\n"
		"  - { name: a, url: 'http://u:word-1@b/', conditions: ['[STATUS] == 200'] }\n"
		"  - { name: a, url: 'http://u:word-2@c/?key=word-3', conditions: [] }\n"
		"  - { name: and, url: 'http://d/', headers: { X-Api-Key: '$TOK' }, conditions: [] "
		"}\n";
	struct import *import;
	struct buf out;

	(void)state;
	setenv("TOK", "from-environment", 1);
	import = import_text(true, text);
	unsetenv("TOK");
	assert_non_null(import);
	assert_int_equal(import->check_count, 4);
	assert_string_equal(import->checks[1]->name, "a-2");
	assert_string_equal(import->checks[3]->name, "check-and");
	assert_int_equal(import->fill_count, 4);
	assert_string_equal(import->fills[0].value, "word-1");
	assert_string_equal(import->fills[1].value, "word-2");
	assert_string_equal(import->fills[3].name, "TOK");
	assert_string_equal(import->fills[3].value, "from-environment");
	buf_init(&out, 0);
	import_write(import, NULL, &out);
	assert_non_null(strstr(buf_text(&out), "X-Api-Key: \"${TOK}\""));
	assert_null(strstr(buf_text(&out), "env_file"));
	assert_null(strstr(buf_text(&out), "word-"));
	buf_fini(&out);
	import_free(import);
}

/* What others call their things stays in its comment; a receiver's server may have a password. */
static void
test_names_and_servers(void **state)
{
	static const char text[] =
		"alerting:\n"
		"  ntfy: { topic: t, url: 'https://u:word-1@ntfy.example.com' }\n"
		"endpoints:\n"
		"  - { name: \"a\\nEVIL=1\\n\", url: 'http://u:word-2@a/', conditions: "
		"[nonsense],\n"
		"      alerts: [{ type: ntfy }, { type: nope }] }\n";
	struct import *import = import_text(true, text);
	struct buf out;

	(void)state;
	assert_non_null(import);
	buf_init(&out, 0);
	import_write(import, "triaged.env", &out);
	assert_null(strstr(buf_text(&out), "word-"));
	assert_null(strstr(buf_text(&out), "\nEVIL"));
	buf_reset(&out);
	import_write_env(import, true, &out);
	assert_non_null(strstr(buf_text(&out), "word-1"));
	assert_null(strstr(buf_text(&out), "\nEVIL"));
	buf_fini(&out);
	import_free(import);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gatus),
		cmocka_unit_test(test_kuma),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_fills),
		cmocka_unit_test(test_names_and_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
