/* Words about processes.  Pure, but for the verdict and the note. */
#include "probes/proc_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"
#include "probes/host_file.h"

static const char *const credential_words[] = { "pass", "secret", "token", "apikey", "api-key",
	"api_key", "accesskey", "access-key", "access_key", "credential", "pwd", "auth", NULL };

/* Options whose names do not say so. */
static const struct habit {
	const char *program, *option;
	bool is_joined; /* the value follows without a blank */
} habits[] = {
	{ "curl", "-u", false },
	{ "curl", "--user", false },
	{ "curl", "-U", false },
	{ "mysql*", "-p", true },
	{ "mariadb*", "-p", true },
	{ "redis-cli", "-a", false },
	{ "sshpass", "-p", true },
	{ "sshpass", "-p", false },
};

/* A command line on its way out, word by word. */
struct teller {
	char *out;
	size_t size, len;
	char program[32]; /* the last word that is one of the habits' programs */
	bool masks_next;
};

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
say(struct teller *t, const char *text, size_t len)
{
	size_t room = t->size - 1 - t->len;

	if (len > room)
		len = room;
	memcpy(t->out + t->len, text, len);
	t->len += len;
	t->out[t->len] = '\0';
}

static void
say_mask(struct teller *t)
{
	say(t, SECRET_MASK, strlen(SECRET_MASK));
}

/* The next password between `text` and `end`: "scheme://user:password@host", or what Go's MySQL
 * driver takes, "user:password@tcp(host)".  False: none. */
static bool
find_password(const char *text, const char *end, const char **from, const char **to)
{
	static const char *const nets[] = { "@tcp(", "@unix(", "@tcp6(" };

	for (const char *scheme = text;
		(scheme = memmem(scheme, (size_t)(end - scheme), "://", 3)) != NULL;) {
		const char *host = scheme + 3, *stop = host;

		while (stop < end && strchr("/?#", *stop) == NULL)
			stop++;
		*to = memrchr(host, '@', (size_t)(stop - host));
		*from = *to != NULL ? memchr(host, ':', (size_t)(*to - host)) : NULL;
		if (*from != NULL)
			return true;
		scheme = host;
	}
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		*to = memmem(text, (size_t)(end - text), nets[i], strlen(nets[i]));
		*from = *to != NULL ? memchr(text, ':', (size_t)(*to - text)) : NULL;
		if (*from != NULL)
			return true;
	}
	return false;
}

static void
say_plain(struct teller *t, const char *text, size_t len)
{
	const char *end = text + len, *from, *to;

	while (find_password(text, end, &from, &to)) {
		say(t, text, (size_t)(from + 1 - text));
		say_mask(t);
		text = to;
	}
	say(t, text, (size_t)(end - text));
}

/* Behind "password=", "Authorization:", "?x=1&token=": where the value begins; NULL: there is none.
 */
static const char *
find_value(const char *word, size_t len)
{
	const char *name = word;

	for (const char *p = word; p < word + len; p++) {
		size_t name_len = (size_t)(p - name);
		bool is_path = memchr(name, '/', name_len) != NULL;

		if (strchr("=:?&;,", *p) == NULL)
			continue;
		if ((*p == '=' || (*p == ':' && !is_path)) && is_credential(name, name_len))
			return p + 1;
		name = p + 1;
	}
	return NULL;
}

static void
note_program(struct teller *t, const char *word, size_t len)
{
	const char *slash = memrchr(word, '/', len);
	char name[sizeof(t->program)];

	if (slash != NULL) {
		len -= (size_t)(slash + 1 - word);
		word = slash + 1;
	}
	if (len >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
		if (str_matches_glob(name, habits[i].program))
			str_copy(t->program, sizeof(t->program), name);
}

/* True: it was said, as its program's habits have it. */
static bool
say_by_habit(struct teller *t, const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
		const struct habit *habit = &habits[i];
		size_t option = strlen(habit->option);

		if (!str_matches_glob(t->program, habit->program) || len < option ||
			strncmp(word, habit->option, option) != 0 ||
			habit->is_joined != (len > option))
			continue;
		say(t, word, option);
		if (habit->is_joined)
			say_mask(t);
		else
			t->masks_next = true;
		return true;
	}
	return false;
}

/* True: it has a credential, and the rest of its argument is left out with it. */
static bool
say_word(struct teller *t, const char *word, size_t len)
{
	const char *value = find_value(word, len);

	if (t->masks_next) {
		t->masks_next = false;
		say_mask(t);
		return false;
	}
	if (value != NULL) {
		say_plain(t, word, (size_t)(value - word));
		if (value[-1] == ':')
			say(t, " ", 1);
		say_mask(t);
		return true;
	}
	if (say_by_habit(t, word, len))
		return false;
	note_program(t, word, len);
	say_plain(t, word, len);
	t->masks_next = word[0] == '-' && is_credential(word, len);
	return false;
}

/* One argument may hold many words (`sh -c "..."`); the value of an option is a whole one. */
static void
say_argument(struct teller *t, const char *arg, size_t len)
{
	const char *end = arg + len;

	if (t->masks_next) {
		t->masks_next = false;
		say_mask(t);
		return;
	}
	while (arg < end) {
		const char *blank = memchr(arg, ' ', (size_t)(end - arg));
		const char *stop = blank != NULL ? blank : end;

		if (stop > arg && say_word(t, arg, (size_t)(stop - arg)))
			return;
		if (blank != NULL)
			say(t, " ", 1);
		arg = stop + (blank != NULL);
	}
}

void
proc_words_cmdline(const struct proc *proc, char *out, size_t size)
{
	struct teller t = { .out = out, .size = size };
	const char *at = proc->cmdline;

	out[0] = '\0';
	while (*at != '\0' && t.len < size - 1) {
		size_t arg_len = strcspn(at, "\n");

		if (t.len > 0)
			say(&t, " ", 1);
		say_argument(&t, at, arg_len);
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
	char why[HOST_PATH_MAX];

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
		probe_error(run, "self.local", "%s: %s", what,
			host_is_absent(probe_env(run), "proc/1", why, sizeof(why))
				? why
				: strerror(trouble->error));
		return;
	}
}

void
proc_words_no_right(struct probe_run *run, const char *what)
{
	const char *root = probe_env(run)->host_root;
	bool is_sidecar = root != NULL && !str_eq(root, "/");

	probe_note(run, "proc.no-right",
		"%s of other users' processes cannot be read: give the daemon CAP_SYS_PTRACE and "
		"CAP_DAC_READ_SEARCH (%s)",
		what,
		is_sidecar ? "in compose.yaml: `cap_add: [SYS_PTRACE, DAC_READ_SEARCH]` and "
			     "`user: \"0:0\"`"
			   : "AmbientCapabilities= of its unit");
}
