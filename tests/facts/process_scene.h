/* For the facts about processes: this very program looks at itself and at children of its own. */
#ifndef TESTS_FACTS_PROCESS_SCENE_H
#define TESTS_FACTS_PROCESS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/fs.h"
#include "tests/help/fact_bench.h"

static pid_t scene_children[16];
static unsigned scene_count;

static inline pid_t
scene_note(pid_t pid)
{
	assert_true(scene_count < 16);
	return scene_children[scene_count++] = pid;
}

static inline void
scene_end(pid_t pid)
{
	for (unsigned i = 0; i < scene_count; i++)
		if (scene_children[i] == pid)
			scene_children[i] = scene_children[--scene_count];
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static inline int
scene_tear_down(void **state)
{
	while (scene_count > 0)
		scene_end(scene_children[0]);
	fact_bench_tear_down(state);
	while (waitpid(-1, NULL, 0) > 0)
		; /* helpers, all of them killed */
	return 0;
}

/* A child of that name that waits to be killed. */
static inline pid_t
scene_child(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (write(ready[1], "!", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return scene_note(pid);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, fact_bench_set_up, scene_tear_down)
#define SCENE_MAIN(...)                                                                            \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };                                 \
                                                                                                   \
		if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)                               \
			return fs_helper_main();                                                   \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

#endif
