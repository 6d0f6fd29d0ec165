/*
 * `triage doctor`: is this daemon itself set up well?  Walks the rows of doctor.def over what can
 * be had of the daemon and of the configuration, and says of each what it found and what to do.
 * What it could not look at it says, too: unknown is not fine.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/doctor.h"
#include "io/tls.h"
#include "rules/expr.h"

#define SIGN_COLUMNS 9

const struct doctor_row doctor_rows[] = {
#define DOCTOR(name, needs, look) { name, needs, look },
#include "cli/doctor.def"
#undef DOCTOR
	{ NULL, 0, NULL },
};

static const struct {
	const char *name, *sign;
	enum paint paint;
} findings[FINDING_COUNT] = {
	[FINDING_OK] = { "ok", "OK", PAINT_GOOD },
	[FINDING_UNKNOWN] = { "unknown", "?", PAINT_DIM },
	[FINDING_HINT] = { "hint", "hint", PAINT_BOLD },
	[FINDING_WARNING] = { "warning", "warning", PAINT_WARN },
	[FINDING_PROBLEM] = { "problem", "PROBLEM", PAINT_BAD },
};

const char *
doctor_finding_name(enum finding finding)
{
	return findings[finding].name;
}

static enum finding
finding_of(const json_t *one)
{
	for (int i = 0; i < FINDING_COUNT; i++)
		if (str_eq(findings[i].name, answer_text(one, "finding")))
			return (enum finding)i;
	return FINDING_UNKNOWN;
}

void
doctor_say(struct doctor *doctor, enum finding finding, const char *todo, const char *fmt, ...)
{
	json_t *one = json_object();
	struct buf text;
	char *clean;
	va_list ap;

	buf_init(&text, 0);
	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	clean = xstrdup(buf_text(&text));
	term_clean(clean, false);
	json_object_set_new(one, "name", json_string(doctor->row));
	json_object_set_new(one, "finding", json_string(findings[finding].name));
	json_object_set_new(one, "text", json_string(clean));
	json_object_set_new(one, "todo", json_string(todo));
	json_array_append_new(doctor->findings, one);
	free(clean);
	buf_fini(&text);
}

double
doctor_number(const struct doctor *doctor, const char *name)
{
	return answer_number(json_object_get(doctor->view, "numbers"), name);
}

/* ---- what is known ---- */

static json_t *
ask_list(struct doctor *doctor, const char *path, const char *key)
{
	json_t *doc = client_get(doctor->client, path, NULL);
	json_t *list = json_object_get(doc, key);

	json_incref(list);
	json_decref(doc);
	return list;
}

static void
ask_daemon(struct doctor *doctor)
{
	doctor->client = client_new(doctor->cli);
	doctor->status = client_get(doctor->client, "/api/v1/status", &doctor->unreachable);
	if (doctor->status == NULL)
		return;
	doctor->view = client_get(doctor->client, "/api/v1/doctor", NULL);
	doctor->checks = ask_list(doctor, "/api/v1/checks", "checks");
	doctor->receivers = ask_list(doctor, "/api/v1/receivers", "receivers");
}

/* Its own number is of this host, and is a triaged. */
static bool
is_here(const struct doctor *doctor)
{
	size_t pid = answer_count(doctor->view, "pid");
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%zu/comm", pid);
	file = pid == 0 ? NULL : fopen(path, "re");
	if (file == NULL)
		return false;
	if (fgets(name, sizeof(name), file) != NULL)
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
	return str_eq(name, "triaged");
}

/* The file that was named, else the daemon's, else the usual one. */
static void
read_config(struct doctor *doctor, struct tls_pool *tls)
{
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	const char *theirs = doctor->is_here ? answer_text(doctor->view, "config") : "";
	const char *path = doctor->cli->config;

	if (path == NULL)
		path = *theirs != '\0' ? theirs : settings_default_path();
	doctor->config_path = xstrdup(path);
	doctor->is_readable = access(path, R_OK) == 0;
	/* Where the file names no state folder, the daemon's is meant and not the one we would
	 * have. */
	if (doctor->is_here && *answer_text(doctor->view, "state_dir") == '/')
		setenv("STATE_DIRECTORY", answer_text(doctor->view, "state_dir"), 1);
	if (doctor->is_readable)
		doctor->settings = settings_load(path, &context, doctor->complaints);
}

/* What is missing for this row; NULL: nothing. */
static char *
missing(const struct doctor *doctor, unsigned needs)
{
	if (needs & NEEDS_DAEMON && doctor->status == NULL)
		return xstrdup("the daemon does not answer");
	if (needs & NEEDS_DAEMON && doctor->view == NULL)
		return xstrdup("this daemon does not say: it is older than this command");
	if (needs & NEEDS_HERE && !doctor->is_here)
		return xstrdup("the daemon runs elsewhere, or in a container of its own");
	if (needs & NEEDS_CONFIG && !doctor->is_readable)
		return xasprintf("%s cannot be read from here", doctor->config_path);
	return NULL;
}

static void
look_at_all(struct doctor *doctor)
{
	for (const struct doctor_row *row = doctor_rows; row->name != NULL; row++) {
		char *why = missing(doctor, row->needs);

		doctor->row = row->name;
		if (why == NULL)
			row->look(doctor);
		else
			doctor_say(doctor, FINDING_UNKNOWN, "", "not looked at: %s", why);
		free(why);
	}
}

/* ---- telling it ---- */

static size_t
count_of(const json_t *list, enum finding finding)
{
	const json_t *one;
	size_t i, count = 0;

	json_array_foreach(list, i, one) count += finding_of(one) == finding;
	return count;
}

/* "warning  clock: ...", the lines after the first under the text. */
static void
print_finding(const struct term *term, const json_t *one, const char *names)
{
	enum finding finding = finding_of(one);
	const char *sign = findings[finding].sign, *todo = answer_text(one, "todo");
	char *line = xasprintf(
		"%s: %s%s%s", names, answer_text(one, "text"), *todo == '\0' ? "" : "\n-> ", todo);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out != NULL) {
		term_print_wrapped(term, out, SIGN_COLUMNS, line);
		fclose(out);
		term_paint(term, stdout, findings[finding].paint, sign);
		fputs(text + strlen(sign), stdout);
	}
	free(text);
	free(line);
}

static bool
is_same(const json_t *a, const json_t *b)
{
	return finding_of(a) == FINDING_UNKNOWN && finding_of(b) == FINDING_UNKNOWN &&
	       str_eq(answer_text(a, "text"), answer_text(b, "text"));
}

/* What could not be looked at for one reason is one line, where the first of it stands. */
static void
print_with_its_like(const struct term *term, const json_t *list, size_t at)
{
	const json_t *one = json_array_get(list, at);
	struct buf names;

	for (size_t i = 0; i < at; i++)
		if (is_same(json_array_get(list, i), one))
			return;
	buf_init(&names, 0);
	buf_add_text(&names, answer_text(one, "name"));
	for (size_t i = at + 1; i < json_array_size(list); i++)
		if (is_same(json_array_get(list, i), one))
			buf_addf(&names, ", %s", answer_text(json_array_get(list, i), "name"));
	print_finding(term, one, buf_text(&names));
	buf_fini(&names);
}

static void
print_findings(const struct term *term, const json_t *list)
{
	char *line;

	for (size_t i = 0; i < json_array_size(list); i++)
		print_with_its_like(term, list, i);
	line = xasprintf("%zu problem%s, %zu warning%s, %zu hint%s, %zu fine, %zu not known",
		count_of(list, FINDING_PROBLEM), count_of(list, FINDING_PROBLEM) == 1 ? "" : "s",
		count_of(list, FINDING_WARNING), count_of(list, FINDING_WARNING) == 1 ? "" : "s",
		count_of(list, FINDING_HINT), count_of(list, FINDING_HINT) == 1 ? "" : "s",
		count_of(list, FINDING_OK), count_of(list, FINDING_UNKNOWN));
	putchar('\n');
	term_print_wrapped(term, stdout, 0, line);
	free(line);
}

static void
doctor_fini(struct doctor *doctor)
{
	json_decref(doctor->status);
	json_decref(doctor->view);
	json_decref(doctor->checks);
	json_decref(doctor->receivers);
	json_decref(doctor->findings);
	if (doctor->settings != NULL)
		settings_unref(doctor->settings);
	complaints_free(doctor->complaints);
	client_free(doctor->client);
	free(doctor->config_path);
}

static int
run(struct cli *cli)
{
	struct doctor doctor = {
		.cli = cli, .complaints = complaints_new(), .findings = json_array()
	};
	struct tls_pool *tls = tls_pool_new();
	bool is_well;

	ask_daemon(&doctor);
	doctor.is_here = is_here(&doctor);
	read_config(&doctor, tls);
	look_at_all(&doctor);
	is_well = count_of(doctor.findings, FINDING_PROBLEM) +
			  count_of(doctor.findings, FINDING_WARNING) ==
		  0;
	if (cli->is_json) {
		json_t *doc = json_pack("{s:b, s:O}", "ok", is_well, "findings", doctor.findings);

		answer_print_json(doc);
		json_decref(doc);
	} else {
		print_findings(&cli->term, doctor.findings);
	}
	doctor_fini(&doctor);
	tls_pool_free(tls);
	return is_well ? EXIT_FINE : EXIT_TROUBLE;
}

static const struct cli_option options[] = {
	{ .name = "send", .doc = "send each receiver a test message, not only connect" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage doctor", "after the installation, and after each change of it" },
	{ "triage doctor --send", "also whether each receiver takes a message" },
	{ "triage doctor -c /etc/triaged/triaged.yaml", "that file, and the daemon it belongs to" },
	{ NULL, NULL },
};

const struct cli_verb verb_doctor = {
	.name = "doctor",
	.usage = "",
	.summary = "is this daemon itself set up well, and what to do where not",
	.detail = "It looks at the configuration, the socket, the daemon's rights and what it "
		  "therefore "
		  "cannot see, its sandbox, clock, state folder, store, loop, checks, and whether "
		  "receivers can be reached. Without a daemon it looks at what is on disk. Run it "
		  "as root or as the daemon's user to let it look at everything: what it could not "
		  "look at it marks with a question mark.",
	.options = options,
	.examples = examples,
	.exits = "0  no problem and no warning\n1  there are some, or the daemon does not "
		 "answer\n2  wrong "
		 "usage",
	.run = run,
};
