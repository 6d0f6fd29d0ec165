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

/* "http://, https:// and tcp://" */
static void
list_schemes(char *out, size_t size)
{
	const char *all[32];
	size_t count = 0;
	struct buf list;

	for (size_t i = 0; probe_table[i] != NULL; i++) {
		const char *const *scheme = probe_table[i]->schemes;

		for (; scheme != NULL && *scheme != NULL; scheme++)
			if (count < sizeof(all) / sizeof(all[0]))
				all[count++] = *scheme;
	}
	buf_init(&list, 0);
	for (size_t i = 0; i < count; i++) {
		const char *between = i == 0 ? "" : i + 1 == count ? " and " : ", ";

		buf_addf(&list, "%s%s://", between, all[i]);
	}
	str_copy(out, size, buf_text(&list));
	buf_fini(&list);
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
probe_url(const struct cli *cli, const char *url)
{
	const struct probe_type *type = type_of_url(url);
	struct complaints *complaints;
	struct conf_tree *tree;
	struct tls_pool *tls;
	struct err e;
	char schemes[256];
	void *conf;
	int result;

	if (type == NULL) {
		list_schemes(schemes, sizeof(schemes));
		err_set(&e, 0, "no probe speaks %.*s://; there are %s", (int)strcspn(url, ":"), url,
			schemes);
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
		result = say_first(cli, complaints);
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

static bool
has_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t digits = colon == NULL ? 0 : strspn(colon + 1, "0123456789");

	return colon != text && digits > 0 && digits <= 5 && colon[1 + digits] == '\0';
}

/* No check can be called like this: it is a target that lacks its scheme. */
static bool
suggest_url(const char *name, char *out, size_t size)
{
	const char *slash = strchr(name, '/'), *bracket = strchr(name, '[');
	char schemes[256];

	if (has_port(name)) {
		snprintf(out, size, "did you mean tcp://%s?", name);
	} else if (slash == name) {
		list_schemes(schemes, sizeof(schemes));
		snprintf(out, size, "and what is probed by address begins with %s", schemes);
	} else if (slash != NULL && (bracket == NULL || bracket == name)) {
		snprintf(out, size, "did you mean http://%s?", name);
	} else {
		return false;
	}
	return true;
}

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
	else if (found == NULL && suggest_url(name, hint, sizeof(hint)))
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

	client_free(client);
	if (check == NULL) {
		/* 404: not known; 0: nobody who could know it. */
		if ((e.code == 404 || e.code == 0) && suggest_url(cli->args[0], hint, sizeof(hint)))
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
