/* One slip of the pen is one complaint, and a name that fits nothing is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/tls.h"
#include "rules/expr.h"
#include "setup/settings.h"

#define CHECKS                                                                                     \
	"checks:\n  api: { type: memory }\n  db-one: { type: memory }\n"                           \
	"  disks: { type: disk, all: true }\n"
#define HOOK "receivers: { log: { type: syslog } }\n"

/* Every complaint, without the lines that show where; owned. */
static char *
complaints_of(const char *text, unsigned *errors, unsigned *warnings)
{
	char path[] = "/tmp/doubts-XXXXXX";
	struct tls_pool *tls = tls_pool_new();
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct complaints *complaints = complaints_new();
	struct settings *settings;
	struct buf out;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	settings = settings_load(path, &context, complaints);
	unlink(path);
	*errors = complaints_errors(complaints);
	*warnings = complaints_warnings(complaints);
	assert_int_equal(settings == NULL, *errors > 0);
	buf_init(&out, 0);
	complaints_print(complaints, &out);
	settings_unref(settings);
	complaints_free(complaints);
	tls_pool_free(tls);
	return buf_take_text(&out);
}

static void
test_rows(void **state)
{
	static const struct {
		const char *text;
		unsigned errors, warnings;
		const char *words;
	} rows[] = {
		/* A misspelt block is read as what it is: what refers to it is not wrong. */
		{ CHECKS "recievers: { ops: { type: syslog } }\nroutes:\n"
			 "  - { match: { severity: critical }, to: [ops] }\n  - { to: [ops] }\n",
			1, 0, "did you mean \"receivers\"?" },
		{ "chekcs:\n  api: { type: memory }\nrules:\n"
		  "  r: { check: api, warning: api.used_percent > 1 }\n",
			1, 0, "did you mean \"checks\"?" },
		/* What is wrong in it is said all the same. */
		{ CHECKS "recievers: { ops: { type: sylog } }\n", 2, 0,
			"did you mean \"syslog\"?" },
		/* Where both stand, the right one counts. */
		{ CHECKS HOOK "recievers: { ops: { type: syslog } }\nroutes: [ { to: [ops] } ]\n",
			2, 0, "there is no receiver \"ops\"" },

		{ CHECKS HOOK
			"routes:\n  - { match: { rule: disk-spce }, to: log }\n  - { to: log }\n",
			0, 1, "there is no rule \"disk-spce\" here, did you mean \"disk-space\"?" },
		{ CHECKS HOOK
			"routes:\n  - { match: { rule: [disk-*, disk-space, mine] }, to: log }\n"
			"  - { to: log }\nrules:\n  mine: { check: api, warning: "
			"api.used_percent > 1 }\n",
			0, 0, "" },
		{ CHECKS HOOK
			"routes:\n  - { match: { check: \"dbx*\" }, to: log }\n  - { to: log }\n",
			0, 1, "there is no check \"dbx*\"" },

		{ CHECKS "maintenance:\n  - { checks: [\"dbx*\", api], schedule: \"02:00-03:00\" "
			 "}\n",
			0, 1, "there is no check \"dbx*\" here, nothing fits that pattern" },
		{ CHECKS "maintenance:\n  - { checks: [\"db*\", \"*\", \"disks*var*\", \"*/var]\", "
			 "\"d*\"], schedule: \"02:00-03:00\" }\n",
			0, 0, "" },
		{ CHECKS "maintenance:\n  - { checks: [dbx], schedule: \"02:00-03:00\" }\n", 0, 1,
			"there is no check \"dbx\" here" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned errors, warnings;
		char *said = complaints_of(rows[i].text, &errors, &warnings);

		if (errors != rows[i].errors || warnings != rows[i].warnings ||
			strstr(said, rows[i].words) == NULL)
			fail_msg("row %zu:\n%s", i, said);
		free(said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
