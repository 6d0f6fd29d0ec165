/*
 * What /proc/PID/ files say, parsed from bytes: names in there are chosen by the processes and may
 * hold blanks, brackets and line ends.  Pure.
 */
#ifndef IO_PROC_PARSE_H
#define IO_PROC_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROC_COMM_MAX    64 /* 16 of programs, more of the kernel's own threads */
#define PROC_CMDLINE_MAX 1024
#define PROC_CGROUP_MAX  384
#define PROC_EXE_MAX     512

/* One process; texts are terminated, their bytes are whatever the process chose. */
struct proc {
	uint32_t pid, ppid, uid, threads;
	char state; /* R S D Z T t X I */
	bool has_uid, has_cmdline;
	uint64_t start_ticks; /* since boot; with the pid, who it is */
	uint64_t cpu_ticks;   /* user and system */
	uint64_t rss_pages;
	char comm[PROC_COMM_MAX];
	char cmdline[PROC_CMDLINE_MAX]; /* arguments with a NUL made a line end between them */
	char cgroup[PROC_CGROUP_MAX];   /* the deepest of its paths, "/" at worst */
};

/* /proc/PID/stat: fills all but uid, cmdline and cgroup. */
bool proc_parse_stat(struct proc *proc, const char *text, size_t len);
bool proc_parse_uid(uint32_t *uid, const char *status); /* effective, of /proc/PID/status */
void proc_parse_cmdline(struct proc *proc, const char *bytes, size_t len);
void proc_parse_cgroup(struct proc *proc, const char *text);
/* Soft limit of open files in /proc/PID/limits; UINT64_MAX: unlimited. */
bool proc_parse_nofile(uint64_t *soft, const char *limits);
/* The value of `name` in an environment block ("A=1\0B=2\0"); NULL: absent.  Not terminated. */
const char *proc_find_env(const char *block, size_t len, const char *name, size_t *value_len);
/* "socket:[123]" of a descriptor's link. */
bool proc_parse_socket(uint64_t *inode, const char *link);
bool proc_parse_pid(uint32_t *pid, const char *name); /* a folder's name, all digits */

#endif
