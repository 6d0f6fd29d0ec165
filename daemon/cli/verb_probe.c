/*
 * `triage probe URL|DSN|PATH|NAME`: one run with its phases.  A target is probed from here, no
 * daemon needed; so is a name with --config; a name alone is run by the daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/local.h"
#include "cli/near.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/target.h"
#include "rules/expr.h"
#include "setup/settings.h"

#define USAGE      "[URL|DSN|PATH|NAME]"
#define TIMEOUT_US (10 * USEC_PER_SEC)

/* Exit status of a probe that could not be run at all. */
static int
unknown(const struct cli *cli, const struct err *e)
{
	if (cli_has(cli, "nagios"))
		printf("PROBE UNKNOWN: %s\n", e->text);
	else
		answer_fail(e);
	return NAGIOS_UNKNOWN;
}

static int
complain_all(const struct complaints *complaints)
{
	struct buf out;

	buf_init(&out, 0);
	complaints_print(complaints, &out);
	fputs(buf_text(&out), stderr);
	buf_fini(&out);
	return NAGIOS_UNKNOWN;
}

/* ---- by target ---- */

/* {"url": "http://..."}: JSON is YAML, and its quoting is right for every URL.  NULL: {}. */
static struct conf_tree *
tree_of_url(const char *key, const char *url, struct complaints *complaints)
{
	json_t *doc = json_object();
	char *text;
	struct conf_tree *tree;

	if (url != NULL)
		json_object_set_new(doc, key, json_string(url));
	text = json_dumps(doc, 0);
	tree = conf_tree_parse("the command line", text, strlen(text), complaints);
	free(text);
	json_decref(doc);
	return tree;
}

/* The command line has one line, which the reader knows: only the sentence. */
static int
say_first(const struct cli *cli, const struct complaints *complaints)
{
	static const char mark[] = ": error: ";
	char first[400];
	const char *sentence;
	struct err e;

	complaints_first(complaints, first, sizeof(first));
	sentence = strstr(first, mark);
	err_set(&e, 0, "%s", sentence == NULL ? first : sentence + strlen(mark));
	return unknown(cli, &e);
}

static int
run_conf(const struct cli *cli, const struct probe_type *type, const void *conf,
	struct tls_pool *tls)
{
	struct secret_set *secrets = secret_set_new();
	const struct local_job job = {
		.type = type,
		.conf = conf,
		.timeout_us = TIMEOUT_US,
		.tls = tls,
		.secrets = secrets,
		.host_root = "/",
	};
	char target[512] = "";
	struct err e;
	json_t *sample;
	int result;

	conf_secrets(type->fields, conf, secrets);
	type->target(conf, NULL, target, sizeof(target));
	sample = local_run(&job, &e);
	if (sample == NULL)
		result = unknown(cli, &e);
	else
		result = report_print(cli,
			&(struct report){ .type = type->name, .target = target, .sample = sample });
	json_decref(sample);
	secret_set_free(secrets);
	return result;
}

static int
fill_and_run(const struct cli *cli, const struct target *target, struct complaints *complaints)
{
	const struct probe_type *type = target->type;
	struct tls_pool *tls = tls_pool_new();
	void *conf = xcalloc(1, type->conf_size);
	struct conf_tree *tree = tree_of_url(type->url_key, target->text, complaints);
	int result;

	conf_fill(&(struct conf_part){ type->fields, conf }, 1, tree->root, type->name, NULL,
		complaints);
	if (complaints_errors(complaints) == 0 && type->check != NULL)
		type->check(conf, tree->root,
			&(struct probe_setup){ .tls = tls, .judge = &expr_judge, .host_root = "/" },
			complaints);
	if (complaints_errors(complaints) > 0)
		result = say_first(cli, complaints);
	else
		result = run_conf(cli, type, conf, tls);
	if (type->release != NULL)
		type->release(conf);
	conf_clear(type->fields, conf);
	free(conf);
	conf_tree_free(tree);
	tls_pool_free(tls);
	return result;
}

static int
probe_target(const struct cli *cli)
{
	struct complaints *complaints;
	struct target target;
	struct err e;
	int result;

	if (target_find(&target, cli->arg_count > 0 ? cli->args[0] : NULL, cli_value(cli, "type"),
		    &e) < 0)
		return unknown(cli, &e);
	complaints = complaints_new();
	result = fill_and_run(cli, &target, complaints);
	complaints_free(complaints);
	target_fini(&target);
	return result;
}

/* ---- by the name of a check ---- */

/* "disks[/var]": "disks" when a check of this name has children. */
static const struct check_spec *
find_parent(const struct settings *settings, const char *name)
{
	size_t len = strcspn(name, "["), whole = strlen(name);

	if (whole < len + 3 || name[whole - 1] != ']')
		return NULL;
	for (size_t i = 0; i < settings->check_count; i++) {
		const struct check_spec *spec = settings->checks[i];
		const struct probe_type *type = spec->probe_type;

		if (strlen(spec->name) == len && strncmp(spec->name, name, len) == 0)
			return type->is_parent != NULL && type->is_parent(spec->conf) ? spec : NULL;
	}
	return NULL;
}

static const struct check_spec *
find_spec(const struct settings *settings, const char *name, struct err *e)
{
	const char **names = xcalloc(settings->check_count + 1, sizeof(*names));
	const struct check_spec *found = NULL;
	const char *near;
	char hint[600];

	for (size_t i = 0; i < settings->check_count; i++) {
		names[i] = settings->checks[i]->name;
		if (str_eq(names[i], name))
			found = settings->checks[i];
	}
	near = found == NULL ? str_nearest(name, names, settings->check_count) : NULL;
	if (near != NULL)
		err_set(e, 0, "no check is called \"%s\", did you mean \"%s\"?", name, near);
	else if (found == NULL && target_suggest(name, hint, sizeof(hint)))
		err_set(e, 0, "no check is called \"%s\", %s", name, hint);
	else if (found == NULL)
		err_set(e, 0, "no check is called \"%s\"", name);
	free(names);
	return found;
}

static int
run_spec(const struct cli *cli, const struct settings *settings, const struct check_spec *spec,
	struct tls_pool *tls)
{
	struct err e;
	json_t *sample = local_run(
		&(struct local_job){
			.type = spec->probe_type,
			.conf = spec->conf,
			.instance = spec->instance,
			.timeout_us = spec->common.timeout_us,
			.tls = tls,
			.secrets = settings->secrets,
			.host_root = settings->daemon.host_root,
		},
		&e);
	int result;

	if (sample == NULL)
		return unknown(cli, &e);
	result = report_print(cli, &(struct report){
					   .name = spec->name,
					   .type = spec->type,
					   .target = spec->target,
					   .sample = sample,
				   });
	json_decref(sample);
	return result;
}

/* One child of a parent, whether or not it is there now: its run says so. */
static int
run_child(const struct cli *cli, const struct settings *settings, const struct check_spec *parent,
	struct tls_pool *tls)
{
	const char *name = cli->args[0], *bracket = strchr(name, '[');
	char *instance = xstrndup(bracket + 1, strlen(bracket) - 2), *own_name = xstrdup(name);
	char target[512] = "";
	const struct probe_type *type = parent->probe_type;
	struct check_spec child = *parent;
	int result;

	type->target(parent->conf, instance, target, sizeof(target));
	child.name = own_name;
	child.instance = instance;
	child.target = target;
	result = run_spec(cli, settings, &child, tls);
	free(own_name);
	free(instance);
	return result;
}

static int
run_named(const struct cli *cli, const struct settings *settings, struct tls_pool *tls)
{
	const struct check_spec *parent = find_parent(settings, cli->args[0]);
	const struct check_spec *spec;
	struct err e;

	if (parent != NULL)
		return run_child(cli, settings, parent, tls);
	spec = find_spec(settings, cli->args[0], &e);
	return spec == NULL ? unknown(cli, &e) : run_spec(cli, settings, spec, tls);
}

static int
probe_config(const struct cli *cli)
{
	struct complaints *complaints = complaints_new();
	struct tls_pool *tls = tls_pool_new();
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct settings *settings = settings_load(cli->config, &context, complaints);
	int result;

	if (settings == NULL) {
		result = complain_all(complaints);
	} else {
		result = run_named(cli, settings, tls);
		settings_unref(settings);
	}
	complaints_free(complaints);
	tls_pool_free(tls);
	return result;
}

static int
probe_remote(const struct cli *cli)
{
	struct client *client = client_new(cli);
	struct err e;
	json_t *check = remote_run(client, cli->args[0], &e);
	char hint[600];
	int result;

	if (check == NULL)
		near_suggest(client, TAKES_CHECK, cli->args[0], &e);
	client_free(client);
	if (check == NULL) {
		/* 404: not known; 0: nobody who could know it. */
		if ((e.code == 404 || e.code == 0) &&
			target_suggest(cli->args[0], hint, sizeof(hint)))
			err_set(&e, 0, "%s \"%s\", %s",
				e.code == 404 ? "no check is called"
					      : "nobody answers who knows a check",
				cli->args[0], hint);
		return unknown(cli, &e);
	}
	result = report_print(cli, &(struct report){
					   .name = answer_text(check, "name"),
					   .type = answer_text(check, "type"),
					   .target = answer_text(check, "target"),
					   .sample = json_object_get(check, "last"),
				   });
	json_decref(check);
	return result;
}

static int
run(struct cli *cli)
{
	if (cli_value(cli, "type") == NULL && cli->arg_count == 0) {
		fprintf(stderr, "usage: triage probe " USAGE "\n");
		return EXIT_USAGE;
	}
	if (cli_value(cli, "type") != NULL || target_is(cli->args[0]))
		return probe_target(cli);
	return cli->config != NULL ? probe_config(cli) : probe_remote(cli);
}

static const struct cli_option options[] = {
	{ .name = "type",
		.takes = TAKES_TYPE,
		.doc = "the probe that is meant, where the target does not tell" },
	{ .name = "nagios",
		.letter = 'n',
		.doc = "one line, perfdata and exit status of a Nagios plugin" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage probe https://example.com/health", NULL },
	{ "triage probe \"$SQL_DSN\"", "as applications write it" },
	{ "triage probe --type memory", NULL },
	{ "triage probe api", "a check, by the daemon" },
	{ "triage probe / --nagios", NULL },
	{ NULL, NULL },
};

const struct cli_verb verb_probe = {
	.name = "probe",
	.usage = USAGE,
	.summary = "one run with its phases; exits 0 ok, 2 failed, 3 cannot tell",
	.detail = "A URL, a data source name or a path is probed from here and needs no daemon. A "
		  "name is a check's: the daemon runs it once; with --config it is run from here. "
		  "--type says which probe is meant where the target does not tell, or where there "
		  "is none, as of memory, cpu, network and clock.",
	.examples = examples,
	.exits = "0  ok"
		 "\n"
		 "1  warning"
		 "\n"
		 "2  critical"
		 "\n"
		 "3  unknown: it could not be told",
	.args_min = 0, /* memory, cpu and the like have no target */
	.options = options,
	.takes = TAKES_TARGET,
	.args_max = 1,
	.run = run,
};
