/* The filter of system calls as a program of the kernel's packet filter, from sandbox_calls.def. */
#ifndef IO_SANDBOX_FILTER_H
#define IO_SANDBOX_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* The leak checker of a sanitized build stops the process to look at it. */
#ifdef __SANITIZE_ADDRESS__
#define SANDBOX_ALLOWS_PTRACE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_ALLOWS_PTRACE 1
#endif
#endif
#ifndef SANDBOX_ALLOWS_PTRACE
#define SANDBOX_ALLOWS_PTRACE 0
#endif

#define SANDBOX_FILTER_MAX 512 /* instructions */

struct sandbox_filter {
	struct sock_filter code[SANDBOX_FILTER_MAX];
	unsigned short
		len; /* 0: nobody has said how calls are numbered on this kind of processor */
};

/* `refuse` is what the kernel does with a refused call: SECCOMP_RET_... */
void sandbox_filter_make(struct sandbox_filter *filter, uint32_t refuse);
/* Allows all but starting programs and serving others. */
void sandbox_filter_narrow(struct sandbox_filter *filter);
/* What was refused, for people: "unshare", "socket(AF_PACKET)", "calls of i386". */
#define SANDBOX_CALL_MAX 48
void sandbox_call_words(const struct seccomp_data *call, char out[SANDBOX_CALL_MAX]);
/* The errno that it is refused with: what programs have another way for. */
int sandbox_call_error(const struct seccomp_data *call);

#endif
