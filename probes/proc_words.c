/* Words about processes.  Pure, but for the verdict and the note. */
#include "probes/proc_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"

static const char *const credential_words[] = { "passw", "passphrase", "secret", "token", "apikey",
	"api-key", "api_key", "credential", "pwd", "auth", NULL };

/* Does the name of an option or variable speak of a credential? */
static bool
is_credential(const char *name, size_t len)
{
	for (size_t i = 0; credential_words[i] != NULL; i++) {
		size_t word = strlen(credential_words[i]);

		for (size_t at = 0; at + word <= len; at++)
			if (strncasecmp(name + at, credential_words[i], word) == 0)
				return true;
	}
	return false;
}

static void
add(char *out, size_t size, size_t *len, const char *text, size_t text_len)
{
	size_t room = size - 1 - *len;

	if (text_len > room)
		text_len = room;
	memcpy(out + *len, text, text_len);
	*len += text_len;
	out[*len] = '\0';
}

/* "scheme://user:password@host": the password goes, and credentials of a query. */
static void
add_plain(char *out, size_t size, size_t *len, const char *arg, size_t arg_len)
{
	const char *end = arg + arg_len, *scheme = memmem(arg, arg_len, "://", 3);
	const char *host = scheme != NULL ? scheme + 3 : NULL;
	const char *stop = host != NULL ? host + strcspn(host, "/?# \n") : NULL;
	const char *at = host != NULL ? memrchr(host, '@', (size_t)(stop - host)) : NULL;
	const char *colon = at != NULL ? memchr(host, ':', (size_t)(at - host)) : NULL;

	if (colon != NULL) {
		add(out, size, len, arg, (size_t)(colon + 1 - arg));
		add(out, size, len, SECRET_MASK, strlen(SECRET_MASK));
		arg = at;
	}
	add(out, size, len, arg, (size_t)(end - arg));
}

/* Masks what is behind "=" of a credential; true: the next argument is one. */
static bool
add_arg(char *out, size_t size, size_t *len, const char *arg, size_t arg_len)
{
	const char *equals = memchr(arg, '=', arg_len);
	size_t name_len = equals != NULL ? (size_t)(equals - arg) : arg_len;

	if (equals != NULL && is_credential(arg, name_len)) {
		add(out, size, len, arg, name_len + 1);
		add(out, size, len, SECRET_MASK, strlen(SECRET_MASK));
		return false;
	}
	add_plain(out, size, len, arg, arg_len);
	return equals == NULL && arg[0] == '-' && is_credential(arg, arg_len);
}

void
proc_words_cmdline(const struct proc *proc, char *out, size_t size)
{
	const char *at = proc->cmdline;
	bool is_masked = false;
	size_t len = 0;

	out[0] = '\0';
	while (*at != '\0' && len < size - 1) {
		size_t arg_len = strcspn(at, "\n");

		if (len > 0)
			add(out, size, &len, " ", 1);
		if (is_masked) {
			add(out, size, &len, SECRET_MASK, strlen(SECRET_MASK));
			is_masked = false;
		} else {
			is_masked = add_arg(out, size, &len, at, arg_len);
		}
		at += arg_len;
		at += *at == '\n';
	}
}

void
proc_words_short(const struct proc *proc, char *out, size_t size)
{
	snprintf(out, size, "%s (pid %u)", proc->comm, proc->pid);
}

double
proc_words_age_s(const struct procs *procs, const struct proc *proc)
{
	double age = procs->uptime_s - (double)proc->start_ticks / procs->ticks_per_s;

	return age > 0 ? age : 0;
}

void
proc_words_long(const struct procs *procs, const struct proc *proc, char *out, size_t size)
{
	char cmdline[512], age[64], uid[32] = "";

	proc_words_cmdline(proc, cmdline, sizeof(cmdline));
	clock_format_duration(
		(usec_t)(proc_words_age_s(procs, proc)) * USEC_PER_SEC, age, sizeof(age));
	if (proc->has_uid)
		snprintf(uid, sizeof(uid), ", uid %u", proc->uid);
	snprintf(out, size, "%s (pid %u%s, started %s ago, state %c%s%s)%s%s", proc->comm,
		proc->pid, uid, age, proc->state, proc->cgroup[1] != '\0' ? ", in " : "",
		proc->cgroup[1] != '\0' ? proc->cgroup : "", cmdline[0] != '\0' ? ": " : "",
		cmdline);
}

void
proc_words_trouble(struct probe_run *run, const struct procs_trouble *trouble, const char *what)
{
	switch (trouble->status) {
	case FS_OK:
		return;
	case FS_STUCK:
		probe_error(run, "self.local",
			"%s could not be read in time: a process holds a lock of its own", what);
		return;
	case FS_BROKEN:
		probe_error(run, trouble->error == EBUSY ? "self.helpers-exhausted" : "self.local",
			"no helper process for %s: %s", what, strerror(trouble->error));
		return;
	case FS_FAILED:
		probe_error(run, "self.local", "%s: %s", what, strerror(trouble->error));
		return;
	}
}

void
proc_words_no_right(struct probe_run *run, const char *what)
{
	probe_note(run, "proc.no-right",
		"%s of other users' processes cannot be read: give the daemon CAP_SYS_PTRACE and "
		"CAP_DAC_READ_SEARCH (AmbientCapabilities= of its unit)",
		what);
}
