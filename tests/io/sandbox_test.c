/*
 * What is given up for good, tried for real: each story forks, gives up in the child, and says by
 * its exit code what became of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "io/sandbox.h"
#include "io/sandbox_filter.h"
#include "io/sandbox_refused.h"

#define LATER_CALL 1999 /* of a kernel that is not written yet */

static char said[4096];

static void
on_line(void *arg, enum log_level level, const char *line)
{
	size_t len = strlen(said);

	(void)arg;
	(void)level;
	snprintf(said + len, sizeof(said) - len, "%s\n", line);
}

/* The line of the one thing that did not hold; 0: all did. */
static int
run(int (*story)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(story());
	while (waitpid(pid, &status, 0) == -1)
		assert_int_equal(errno, EINTR);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: %s (errno %d)\n", __LINE__, #condition, errno);  \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static struct sandbox *
enter(void)
{
	struct sandbox *sandbox = sandbox_enter();

	said[0] = '\0';
	log_set_sink(on_line, NULL);
	sandbox_watch(sandbox);
	return sandbox;
}

static int
tell_privileges(void)
{
	struct rlimit core = { 1, 1 };
	struct sandbox *sandbox = enter();

	HOLDS(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	HOLDS(prctl(PR_GET_SECCOMP) == 2);
	HOLDS(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	HOLDS(SANDBOX_ALLOWS_PTRACE || prctl(PR_GET_DUMPABLE) == 0);
	HOLDS(str_starts(
		sandbox_words(sandbox), "no new privileges, no cores, system calls filtered"));
	sandbox_free(sandbox);
	return 0;
}

static void
test_what_is_given_up(void **state)
{
	(void)state;
	assert_int_equal(run(tell_privileges), 0);
	assert_string_equal(sandbox_words(NULL), "off");
}

#define ALLOW(name)
#define GUARD(name)
#define DENY(name) { __NR_##name, #name },
static const struct {
	long number;
	const char *name;
} denied[] = {
#include "io/sandbox_calls.def"
};
#undef ALLOW
#undef GUARD
#undef DENY

/* Arguments that would change nothing even if they were let through. */
static int
call_all_denied(void)
{
	struct sandbox *sandbox = enter();

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		said[0] = '\0';
		errno = 0;
		if (syscall(denied[i].number, -1L, -1L, -1L, -1L, -1L, -1L) != -1 ||
			errno != EPERM) {
			fprintf(stderr, "%s: errno %d\n", denied[i].name, errno);
			return 1;
		}
		HOLDS(strstr(said, denied[i].name) != NULL);
	}
	sandbox_free(sandbox);
	return 0;
}

static void
test_each_denied_call_is_refused_and_said(void **state)
{
	(void)state;
	assert_int_equal(run(call_all_denied), 0);
}

/* What the kernel would do with a call: it runs the program as here. */
static uint32_t
answer_to(const struct sandbox_filter *filter, const struct seccomp_data *call)
{
	uint32_t a = 0;

	for (unsigned at = 0; at < filter->len; at++) {
		const struct sock_filter *i = &filter->code[at];
		bool is = false;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)call + i->k, sizeof(a));
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JEQ | BPF_K:
			is = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			is = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			is = a >= i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			is = (a & i->k) != 0;
			break;
		default:
			fail_msg("instruction %u is %#x", at, i->code);
		}
		at += is ? i->jt : i->jf;
	}
	fail_msg("the program has no end");
	return 0;
}

/* Not to be tried: the kernels at hand do not ask, and elsewhere it kills. */
static void
test_a_tracer_kills_nobody(void **state)
{
	struct seccomp_data call = { .nr = 335, .arch = AUDIT_ARCH_X86_64 };
	struct sandbox_filter filter;

	(void)state;
	sandbox_filter_make(&filter, SECCOMP_RET_USER_NOTIF);
#ifdef __x86_64__
	assert_int_equal(answer_to(&filter, &call), SECCOMP_RET_ALLOW);
	call.nr = SYS_mount;
#endif
	assert_int_equal(answer_to(&filter, &call), SECCOMP_RET_USER_NOTIF);
}

static int
call_guarded(void)
{
	static const int good[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	static const int bad[] = { AF_PACKET, AF_VSOCK, AF_ALG, AF_BLUETOOTH, AF_KEY, 44, -1 };
	struct sandbox *sandbox = enter();
	int pair[2], letter = 'x';

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		HOLDS(socket(good[i], SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		HOLDS(socket(bad[i], SOCK_DGRAM | SOCK_CLOEXEC, 0) == -1 && errno == EAFNOSUPPORT);
	HOLDS(strstr(said, "may not use socket(AF_PACKET);") != NULL);
	HOLDS(strstr(said, "may not use socket(AF_XDP);") != NULL);
	HOLDS(syscall(SYS_personality, 0xffffffffL) >= 0);
	HOLDS(syscall(SYS_personality, 0x0040000L) == -1 && errno == EPERM);
	HOLDS(syscall(SYS_syslog, 10, NULL, 0) >= 0 || errno == EPERM);
	HOLDS(strstr(said, "syslog") == NULL);
	HOLDS(syscall(SYS_syslog, 5, NULL, 0) == -1 && errno == EPERM);
	HOLDS(strstr(said, "may not use syslog(0x5);") != NULL);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	HOLDS(ioctl(pair[0], TIOCSTI, &letter) == -1 && errno == EPERM);
	HOLDS(ioctl(pair[0], FIONREAD, &letter) == 0);
	HOLDS(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL) == -1 &&
		errno == EPERM);
	HOLDS(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL) == -1 &&
		errno == EPERM);
	HOLDS(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	HOLDS(syscall(LATER_CALL) == -1 && errno == ENOSYS);
	sandbox_free(sandbox);
	return 0;
}

static void
test_arguments_are_looked_at(void **state)
{
	(void)state;
	assert_int_equal(run(call_guarded), 0);
}

/* 0: the command was refused, and went on. */
static int
run_command(void)
{
	struct sandbox *sandbox = enter();
	int status = system("unshare -m true 2>/dev/null; test $? -ne 0 && echo | cat >/dev/null");

	HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	HOLDS(strstr(said, "unshare (process ") != NULL &&
		strstr(said, "may not use unshare") != NULL);
	said[0] = '\0';
	HOLDS(system("unshare -m true 2>/dev/null") != 0);
	HOLDS(said[0] == '\0'); /* once for each program and call */
	sandbox_free(sandbox);
	return 0;
}

static void
test_commands_are_held_too_and_not_killed(void **state)
{
	(void)state;
	assert_int_equal(run(run_command), 0);
}

static int
know_whose(void)
{
	usec_t before = sandbox_refused_now();
	struct sandbox *sandbox = enter();
	char calls[200];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		unshare(CLONE_NEWNS);
		unshare(CLONE_NEWNS);
		_exit(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0) == -1 ? 0 : 1);
	}
	HOLDS(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	HOLDS(sandbox_refused_list(pid, before, calls, sizeof(calls)));
	HOLDS(str_eq(calls, "unshare, socket(AF_PACKET)"));
	HOLDS(!sandbox_refused_list(getsid(0), before, calls, sizeof(calls)));
	/* Another command that was given the same number. */
	HOLDS(!sandbox_refused_list(pid, sandbox_refused_now() + 1, calls, sizeof(calls)));
	sandbox_free(sandbox);
	return 0;
}

static void
test_a_refusal_is_known_to_be_the_command_s(void **state)
{
	(void)state;
	assert_int_equal(run(know_whose), 0);
}

#ifdef __x86_64__
static void
on_no_such_processor(int signo)
{
	(void)signo;
	_exit(0); /* a kernel without 32-bit programs */
}

static int
call_as_another_processor(void)
{
	struct sandbox *sandbox = enter();
	long result = 20; /* getpid there, and writev here */

	signal(SIGSEGV, on_no_such_processor);
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	HOLDS((int)result == -EPERM);
	HOLDS(strstr(said, "may not use calls of i386;") != NULL);
	sandbox_free(sandbox);
	return 0;
}

static void
test_another_processor_s_call_is_named_so(void **state)
{
	(void)state;
	assert_int_equal(run(call_as_another_processor), 0);
}
#endif

static int
without_listener(void)
{
	struct sandbox_filter outer;
	struct sock_fprog program;
	struct sandbox *sandbox;

	/* Who started us listens already: the kernel lets nobody else. */
	sandbox_filter_make(&outer, SECCOMP_RET_USER_NOTIF);
	program = (struct sock_fprog){ .len = outer.len, .filter = outer.code };
	HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	HOLDS(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		      &program) >= 0);
	sandbox = enter();
	HOLDS(strstr(sandbox_words(sandbox), "the kernel's log has what is refused") != NULL);
	HOLDS(unshare(CLONE_NEWNS) == -1 && errno == EPERM);
	HOLDS(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0) == -1 && errno == EAFNOSUPPORT);
	sandbox_free(sandbox);
	return 0;
}

static void
test_the_kernel_answers_where_somebody_else_listens(void **state)
{
	(void)state;
	assert_int_equal(run(without_listener), 0);
}

/* A filter that forbids filters, as a service manager's may. */
static int
without_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };
	struct sandbox *sandbox;

	HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	HOLDS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	sandbox = enter();
	HOLDS(strstr(sandbox_words(sandbox), "no filter of our own for system calls (Operation not "
					     "permitted): our parent's holds") != NULL);
	HOLDS(system("true") == 0);
	sandbox_free(sandbox);
	return 0;
}

static void
test_where_filters_are_refused_it_goes_on_without(void **state)
{
	(void)state;
	assert_int_equal(run(without_seccomp), 0);
}

static int
narrow(void)
{
	struct sockaddr address = { .sa_family = AF_UNIX };
	char word[] = "true", *const argv[] = { word, NULL };
	int fd;

	sandbox_narrow();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	HOLDS(fd >= 0);
	HOLDS(bind(fd, &address, sizeof(address)) == -1 && errno == EPERM);
	HOLDS(listen(fd, 1) == -1 && errno == EPERM);
	HOLDS(execv("/bin/true", argv) == -1 && errno == EPERM);
	HOLDS(open("/proc/self/stat", O_RDONLY | O_CLOEXEC) >= 0);
	return 0;
}

static void
test_a_helper_starts_no_program(void **state)
{
	(void)state;
	assert_int_equal(run(narrow), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_given_up),
		cmocka_unit_test(test_each_denied_call_is_refused_and_said),
		cmocka_unit_test(test_a_tracer_kills_nobody),
		cmocka_unit_test(test_arguments_are_looked_at),
		cmocka_unit_test(test_commands_are_held_too_and_not_killed),
		cmocka_unit_test(test_a_refusal_is_known_to_be_the_command_s),
#ifdef __x86_64__
		cmocka_unit_test(test_another_processor_s_call_is_named_so),
#endif
		cmocka_unit_test(test_the_kernel_answers_where_somebody_else_listens),
		cmocka_unit_test(test_where_filters_are_refused_it_goes_on_without),
		cmocka_unit_test(test_a_helper_starts_no_program),
	};

	if (getenv("UNDER_VALGRIND") != NULL) {
		puts("valgrind answers seccomp(2) with ENOSYS: there is nothing to look at");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
