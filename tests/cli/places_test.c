/* Where a command looks for the daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/places.h"

static const char *const names[] = { "TRIAGE_URL", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR",
	"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME" };

static int
clear_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	return 0;
}

static void
expect(const struct cli *cli, const char *const *wanted)
{
	struct places places;
	struct err e;
	size_t i = 0;

	assert_int_equal(places_find(&places, cli, &e), 0);
	for (; wanted[i] != NULL; i++) {
		assert_true(i < places.count);
		assert_string_equal(places.all[i], wanted[i]);
	}
	assert_int_equal(places.count, i);
	places_fini(&places);
}

static void
test_known_places(void **state)
{
	(void)state;
	setenv("RUNTIME_DIRECTORY", "/run/a:/run/b", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	setenv("HOME", "/home/u", 1);
	expect(&(struct cli){ .url = NULL },
		(const char *const[]){ "unix:/run/a/api.sock", "unix:/run/triaged/api.sock",
			"unix:/run/user/7/triaged/api.sock",
			"unix:/home/u/.local/state/triaged/api.sock",
			"unix:/var/lib/triaged/api.sock", "http://127.0.0.1:8421", NULL });
}

static void
test_no_place_twice(void **state)
{
	(void)state;
	setenv("RUNTIME_DIRECTORY", "/run/triaged", 1);
	setenv("STATE_DIRECTORY", "/var/lib/triaged", 1);
	expect(&(struct cli){ .url = NULL },
		(const char *const[]){ "unix:/run/triaged/api.sock",
			"unix:/var/lib/triaged/api.sock", "http://127.0.0.1:8421", NULL });
}

static void
test_what_is_said_is_meant(void **state)
{
	static const struct {
		const char *url, *place;
	} rows[] = {
		{ "http://web-1:9000", "http://web-1:9000" },
		{ "web-1:9000", "http://web-1:9000" },
		{ "unix:/x/api.sock", "unix:/x/api.sock" },
		{ "/x/api.sock", "unix:/x/api.sock" },
		{ "build/run/api.sock", "unix:build/run/api.sock" },
		{ "./api", "unix:./api" },
		{ "api.sock", "unix:api.sock" },
	};

	(void)state;
	setenv("TRIAGE_URL", "http://other", 1);
	expect(&(struct cli){ .url = NULL }, (const char *const[]){ "http://other", NULL });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&(struct cli){ .url = rows[i].url },
			(const char *const[]){ rows[i].place, NULL });
}

static void
test_a_configuration_comes_first(void **state)
{
	char path[] = "/tmp/triage-places-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	(void)state;
	assert_non_null(file);
	fputs("daemon: { state_dir: /srv/t }\n"
	      "api: { listen: [\"127.0.0.1:9\", \"/srv/x.sock\", \"off\"] }\n",
		file);
	fclose(file);
	expect(&(struct cli){ .config = path },
		(const char *const[]){ "unix:/srv/t/api.sock", "http://127.0.0.1:9",
			"unix:/srv/x.sock", "unix:/run/triaged/api.sock",
			"unix:/var/lib/triaged/api.sock", "http://127.0.0.1:8421", NULL });
	unlink(path);
}

static void
test_a_configuration_that_cannot_be_read(void **state)
{
	char path[] = "/tmp/triage-places-XXXXXX";
	int fd = mkstemp(path);
	const struct cli alone = { .config = path }, with_url = { .config = path, .url = "/x" };
	struct places places;
	struct err e;

	(void)state;
	assert_int_equal(write(fd, "daemon: [", 9), 9);
	close(fd);
	assert_int_equal(places_find(&places, &alone, &e), 0);
	assert_non_null(places.warning);
	assert_non_null(strstr(places.warning, path));
	assert_string_equal(places.all[places.count - 1], "http://127.0.0.1:8421");
	places_fini(&places);
	/* Nobody needed it. */
	assert_int_equal(places_find(&places, &with_url, &e), 0);
	assert_null(places.warning);
	places_fini(&places);
	unlink(path);
}

static void
test_a_configuration_that_is_not_there(void **state)
{
	struct places places;
	struct err e;

	(void)state;
	assert_int_equal(places_find(&places, &(struct cli){ .config = "/nonexistent" }, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent"));
	places_fini(&places);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_known_places, clear_environment),
		cmocka_unit_test_setup(test_no_place_twice, clear_environment),
		cmocka_unit_test_setup(test_what_is_said_is_meant, clear_environment),
		cmocka_unit_test_setup(test_a_configuration_comes_first, clear_environment),
		cmocka_unit_test_setup(test_a_configuration_that_cannot_be_read, clear_environment),
		cmocka_unit_test_setup(test_a_configuration_that_is_not_there, clear_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
