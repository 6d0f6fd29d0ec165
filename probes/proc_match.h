/* Which processes are meant: rows of settings for `process` and for the owner of a `port`. */
#ifndef PROBES_PROC_MATCH_H
#define PROBES_PROC_MATCH_H

#include <regex.h>

#include "conf/complain.h"
#include "conf/schema.h"
#include "io/proc_parse.h"

struct proc_match {
	char *name, *cmdline, *pidfile, *unit, *container, *user;
	/* made by proc_match_prepare */
	regex_t *re;
	uint32_t uid;
	bool has_uid;
	bool is_part_mapped; /* we are in a user namespace that knows some users only */
};

/* Rows of a table for struct T with a struct proc_match in it, `at` ("match." or nothing). */
#define PROC_MATCH_ROWS(T, at)                                                                     \
	{ .name = "name",                                                                          \
		STRING_AT(T, at name),                                                             \
		.doc = "Name of the program, as `ps -o comm` shows it; `*` and `?` stand for "     \
		       "anything.",                                                                \
		.example = "nginx" },                                                              \
		{ .name = "cmdline",                                                               \
			REGEX_AT(T, at cmdline),                                                   \
			.doc = "Regular expression (POSIX extended) that the command line must "   \
			       "match.",                                                           \
			.example = "gunicorn .*app:api" },                                         \
		{ .name = "pidfile",                                                               \
			PATH_AT(T, at pidfile),                                                    \
			.doc = "File that the process wrote its number into.",                     \
			.example = "/run/nginx.pid" },                                             \
		{ .name = "unit",                                                                  \
			STRING_AT(T, at unit),                                                     \
			.doc = "systemd unit, found in the process's cgroup.",                     \
			.example = "nginx.service" },                                              \
		{ .name = "container",                                                             \
			STRING_AT(T, at container),                                                \
			.doc = "Container, found in the process's cgroup: the beginning of its "   \
			       "id (Docker, Podman, containerd), or its name (LXC, nspawn).",      \
			.example = "4f2c9a81b3d0" },                                               \
	{                                                                                          \
		.name = "user", STRING_AT(T, at user),                                             \
		.doc = "User that it runs as: a number, or a name of /etc/passwd.",                \
		.example = "www-data"                                                              \
	}

bool proc_match_is_empty(const struct proc_match *match);
bool proc_match_wants_cmdline(const struct proc_match *match);
/* Compiles and looks up; off the loop.  `map` is the block that the rows stand in. */
void proc_match_prepare(struct proc_match *match, const struct conf_node *map,
	const char *host_root, struct complaints *complaints);
void proc_match_release(struct proc_match *match);

/* `pidfile_pid` is what the pid file said; 0: not known. */
bool proc_match_is(const struct proc_match *match, const struct proc *proc, uint32_t pidfile_pid);
/* A user without a number in our user namespace: is it the one that is wanted?  Nobody knows. */
bool proc_match_is_unmapped(const struct proc_match *match, uint32_t uid);
/* The same program, whoever started it: name and command line alone; false: neither is given. */
bool proc_match_is_program(const struct proc_match *match, const struct proc *proc);
/* "nginx of unit nginx.service". */
void proc_match_text(const struct proc_match *match, char *out, size_t size);

/* What a pid file's bytes say; 0: nothing. */
uint32_t proc_parse_pidfile(const char *bytes, size_t len);

#endif
