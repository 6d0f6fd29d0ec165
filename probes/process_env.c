/*
 * The environment that the processes were started with.  Values come from the helper, are compared
 * and fingerprinted here, and are forgotten before the callback ends: what is kept is a keyed hash
 * of which nobody can guess the value.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/dsn.h"
#include "conf/interpolate.h"
#include "io/hmac.h"
#include "probes/process.h"

/* Values out of guides and examples, which too many copy. */
static const char *const placeholders[] = { "random_string", "your_random_string_here",
	"your_random_secret_string", "your_password", "your_secure_password", "your-secret-key",
	"changeme", "change_me", "change-me", "change_this", "replace_me", "placeholder", "example",
	"xxx", "xxxx", "YOUR/SLACK/WEBHOOK", NULL };

static void
take_fingerprint(const struct process_conf *conf, const char *value, size_t len,
	char out[PROCESS_FP_SIZE + 1])
{
	static unsigned char own_key[32];
	static bool has_key;
	unsigned char digest[HMAC_SHA256_SIZE];
	const struct hmac_part part = { value, len };

	if (!has_key)
		rand_bytes(own_key, sizeof(own_key));
	has_key = true;
	if (conf->fingerprint_key != NULL)
		hmac_sha256(conf->fingerprint_key, strlen(conf->fingerprint_key), &part, 1, digest);
	else
		hmac_sha256(own_key, sizeof(own_key), &part, 1, digest);
	for (unsigned i = 0; i < PROCESS_FP_SIZE / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static bool
is_text(const struct procs_env *env, const char *text)
{
	size_t len = strlen(text);

	return env->len == len && env->kept == len && strncasecmp(env->value, text, len) == 0;
}

static bool
is_refused(const struct env_rule *rule, const struct procs_env *env)
{
	for (size_t i = 0; i < rule->refused.count; i++)
		if (is_text(env, rule->refused.all[i]))
			return true;
	for (size_t i = 0; placeholders[i] != NULL; i++)
		if (is_text(env, placeholders[i]))
			return true;
	return false;
}

static bool
is_quoted(const struct procs_env *env)
{
	size_t len = env->kept;
	const char *v = env->value;

	if (len == 0 || env->len != len)
		return false;
	if (isspace((unsigned char)v[0]) || isspace((unsigned char)v[len - 1]))
		return true;
	return len > 1 && v[0] == v[len - 1] && (v[0] == '"' || v[0] == '\'');
}

static void find(struct env_state *s, const char *cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The first that was found is told. */
static void
find(struct env_state *s, const char *cause, const char *fmt, ...)
{
	va_list ap;

	if (s->cause != NULL)
		return;
	s->cause = cause;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
}

static void
look_at_absence(
	const struct env_rule *rule, struct env_state *s, const struct proc *proc, bool is_empty)
{
	if (s->is_in_file)
		find(s, "proc.env-missing",
			"%s sets %s, but %s (pid %u) does not have it: it was started before, or "
			"does not load the file",
			rule->same_as, rule->name, proc->comm, proc->pid);
	else if (rule->is_wanted)
		find(s, "proc.env-missing", "%s of %s (pid %u) is %s", rule->name, proc->comm,
			proc->pid, is_empty ? "empty" : "not set");
}

/* False: there is nothing to read, as with an empty SQL_DSN. */
static bool
choose_grammar(int dsn, const char *value, enum dsn_kind *kind)
{
	static const enum dsn_kind kinds[] = {
		[ENV_DSN_POSTGRES] = DSN_POSTGRES,
		[ENV_DSN_MYSQL] = DSN_MYSQL,
		[ENV_DSN_REDIS] = DSN_REDIS,
		[ENV_DSN_SQLITE] = DSN_SQLITE,
	};

	if (dsn != ENV_DSN_SQL) {
		*kind = kinds[dsn];
		return true;
	}
	*kind = str_starts(value, "postgres://") || str_starts(value, "postgresql://")
			? DSN_POSTGRES
			: DSN_MYSQL;
	return !str_starts(value, "local");
}

/* Of the value itself nothing is told: what cannot be read may hold a password anywhere. */
static void
look_at_dsn(const struct env_rule *rule, struct env_state *s, const struct proc *proc,
	const struct procs_env *env)
{
	enum dsn_kind kind;
	char *value;
	struct dsn dsn;
	struct err e;

	if (rule->dsn < 0 || env->kept < env->len)
		return;
	value = xstrndup(env->value, env->kept);
	if (choose_grammar(rule->dsn, value, &kind)) {
		if (dsn_parse(&dsn, kind, value, &e) == 0)
			dsn_fini(&dsn);
		else
			find(s, "proc.env-dsn", "%s of %s (pid %u), column %d: %s", rule->name,
				proc->comm, proc->pid, e.code > 0 ? e.code : 1, e.text);
	}
	secret_wipe(value, strlen(value));
	free(value);
}

static void
look_at_value(const struct env_rule *rule, struct env_state *s, const struct proc *proc,
	const struct procs_env *env)
{
	if (is_refused(rule, env))
		find(s, "proc.env-default", "%s of %s (pid %u) is a default or placeholder",
			rule->name, proc->comm, proc->pid);
	else if (env->len < (size_t)rule->min_length)
		find(s, "proc.env-default", "%s of %s (pid %u) has %zu bytes, wanted %lld",
			rule->name, proc->comm, proc->pid, env->len, (long long)rule->min_length);
	else if (is_quoted(env))
		find(s, "proc.env-quoted", "%s of %s (pid %u) begins or ends with a %s", rule->name,
			proc->comm, proc->pid,
			isspace((unsigned char)env->value[0]) ||
					isspace((unsigned char)env->value[env->kept - 1])
				? "blank"
				: "quote");
}

/* `mine` is "" where it is not set. */
static void
compare(const struct env_rule *rule, struct env_state *s, const struct proc *proc, const char *mine)
{
	if (rule->same == ENV_FILE && s->is_in_file && mine[0] != '\0' &&
		!str_eq(mine, s->file_fingerprint))
		find(s, "proc.env-differs",
			"%s of %s (pid %u) is not what %s says (fingerprints %s and %s): changed "
			"since its start",
			rule->name, proc->comm, proc->pid, rule->same_as, mine,
			s->file_fingerprint);
	if (rule->same == ENV_INSTANCES && s->is_seen && !str_eq(mine, s->fingerprint))
		find(s, "proc.env-differs", "%s: pid %u has %s, pid %u has %s", rule->name, s->pid,
			s->fingerprint[0] != '\0' ? s->fingerprint : "none", proc->pid,
			mine[0] != '\0' ? mine : "none");
}

void
process_env_look(const struct process_conf *conf, struct env_state *states, const struct proc *proc,
	const struct procs_look *look)
{
	for (size_t i = 0; i < conf->rule_count && i < look->env_count; i++) {
		const struct env_rule *rule = &conf->rules[i];
		const struct procs_env *env = &look->env[i];
		struct env_state *s = &states[i];
		bool is_set = env->is_present && env->len > 0;
		char mine[PROCESS_FP_SIZE + 1] = "";

		if (is_set) {
			take_fingerprint(conf, env->value, env->kept, mine);
			look_at_value(rule, s, proc, env);
			look_at_dsn(rule, s, proc, env);
		} else {
			look_at_absence(rule, s, proc, env->is_present);
		}
		compare(rule, s, proc, mine);
		if (s->is_seen)
			continue;
		s->is_seen = true;
		s->is_set = is_set;
		s->pid = proc->pid;
		s->len = env->len;
		memcpy(s->fingerprint, mine, sizeof(mine));
	}
}

static void
forget(void *value)
{
	secret_wipe(value, strlen(value));
	free(value);
}

void
process_env_file(const struct process_conf *conf, struct env_state *states, size_t rule,
	const char *text, size_t len)
{
	struct map *map = map_new();
	char *copy = xstrndup(text, len);
	const char *value = NULL;

	/* A line that is broken does not undo those before it. */
	env_file_parse(map, copy, NULL);
	value = map_get(map, conf->rules[rule].name);
	if (value != NULL && value[0] != '\0') {
		states[rule].is_in_file = true;
		take_fingerprint(conf, value, strlen(value), states[rule].file_fingerprint);
	}
	map_free(map, forget);
	secret_wipe(copy, strlen(copy));
	free(copy);
}

static size_t
describe(const struct env_rule *rule, const struct env_state *s, const char *before, char *out,
	size_t size)
{
	int len;

	if (s->is_set)
		len = snprintf(out, size, "%s%s: %zu bytes, fingerprint %s", before, rule->name,
			s->len, s->fingerprint);
	else
		len = snprintf(out, size, "%s%s: not set", before, rule->name);
	return len > 0 ? (size_t)len : 0;
}

bool
process_env_judge(
	struct probe_run *run, const struct process_conf *conf, const struct env_state *states)
{
	const struct env_state *worst = NULL;
	char all[1024];
	size_t len = 0;

	all[0] = '\0';
	for (size_t i = 0; i < conf->rule_count; i++) {
		const struct env_state *s = &states[i];

		if (s->is_seen && len < sizeof(all))
			len += describe(&conf->rules[i], s, len > 0 ? "; " : "", all + len,
				sizeof(all) - len);
		if (s->cause != NULL && (worst == NULL || str_eq(worst->cause, "proc.env-quoted")))
			worst = s;
	}
	if (len > 0)
		probe_fact(run, "env", "%s", all);
	if (worst == NULL)
		return false;
	probe_fail(run, worst->cause, "%s", worst->text);
	return true;
}
