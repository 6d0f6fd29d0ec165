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

#define WORDS_MAX   1024
#define PLAIN_COUNT 3

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

static bool
is_named(const char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return true;
	return false;
}

/* PATH, HOME and LANG as ours are, and whatever `more` says; owned, with its first three texts. */
static char **
plain_env(const char *const *more)
{
	static const char *const names[] = { "PATH", "HOME", "LANG" };
	static const char *const otherwise[] = {
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "/", "C.UTF-8"
	};
	size_t count = 0;
	char **env;

	while (more != NULL && more[count] != NULL)
		count++;
	env = xcalloc(PLAIN_COUNT + count + 1, sizeof(*env));
	for (size_t i = 0; i < PLAIN_COUNT; i++) {
		const char *value = getenv(names[i]);

		/* One that is replaced still has its place, under a name that means nothing. */
		env[i] = xasprintf("%s=%s", is_named(more, names[i]) ? "_" : names[i],
			value != NULL ? value : otherwise[i]);
	}
	if (count > 0)
		memcpy(env + PLAIN_COUNT, more, count * sizeof(*env));
	return env;
}

static void
free_plain_env(char **env)
{
	for (size_t i = 0; env != NULL && i < PLAIN_COUNT; i++)
		free(env[i]);
	free(env);
}

static int
launch(const struct child_options *o, const struct ends *ends, pid_t *pid)
{
	size_t words = 0;
	char **plain, **env, **argv, self[16];
	int error;

	while (words < WORDS_MAX && o->argv[words] != NULL)
		words++;
	if (words == 0 || words == WORDS_MAX)
		return E2BIG;
	plain = o->env == NULL ? plain_env(o->more_env) : NULL;
	env = plain != NULL ? plain : (char **)(uintptr_t)o->env;
	snprintf(self, sizeof(self), "%d", (int)getpid());
	argv = xcalloc(CHILD_WORDS_AT + words + 1, sizeof(*argv));
	argv[0] = borrow(CHILD_NAME);
	argv[1] = borrow(CHILD_ARG);
	argv[2] = self;
	argv[3] = borrow(o->folder != NULL ? o->folder : "/");
	argv[4] = borrow(o->is_self ? CHILD_SELF : CHILD_PATH);
	memcpy(argv + CHILD_WORDS_AT, o->argv, words * sizeof(*argv));
	error = spawn(ends, pid, argv, env);
	free(argv);
	free_plain_env(plain);
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
