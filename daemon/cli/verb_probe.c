/*
 * `triage probe NAME|URL`: one run with its phases.  A URL is probed from here, no daemon needed;
 * so is a name with --config; a name alone is run by the daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/local.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "rules/expr.h"
#include "setup/settings.h"

#define TIMEOUT_US (10 * USEC_PER_SEC)

/* Exit status of a probe that could not be run at all. */
static int
unknown(const struct cli *cli, const struct err *e)
{
	if (cli->is_nagios)
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

/* ---- by URL ---- */

static const struct probe_type *
type_of_url(const char *url)
{
	size_t len = strcspn(url, ":");

	for (size_t i = 0; probe_table[i] != NULL; i++) {
		const char *const *scheme = probe_table[i]->schemes;

		for (; scheme != NULL && *scheme != NULL; scheme++)
			if (strlen(*scheme) == len && strncmp(*scheme, url, len) == 0)
				return probe_table[i];
	}
	return NULL;
}

static bool
is_url(const char *text)
{
	return strstr(text, "://") != NULL || type_of_url(text) != NULL;
}

/* {"url": "http://..."}: JSON is YAML, and its quoting is right for every URL. */
static struct conf_tree *
tree_of_url(const char *key, const char *url, struct complaints *complaints)
{
	json_t *doc = json_object();
	char *text;
	struct conf_tree *tree;

	json_object_set_new(doc, key, json_string(url));
	text = json_dumps(doc, 0);
	tree = conf_tree_parse("the command line", text, strlen(text), complaints);
	free(text);
	json_decref(doc);
	return tree;
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
probe_url(const struct cli *cli, const char *url)
{
	const struct probe_type *type = type_of_url(url);
	struct complaints *complaints;
	struct conf_tree *tree;
	struct tls_pool *tls;
	struct err e;
	void *conf;
	int result;

	if (type == NULL) {
		err_set(&e, 0, "no probe speaks %.*s://", (int)strcspn(url, ":"), url);
		return unknown(cli, &e);
	}
	complaints = complaints_new();
	tls = tls_pool_new();
	conf = xcalloc(1, type->conf_size);
	tree = tree_of_url(type->url_key, url, complaints);
	conf_fill(&(struct conf_part){ type->fields, conf }, 1, tree->root, type->name, NULL,
		complaints);
	if (complaints_errors(complaints) == 0 && type->check != NULL)
		type->check(conf, tree->root,
			&(struct probe_setup){ .tls = tls, .judge = &expr_judge, .host_root = "/" },
			complaints);
	if (complaints_errors(complaints) > 0)
		result = complain_all(complaints);
	else
		result = run_conf(cli, type, conf, tls);
	if (type->release != NULL)
		type->release(conf);
	conf_clear(type->fields, conf);
	free(conf);
	conf_tree_free(tree);
	tls_pool_free(tls);
	complaints_free(complaints);
	return result;
}

/* ---- by the name of a check ---- */

static const struct check_spec *
find_spec(const struct settings *settings, const char *name, struct err *e)
{
	const char **names = xcalloc(settings->check_count + 1, sizeof(*names));
	const struct check_spec *found = NULL;
	const char *near;

	for (size_t i = 0; i < settings->check_count; i++) {
		names[i] = settings->checks[i]->name;
		if (str_eq(names[i], name))
			found = settings->checks[i];
	}
	near = found == NULL ? str_nearest(name, names, settings->check_count) : NULL;
	if (near != NULL)
		err_set(e, 0, "no check is called \"%s\", did you mean \"%s\"?", name, near);
	else if (found == NULL)
		err_set(e, 0, "no check is called \"%s\"", name);
	free(names);
	return found;
}

static int
run_spec(const struct cli *cli, const struct settings *settings, struct tls_pool *tls)
{
	struct err e;
	const struct check_spec *spec = find_spec(settings, cli->args[0], &e);
	json_t *sample = NULL;
	int result;

	if (spec != NULL)
		sample = local_run(
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
		result = run_spec(cli, settings, tls);
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
	int result;

	client_free(client);
	if (check == NULL)
		return unknown(cli, &e);
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
	if (is_url(cli->args[0]))
		return probe_url(cli, cli->args[0]);
	return cli->config != NULL ? probe_config(cli) : probe_remote(cli);
}

const struct cli_verb verb_probe = {
	.name = "probe",
	.usage = "URL|NAME [--config FILE] [--nagios] [--json]",
	.summary = "one run with its phases; exits 0 ok, 2 failed, 3 cannot tell",
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
