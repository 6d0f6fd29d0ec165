/*
 * The allowed numbers are sorted and joined to ranges; the program walks them upwards.  Of most
 * calls only the number is looked at: the kernel then remembers the answer and no longer runs the
 * program.
 *
 *	other processor? -> refuse
 *	guarded number?  -> look at one argument -> allow or refuse
 *	in a range?      -> allow
 *	beyond all       -> ENOSYS
 *	else             -> refuse
 */
#include "io/sandbox_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/str.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#else
#define ARCH 0
#endif

/* Older headers have no name for it. */
#if defined(__x86_64__) && !defined(__NR_uretprobe)
#define __NR_uretprobe 335
#endif

/* What came after futex_waitv and its like has the same number everywhere. */
#define NEWEST  450
#define NO_CALL UINT32_MAX
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
		CLONE_NEWPID | CLONE_NEWNET)

enum call_kind { CALL_ALLOW, CALL_GUARD, CALL_DENY };

struct call {
	unsigned number;
	enum call_kind kind;
	const char *name;
};

#define ALLOW(name) { __NR_##name, CALL_ALLOW, #name },
#define GUARD(name) { __NR_##name, CALL_GUARD, #name },
#define DENY(name)  { __NR_##name, CALL_DENY, #name },
static const struct call calls[] = {
#if ARCH
#include "io/sandbox_calls.def"
#endif
	{ NO_CALL, CALL_DENY, NULL },
};
#undef ALLOW
#undef GUARD
#undef DENY

static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
/* They type on the terminal that the daemon was started from. */
static const uint32_t requests[] = { TIOCSTI, TIOCLINUX };
/* Reading all, and two sizes; the kernel judges who may. */
static const uint32_t log_actions[] = { 3, 9, 10 };
/* Asking for it, and the usual one. */
static const uint32_t personas[] = { UINT32_MAX, PER_LINUX };

#define LIST(values) values, sizeof(values) / sizeof((values)[0])
static const struct guard {
	unsigned number;
	unsigned argument;
	int error;
	uint32_t none_of; /* bits */
	const uint32_t *values;
	size_t count;
	bool is_allowed; /* the values; else all but them */
} guards[] = {
#if ARCH
	{ __NR_socket, 0, EAFNOSUPPORT, 0, LIST(families), true },
	{ __NR_socketpair, 0, EAFNOSUPPORT, 0, LIST(families), true },
	{ __NR_ioctl, 1, EPERM, 0, LIST(requests), false },
	{ __NR_clone, 0, EPERM, NAMESPACES, NULL, 0, false },
	{ __NR_syslog, 0, EPERM, 0, LIST(log_actions), true },
	{ __NR_personality, 0, EPERM, 0, LIST(personas), true },
#endif
	{ .number = NO_CALL },
};

/* --- words --- */

static const struct {
	uint32_t number;
	const char *name;
} family_names[] = {
	{ AF_PACKET, "AF_PACKET" },
	{ AF_VSOCK, "AF_VSOCK" },
	{ AF_ALG, "AF_ALG" },
	{ AF_BLUETOOTH, "AF_BLUETOOTH" },
	{ AF_CAN, "AF_CAN" },
	{ AF_KEY, "AF_KEY" },
	{ AF_RDS, "AF_RDS" },
	{ AF_TIPC, "AF_TIPC" },
	{ AF_XDP, "AF_XDP" },
}, arch_names[] = {
	{ AUDIT_ARCH_X86_64, "x86_64" },
	{ AUDIT_ARCH_I386, "i386" },
	{ AUDIT_ARCH_AARCH64, "aarch64" },
	{ AUDIT_ARCH_ARM, "arm" },
	{ AUDIT_ARCH_RISCV32, "riscv32" },
	{ AUDIT_ARCH_RISCV64, "riscv64" },
};

static const struct call *
call_of(int number)
{
	for (const struct call *call = calls; call->name != NULL; call++)
		if (call->number == (unsigned)number)
			return call;
	return NULL;
}

static const struct guard *
guard_of(int number)
{
	for (const struct guard *guard = guards; guard->number != NO_CALL; guard++)
		if (guard->number == (unsigned)number)
			return guard;
	return NULL;
}

/* Of a program for another kind of processor all are refused: the first says it. */
static void
foreign_words(const struct seccomp_data *call, char out[SANDBOX_CALL_MAX])
{
	for (size_t i = 0; i < sizeof(arch_names) / sizeof(arch_names[0]); i++) {
		if (arch_names[i].number != call->arch)
			continue;
		snprintf(out, SANDBOX_CALL_MAX, "calls of %s", arch_names[i].name);
		return;
	}
	snprintf(out, SANDBOX_CALL_MAX, "calls of processor %#x", call->arch);
}

static void
guarded_words(const char *name, const struct guard *guard, const struct seccomp_data *call,
	char out[SANDBOX_CALL_MAX])
{
	uint32_t value = (uint32_t)call->args[guard->argument];

	for (size_t i = 0; i < sizeof(family_names) / sizeof(family_names[0]); i++) {
		if (guard->values != families || family_names[i].number != value)
			continue;
		snprintf(out, SANDBOX_CALL_MAX, "%s(%s)", name, family_names[i].name);
		return;
	}
	if (guard->values == families)
		snprintf(out, SANDBOX_CALL_MAX, "%s(family %d)", name, (int)value);
	else
		snprintf(out, SANDBOX_CALL_MAX, "%s(%#x)", name, value);
}

void
sandbox_call_words(const struct seccomp_data *call, char out[SANDBOX_CALL_MAX])
{
	const struct guard *guard = guard_of(call->nr);
	const struct call *known = call_of(call->nr);

	if (call->arch != ARCH)
		foreign_words(call, out);
	else if (known == NULL)
		snprintf(out, SANDBOX_CALL_MAX, "call %d", call->nr);
	else if (guard != NULL)
		guarded_words(known->name, guard, call, out);
	else
		str_copy(out, SANDBOX_CALL_MAX, known->name);
}

int
sandbox_call_error(const struct seccomp_data *call)
{
	const struct guard *guard = call->arch == ARCH ? guard_of(call->nr) : NULL;

	return guard != NULL ? guard->error : EPERM;
}

#if ARCH

/* --- the program --- */

static void
put(struct sandbox_filter *filter, unsigned code, uint32_t k, unsigned yes, unsigned no)
{
	if (filter->len == SANDBOX_FILTER_MAX)
		abort();
	filter->code[filter->len++] = (struct sock_filter){
		.code = (unsigned short)code,
		.jt = (unsigned char)yes,
		.jf = (unsigned char)no,
		.k = k,
	};
}

static void
load(struct sandbox_filter *filter, size_t at)
{
	put(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)at, 0, 0);
}

static void
answer(struct sandbox_filter *filter, uint32_t what)
{
	put(filter, BPF_RET | BPF_K, what, 0, 0);
}

static void
begin(struct sandbox_filter *filter, uint32_t otherwise)
{
	filter->len = 0;
	load(filter, offsetof(struct seccomp_data, arch));
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	answer(filter, otherwise);
	load(filter, offsetof(struct seccomp_data, nr));
}

/* The argument is a 32-bit number in all that are guarded; these processors put that part first. */
static void
put_guard(struct sandbox_filter *filter, const struct guard *guard, uint32_t refuse)
{
	unsigned left = (unsigned)guard->count;
	unsigned short at = filter->len;

	if ((refuse & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		refuse = SECCOMP_RET_ERRNO | (uint32_t)guard->error;
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, guard->number, 0, 0);
	load(filter, offsetof(struct seccomp_data, args) + guard->argument * sizeof(uint64_t));
	if (guard->none_of != 0)
		put(filter, BPF_JMP | BPF_JSET | BPF_K, guard->none_of, 1, 0);
	for (size_t i = 0; i < guard->count; i++, left--)
		put(filter, BPF_JMP | BPF_JEQ | BPF_K, guard->values[i], left, 0);
	answer(filter, guard->is_allowed ? refuse : SECCOMP_RET_ALLOW);
	answer(filter, guard->is_allowed ? SECCOMP_RET_ALLOW : refuse);
	filter->code[at].jf = (unsigned char)(filter->len - at - 1);
}

static int
compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static void
put_ranges(struct sandbox_filter *filter, uint32_t refuse)
{
	unsigned numbers[sizeof(calls) / sizeof(calls[0])] = { 0 };
	size_t count = 0;

	for (const struct call *call = calls; call->name != NULL; call++)
		if (call->kind == CALL_ALLOW)
			numbers[count++] = call->number;
	qsort(numbers, count, sizeof(numbers[0]), compare);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && numbers[end] == numbers[end - 1] + 1;)
			end++;
		put(filter, BPF_JMP | BPF_JGT | BPF_K, numbers[end - 1], 3, 0);
		put(filter, BPF_JMP | BPF_JGE | BPF_K, numbers[i], 0, 1);
		answer(filter, SECCOMP_RET_ALLOW);
		answer(filter, refuse);
	}
}

void
sandbox_filter_make(struct sandbox_filter *filter, uint32_t refuse)
{
	begin(filter, refuse);
	put(filter, BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 1);
	answer(filter, SECCOMP_RET_ERRNO | ENOSYS);
	for (const struct guard *guard = guards; guard->number != NO_CALL; guard++)
		put_guard(filter, guard, refuse);
	put_ranges(filter, refuse);
	put(filter, BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1);
	answer(filter, SECCOMP_RET_ERRNO | ENOSYS);
	answer(filter, refuse);
}

void
sandbox_filter_narrow(struct sandbox_filter *filter)
{
	static const unsigned none_of[] = { __NR_execve, __NR_execveat, __NR_bind, __NR_listen,
		__NR_accept, __NR_accept4 };

	begin(filter, SECCOMP_RET_ERRNO | EPERM);
	for (size_t i = 0; i < sizeof(none_of) / sizeof(none_of[0]); i++) {
		put(filter, BPF_JMP | BPF_JEQ | BPF_K, none_of[i], 0, 1);
		answer(filter, SECCOMP_RET_ERRNO | EPERM);
	}
	answer(filter, SECCOMP_RET_ALLOW);
}

#else

void
sandbox_filter_make(struct sandbox_filter *filter, uint32_t refuse)
{
	(void)refuse;
	filter->len = 0;
}

void
sandbox_filter_narrow(struct sandbox_filter *filter)
{
	filter->len = 0;
}

#endif
