/* Variables of real processes: missing, default, different; and never a value. */
#include "tests/facts/process_scene.h"

#include <poll.h>

static char program[64];

/* Its environment is what it was started with: a fork alone has ours. */
static pid_t
run_with(const char *secret)
{
	char variable[128];
	char seconds[] = "1000";
	char *env[] = { variable, NULL }, *argv[] = { program, seconds, NULL };
	pid_t pid;

	snprintf(variable, sizeof(variable), "SESSION_SECRET=%s", secret);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve(program, argv, env);
		_exit(1);
	}
	return scene_note(pid);
}

/* Until both have become the program. */
static bool
are_two(void *arg)
{
	struct fact_bench *b = arg;

	fact_bench_run(b, "process");
	return fact_bench_number(b, "count") == 2;
}

static void
make_program(void)
{
	char command[160];

	snprintf(program, sizeof(program), "/tmp/tri-env-%d", (int)getpid());
	snprintf(command, sizeof(command), "cp /bin/sleep %s", program);
	assert_int_equal(system(command), 0);
}

static void
tells_different_secrets(void **state)
{
	struct fact_bench *b = *state;
	char yaml[256];
	pid_t one, two;

	make_program();
	one = run_with("correct-horse-battery");
	two = run_with("another-horse-battery");
	snprintf(yaml, sizeof(yaml),
		"name: %s\nenv: { SESSION_SECRET: { same_as: instances }, CRYPTO_SECRET: { "
		"present: true } "
		"}",
		strrchr(program, '/') + 1);
	fact_bench_check(b, "process", yaml);
	for (int i = 0; i < 100 && !are_two(b); i++)
		poll(NULL, 0, 10);
	fact_bench_run(b, "environment");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "differs", "SESSION_SECRET");
	assert_fact_text(b, "missing", "CRYPTO_SECRET");
	assert_fact_text(b, "placeholders", "");
	assert_null(strstr(b->fact.text, "horse"));
	assert_null(strstr(fact_bench_text(b, "fingerprint"), "horse"));
	assert_non_null(strstr(b->fact.text, "SESSION_SECRET: pid "));
	scene_end(one);
	scene_end(two);
	unlink(program);
}

static void
tells_defaults_and_the_file(void **state)
{
	struct fact_bench *b = *state;
	char yaml[256], path[64];
	FILE *file;
	pid_t pid;

	make_program();
	pid = run_with("random_string");
	snprintf(path, sizeof(path), "/tmp/tri-env-%d.env", (int)getpid());
	file = fopen(path, "w");
	fputs("SESSION_SECRET=a-real-one-by-now\n", file);
	fclose(file);
	snprintf(yaml, sizeof(yaml), "name: %s\nenv: { SESSION_SECRET: { same_as: %s } }",
		strrchr(program, '/') + 1, path);
	fact_bench_check(b, "process", yaml);
	fact_bench_run(b, "environment");
	for (int i = 0; i < 100 && fact_bench_text(b, "placeholders")[0] == '\0'; i++) {
		poll(NULL, 0, 10);
		fact_bench_run(b, "environment");
	}
	assert_fact_text(b, "placeholders", "SESSION_SECRET");
	assert_fact_text(b, "file", path);
	assert_true(fact_bench_number(b, "file_age") >= 0);
	assert_true(fact_bench_number(b, "process_age") >= 0);
	scene_end(pid);
	unlink(path);
	unlink(program);
}

SCENE_MAIN(SCENE(tells_different_secrets), SCENE(tells_defaults_and_the_file))
