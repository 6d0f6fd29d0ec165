/*
 * How a value of the project is written into the configuration: a plain one as it is, a password by
 * a name under which the daemon finds it.  The value that the daemon will read must be the one that
 * the service has: where the two may differ, the name is not used.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/dsn.h"
#include "setup/init.h"

/* Parts of a variable's name that make its value a password. */
static const char *const secret_words[] = { "PASS", "SECRET", "PWD", "TOKEN", "KEY", NULL };

void
init_text_fini(struct init_text *text)
{
	free(text->text);
	if (text->value != NULL)
		secret_wipe(text->value, strlen(text->value));
	free(text->value);
	*text = (struct init_text){ NULL, NULL };
}

/* ${ is the configuration's own sign; owned. */
static char *
escaped(const char *value)
{
	struct buf out;
	buf_init(&out, 0);
	for (; *value != '\0'; value++) {
		if (value[0] == '$' && value[1] == '{')
			buf_add_text(&out, "$");
		buf_add(&out, value, 1);
	}
	return buf_take_text(&out);
}

struct init_text
init_literal(const char *value)
{
	return (struct init_text){ escaped(value), xstrdup(value) };
}

static struct init_text
by_name(struct init_plan *plan, const char *name, const char *value)
{
	const char *dollar = strchr(value, '$');
	if (dollar != NULL && (isalpha((unsigned char)dollar[1]) || dollar[1] == '{'))
		init_guess(plan,
			"%s: compose replaces what follows its $, triaged does not: look at its "
			"value",
			name);
	return (struct init_text){ xasprintf("${%s}", name), xstrdup(value) };
}

static bool
is_of_env(const struct init_plan *plan, const char *name, const char *value)
{
	return plan->compose->env_path != NULL && str_eq(map_get(plan->compose->env, name), value);
}

/* --- plain values --- */

/* The name in "$NAME", "${NAME}" or "${NAME:-default}" when that is all; owned, NULL: it is not. */
static char *
only_name(const char *raw)
{
	size_t len = 0;
	if (raw == NULL || raw[0] != '$')
		return NULL;
	const char *name = raw[1] == '{' ? raw + 2 : raw + 1;
	while (isalnum((unsigned char)name[len]) || name[len] == '_')
		len++;
	const char *end = raw[1] == '{' ? strchr(name + len, '}') : name + len;
	if (len == 0 || end == NULL || end[raw[1] == '{'] != '\0')
		return NULL;
	return xstrndup(name, len);
}

struct init_text
init_plain(struct init_plan *plan, const struct compose_var *var)
{
	char *name = only_name(var->raw);
	struct init_text text = name != NULL && is_of_env(plan, name, var->value)
					? by_name(plan, name, var->value)
					: init_literal(var->value);
	free(name);
	return text;
}

/* --- names for passwords --- */

static bool
sounds_secret(const char *name)
{
	for (const char *const *word = secret_words; *word != NULL; word++)
		if (strstr(name, *word) != NULL)
			return true;
	return false;
}

/* Would `name` of this env_file mean another thing in a file that the daemon reads, too? */
static bool
is_ambiguous(const struct init_plan *plan, const struct compose_var *var)
{
	const struct compose *compose = plan->compose;
	const char *other = map_get(compose->env, var->name);
	if (other != NULL && !str_eq(other, var->value))
		return true;
	for (size_t s = 0; s < compose->service_count; s++)
		for (size_t v = 0; v < compose->services[s].var_count; v++) {
			const struct compose_var *it = &compose->services[s].vars[v];
			if (it->env_file != NULL && str_eq(it->name, var->name) &&
				!str_eq(it->value, var->value))
				return true;
		}
	return false;
}

struct init_text
init_refer(struct init_plan *plan, const struct compose_var *var)
{
	struct init_text none = { NULL, NULL };
	if (var->value == NULL)
		return none;
	if (var->env_file != NULL) {
		/* What compose replaced in it, the daemon would not. */
		if (!str_eq(var->raw, var->value) || is_ambiguous(plan, var))
			return none;
		compose_add_word(&plan->env_files, var->env_file);
		return by_name(plan, var->name, var->value);
	}
	char *name = var->raw != NULL ? only_name(var->raw) : xstrdup(var->name);
	struct init_text text = none;
	if (name != NULL && is_of_env(plan, name, var->value)) {
		compose_add_word(&plan->env_files, plan->compose->env_path);
		text = by_name(plan, name, var->value);
	}
	free(name);
	return text;
}

/* References to names of .env stay, in our spelling; everything else is replaced; owned. */
static char *
with_names(struct init_plan *plan, const char *raw)
{
	struct buf out;
	buf_init(&out, 0);
	while (*raw != '\0') {
		size_t plain = strcspn(raw, "$");
		buf_add(&out, raw, plain);
		raw += plain;
		if (*raw == '\0')
			break;
		size_t len = raw[1] == '{'
				     ? strcspn(raw, "}") + 1
				     : 1 + strspn(raw + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
							   "abcdefghijklmnopqrstuvwxyz");
		if (raw[1] == '$')
			len = 2;
		char *piece = xstrndup(raw, len);
		char *value = compose_expand(plan->compose, piece), *name = only_name(piece);
		raw += strlen(piece);
		if (name != NULL && is_of_env(plan, name, value))
			buf_addf(&out, "${%s}", name);
		else
			buf_add_text(&out, value);
		free(name);
		free(value);
		free(piece);
	}
	return buf_take_text(&out);
}

struct init_text
init_keep(struct init_plan *plan, const struct compose_var *var)
{
	struct init_text text = { NULL, NULL };
	struct dsn dsn;
	if (var->raw == NULL || var->env_file != NULL || plan->compose->env_path == NULL)
		return text;
	char *kept = with_names(plan, var->raw);
	if (init_dsn_read(kept, &dsn, NULL)) {
		const char *password = dsn.password;
		if (password == NULL || (str_starts(password, "${") && str_ends(password, "}"))) {
			text = (struct init_text){ xstrdup(kept), xstrdup(var->value) };
			compose_add_word(&plan->env_files, plan->compose->env_path);
		}
		dsn_fini(&dsn);
	}
	free(kept);
	return text;
}

/* A variable of .env, or of this service's env_files, that sounds like a password and is this one.
 */
static struct init_text
find_equal(struct init_plan *plan, const struct compose_service *service, const char *value)
{
	const char *name, *best = NULL;
	void *other;
	size_t walk = 0;
	while (map_next(plan->compose->env, &walk, &name, &other))
		if (sounds_secret(name) && is_of_env(plan, name, value) &&
			(best == NULL || strcmp(name, best) < 0))
			best = name;
	if (best != NULL) {
		compose_add_word(&plan->env_files, plan->compose->env_path);
		return by_name(plan, best, value);
	}
	for (size_t i = 0; service != NULL && i < service->var_count; i++) {
		const struct compose_var *var = &service->vars[i];
		if (var->env_file == NULL || !sounds_secret(var->name) ||
			!str_eq(var->value, value))
			continue;
		struct init_text text = init_refer(plan, var);
		if (text.text != NULL)
			return text;
	}
	return (struct init_text){ NULL, NULL };
}

/* --- fills --- */

static struct init_fill *
fill_named(const struct init_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->fill_count; i++)
		if (str_eq(plan->fills[i].name, name))
			return &plan->fills[i];
	return NULL;
}

/* A name that means this value: free, or already for the same. */
static char *
fill_name(const struct init_plan *plan, const char *wanted, const char *value)
{
	char *name = xstrdup(wanted);
	for (unsigned n = 2;; n++) {
		const struct init_fill *there = fill_named(plan, name);
		const char *in_env = map_get(plan->compose->env, name);
		if ((there == NULL || str_eq(there->value, value)) &&
			(in_env == NULL || str_eq(in_env, value)))
			return name;
		free(name);
		name = xasprintf("%s_%u", wanted, n);
	}
}

static char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return xstrdup(slash != NULL ? slash + 1 : path);
}

static char *
place_text(const struct conf_pos *pos)
{
	if (pos == NULL || pos->file == NULL)
		return xstrdup("the compose file");
	char *name = base_name(pos->file->path);
	char *text = xasprintf("%s:%u", name, pos->line);
	free(name);
	return text;
}

struct init_text
init_fill(struct init_plan *plan, const char *name, const char *value, const struct conf_pos *pos)
{
	char *own = fill_name(plan, name, value);
	if (fill_named(plan, own) == NULL) {
		plan->fills =
			xreallocarray(plan->fills, plan->fill_count + 1, sizeof(*plan->fills));
		plan->fills[plan->fill_count++] = (struct init_fill){
			.name = xstrdup(own),
			.value = xstrdup(value),
			.where = place_text(pos),
		};
	}
	struct init_text text = {
		.text = xasprintf(plan->options->has_fills ? "${%s}" : "${%s:-}", own),
		.value = xstrdup(value),
	};
	free(own);
	return text;
}

struct init_text
init_encoded(struct init_plan *plan, const struct init_text *password)
{
	static const char how[] = "with each sign but letters and digits as %XX";
	char *safe = init_percent(password->value);
	char *name = xstrndup(password->text + 2, strcspn(password->text + 2, ":}"));
	struct init_fill *fill = fill_named(plan, name);
	struct init_text text = { NULL, NULL };
	if (fill == NULL) {
		char *own = xasprintf("%s_ENCODED", name);
		text = init_fill(plan, own, safe, NULL);
		fill = &plan->fills[plan->fill_count - 1];
		xstrset(&fill->where, name);
		free(own);
	} else {
		xstrset(&fill->value, safe);
		text = (struct init_text){ xstrdup(password->text), xstrdup(safe) };
	}
	char *where = xasprintf("%s, %s", fill->where, how);
	free(fill->where);
	fill->where = where;
	free(name);
	free(safe);
	return text;
}

struct init_text
init_secret(struct init_plan *plan, const struct compose_service *service, const char *value,
	const char *name, const struct conf_pos *pos)
{
	struct init_text text = find_equal(plan, service, value);
	return text.text != NULL ? text : init_fill(plan, name, value, pos);
}

/* --- variables, and files of secrets --- */

static const struct compose_secret *
secret_named(const struct compose *compose, const char *name)
{
	for (size_t i = 0; i < compose->secret_count; i++)
		if (str_eq(compose->secrets[i].name, name))
			return &compose->secrets[i];
	return NULL;
}

/* NAME_FILE=/run/secrets/x: by the file that lies behind it. */
static struct init_text
by_file(struct init_plan *plan, const char *name, const struct compose_var *var)
{
	static const char prefix[] = "/run/secrets/";
	struct init_text text = { NULL, NULL };
	const struct compose_secret *secret =
		str_starts(var->value, prefix)
			? secret_named(plan->compose, var->value + sizeof(prefix) - 1)
			: NULL;
	if (secret != NULL && secret->variable != NULL) {
		const char *value = compose_lookup(plan->compose, secret->variable);
		return init_secret(plan, NULL, value != NULL ? value : "", name, &var->pos);
	}
	if (plan->options->is_sidecar && secret != NULL)
		compose_add_word(&plan->secrets, secret->name);
	if (plan->options->is_sidecar)
		return (struct init_text){ xasprintf("${file:%s}", var->value), xstrdup("") };
	if (secret != NULL && secret->path != NULL && access(secret->path, R_OK) == 0)
		return (struct init_text){ xasprintf("${file:%s}", secret->path), xstrdup("") };
	text = init_fill(plan, name, "", &var->pos);
	return text;
}

struct init_text
init_secret_var(struct init_plan *plan, const struct compose_service *service, const char *name)
{
	const struct compose_var *var = compose_var(service, name);
	char *file_name = xasprintf("%s_FILE", name);
	const struct compose_var *file = compose_var(service, file_name);
	struct init_text text = { NULL, NULL };
	free(file_name);
	if (var != NULL && var->value != NULL && *var->value != '\0') {
		text = init_refer(plan, var);
		if (text.text == NULL)
			text = init_secret(plan, service, var->value, name, &var->pos);
	} else if (file != NULL && file->value != NULL && *file->value != '\0') {
		text = by_file(plan, name, file);
	}
	return text;
}

char *
init_in_container(const struct compose_service *service, const char *text)
{
	struct buf out;
	buf_init(&out, 64 * 1024);
	while (*text != '\0') {
		size_t plain = strcspn(text, "$");
		buf_add(&out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		const char *name = text[1] == '{' ? text + 2 : text + 1;
		size_t len = 0;
		while (isalnum((unsigned char)name[len]) || name[len] == '_')
			len++;
		char *copy = xstrndup(name, len);
		const char *value = len > 0 ? compose_value(service, copy) : NULL;
		const char *end = name + len;
		if (text[1] == '{')
			end += strcspn(end, "}") + (strchr(end, '}') != NULL);
		buf_add(&out, value != NULL ? value : "$", value != NULL ? strlen(value) : 1);
		text = value != NULL ? end : text + 1;
		free(copy);
	}
	return buf_take_text(&out);
}
