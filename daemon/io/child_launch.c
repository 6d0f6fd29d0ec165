/* Starts our own program with the descriptors and the words that make it a command. */
#include "io/child_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "io/child_wire.h"

#define WORDS_MAX    1024
#define ENV_TEXT_MAX 1024

struct ends {
	int in, out, err, note, exe; /* the child's; all above CHILD_EXE_FD */
};

/* Above the numbers that a child begins with: nothing is put on top of it there. */
static int
lift(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, CHILD_EXE_FD + 1);

	fd_close(fd);
	*fd = high;
	return high == -1 ? -1 : 0;
}

static int
make_pipe(int *ours, int *theirs)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) != 0)
		return -1;
	*ours = pair[0];
	*theirs = pair[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0 ? lift(theirs) : -1;
}

/* In memory, so that neither writing it nor a child that does not read it can block anybody. */
static int
make_input(const struct child_options *o, int *theirs)
{
	size_t done = 0;

	*theirs = memfd_create("input", MFD_CLOEXEC);
	if (*theirs == -1)
		return -1;
	while (o->input != NULL && done < o->input_len) {
		ssize_t n = write(*theirs, o->input + done, o->input_len - done);

		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return lseek(*theirs, 0, SEEK_SET) == 0 ? lift(theirs) : -1;
}

static int
open_ends(const struct child_options *o, struct child_pipes *ours, struct ends *ends)
{
	ends->exe = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (ends->exe == -1 || lift(&ends->exe) != 0 || make_input(o, &ends->in) != 0)
		return -1;
	if (make_pipe(&ours->out, &ends->out) != 0 || make_pipe(&ours->err, &ends->err) != 0 ||
		make_pipe(&ours->note, &ends->note) != 0)
		return -1;
	return 0;
}

static void
close_ends(struct ends *ends)
{
	fd_close(&ends->in);
	fd_close(&ends->out);
	fd_close(&ends->err);
	fd_close(&ends->note);
	fd_close(&ends->exe);
}

static int
spawn(const struct ends *ends, pid_t *pid, char *const *argv, char *const *env)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_adddup2(&files, ends->in, 0);
	posix_spawn_file_actions_adddup2(&files, ends->out, 1);
	posix_spawn_file_actions_adddup2(&files, ends->err, 2);
	posix_spawn_file_actions_adddup2(&files, ends->note, CHILD_NOTE_FD);
	posix_spawn_file_actions_adddup2(&files, ends->exe, CHILD_EXE_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, CHILD_EXE_FD + 1);
	error = posix_spawn(pid, CHILD_EXE, &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return error;
}

static char *
borrow(const char *text)
{
	return (char *)(uintptr_t)text; /* exec's prototype; nobody writes there */
}

/* PATH, HOME and LANG as ours are. */
static void
plain_env(char *env[4], char texts[3][ENV_TEXT_MAX])
{
	static const char *const names[] = { "PATH", "HOME", "LANG" };
	static const char *const otherwise[] = {
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "/", "C.UTF-8"
	};

	for (size_t i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);

		snprintf(texts[i], ENV_TEXT_MAX, "%s=%s", names[i],
			value != NULL ? value : otherwise[i]);
		env[i] = texts[i];
	}
	env[3] = NULL;
}

static int
launch(const struct child_options *o, const struct ends *ends, pid_t *pid)
{
	size_t words = 0;
	char texts[3][ENV_TEXT_MAX], *plain[4], **env = plain, **argv;
	int error;

	while (o->argv[words] != NULL && words < WORDS_MAX)
		words++;
	if (words == 0 || o->argv[words] != NULL)
		return E2BIG;
	argv = xcalloc(words + 5, sizeof(*argv));
	argv[0] = borrow(CHILD_NAME);
	argv[1] = borrow(CHILD_ARG);
	argv[2] = borrow(o->folder != NULL ? o->folder : "/");
	argv[3] = borrow(o->is_self ? CHILD_SELF : CHILD_PATH);
	memcpy(argv + 4, o->argv, words * sizeof(*argv));
	plain_env(plain, texts);
	if (o->env != NULL)
		env = (char **)(uintptr_t)o->env;
	error = spawn(ends, pid, argv, env);
	free(argv);
	return error;
}

int
child_launch(const struct child_options *o, struct child_pipes *ours, pid_t *pid)
{
	struct ends ends = { -1, -1, -1, -1, -1 };
	int error = open_ends(o, ours, &ends) != 0 ? errno : launch(o, &ends, pid);

	close_ends(&ends);
	if (error == 0)
		return 0;
	*pid = 0;
	fd_close(&ours->out);
	fd_close(&ours->err);
	fd_close(&ours->note);
	return error;
}
