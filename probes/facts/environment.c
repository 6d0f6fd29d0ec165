/*
 * The variables that a process check watches, as its processes have them now: which are missing,
 * which are placeholders, which differ between processes or from the file they should come from.
 *
 *	env files -> find -> details of each process
 *
 * Names, and fingerprints that only this daemon can make; never a value.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/facts/find_process.h"
#include "probes/proc_words.h"
#include "probes/process.h"

#define LOOKS_MAX 8
#define NAMES_MAX 400

enum key {
	KEY_MISSING,
	KEY_PLACEHOLDERS,
	KEY_DIFFERS,
	KEY_QUOTED,
	KEY_FINGERPRINT,
	KEY_FILE,
	KEY_FILE_AGE,
	KEY_PROCESS_AGE,
	KEY_PID,
	KEY_COMM,
	KEY_UNIT,
	KEY_CONTAINER,
};

static const struct metric_desc keys[] = {
	{ "missing", METRIC_GAUGE, UNIT_TEXT, "Variables that are not set and should be." },
	{ "placeholders", METRIC_GAUGE, UNIT_TEXT, "Variables that are a default, or too short." },
	{ "differs", METRIC_GAUGE, UNIT_TEXT,
		"Variables that differ between processes, or from the file." },
	{ "quoted", METRIC_GAUGE, UNIT_TEXT, "Variables that begin or end with a quote or blank." },
	{ "fingerprint", METRIC_GAUGE, UNIT_TEXT, "Of the first that differs, in each process." },
	{ "file", METRIC_GAUGE, UNIT_TEXT, "The file that they should come from." },
	{ "file_age", METRIC_GAUGE, UNIT_SECONDS, "Since that file was changed." },
	{ "process_age", METRIC_GAUGE, UNIT_SECONDS, "Since the process was started." },
	{ "pid", METRIC_GAUGE, UNIT_NONE, "The process." },
	{ "comm", METRIC_GAUGE, UNIT_TEXT, "Its name." },
	{ "unit", METRIC_GAUGE, UNIT_TEXT, "Its systemd unit." },
	{ "container", METRIC_GAUGE, UNIT_TEXT, "Its container." },
	{ .name = NULL },
};

struct environment_run {
	struct find_process find;
	struct procs_call *call;
	struct fs_call *file;
	size_t rule_at;
	struct proc all[LOOKS_MAX];
	size_t count, at;
	unsigned denied;
	struct env_state env[PROCS_ENV_MAX];
};

static const struct process_conf *
conf_of(const struct fact_run *run)
{
	return fact_check(run)->conf;
}

/* --- telling --- */

static bool
tell_list(struct fact_run *run, enum key key, const char *cause)
{
	const struct environment_run *state = fact_state(run);
	const struct process_conf *conf = conf_of(run);
	char names[NAMES_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < conf->rule_count && len < sizeof(names); i++)
		if (str_eq(state->env[i].cause, cause))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
				len > 0 ? ", " : "", conf->rules[i].name);
	if (len > 0)
		fact_text(run, (int)key, "%s", names);
	return len > 0;
}

static void
conclude(struct fact_run *run)
{
	struct environment_run *state = fact_state(run);
	const struct process_conf *conf = conf_of(run);

	if (state->denied == state->count) {
		fact_missed(run,
			"not allowed to read the environment of %s (pid %u): give the "
			"daemon CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
			state->all[0].comm, state->all[0].pid);
		return;
	}
	tell_list(run, KEY_MISSING, "proc.env-missing");
	tell_list(run, KEY_PLACEHOLDERS, "proc.env-default");
	tell_list(run, KEY_QUOTED, "proc.env-quoted");
	if (tell_list(run, KEY_DIFFERS, "proc.env-differs"))
		for (size_t i = 0; i < conf->rule_count; i++)
			if (str_eq(state->env[i].cause, "proc.env-differs")) {
				fact_text(run, KEY_FINGERPRINT, "%s", state->env[i].text);
				break;
			}
	for (size_t i = 0; i < conf->rule_count; i++)
		if (state->env[i].cause != NULL)
			fact_line(run, "%s", state->env[i].text);
		else if (state->env[i].is_set)
			fact_line(run, "%s: %zu bytes, fingerprint %s", conf->rules[i].name,
				state->env[i].len, state->env[i].fingerprint);
	fact_had(run);
}

/* --- processes --- */

static void look_at_next(struct fact_run *run);

static void
on_look(void *arg, const struct procs_trouble *trouble, const struct procs_look *look)
{
	struct fact_run *run = arg;
	struct environment_run *state = fact_state(run);
	const struct proc *proc = &state->all[state->at];

	state->call = NULL;
	if (trouble->status == FS_OK && look->start_ticks == proc->start_ticks) {
		if (look->env_error == 0)
			process_env_look(conf_of(run), state->env, proc, look);
		else
			state->denied++;
	}
	state->at++;
	look_at_next(run);
}

static void
look_at_next(struct fact_run *run)
{
	struct environment_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	if (state->at == state->count)
		conclude(run);
	else
		state->call = procs_look_start(
			&r, state->all[state->at].pid, conf_of(run)->env_names, on_look);
}

static void
on_found(struct fact_run *run, const struct procs *procs, const struct proc *proc)
{
	struct environment_run *state = fact_state(run);
	char unit[FACT_UNIT_MAX], container[FACT_CONTAINER_MAX];

	if (proc == NULL) {
		fact_none(run, "no process that matches runs");
		return;
	}
	for (size_t i = 0; i < procs->count && state->count < LOOKS_MAX; i++)
		if (strchr("ZXD", procs->all[i].state) == NULL)
			state->all[state->count++] = procs->all[i];
	fact_number(run, KEY_PID, proc->pid);
	fact_text(run, KEY_COMM, "%s", proc->comm);
	fact_number(run, KEY_PROCESS_AGE, proc_words_age_s(procs, proc));
	fact_proc_unit(proc->cgroup, unit);
	fact_proc_container(proc->cgroup, container);
	if (unit[0] != '\0')
		fact_text(run, KEY_UNIT, "%s", unit);
	if (container[0] != '\0')
		fact_text(run, KEY_CONTAINER, "%s", container);
	if (state->count == 0)
		fact_none(run, "no process that matches can be looked at");
	else
		look_at_next(run);
}

/* --- files first --- */

static void read_files(struct fact_run *run);

static void
on_file(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct environment_run *state = fact_state(run);
	usec_t now = loop_wall(fact_env(run)->loop);

	state->file = NULL;
	if (r->status == FS_OK) {
		process_env_file(conf_of(run), state->env, state->rule_at, r->data, r->data_len);
		if (r->mtime_us > 0 && (usec_t)r->mtime_us <= now)
			fact_number(run, KEY_FILE_AGE,
				(double)(now - (usec_t)r->mtime_us) / USEC_PER_SEC);
	} else {
		fact_line(run, "%s cannot be read: %s", conf_of(run)->rules[state->rule_at].same_as,
			r->status == FS_FAILED ? strerror(r->error) : "it does not answer");
	}
	state->rule_at++;
	read_files(run);
}

static void
read_files(struct fact_run *run)
{
	struct environment_run *state = fact_state(run);
	const struct process_conf *conf = conf_of(run);
	char path[FS_PATH_MAX];

	while (state->rule_at < conf->rule_count && conf->rules[state->rule_at].same != ENV_FILE)
		state->rule_at++;
	if (state->rule_at == conf->rule_count) {
		find_process_start(&state->find, run, on_found);
		return;
	}
	fact_text(run, KEY_FILE, "%s", conf->rules[state->rule_at].same_as);
	fact_host_path(run, conf->rules[state->rule_at].same_as, path);
	state->file = fs_call_start(fact_env(run)->fs,
		&(struct fs_request){ .op = FS_READ,
			.path = path,
			.length = FS_DATA_MAX,
			.root = fact_env(run)->host_root },
		fact_time_left(run) / 4, on_file, run);
}

static void
start(struct fact_run *run)
{
	if (conf_of(run)->rule_count == 0)
		fact_none(run, "the check watches no variables (`env`)");
	else
		read_files(run);
}

static void
stop(struct fact_run *run)
{
	struct environment_run *state = fact_state(run);

	find_process_stop(&state->find);
	procs_cancel(state->call);
	fs_call_cancel(state->file);
}

static const char *const types[] = { "process", NULL };

const struct fact_type fact_type_environment = {
	.name = "environment",
	.summary = "The watched variables as the processes have them: missing, default, different.",
	.rights = "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, for other users' processes.",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct environment_run),
	.start = start,
	.stop = stop,
};
