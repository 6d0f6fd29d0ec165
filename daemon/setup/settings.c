/* Loads, shares and compares whole configurations. */
#include "setup/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "deliver/maintenance.h"
#include "setup/load.h"

const char *
settings_default_path(void)
{
	const char *path = getenv("TRIAGED_CONFIG");
	return path != NULL && *path != '\0' ? path : "/etc/triaged/triaged.yaml";
}

void
settings_hint(const char *path, const char *command, FILE *out)
{
	if (!str_eq(path, settings_default_path()) || access(path, F_OK) == 0)
		return;
	if (access("triaged.yaml", R_OK) == 0)
		fprintf(out, "there is a triaged.yaml in this folder: `%striaged.yaml`\n", command);
	else
		fprintf(out, "name another with `%sFILE`; `triage init` makes a first one\n",
			command);
}

static void
settings_free(struct settings *s)
{
	playbooks_free(s->playbooks);
	rule_set_free(s->rules);
	routes_free(s->routes, s->route_count);
	maintenance_free(s->maintenance, s->maintenance_count);
	receivers_free(s->receivers, s->receiver_count);
	receivers_free(s->disabled_receivers, s->disabled_receiver_count);
	checks_free(s->checks, s->check_count);
	checks_free(s->disabled, s->disabled_count);
	for (const struct top_block *block = top_blocks; block->name != NULL; block++)
		conf_clear(block->fields, (char *)s + block->offset);
	secret_set_free(s->secrets);
	masked_clear(s);
	conf_tree_free(s->tree);
	free(s->path);
	free(s);
}

struct settings *
settings_ref(struct settings *settings)
{
	settings->refs++;
	return settings;
}

void
settings_unref(struct settings *settings)
{
	if (settings != NULL && --settings->refs == 0)
		settings_free(settings);
}

/* --- rules --- */

static const struct metric_desc *
metrics_of_type(const char *type)
{
	const struct probe_type *found = probe_find(type);
	return found != NULL ? found->metrics : NULL;
}

static const struct metric_desc *
metrics_of_spec(const struct check_spec *spec)
{
	return probe_metrics(spec->probe_type, spec->conf);
}

/* Rules may name disabled checks: those are known, only never measured. */
static void
rules_load(struct load *l)
{
	struct settings *s = l->settings;
	const struct conf_node *rules = top_map(l, "rules");
	if (l->has_unknown_checks || l->has_unknown_metrics) {
		/* those about them would be called wrong without being it */
		if (rules != NULL && rules->count > 0)
			complain_warn(l->complaints, &rules->key_pos,
				"rules: not looked at before the checks are right");
		return;
	}
	size_t count = s->check_count + s->disabled_count;
	const struct check_spec **specs = xcalloc(count + 1, sizeof(struct check_spec *));
	for (size_t i = 0; i < s->check_count; i++)
		specs[i] = s->checks[i];
	for (size_t i = 0; i < s->disabled_count; i++)
		specs[s->check_count + i] = s->disabled[i];
	struct rule_checks checks = { specs, count, metrics_of_type, metrics_of_spec };
	const struct conf_node *builtin = conf_get(l->root, "builtin_rules");
	s->rules = rule_set_compile(
		rules, conf_is_absent(builtin) ? NULL : builtin, &checks, l->complaints);
	free(specs);
}

/* --- playbooks --- */

/* The user's own: of the built-in ones the playbooks know themselves. */
static bool
has_rule(const void *arg, const char *rule)
{
	const struct load *l = arg;
	const struct conf_node *rules = conf_get(l->root, "rules");
	return rules != NULL && rules->kind == CONF_MAP && conf_get(rules, rule) != NULL;
}

static void
playbooks_setup(struct load *l)
{
	struct settings *s = l->settings;
	const struct playbook_rules rules = { has_rule, l };
	const char *slash = strrchr(s->path, '/');
	char *beside = xasprintf("%.*splaybooks", slash ? (int)(slash - s->path) + 1 : 0, s->path);
	if (s->triage.playbooks == NULL && access(beside, F_OK) == 0)
		s->triage.playbooks = xstrdup(beside);
	free(beside);
	s->playbooks = playbooks_load_with(s->triage.playbooks, &rules, l->complaints);
}

/* --- secrets --- */

/* What came from files and credentials, wherever it stands. */
static void
add_node_secrets(const struct conf_node *node, struct secret_set *set)
{
	if (node->is_secret)
		secret_set_add(set, node->text);
	for (size_t i = 0; i < node->count; i++)
		add_node_secrets(node->items[i], set);
}

static void
add_check_secrets(struct check_spec *const *specs, size_t count, struct secret_set *set)
{
	for (size_t i = 0; i < count; i++) {
		const struct probe_type *type = specs[i]->probe_type;
		conf_secrets(type->fields, specs[i]->conf, set);
	}
}

static void
add_receiver_secrets(struct receiver_spec *const *specs, size_t count, struct secret_set *set)
{
	for (size_t i = 0; i < count; i++) {
		const struct receiver_type *type = specs[i]->type;
		conf_secrets(type->fields, specs[i]->conf, set);
	}
}

static void
gather_secrets(struct settings *s)
{
	add_node_secrets(s->tree->root, s->secrets);
	for (const struct top_block *block = top_blocks; block->name != NULL; block++)
		conf_secrets(block->fields, (char *)s + block->offset, s->secrets);
	heartbeat_secrets(&s->heartbeat, s->secrets);
	add_check_secrets(s->checks, s->check_count, s->secrets);
	add_check_secrets(s->disabled, s->disabled_count, s->secrets);
	add_receiver_secrets(s->receivers, s->receiver_count, s->secrets);
	add_receiver_secrets(s->disabled_receivers, s->disabled_receiver_count, s->secrets);
}

/* --- what is left of the files --- */

static void
hold_checks(struct check_spec *const *specs, size_t count, struct conf_tree *tree)
{
	for (size_t i = 0; i < count; i++) {
		const struct probe_type *type = specs[i]->probe_type;
		conf_hold(type->fields, specs[i]->conf, tree);
		conf_hold(check_fields, &specs[i]->common, tree);
	}
}

static void
hold_receivers(struct receiver_spec *const *specs, size_t count, struct conf_tree *tree)
{
	for (size_t i = 0; i < count; i++) {
		const struct receiver_type *type = specs[i]->type;
		conf_hold(type->fields, specs[i]->conf, tree);
		conf_hold(receiver_fields, &specs[i]->common, tree);
	}
}

/* The tree is several times as large as what was read from it.  Rules and playbooks compiled theirs
 * and need none of it. */
static void
drop_tree(struct settings *s)
{
	for (const struct top_block *block = top_blocks; block->name != NULL; block++)
		conf_hold(block->fields, (char *)s + block->offset, s->tree);
	hold_checks(s->checks, s->check_count, s->tree);
	hold_checks(s->disabled, s->disabled_count, s->tree);
	hold_receivers(s->receivers, s->receiver_count, s->tree);
	hold_receivers(s->disabled_receivers, s->disabled_receiver_count, s->tree);
	for (size_t i = 0; i < s->route_count; i++)
		conf_hold(route_fields, s->routes[i], s->tree);
	for (size_t i = 0; i < s->maintenance_count; i++)
		conf_hold(maintenance_fields, s->maintenance[i], s->tree);
	conf_tree_drop_texts(s->tree);
	conf_tree_drop_nodes(s->tree);
}

/* --- the whole --- */

static void
load_parts(struct load *l)
{
	struct settings *s = l->settings;
	top_check_keys(l);
	top_load(l);
	checks_load(l);
	needs_check(l);
	receivers_load(l);
	rules_load(l);
	playbooks_setup(l);
	routes_load(l); /* they may name what playbooks find */
	maintenance_load(l);
	if (complaints_errors(l->complaints) > 0)
		return;
	gather_secrets(s);
	masked_prepare(s);
}

struct settings *
settings_load(
	const char *path, const struct settings_context *context, struct complaints *complaints)
{
	struct settings *s = xcalloc(1, sizeof(*s));
	s->refs = 1;
	s->path = xstrdup(path);
	s->secrets = secret_set_new();
	s->tree = conf_tree_load(path, complaints);
	if (s->tree->root != NULL) {
		struct load l = {
			.settings = s,
			.context = context,
			.root = s->tree->root,
			.complaints = complaints,
			.check_names = map_new(),
		};
		load_parts(&l);
		map_free(l.check_names, NULL);
	}
	if (complaints_errors(complaints) == 0) {
		drop_tree(s);
		return s;
	}
	settings_unref(s);
	return NULL;
}

/* --- restart --- */

static void
compare_block(const struct conf_field *fields, const void *old, const void *new_, const char *name,
	struct buf *out)
{
	for (const struct conf_field *row = fields; row->type != CONF_END; row++) {
		struct conf_field one[] = { *row, { .type = CONF_END } };
		if ((row->flags & CONF_RESTART) != 0 && !conf_same(one, old, new_))
			buf_addf(out, "%s.%s changes at the next start\n", name, row->name);
	}
}

void
settings_restart_needed(const struct settings *old, const struct settings *new_, struct buf *out)
{
	for (const struct top_block *block = top_blocks; block->name != NULL; block++)
		compare_block(block->fields, (const char *)old + block->offset,
			(const char *)new_ + block->offset, block->name, out);
}
