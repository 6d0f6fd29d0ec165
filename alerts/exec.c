/*
 * A command of the user's, run for each event: the notice's JSON on its standard input, its key
 * facts in a small environment, and its exit code as the answer.
 *
 *	command -> its end (or the deadline: SIGTERM to its group, a second later SIGKILL) ->
 *		verdict
 *
 * Nothing of the daemon's own environment or settings is passed on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/child.h"
#include "io/loop.h"

#define BODY_MAX   20000 /* as the webhook's */
#define VALUE_MAX  2048  /* of one variable */
#define OUTPUT_MAX 16384 /* kept of each stream */
#define LINE_MAX   200   /* of it, in the verdict */
#define OWN_PREFIX "TRIAGED_"
#define OWN_VARS   14

struct exec_conf {
	struct conf_strings command;
	struct conf_pairs env;
	char *folder;
	usec_t timeout_us;
	/* Made by check(). */
	const char **argv;
};

struct exec_run {
	struct child *child;
};

#define ROW struct exec_conf

static const struct conf_field fields[] = {
	{ "command", STRINGS_AT(ROW, command), .flags = CONF_REQUIRED,
		.doc = "The program and its arguments, one item each; no shell reads them.",
		.example = "[/usr/local/bin/page, --team, core]" },
	{ "env", PAIRS_AT(ROW, env), .flags = CONF_MASKED,
		.doc = "Environment besides `PATH`, `HOME`, `LANG` and what triaged says itself; "
		       "nothing else is inherited.",
		.example = "{ TOKEN: \"${PAGE_TOKEN}\" }" },
	{ "folder", PATH_AT(ROW, folder), .dflt = "/", .flags = CONF_ADVANCED,
		.doc = "The folder it is started in." },
	{ "timeout", DURATION_AT(ROW, timeout_us), .dflt = "30s", .min = "1s", .max = "100s",
		.flags = CONF_ADVANCED,
		.doc = "How long it may take; then its whole process group is ended." },
	{ .type = CONF_END },
};

static const char manual[] =
	"Runs the command once for each event, one after the other for each incident, as the "
	"daemon's user and in a process group of its own.  Its standard input is the JSON that the "
	"`webhook` receiver would post, at most 20 kB.\n\n"
	"1. Write a program that reads its standard input to the end, or ignores it.\n"
	"2. Let it exit with 0 once the event is safe.\n"
	"3. `triage test NAME` runs it now and shows what it said.\n\n"
	"| it ends with | what happens |\n"
	"|---|---|\n"
	"| 0 | taken |\n"
	"| 64 (usage), 65 (data) | given up: it will never take this event |\n"
	"| 75 (try later), any other code, a signal, no end before `timeout`, no such program | "
	"tried again, as after any failure, for up to 24 hours |\n\n"
	"So a script that fails because the network does loses nothing; it must be fine with "
	"seeing an event twice (`TRIAGED_ID` is the same then).  The first line of its standard "
	"error, or else of its output, is shown with the verdict.\n\n"
	"Environment: `PATH`, `HOME`, `LANG`, what `env` says, and `TRIAGED_EVENT` (`opened`, "
	"`updated`, `escalated`, `deescalated`, `reminder`, `acknowledged`, `resolved`, `test`), "
	"`TRIAGED_REASON`, `TRIAGED_ID`, `TRIAGED_INCIDENT`, `TRIAGED_STATUS`, "
	"`TRIAGED_SEVERITY`, `TRIAGED_CHECK`, `TRIAGED_CHECK_TYPE`, `TRIAGED_TARGET`, "
	"`TRIAGED_CAUSE`, `TRIAGED_TITLE`, `TRIAGED_SUMMARY`, `TRIAGED_HOST`, `TRIAGED_URL`.  "
	"What is not known is empty.  Their values come from the outside: quote them.";

/* Exit codes with a meaning of their own, from sysexits.h; any other one is "later". */
static const struct code_row {
	int code;
	enum send_result result;
	enum send_class why;
} codes[] = {
	{ 0, SEND_OK, SEND_CLASS_NONE },
	{ 64, SEND_NEVER, SEND_CLASS_CLIENT },
	{ 65, SEND_NEVER, SEND_CLASS_CLIENT },
	{ 126, SEND_LATER, SEND_CLASS_LOCAL }, /* how a shell says that there is nothing to run */
	{ 127, SEND_LATER, SEND_CLASS_LOCAL },
};

/* ---- settings ---- */

static bool
is_on_path(const char *name)
{
	const char *path = getenv("PATH");
	char *copy = xstrdup(path == NULL ? "/usr/bin:/bin" : path), *rest = copy;
	bool is_found = false;

	for (char *one = strsep(&rest, ":"); one != NULL && !is_found; one = strsep(&rest, ":")) {
		char *file = xasprintf("%s/%s", *one == '\0' ? "." : one, name);

		is_found = access(file, X_OK) == 0;
		free(file);
	}
	free(copy);
	return is_found;
}

/* The file may come later, or the daemon run as somebody else: no error. */
static void
look_for_program(const char *program, const struct conf_pos *at, struct complaints *complaints)
{
	if (strchr(program, '/') == NULL) {
		if (!is_on_path(program))
			complain_warn(complaints, at, "command: there is no %s in PATH", program);
	} else if (access(program, X_OK) != 0) {
		complain_warn(complaints, at, "command: %s: %s", program, strerror(errno));
	}
}

static void
check_command(struct exec_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	const struct conf_node *node = conf_get(map, "command");
	struct conf_pos at = conf_pos_of(map, "command");

	if (conf->command.count == 0 || conf->command.all[0][0] == '\0') {
		if (!conf_is_absent(node))
			complain(complaints, &at, "command: the program is missing");
	} else if (node != NULL && node->kind == CONF_SCALAR &&
		   strpbrk(node->text, " \t") != NULL) {
		complain(complaints, &at,
			"command: no shell reads it, so it is a list with one item for each word, "
			"such as [sh, -c, \"...\"]");
	} else {
		look_for_program(conf->command.all[0], &at, complaints);
	}
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct exec_conf *conf = arg;

	(void)tls;
	check_command(conf, map, complaints);
	conf->argv = xcalloc(conf->command.count + 1, sizeof(*conf->argv));
	for (size_t i = 0; i < conf->command.count; i++)
		conf->argv[i] = conf->command.all[i];
	for (size_t i = 0; i < conf->env.count; i++) {
		const struct conf_pair *pair = &conf->env.all[i];

		if (pair->name[0] == '\0' || strchr(pair->name, '=') != NULL)
			complain(complaints, &pair->pos, "env: \"%s\" cannot be a variable's name",
				pair->name);
		else if (str_starts(pair->name, OWN_PREFIX))
			complain(complaints, &pair->pos,
				"env: %s is written by triaged itself; take it out", pair->name);
	}
}

static void
release(void *arg)
{
	struct exec_conf *conf = arg;

	free(conf->argv);
	conf->argv = NULL;
}

static void
target(const void *arg, char *out, size_t size)
{
	const struct exec_conf *conf = arg;

	str_copy(out, size, conf->command.count == 0 ? "" : conf->command.all[0]);
}

/* ---- what it is told ---- */

static char *
variable(const char *name, const char *value)
{
	char text[VALUE_MAX];

	value = value == NULL ? "" : value;
	str_printable(text, sizeof(text), value, strlen(value));
	return xasprintf(OWN_PREFIX "%s=%s", name, text);
}

static void
fill_own(char *vars[OWN_VARS], const struct notice *notice)
{
	const struct incident *incident = &notice->incident;
	const char *dot = strrchr(notice->type, '.');
	size_t i = 0;

	vars[i++] = variable("EVENT", dot == NULL ? notice->type : dot + 1);
	vars[i++] = variable("REASON", notice->reason);
	vars[i++] = variable("ID", notice->id);
	vars[i++] = variable("INCIDENT", incident->id);
	vars[i++] = variable("STATUS", incident_status_name(incident->status));
	vars[i++] = variable("SEVERITY", severity_name(notice->severity));
	vars[i++] = variable("CHECK", incident->check);
	vars[i++] = variable("CHECK_TYPE", incident->type);
	vars[i++] = variable("TARGET", incident->target);
	vars[i++] = variable("CAUSE", incident->cause_code);
	vars[i++] = variable("TITLE", incident->title);
	vars[i++] = variable("SUMMARY", incident->summary);
	vars[i++] = variable("HOST", incident->host);
	vars[i++] = variable("URL", incident->url);
}

/* Owned, NULL-terminated. */
static char **
make_env(const struct exec_conf *conf, const struct notice *notice)
{
	char **env = xcalloc(OWN_VARS + conf->env.count + 1, sizeof(*env));

	fill_own(env, notice);
	for (size_t i = 0; i < conf->env.count; i++) {
		const struct conf_pair *pair = &conf->env.all[i];

		env[OWN_VARS + i] =
			xasprintf("%s=%s", pair->name, pair->value == NULL ? "" : pair->value);
	}
	return env;
}

static void
free_env(char **env)
{
	for (size_t i = 0; env[i] != NULL; i++)
		free(env[i]);
	free(env);
}

/* ---- its end ---- */

static void
first_line(const struct send_run *run, char *out, size_t size, const char *text, size_t len)
{
	const char *stop;

	while (len > 0 && (*text == '\n' || *text == ' ')) {
		text++;
		len--;
	}
	stop = memchr(text, '\n', len);
	str_printable(out, size, text, stop != NULL ? (size_t)(stop - text) : len);
	send_mask(run, out, size);
}

static void
judge(const struct child_result *r, enum send_result *result, enum send_class *why)
{
	*result = SEND_LATER;
	*why = SEND_CLASS_SERVER;
	if (r->end == CHILD_TIMEOUT)
		*why = SEND_CLASS_TIMEOUT;
	else if (r->end == CHILD_NO_COMMAND || r->end == CHILD_BROKEN)
		*why = SEND_CLASS_LOCAL;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]) && r->end == CHILD_EXITED; i++) {
		if (codes[i].code != r->status)
			continue;
		*result = codes[i].result;
		*why = codes[i].why;
	}
}

static void
on_end(void *arg, const struct child_result *r)
{
	struct send_run *run = arg;
	const struct exec_conf *conf = send_conf(run);
	struct exec_run *state = send_state(run);
	const char *program = conf->command.all[0];
	enum send_result result;
	enum send_class why;
	char said[LINE_MAX];

	state->child = NULL;
	send_show(run, '<', r->reason, strlen(r->reason));
	send_show(run, '<', r->out, r->out_len);
	send_show(run, '<', r->err_out, r->err_len);
	first_line(run, said, sizeof(said), r->err_out, r->err_len);
	if (said[0] == '\0')
		first_line(run, said, sizeof(said), r->out, r->out_len);
	judge(r, &result, &why);
	send_blame(run, why);
	/* Its name stands in front of why it could not be run. */
	if (r->end == CHILD_NO_COMMAND)
		send_done(run, result, 0, "%s", r->reason);
	else
		send_done(run, result, 0, "%s: %s%s%s", program, r->reason,
			said[0] == '\0' ? "" : ": ", said);
}

static void
start(struct send_run *run)
{
	const struct exec_conf *conf = send_conf(run);
	struct exec_run *state = send_state(run);
	char *body = notice_body(send_notice(run), BODY_MAX);
	char **env = make_env(conf, send_notice(run));
	const struct child_options options = {
		.argv = conf->argv,
		.more_env = (const char *const *)env,
		.folder = conf->folder,
		.input = body,
		.input_len = strlen(body),
		.timeout_us = conf->timeout_us,
		.output_max = OUTPUT_MAX,
	};

	send_show(run, '>', conf->command.all[0], strlen(conf->command.all[0]));
	send_show(run, '>', body, strlen(body));
	state->child = child_start(send_env(run)->loop, &options, on_end, run);
	free_env(env);
	free(body);
}

static void
stop(struct send_run *run)
{
	struct exec_run *state = send_state(run);

	child_cancel(state->child);
	state->child = NULL;
}

const struct receiver_type receiver_type_exec = {
	.name = "exec",
	.summary = "A command of yours, with the event as JSON on its standard input.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct exec_conf),
	.run_size = sizeof(struct exec_run),
	.rate_per_second = 10,
	.timeout_us = 110 * USEC_PER_SEC, /* beyond the longest `timeout` and the time to die */
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.stop = stop,
};
