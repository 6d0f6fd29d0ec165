/*
 * The plan: a list of checks with their comments.  One after the other the services, what they
 * need, their containers, the host, and who is told.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/value.h"
#include "rules/expr.h"
#include "setup/init.h"
#include "setup/init_kinds.h"

#define NAME_ROOM 56 /* a number may follow it */

/* --- checks --- */

bool
init_has_check(const struct init_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (str_eq(plan->checks[i]->name, name))
			return true;
	return false;
}

/* A letter first, then letters, digits, - and _; no word of the rule language; not taken. */
static char *
free_name(const struct init_plan *plan, const char *wanted)
{
	char base[NAME_ROOM];
	size_t len = 0;
	if (!((*wanted | 0x20) >= 'a' && (*wanted | 0x20) <= 'z'))
		len = (size_t)snprintf(base, sizeof(base), "s-");
	for (; *wanted != '\0' && len + 1 < sizeof(base); wanted++) {
		bool is_fine = (*wanted >= '0' && *wanted <= '9') || *wanted == '-' ||
			       *wanted == '_' ||
			       ((*wanted | 0x20) >= 'a' && (*wanted | 0x20) <= 'z');
		base[len++] = is_fine ? *wanted : '-';
	}
	base[len] = '\0';
	char *name = expr_is_reserved(base) ? xasprintf("%s-service", base) : xstrdup(base);
	for (unsigned n = 2; init_has_check(plan, name); n++) {
		free(name);
		name = xasprintf("%s-%u", base, n);
	}
	return name;
}

struct init_check *
init_check_new(struct init_plan *plan, const char *name, const char *type)
{
	struct init_check *check = xcalloc(1, sizeof(*check));
	check->name = free_name(plan, name);
	check->type = type;
	buf_init(&check->about, 0);
	buf_init(&check->keys, 0);
	plan->checks = xreallocarray(plan->checks, plan->count + 1, sizeof(struct init_check *));
	plan->checks[plan->count++] = check;
	return check;
}

static void
check_free(struct init_check *check)
{
	compose_words_fini(&check->needs);
	buf_fini(&check->about);
	buf_fini(&check->keys);
	free(check->name);
	free(check->target);
	free(check->from);
	free(check);
}

const struct init_check *
init_check_of(const struct init_plan *plan, const struct compose_service *service)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->checks[i]->service == service)
			return plan->checks[i];
	return NULL;
}

void
init_about(struct init_check *check, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&check->about, fmt, ap);
	va_end(ap);
	buf_add_text(&check->about, "\n");
}

void
init_about_fill(
	const struct init_plan *plan, struct init_check *check, const struct init_fill *fill)
{
	init_about(check,
		plan->options->is_copying ? "%s was copied from %s."
					  : "Fill in %s: its value stands in %s.",
		fill->name, fill->where);
}

void
init_guess(struct init_plan *plan, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	compose_add_words(&plan->guesses, fmt, ap);
	va_end(ap);
}

/* --- values in YAML --- */

static bool
is_plain(const char *text)
{
	static const char *const words[] = { "true", "false", "null", "on", "off", "yes", "no" };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "_./:-");
	return len > 0 && text[len] == '\0' && text[0] != '-' && text[0] != ':' &&
	       text[len - 1] != ':';
}

void
init_scalar(struct buf *out, const char *text)
{
	if (is_plain(text)) {
		buf_add_text(out, text);
		return;
	}
	buf_add_text(out, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_add(out, text, 1);
	}
	buf_add_text(out, "\"");
}

void
init_key(struct init_check *check, const char *key, const char *value)
{
	buf_addf(&check->keys, "%s: ", key);
	init_scalar(&check->keys, value);
	buf_add_text(&check->keys, "\n");
}

/* --- the whole --- */

static const char *
env_value(const struct init_plan *plan, const char *name)
{
	const char *value =
		plan->compose->env_path != NULL ? map_get(plan->compose->env, name) : NULL;
	return value != NULL && *value != '\0' ? value : NULL;
}

/* Only what .env has: what else the shell knows, the daemon does not. */
void
init_plan_receivers(struct init_plan *plan)
{
	struct compose_words names = { 0 };
	for (const struct init_receiver *row = init_receivers; row->variable != NULL; row++) {
		const char *other =
			row->other_variable != NULL ? env_value(plan, row->other_variable) : NULL;
		const char *value = env_value(plan, row->variable);
		if (value == NULL || (other == NULL && row->is_other_required) ||
			(str_eq(row->key, "url") && !str_starts(value, "http")) ||
			!compose_add_word(&names, row->type))
			continue;
		compose_add_word(&plan->env_files, plan->compose->env_path);
		buf_addf(&plan->receivers, "%s: { type: %s, %s: \"${%s}\"", row->type, row->type,
			row->key, row->variable);
		if (other != NULL)
			buf_addf(&plan->receivers, ", %s: \"${%s}\"", row->other_key,
				row->other_variable);
		buf_add_text(&plan->receivers, " }\n");
	}
	compose_words_fini(&names);
}

/* Its rules know what an image and a port do not say. */
static void
plan_pack(struct init_plan *plan, const struct compose_service *service)
{
	const char *pack = init_pack_of(service);
	if (pack != NULL)
		init_guess(plan,
			"this looks like %s: packs/%s.yaml is made for it, with rules of its own "
			"(docs/packs.md)",
			pack, pack);
}

struct init_plan *
init_plan_new(const struct compose *compose, const struct init_host *host,
	const struct init_options *options)
{
	struct init_plan *plan = xcalloc(1, sizeof(*plan));
	plan->compose = compose;
	plan->host = host;
	plan->options = options;
	buf_init(&plan->receivers, 0);
	for (size_t i = 0; i < compose->service_count; i++) {
		init_plan_service(plan, &compose->services[i]);
		plan_pack(plan, &compose->services[i]);
	}
	init_plan_queues(plan);
	init_plan_links(plan);
	init_plan_containers(plan);
	init_plan_host(plan);
	init_plan_receivers(plan);
	return plan;
}

void
init_plan_free(struct init_plan *plan)
{
	if (plan == NULL)
		return;
	for (size_t i = 0; i < plan->count; i++)
		check_free(plan->checks[i]);
	for (size_t i = 0; i < plan->fill_count; i++) {
		secret_wipe(plan->fills[i].value, strlen(plan->fills[i].value));
		free(plan->fills[i].name);
		free(plan->fills[i].value);
		free(plan->fills[i].where);
	}
	compose_words_fini(&plan->env_files);
	compose_words_fini(&plan->secrets);
	compose_words_fini(&plan->guesses);
	buf_fini(&plan->receivers);
	free(plan->checks);
	free(plan->fills);
	free(plan);
}
