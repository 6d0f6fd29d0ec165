/*
 * Runs a command without ever blocking: our own program is started first (it cannot hang), becomes
 * the leader of a process group and executes the command there; a command on a dead mount hangs
 * that process alone.  Past its deadline the whole group is ended: SIGTERM, a second later SIGKILL.
 * What does not die even then is given up and counted.
 */
#ifndef IO_CHILD_H
#define IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "io/loop.h"

struct child;

struct child_options {
	const char *const *argv; /* NULL-terminated; a name without "/" is looked up in PATH */
	const char *const *env;  /* "NAME=value", NULL-terminated; NULL: PATH, HOME and LANG only */
	const char *const *more_env; /* besides these, or in place of one of them; NULL: none */
	const char *folder;          /* NULL: "/" */
	const char *input;           /* standard input; NULL: empty; copied */
	size_t input_len;
	usec_t timeout_us;
	size_t output_max; /* kept of each stream; more is read and dropped; 0: 64 kB */
	bool is_self;      /* argv[0] is for show: our own program runs, with argv[1]... */
};

enum child_end {
	CHILD_EXITED,     /* status: the exit code */
	CHILD_SIGNALLED,  /* status: the signal */
	CHILD_TIMEOUT,    /* we ended it */
	CHILD_NO_COMMAND, /* status: errno of the exec: ENOENT, EACCES... */
	CHILD_BROKEN,     /* our own trouble: no process, no descriptor */
};

struct child_result {
	enum child_end end;
	int status;
	const char *reason;        /* for people: "exit 3", "killed by SIGSEGV", "no such file" */
	const char *out, *err_out; /* terminated; may hold NULs before; borrowed until fn returns */
	size_t out_len, err_len;
	bool is_cut;
	const char *refused; /* calls that our own sandbox refused to it; "": none that is known */
	unsigned withheld;   /* rights of its file that it did not get: bits of enum gain */
	usec_t took_us, cpu_us;
	long max_rss_kb;
};

typedef void (*child_fn)(void *arg, const struct child_result *result);

/* `main` goes to child_main when its first argument is CHILD_ARG. */
#define CHILD_ARG "--exec-child"
int child_main(int argc, char **argv); /* returns only when the exec failed */

/* fn is called once, later, never from inside. */
struct child *child_start(struct loop *loop, const struct child_options *o, child_fn fn, void *arg);
/* What it has written until now: fills only the outputs; good until the loop's turn ends. */
void child_peek(const struct child *child, struct child_result *r);
void child_cancel(struct child *child); /* ends the group, no call of fn; NULL is fine */
/* Was it started here, and not yet waited for? */
bool child_owns(struct loop *loop, pid_t pid);

#endif
