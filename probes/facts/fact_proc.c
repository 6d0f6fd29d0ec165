/* Words and questions about processes, for facts. */
#include "probes/facts/fact_proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct procs_request
fact_procs(struct fact_run *run)
{
	return (struct procs_request){
		.fs = fact_env(run)->fs,
		.host_root = fact_env(run)->host_root,
		.timeout_us = fact_time_left(run),
		.arg = run,
	};
}

bool
fact_proc_failed(struct fact_run *run, const struct procs_trouble *trouble, const char *what)
{
	switch (trouble->status) {
	case FS_OK:
		return false;
	case FS_STUCK:
		fact_missed(run, "%s could not be read in time: a process holds a lock of its own",
			what);
		return true;
	case FS_BROKEN:
		fact_missed(run, "no helper process for %s: %s", what, strerror(trouble->error));
		return true;
	case FS_FAILED:
		break;
	}
	if (trouble->error == EACCES || trouble->error == EPERM)
		fact_missed(run,
			"not allowed to read %s: give the daemon CAP_SYS_PTRACE and "
			"CAP_DAC_READ_SEARCH",
			what);
	else
		fact_missed(run, "%s: %s", what, strerror(trouble->error));
	return true;
}

/* --- cgroups --- */

static bool
ends_with(const char *part, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len > end_len && memcmp(part + len - end_len, end, end_len) == 0;
}

void
fact_proc_unit(const char *cgroup, char out[FACT_UNIT_MAX])
{
	out[0] = '\0';
	while (*cgroup != '\0') {
		size_t len = strcspn(cgroup, "/");
		bool is_login = strncmp(cgroup, "user@", 5) == 0;

		if (len < FACT_UNIT_MAX && !is_login && ends_with(cgroup, len, ".service"))
			snprintf(out, FACT_UNIT_MAX, "%.*s", (int)len, cgroup);
		cgroup += len;
		cgroup += *cgroup == '/';
	}
}

/* "docker-4f2c....scope", "4f2c...", "cri-containerd-4f2c....scope", "lxc.payload.web". */
static bool
is_container(const char *part, size_t len, char out[FACT_CONTAINER_MAX])
{
	static const char *const names[] = { "lxc.payload.", "machine-", "lxc/" };

	for (size_t at = 0; at + 64 <= len; at++)
		if ((at == 0 || strchr("-:.", part[at - 1]) != NULL) &&
			strspn(part + at, "0123456789abcdef") == 64) {
			snprintf(out, FACT_CONTAINER_MAX, "%.12s", part + at);
			return true;
		}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t head = strlen(names[i]);

		if (len <= head || strncmp(part, names[i], head) != 0)
			continue;
		if (ends_with(part, len, ".scope"))
			len -= strlen(".scope");
		if (len - head >= FACT_CONTAINER_MAX || ends_with(part, len, ".slice"))
			return false;
		snprintf(out, FACT_CONTAINER_MAX, "%.*s", (int)(len - head), part + head);
		return true;
	}
	return false;
}

void
fact_proc_container(const char *cgroup, char out[FACT_CONTAINER_MAX])
{
	out[0] = '\0';
	while (*cgroup != '\0') {
		size_t len = strcspn(cgroup, "/");

		if (is_container(cgroup, len, out))
			return;
		cgroup += len;
		cgroup += *cgroup == '/';
	}
}

/* --- users, paths --- */

void
fact_proc_user(const char *passwd, size_t len, uint32_t uid, char out[FACT_USER_MAX])
{
	const char *end = passwd + len;

	snprintf(out, FACT_USER_MAX, "%u", uid);
	while (passwd < end) {
		const char *stop = memchr(passwd, '\n', (size_t)(end - passwd));
		const char *colon = memchr(passwd, ':', (size_t)(end - passwd));
		const char *number;

		if (stop == NULL)
			stop = end;
		number = colon != NULL && colon < stop
				 ? memchr(colon + 1, ':', (size_t)(stop - colon - 1))
				 : NULL;
		if (number != NULL && strtoul(number + 1, NULL, 10) == uid &&
			colon - passwd < FACT_USER_MAX) {
			snprintf(out, FACT_USER_MAX, "%.*s", (int)(colon - passwd), passwd);
			return;
		}
		passwd = stop + 1;
	}
}

bool
fact_is_own_host(const struct fact_run *run)
{
	const char *root = fact_env(run)->host_root;

	return root == NULL || str_eq(root, "/");
}

void
fact_host_path(const struct fact_run *run, const char *path, char out[FS_PATH_MAX])
{
	snprintf(out, FS_PATH_MAX, "%s%s", fact_is_own_host(run) ? "" : fact_env(run)->host_root,
		path);
}
