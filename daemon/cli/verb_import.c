/* `triage import gatus|kuma FILE`: their settings as ours.  It never overwrites a file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/new_config.h"
#include "cli/table.h"
#include "setup/import.h"

#define FILE_MAX ((size_t)16 << 20)

struct job {
	struct cli *cli;
	struct import *import;
	char *out; /* path of the configuration; NULL: stdout */
	char *env; /* path of the file with values; NULL: none is written */
	char *said;
	unsigned errors;
};

/* --- files --- */

static int
read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;

	if (fd < 0)
		return err_sys(e, "cannot read %s", path);
	while (got > 0 && !out->is_over) {
		char *room = buf_reserve(out, 65536);

		if (room == NULL)
			break;
		got = read(fd, room, 65536);
		if (got > 0)
			buf_commit(out, (size_t)got);
	}
	fd_close(&fd);
	if (got < 0)
		return err_sys(e, "cannot read %s", path);
	if (got > 0)
		return err_set(e, 0, "%s is larger than %zu MiB", path, FILE_MAX >> 20);
	return 0;
}

static int
refuse_existing(const char *path)
{
	fprintf(stderr,
		"triage import: %s is there already, and nothing was changed.\n"
		"Write beside it and compare:  triage import ... -o imported.yaml\n"
		"or look only:                 triage import ... -o -\n",
		path);
	return EXIT_TROUBLE;
}

/* --- what is said --- */

static void
say_table(const struct job *job)
{
	static const struct table_column columns[] = {
		{ .title = "CHECK", .is_flexible = true },
		{ .title = "TYPE" },
		{ .title = "" },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < job->import->check_count; i++) {
		const struct import_item *check = job->import->checks[i];
		const char *cells[] = { check->name, check->type, check->is_off ? "off" : "on" };

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
	const struct import *import = job->import;
	bool is_first = true;

	if (job->env != NULL && import->fill_count > 0)
		fprintf(stderr,
			"\nPasswords, tokens and webhooks are in %s (mode 0600), by name.\n",
			job->env);
	for (size_t i = 0; i < import->fill_count; i++) {
		if (job->env != NULL && import->fills[i].value != NULL &&
			!cli_has(job->cli, "no-secrets"))
			continue;
		if (is_first && job->env != NULL)
			fprintf(stderr, "To fill in there:\n");
		else if (is_first)
			fprintf(stderr, "\nTo set, in the environment or an env_file:\n");
		is_first = false;
		fprintf(stderr, "  %-28s as in %s\n", import->fills[i].name,
			import->fills[i].where);
	}
}

static void
say_notes(const struct job *job)
{
	const struct import *import = job->import;

	if (import->note_count > 0)
		fprintf(stderr, "\nNot carried over:\n");
	for (size_t i = 0; i < import->note_count; i++) {
		char *line = xasprintf("%s: %s", import->notes[i].where, import->notes[i].text);

		term_print_wrapped(&job->cli->term, stderr, 2, line);
		free(line);
	}
	if (import->note_total > import->note_count)
		fprintf(stderr, "  and %zu more\n", import->note_total - import->note_count);
}

static void
say_words(const struct job *job)
{
	const struct import *import = job->import;

	say_table(job);
	fprintf(stderr, "\n%zu check%s, %zu receiver%s, from %s of %s.\n", import->check_count,
		import->check_count == 1 ? "" : "s", import->receiver_count,
		import->receiver_count == 1 ? "" : "s", import->file, import->from);
	say_fills(job);
	say_notes(job);
	if (*job->said != '\0')
		fprintf(stderr, "\n%s", job->said);
	if (job->out != NULL)
		fprintf(stderr, "\nWrote %s.  Next:\n  triage check %s\n  triaged -c %s\n",
			job->out, job->out, job->out);
}

static void
say_json(const struct job *job)
{
	const struct import *import = job->import;
	json_t *checks = json_array(), *fills = json_array(), *notes = json_array();

	for (size_t i = 0; i < import->check_count; i++)
		json_array_append_new(checks,
			json_pack("{s:s, s:s, s:b}", "name", import->checks[i]->name, "type",
				import->checks[i]->type, "enabled", !import->checks[i]->is_off));
	for (size_t i = 0; i < import->fill_count; i++)
		json_array_append_new(fills,
			json_pack("{s:s, s:s, s:b}", "name", import->fills[i].name, "where",
				import->fills[i].where, "known", import->fills[i].value != NULL));
	for (size_t i = 0; i < import->note_count; i++)
		json_array_append_new(
			notes, json_pack("{s:s, s:s}", "where", import->notes[i].where, "text",
				       import->notes[i].text));
	json_t *doc = json_pack("{s:s, s:s?, s:o, s:o, s:o, s:s}", "file", job->out, "env_file",
		job->env, "checks", checks, "values", fills, "not_carried_over", notes, "text",
		job->said);
	answer_print_json(doc);
	json_decref(doc);
}

/* --- the work --- */

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static int
write_all(struct job *job, struct err *e)
{
	struct buf text, values;
	int result = 0;

	buf_init(&text, 0);
	buf_init(&values, 0);
	import_write(job->import, job->env == NULL ? NULL : last_part(job->env), &text);
	import_write_env(job->import, !cli_has(job->cli, "no-secrets"), &values);
	const struct new_config config = {
		.path = job->out,
		.text = &text,
		.values_path = job->env,
		.values = job->env != NULL && job->import->fill_count > 0 ? &values : NULL,
	};
	if (job->out == NULL)
		fputs(buf_text(&text), stdout);
	else
		result = new_config_write(&config, e);
	buf_fini(&text);
	buf_fini(&values);
	return result;
}

static int
finish(struct job *job)
{
	struct err e = { 0 };

	if (write_all(job, &e) != 0) {
		fprintf(stderr, "triage import: %s\n", e.text);
		return EXIT_TROUBLE;
	}
	if (job->out != NULL) {
		free(job->said);
		job->errors = new_config_look_over(job->out, &job->said);
	}
	if (job->cli->is_json)
		say_json(job);
	else
		say_words(job);
	return job->errors > 0 ? EXIT_TROUBLE : EXIT_FINE;
}

static struct import *
read_gatus(const char *path)
{
	struct complaints *complaints = complaints_new();
	struct import *import = import_gatus(path, complaints);
	struct buf said;

	buf_init(&said, 0);
	complaints_print(complaints, &said);
	fputs(buf_text(&said), stderr);
	buf_fini(&said);
	complaints_free(complaints);
	return import;
}

static struct import *
read_kuma(const char *path)
{
	struct import *import = NULL;
	struct err e = { 0 };
	struct buf text;

	buf_init(&text, FILE_MAX);
	if (read_file(path, &text, &e) == 0)
		import = import_kuma(path, buf_text(&text), buf_left(&text), &e);
	if (import == NULL)
		fprintf(stderr, "triage import: %s\n", e.text);
	buf_fini(&text);
	return import;
}

static const struct reader {
	const char *name;
	struct import *(*read)(const char *path);
} readers[] = { { "gatus", read_gatus }, { "kuma", read_kuma } };

static const struct reader *
reader_of(const char *name)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (str_eq(readers[i].name, name))
			return &readers[i];
	fprintf(stderr, "triage import: \"%s\" is neither gatus nor kuma\n", name);
	return NULL;
}

/* imported.yaml has its values in imported.env. */
static char *
env_beside(const char *out)
{
	const char *dot = strrchr(last_part(out), '.');

	return xasprintf("%.*s.env", (int)(dot == NULL ? strlen(out) : (size_t)(dot - out)), out);
}

static int
serve(struct job *job)
{
	const struct reader *reader = reader_of(job->cli->args[0]);
	int result = EXIT_USAGE;

	if (reader == NULL)
		return EXIT_USAGE;
	if (job->out != NULL && access(job->out, F_OK) == 0)
		return refuse_existing(job->out);
	job->import = reader->read(job->cli->args[1]);
	if (job->import == NULL)
		fprintf(stderr, "triage import: nothing was written\n");
	else if (job->env != NULL && job->import->fill_count > 0 && access(job->env, F_OK) == 0)
		result = refuse_existing(job->env);
	else
		result = finish(job);
	import_free(job->import);
	return result;
}

static int
run(struct cli *cli)
{
	const char *output = cli_value(cli, "output");
	struct job job = { .cli = cli, .said = xstrdup("") };
	int result;

	if (!str_eq(output, "-")) {
		job.out = xstrdup(output == NULL ? "triaged.yaml" : output);
		job.env = env_beside(job.out);
	}
	if (cli->is_json && job.out == NULL) {
		fprintf(stderr, "triage import: --json and -o - both want the output; give one\n");
		result = EXIT_USAGE;
	} else {
		result = serve(&job);
	}
	free(job.out);
	free(job.env);
	free(job.said);
	return result;
}

static const struct cli_option options[] = {
	CLI_OPTION_OUTPUT,
	{ .name = "no-secrets", .doc = "name passwords, but leave their values to be filled in" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage import gatus config.yaml", "makes triaged.yaml and triaged.env" },
	{ "triage import kuma backup.json -o -", "look only" },
	{ NULL, NULL },
};

const struct cli_verb verb_import = {
	.name = "import",
	.usage = "gatus|kuma FILE",
	.summary = "make a configuration from one of Gatus or an Uptime Kuma export",
	.detail =
		"What has no like here is said on stderr and at the end of the file, each with its "
		"place and what to do.\n\n"
		"No password, token or webhook stands in the configuration: it names them, and "
		"their "
		"values are written to a file beside it (triaged.env for triaged.yaml) that only "
		"you "
		"can read.  With -o - no such file is written, and what is to be set is listed.\n\n"
		"No file is ever overwritten.",
	.options = options,
	.examples = examples,
	.takes = TAKES_FILE,
	.args_min = 2,
	.args_max = 2,
	.run = run,
};
