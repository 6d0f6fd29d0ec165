/*
 * The way from our own program to the command: everything in here may hang on a dead mount, which
 * is why it happens in a process of its own, already the leader of its group.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/str.h"
#include "io/child.h"
#include "io/child_wire.h"
#include "io/gains.h"

static void
tell(enum child_trouble trouble, int error)
{
	const struct child_note note = { .trouble = (int)trouble, .error = error };
	ssize_t done = write(CHILD_NOTE_FD, &note, sizeof(note));

	(void)done; /* nobody is left to hear of it */
}

/* Whoever judges how it ends must know what it began without. */
static void
tell_withheld(const char *file)
{
	const struct gains_holder nobody = {
		.uid = UINT32_MAX, .gid = UINT32_MAX, .most = UINT64_MAX
	};
	struct gains_holder own;
	unsigned gains;

	/* Most files give nothing to anybody: then there is no need to know who we are. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || gains_of(file, &nobody) == 0 ||
		!gains_holder_of(0, &own))
		return;
	gains = gains_of(file, &own);
	if (gains != 0)
		tell(CHILD_WITHHELD, (int)gains);
}

/* Returns only when there is no such command: the errno that says most. */
static int
execute_in(const char *path, const char *name, char **argv)
{
	char file[PATH_MAX];
	int worst = ENOENT;

	while (*path != '\0') {
		size_t len = strcspn(path, ":");

		if (len > 0 && snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, name) <
				       (int)sizeof(file)) {
			if (access(file, X_OK) == 0)
				tell_withheld(file);
			execv(file, argv);
			if (errno != ENOENT && errno != ENOTDIR)
				worst = errno;
		}
		path += len + (path[len] == ':');
	}
	return worst;
}

static int
execute(char **argv)
{
	const char *path = getenv("PATH");

	if (argv[0][0] == '\0')
		return ENOENT;
	if (strchr(argv[0], '/') == NULL)
		return execute_in(path != NULL ? path : "/usr/bin:/bin", argv[0], argv);
	tell_withheld(argv[0]);
	execv(argv[0], argv);
	return errno;
}

int
child_main(int argc, char **argv)
{
	const struct rlimit none = { 0, 0 };
	int error;

	if (argc <= CHILD_WORDS_AT)
		return 127;
	prctl(PR_SET_NAME, CHILD_NAME);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != atoi(argv[2])) /* it died before we could ask to hear of it */
		_exit(127);
	setrlimit(RLIMIT_CORE, &none);
	fcntl(CHILD_NOTE_FD, F_SETFD, FD_CLOEXEC);
	fcntl(CHILD_EXE_FD, F_SETFD, FD_CLOEXEC);
	if (chdir(argv[3]) != 0) {
		tell(CHILD_TROUBLE_FOLDER, errno);
		_exit(127);
	}
	if (str_eq(argv[4], CHILD_SELF)) {
		execv(CHILD_EXE, argv + CHILD_WORDS_AT);
		error = errno;
	} else {
		error = execute(argv + CHILD_WORDS_AT);
	}
	tell(CHILD_TROUBLE_COMMAND, error);
	_exit(127);
}
