/* Settings of the process probe: the rows, and `env`, whose keys are the variables' names. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "probes/process.h"

#define ROW  struct process_conf
#define RULE struct env_rule

static const char *const per_names[] = { [PER_CHECK] = "check", [PER_PID] = "pid", NULL };

static const char *const dsn_names[] = { [ENV_DSN_POSTGRES] = "postgres",
	[ENV_DSN_MYSQL] = "mysql",
	[ENV_DSN_REDIS] = "redis",
	[ENV_DSN_SQLITE] = "sqlite",
	[ENV_DSN_SQL] = "sql",
	NULL };

static const struct conf_field rule_fields[] = {
	{ .name = "present", BOOL_AT(RULE, is_wanted), .dflt = "true", .doc = "Must be set." },
	{ .name = "not", STRINGS_AT(RULE, refused), .doc = "Values that it must not have." },
	{ .name = "same_as",
		STRING_AT(RULE, same_as),
		.doc = "`instances`, or the path of an env file." },
	{ .name = "min_length",
		INT_AT(RULE, min_length),
		.dflt = "0",
		.min = "0",
		.max = "4096",
		.doc = "Bytes that the value has at least." },
	{ .name = "dsn",
		ENUM_AT(RULE, dsn, dsn_names),
		.doc = "The value must be readable as the address of such a server "
		       "(`proc.env-dsn`). `sql`: as new-api reads SQL_DSN, where empty or "
		       "`local` means SQLite, `postgres://` PostgreSQL and all else MySQL." },
	{ .type = CONF_END },
};

const struct conf_field process_fields[] = {
	PROC_MATCH_ROWS(ROW, match.),
	{ .name = "min",
		INT_AT(ROW, min),
		.dflt = "1",
		.min = "0",
		.max = "100000",
		.doc = "So many processes must match at least (`proc.absent`)." },
	{ .name = "max",
		INT_AT(ROW, max),
		.dflt = "-1",
		.min = "-1",
		.max = "100000",
		.doc = "So many may match at most (`proc.too-many`); -1: any number." },
	{ .name = "per",
		ENUM_AT(ROW, per, per_names),
		.dflt = "check",
		.doc = "`pid`: each process becomes a check of its own, `name[1234]`." },
	{ .name = "dstate_after",
		DURATION_AT(ROW, dstate_us),
		.dflt = "30s",
		.min = "1s",
		.doc = "A process that waits in the kernel (state D) for longer is stuck." },
	{ .name = "hung_after",
		DURATION_AT(ROW, hung_us),
		.min = "1s",
		.doc = "All together must have used some CPU time within this long "
		       "(`proc.hung`); "
		       "for programs that are never quite idle. Default: they may sleep.",
		.example = "10m" },
	{ .name = "crash_restarts",
		INT_AT(ROW, crash_restarts),
		.dflt = "3",
		.min = "1",
		.max = "15",
		.doc = "So many restarts within `crash_window` are a crash loop." },
	{ .name = "crash_window",
		DURATION_AT(ROW, crash_window_us),
		.dflt = "10m",
		.min = "1s",
		.doc = "See `crash_restarts`." },
	{ .name = "env",
		NODE_AT(ROW, env),
		.doc = "Variables in the environment of the running processes: a map of names, "
		       "each "
		       "with `present` (must be set, default true), `not` (values that are "
		       "refused), "
		       "`min_length`, `dsn` (its grammar) and `same_as`.",
		.example = "{ SESSION_SECRET: { not: [random_string], same_as: instances } }" },
	{ .name = "fingerprint_key",
		SECRET_AT(ROW, fingerprint_key),
		.flags = CONF_ADVANCED,
		.doc = "Values are shown as fingerprints only. With the same key on several hosts "
		       "these can be compared; default: a random one.",
		.example = "${file:/etc/triaged/fingerprint.key}" },
	{ .type = CONF_END },
};

static void
fill_rule(struct env_rule *rule, const struct conf_node *node, struct complaints *complaints)
{
	struct conf_part part = { rule_fields, rule };
	char what[160];

	rule->name = xstrdup(node->key);
	snprintf(what, sizeof(what), "env %s", node->key);
	if (!conf_is_absent(node) && node->kind != CONF_MAP)
		complain(complaints, &node->pos, "env: %s needs a map, such as { present: true }",
			node->key);
	conf_fill(&part, 1, !conf_is_absent(node) && node->kind == CONF_MAP ? node : NULL, what,
		NULL, complaints);
	if (rule->same_as == NULL)
		return;
	if (str_eq(rule->same_as, "instances"))
		rule->same = ENV_INSTANCES;
	else if (rule->same_as[0] == '/')
		rule->same = ENV_FILE;
	else
		complain(complaints, &node->pos,
			"same_as: `instances`, or the absolute path of an env file");
}

static void
fill_rules(struct process_conf *conf, struct complaints *complaints)
{
	struct buf names;

	if (conf_is_absent(conf->env))
		return;
	if (conf->env->kind != CONF_MAP || conf->env->count > PROCS_ENV_MAX) {
		complain(complaints, &conf->env->pos, "env: a map of at most %d names is wanted",
			PROCS_ENV_MAX);
		return;
	}
	buf_init(&names, 0);
	conf->rules = xcalloc(conf->env->count + 1, sizeof(*conf->rules));
	for (size_t i = 0; i < conf->env->count; i++) {
		const struct conf_node *node = conf->env->items[i];

		fill_rule(&conf->rules[conf->rule_count++], node, complaints);
		buf_add(&names, node->key, strlen(node->key));
		buf_add(&names, "\n", 1);
		if (node->key[0] == '\0' || strpbrk(node->key, "=\n") != NULL ||
			strlen(node->key) > 100)
			complain(complaints, &node->pos, "env: that is no variable's name");
	}
	conf->env_names = xstrndup(buf_head(&names), buf_left(&names));
	buf_fini(&names);
}

void
process_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct process_conf *conf = conf_;
	struct conf_pos here = map != NULL ? map->pos : (struct conf_pos){ 0 };

	if (proc_match_is_empty(&conf->match))
		complain(complaints, &here,
			"process needs to know which one: `name`, `cmdline`, `pidfile`, `unit`, "
			"`container` or `user`");
	if (conf->max >= 0 && conf->max < conf->min)
		complain(complaints, &here, "`max` is less than `min`");
	proc_match_prepare(&conf->match, map, setup->host_root, complaints);
	fill_rules(conf, complaints);
}

void
process_release(void *conf_)
{
	struct process_conf *conf = conf_;

	proc_match_release(&conf->match);
	for (size_t i = 0; i < conf->rule_count; i++) {
		free(conf->rules[i].name);
		conf_clear(rule_fields, &conf->rules[i]);
	}
	free(conf->rules);
	free(conf->env_names);
	conf->rules = NULL;
	conf->env_names = NULL;
	conf->rule_count = 0;
}
