/* Commands with real processes: what they are told, and what their end means. */
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerts/table.h"
#include "io/child.h"
#include "tests/alerts/net_desk.h"

#define TURNS 100000 /* a shell under a sanitizer takes its time */

static void
configure(struct desk *desk, const char *script, const char *more)
{
	char *yaml = xasprintf("command: [/bin/sh, -c, '%s']\n%s", script, more);

	assert_int_equal(desk_configure(desk, &receiver_type_exec, yaml), 0);
	free(yaml);
}

static enum send_result
run_it(struct desk *desk)
{
	desk_start(desk);
	assert_int_equal(desk->verdicts, 0);
	assert_true(loop_turn_until(desk->loop, desk_has_verdict, desk, TURNS));
	return desk->result;
}

static enum send_result
try_script(struct desk *desk, const char *script, const char *more)
{
	if (desk->conf != NULL)
		desk_forget(desk);
	configure(desk, script, more);
	return run_it(desk);
}

/* What the command left in a file. */
static char *
result_of(struct desk *desk, const char *script, const char *more)
{
	char path[] = "/tmp/triaged-exec-XXXXXX", *full, *text = xcalloc(1, 65536);
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	full = xasprintf("(%s) > %s", script, path);
	assert_int_equal(try_script(desk, full, more), SEND_OK);
	assert_true(read(fd, text, 65535) >= 0);
	close(fd);
	unlink(path);
	free(full);
	return text;
}

static void
the_event_is_on_its_input(void **state)
{
	struct desk *desk = *state;
	char *heard = result_of(desk, "cat", ""), *wanted = notice_body(&desk->notice, 20000);

	assert_string_equal(heard, wanted);
	assert_non_null(strstr(desk->text, "/bin/sh: exit 0"));
	assert_non_null(strstr(desk->transcript, "3f9c2a7d41b8"));
	free(heard);
	free(wanted);
}

static void
its_environment_is_ours(void **state)
{
	static const char *const wanted[] = { "TRIAGED_EVENT=opened\n", "TRIAGED_REASON=first\n",
		"TRIAGED_ID=msg_0123456789abcdefghijABCDEF\n", "TRIAGED_INCIDENT=3f9c2a7d41b8\n",
		"TRIAGED_STATUS=open\n", "TRIAGED_SEVERITY=critical\n", "TRIAGED_CHECK=api\n",
		"TRIAGED_CHECK_TYPE=http\n", "TRIAGED_TARGET=\n", "TRIAGED_CAUSE=net.refused\n",
		"TRIAGED_TITLE=api refuses connections\n", "TRIAGED_SUMMARY=one.PATH=/evil\n",
		"TRIAGED_HOST=web-1\n", "TRIAGED_URL=\n", "MINE=a b\n", "PATH=" };
	struct desk *desk = *state;
	char *heard;

	setenv("TRIAGED_SECRET_OF_THE_DAEMON", "hunter22", 1);
	setenv("HOOK_TOKEN", "hunter22", 1);
	xstrset(&desk->notice.incident.summary, "one\nPATH=/evil");
	heard = result_of(desk, "env", "env: { MINE: \"a b\" }\n");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strstr(heard, wanted[i]) == NULL)
			fail_msg("no %s in %s", wanted[i], heard);
	}
	assert_null(strstr(heard, "hunter22"));
	assert_null(strstr(heard, "\nPATH=/evil"));
	free(heard);
}

static void
every_end_has_its_meaning(void **state)
{
	static const struct {
		const char *script;
		enum send_result result;
		enum send_class why;
		const char *words;
	} cases[] = {
		{ "exit 0", SEND_OK, SEND_CLASS_NONE, "exit 0" },
		{ "exit 1", SEND_LATER, SEND_CLASS_SERVER, "exit 1" },
		{ "exit 7", SEND_LATER, SEND_CLASS_SERVER, "exit 7" },
		{ "exit 64", SEND_NEVER, SEND_CLASS_CLIENT, "exit 64" },
		{ "exit 65", SEND_NEVER, SEND_CLASS_CLIENT, "exit 65" },
		{ "exit 75", SEND_LATER, SEND_CLASS_SERVER, "exit 75" },
		{ "exit 127", SEND_LATER, SEND_CLASS_LOCAL, "exit 127" },
		{ "kill -9 $$", SEND_LATER, SEND_CLASS_SERVER, "SIGKILL" },
		{ "echo out; echo why >&2; exit 3", SEND_LATER, SEND_CLASS_SERVER, "exit 3: why" },
		{ "echo out; exit 3", SEND_LATER, SEND_CLASS_SERVER, "exit 3: out" },
		{ "echo one; echo two", SEND_OK, SEND_CLASS_NONE, "exit 0: one" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		try_script(desk, cases[i].script, "");
		if (desk->result != cases[i].result || desk->class != cases[i].why ||
			strstr(desk->text, cases[i].words) == NULL)
			fail_msg("%s: result %d, class %d, %s", cases[i].script, desk->result,
				desk->class, desk->text);
	}
	desk_forget(desk);
	assert_int_equal(desk_configure(desk, &receiver_type_exec, "command: /nonexistent/x"), 0);
	assert_int_equal(complaints_warnings(desk->complaints), 1);
	assert_int_equal(run_it(desk), SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_LOCAL);
	assert_true(str_starts(desk->text, "/nonexistent/x: "));
}

static void
much_output_is_cut_and_made_harmless(void **state)
{
	struct desk *desk = *state;

	try_script(desk, "head -c 3000000 /dev/zero | tr \"\\\\0\" x; exit 1", "");
	assert_int_equal(desk->result, SEND_LATER);
	assert_in_range(strlen(desk->text), 100, 256);
	assert_true(strlen(desk->transcript) < 70000);
	try_script(desk, "printf \"\\\\033[31mred\\\\377\"; exit 1", "");
	assert_null(strchr(desk->text, '\x1b'));
	assert_true(str_is_utf8(desk->text, strlen(desk->text)));
}

/* A zombie that nobody waits for, where no init reaps, is gone too. */
static bool
is_gone(pid_t pid)
{
	char name[64], stat[256] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	f = fopen(name, "re");
	if (f == NULL)
		return true;
	if (fgets(stat, sizeof(stat), f) == NULL)
		stat[0] = '\0';
	fclose(f);
	return stat[0] == '\0' || strstr(stat, ") Z") != NULL;
}

static void
a_deadline_ends_the_whole_group(void **state)
{
	struct desk *desk = *state;
	char path[] = "/tmp/triaged-exec-XXXXXX", *script;
	int fd = mkstemp(path);
	char text[64] = "";
	pid_t pid;

	/* Neither it nor its child minds a SIGTERM. */
	script = xasprintf("trap \"\" TERM; (trap \"\" TERM; sleep 1000) & echo $! > %s; echo on "
			   "my way; wait; wait",
		path);
	assert_int_equal(try_script(desk, script, "timeout: 1s\n"), SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_TIMEOUT);
	assert_non_null(strstr(desk->text, "no end after 1s: on my way"));
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	pid = (pid_t)atol(text);
	assert_true(pid > 1);
	for (int i = 0; i < 5000 && !is_gone(pid); i++)
		poll(NULL, 0, 1);
	assert_true(is_gone(pid));
	free(script);
	close(fd);
	unlink(path);
}

static void
an_abort_ends_it(void **state)
{
	struct desk *desk = *state;
	struct send_run *run;

	configure(desk, "exec sleep 1000", "");
	run = desk_start(desk);
	loop_turn(desk->loop, false);
	send_run_abort(run);
	loop_turn(desk->loop, false);
	assert_int_equal(desk->verdicts, 0);
}

static void
it_need_not_read(void **state)
{
	struct desk *desk = *state;
	char *much = xmalloc(60000);

	memset(much, 'x', 59999);
	much[59999] = '\0';
	incident_add_text(&desk->notice.incident.facts, "body", much, 0);
	assert_int_equal(try_script(desk, "exec 0<&-; exit 0", ""), SEND_OK);
	assert_int_equal(try_script(desk, "test $(wc -c) -le 20000", ""), SEND_OK);
	free(much);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "command" },
		{ "command: []", "missing" },
		{ "command: \"/bin/echo hello\"", "one item for each word" },
		{ "{ command: /bin/true, env: { TRIAGED_ID: x } }", "itself" },
		{ "{ command: /bin/true, env: { \"a=b\": x } }", "variable's name" },
		{ "{ command: /bin/true, timeout: 2h }", "timeout" },
		{ "{ command: /bin/true, folder: x }", "folder" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned errors = desk_configure(desk, &receiver_type_exec, cases[i][0]);
		struct buf text;

		buf_init(&text, 0);
		complaints_print(desk->complaints, &text);
		if (errors < 1 || strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		desk_forget(desk);
	}
	assert_int_equal(desk_configure(desk, &receiver_type_exec, "command: no-such-program"), 0);
	assert_int_equal(complaints_warnings(desk->complaints), 1);
	desk_forget(desk);
	assert_int_equal(desk_configure(desk, &receiver_type_exec, "command: [sh, -c, x]"), 0);
	assert_int_equal(complaints_warnings(desk->complaints), 0);
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(the_event_is_on_its_input),
		T(its_environment_is_ours),
		T(every_end_has_its_meaning),
		T(much_output_is_cut_and_made_harmless),
		T(a_deadline_ends_the_whole_group),
		T(an_abort_ends_it),
		T(it_need_not_read),
		T(mistakes_are_named),
	};

	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
