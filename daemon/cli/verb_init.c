/* `triage init [DIR]`: a first configuration from what is here.  It never overwrites a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/new_config.h"
#include "cli/table.h"
#include "setup/init.h"

#define FILLS_NAME "triaged.env"

struct job {
	struct cli *cli;
	const char *folder;
	char *out;       /* path of the configuration; NULL: stdout */
	char *fills_out; /* path of the file with values */
	bool is_copying;
	bool has_own_fills; /* that file was there before */
	struct init_plan *plan;
	char *said; /* what `triage check` says of what was written; "" nothing */
};

/* --- files --- */

/* The folder of a path that is to be made, absolute; owned, NULL: there is none. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? xstrdup(".")
		       : slash == path ? xstrdup("/")
				       : xstrndup(path, (size_t)(slash - path));
	char *real = realpath(folder, NULL);
	free(folder);
	return real;
}

static int
refuse_existing(const char *path)
{
	fprintf(stderr,
		"triage init: %s is there already, and nothing was changed.\n"
		"Write beside it and compare:  triage init -o %s.new\n"
		"or look only:                 triage init -o -\n",
		path, path);
	return EXIT_TROUBLE;
}

/* --- what is said --- */

static const char *
state_word(const struct init_check *check)
{
	return check->is_off ? "off" : "on";
}

static void
say_list(const struct term *term, const char *title, const struct compose_words *words)
{
	if (words->count == 0)
		return;
	fprintf(stderr, "\n%s\n", title);
	for (size_t i = 0; i < words->count; i++)
		term_print_wrapped(term, stderr, 2, words->all[i]);
}

static void
say_found(const struct job *job)
{
	const struct compose *compose = job->plan->compose;
	const struct init_host *host = job->plan->host;
	fprintf(stderr, "Found: ");
	for (size_t i = 0; i < compose->files.count; i++)
		fprintf(stderr, "%s, ", compose->files.all[i]);
	if (compose->env_path != NULL)
		fprintf(stderr, ".env, ");
	if (compose->files.count > 0)
		fprintf(stderr, "%zu service%s, ", compose->service_count,
			compose->service_count == 1 ? "" : "s");
	else
		fprintf(stderr, "no compose file in %s, ", job->folder);
	fprintf(stderr, "%zu listening port%s", host->listener_count,
		host->listener_count == 1 ? "" : "s");
	fprintf(stderr, "%s%s.\n\n", *host->docker_socket != '\0' ? ", " : "", host->docker_socket);
}

static void
say_table(const struct job *job)
{
	static const struct table_column columns[] = {
		{ .title = "CHECK" },
		{ .title = "TYPE" },
		{ .title = "" },
		{ .title = "TARGET", .is_flexible = true },
		{ .title = "FROM", .is_flexible = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < job->plan->count; i++) {
		const struct init_check *check = job->plan->checks[i];
		const char *cells[] = { check->name, check->type, state_word(check), check->target,
			check->from };
		table_add(table, cells);
		if (check->is_off)
			table_paint(table, 2, PAINT_WARN);
	}
	table_print(table, &job->cli->term, stderr);
	table_free(table);
}

static void
say_fills(const struct job *job)
{
	const struct init_plan *plan = job->plan;
	if (plan->fill_count == 0)
		return;
	if (job->is_copying)
		fprintf(stderr, "\nCopied into %s:\n", job->fills_out);
	else if (job->fills_out != NULL)
		fprintf(stderr, "\nTo fill in, in %s:\n", job->fills_out);
	else
		fprintf(stderr, "\nTo set, in the environment or an env_file:\n");
	for (size_t i = 0; i < plan->fill_count; i++)
		fprintf(stderr, "  %-28s as in %s\n", plan->fills[i].name, plan->fills[i].where);
	if (job->has_own_fills)
		fprintf(stderr, "  (that file was there already: look whether it has them all)\n");
	else if (!job->is_copying && job->fills_out != NULL)
		fprintf(stderr, "  (with --copy-secrets they are copied there)\n");
}

static size_t
checks_on(const struct init_plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += !plan->checks[i]->is_off;
	return count;
}

static void
say_words(const struct job *job)
{
	const struct term *term = &job->cli->term;
	size_t on = checks_on(job->plan);
	say_found(job);
	say_table(job);
	say_fills(job);
	say_list(term, "Guessed, or left open:", &job->plan->guesses);
	say_list(term, "Not carried over:", &job->plan->compose->notes);
	if (*job->said != '\0')
		fprintf(stderr, "\n%s", job->said);
	if (job->out == NULL)
		return;
	fprintf(stderr, "\nWrote %s: %zu check%s", job->out, on, on == 1 ? "" : "s");
	if (on < job->plan->count)
		fprintf(stderr, ", %zu off", job->plan->count - on);
	fprintf(stderr, ".  Next:\n");
	if (cli_has(job->cli, "sidecar"))
		fprintf(stderr, "  add the service at its top to the compose file\n"
				"  docker compose up -d triaged\n");
	else
		fprintf(stderr, "  triage check %s\n  triaged -c %s\n", job->out, job->out);
}

static json_t *
words_json(const struct compose_words *words)
{
	json_t *list = json_array();
	for (size_t i = 0; i < words->count; i++)
		json_array_append_new(list, json_string(words->all[i]));
	return list;
}

static void
say_json(const struct job *job)
{
	const struct init_plan *plan = job->plan;
	json_t *checks = json_array(), *fills = json_array();
	for (size_t i = 0; i < plan->count; i++) {
		const struct init_check *check = plan->checks[i];
		json_array_append_new(
			checks, json_pack("{s:s, s:s, s:b, s:s, s:s}", "name", check->name, "type",
					check->type, "enabled", !check->is_off, "target",
					check->target, "from", check->from));
	}
	for (size_t i = 0; i < plan->fill_count; i++)
		json_array_append_new(fills, json_pack("{s:s, s:s}", "name", plan->fills[i].name,
						     "where", plan->fills[i].where));
	json_t *doc = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "file", job->out, "compose",
		words_json(&plan->compose->files), "checks", checks, "fill_in", fills, "guessed",
		words_json(&plan->guesses), "not_carried_over", words_json(&plan->compose->notes),
		"text", job->said);
	answer_print_json(doc);
	json_decref(doc);
}

/* --- the work --- */

static int
write_all(struct job *job, struct err *e)
{
	struct buf text, fills;
	int result = 0;
	buf_init(&text, 0);
	buf_init(&fills, 0);
	init_write(job->plan, &text);
	init_write_fills(job->plan, job->is_copying, &fills);
	const struct new_config config = {
		.path = job->out,
		.text = &text,
		.values_path = job->fills_out,
		.values = job->plan->fill_count > 0 && !job->has_own_fills ? &fills : NULL,
	};
	if (job->out == NULL)
		fputs(buf_text(&text), stdout);
	else
		result = new_config_write(&config, e);
	buf_fini(&text);
	buf_fini(&fills);
	return result;
}

static int
make(struct job *job, const struct compose *compose)
{
	struct init_host host;
	struct err e = { 0 };
	char *folder = job->out != NULL ? folder_of(job->out) : NULL;
	const struct init_options options = {
		.is_sidecar = cli_has(job->cli, "sidecar"),
		.is_copying = job->is_copying && job->out != NULL && !job->has_own_fills,
		.has_fills = job->out != NULL,
		.fills = FILLS_NAME,
		.out_folder = folder,
	};
	init_host_look(&host);
	job->plan = init_plan_new(compose, &host, &options);
	int result = write_all(job, &e);
	if (result != 0) {
		fprintf(stderr, "triage init: %s\n", e.text);
	} else {
		if (job->out != NULL && !options.is_sidecar) {
			free(job->said);
			new_config_look_over(job->out, &job->said);
		}
		if (job->cli->is_json)
			say_json(job);
		else
			say_words(job);
	}
	init_plan_free(job->plan);
	free(folder);
	return result == 0 ? EXIT_FINE : EXIT_TROUBLE;
}

static int
serve(struct job *job)
{
	struct complaints *complaints = complaints_new();
	struct compose *compose = compose_load(job->folder, complaints);
	struct buf said;
	int result = EXIT_USAGE;
	buf_init(&said, 0);
	complaints_print(complaints, &said);
	fputs(buf_text(&said), stderr);
	buf_fini(&said);
	if (complaints_errors(complaints) == 0)
		result = make(job, compose);
	else
		fprintf(stderr, "triage init: nothing was written; repair that first\n");
	compose_free(compose);
	complaints_free(complaints);
	return result;
}

static int
run(struct cli *cli)
{
	const char *output = cli_value(cli, "output");
	struct job job = {
		.cli = cli,
		.is_copying = cli_has(cli, "copy-secrets"),
		.folder = cli->arg_count > 0 ? cli->args[0] : ".",
		.said = xstrdup(""),
	};
	int result;
	if (output == NULL)
		job.out = cli->arg_count > 0 ? xasprintf("%s/triaged.yaml", job.folder)
					     : xstrdup("triaged.yaml");
	else if (!str_eq(output, "-"))
		job.out = xstrdup(output);
	if (job.out != NULL) {
		const char *slash = strrchr(job.out, '/');
		job.fills_out = xasprintf(
			"%.*s" FILLS_NAME, slash != NULL ? (int)(slash - job.out) + 1 : 0, job.out);
		job.has_own_fills = access(job.fills_out, F_OK) == 0;
	}
	if (cli->is_json && job.out == NULL) {
		fprintf(stderr, "triage init: --json and -o - both want the output; give one\n");
		result = EXIT_USAGE;
	} else if (job.out != NULL && access(job.out, F_OK) == 0) {
		result = refuse_existing(job.out);
	} else {
		result = serve(&job);
	}
	free(job.out);
	free(job.fills_out);
	free(job.said);
	return result;
}

static const struct cli_option options[] = {
	CLI_OPTION_OUTPUT,
	{ .name = "sidecar", .doc = "for a daemon that runs as a service of the project" },
	{ .name = "copy-secrets",
		.doc = "copy passwords that stand in the compose file into triaged.env" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage init", "this host, and the compose project in this folder" },
	{ "triage init /srv/shop -o -", "look only" },
	{ "triage init --sidecar", "reach services by their names, from a container beside them" },
	{ NULL, NULL },
};

const struct cli_verb verb_init = {
	.name = "init",
	.usage = "[DIR]",
	.summary = "make a first configuration from this host and a compose project",
	.detail = "Each service of the compose project in DIR becomes a check of the right kind, "
		  "with its healthcheck's times and with what it depends on; the host's disks, "
		  "memory, processors, network and clock are added.  What was found, what was "
		  "guessed and what is to be filled in is said on stderr.\n\n"
		  "Passwords are referred to by the names they have in .env, in an env_file or in "
		  "a secret's file.  One that stands in the compose file itself gets a name in "
		  "triaged.env, which is made beside the configuration for you to fill in, "
		  "readable by you alone; --copy-secrets fills it in.\n\n"
		  "No file is ever overwritten.",
	.options = options,
	.examples = examples,
	.takes = TAKES_FOLDER,
	.args_max = 1,
	.run = run,
};
