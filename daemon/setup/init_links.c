/*
 * Who needs whom: what depends_on says, and the servers that a service's variables point to.  Those
 * that point out of the project become checks of their own.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/dsn.h"
#include "setup/init.h"
#include "setup/init_kinds.h"

#define HOSTS_MAX 16 /* of one variable */

/* --- needs without circles --- */

static struct init_check *
check_named(const struct init_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (str_eq(plan->checks[i]->name, name))
			return plan->checks[i];
	return NULL;
}

/* Does following the needs of `from` lead to `to`? */
static bool
leads_to(const struct init_plan *plan, const struct init_check *from, const char *to)
{
	struct compose_words seen = { 0 };
	bool is_found = false;
	compose_add_word(&seen, from->name);
	for (size_t at = 0; at < seen.count && !is_found; at++) {
		const struct init_check *check = check_named(plan, seen.all[at]);
		for (size_t n = 0; check != NULL && n < check->needs.count && !is_found; n++) {
			is_found = str_eq(check->needs.all[n], to);
			compose_add_word(&seen, check->needs.all[n]);
		}
		is_found = is_found || seen.count >= COMPOSE_ITEMS_MAX;
	}
	compose_words_fini(&seen);
	return is_found;
}

/* Every check of a service needs it; one that is off is not needed: it would never be up. */
static void
add_need(struct init_plan *plan, const struct compose_service *service,
	const struct init_check *needed)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct init_check *check = plan->checks[i];
		if (check->service == service && check != needed && !needed->is_off &&
			!str_eq(needed->type, "process") && !leads_to(plan, needed, check->name))
			compose_add_word(&check->needs, needed->name);
	}
}

static void
add_need_of_service(struct init_plan *plan, const struct compose_service *service,
	const struct compose_service *needed)
{
	const struct init_check *check =
		needed != NULL && needed != service ? init_check_of(plan, needed) : NULL;
	if (check != NULL)
		add_need(plan, service, check);
}

/* --- hosts in variables --- */

/* Calls fn for each host in "scheme://user:pw@a:1,b:2/x", "tcp(a:1)", "a:1,b:2" and "a". */
static void
each_host(const char *value, void (*fn)(void *arg, const char *host), void *arg)
{
	const char *scheme = strstr(value, "://");
	const char *go = strstr(value, "@tcp(");
	const char *at = scheme != NULL ? scheme + 3 : go != NULL ? go + 5 : value;
	size_t len = strcspn(at, "/?)# ");
	for (size_t i = len; i > 0; i--)
		if (at[i - 1] == '@') {
			at += i;
			len -= i;
			break;
		}
	for (unsigned n = 0; len > 0 && n < HOSTS_MAX; n++) {
		size_t part = strcspn(at, ",/?)# ");
		if (part > len)
			part = len;
		char *host = xstrndup(at, strcspn(at, ",:/?)# "));
		fn(arg, host);
		free(host);
		part += part < len;
		at += part;
		len -= part;
	}
}

struct linking {
	struct init_plan *plan;
	const struct compose_service *service;
};

static void
on_host(void *arg, const char *host)
{
	struct linking *l = arg;
	const struct compose_service *found = compose_find(l->plan->compose, host);
	const struct init_kind *kind = found != NULL ? init_kind_of(found) : NULL;
	if (kind != NULL && kind->is_server)
		add_need_of_service(l->plan, l->service, found);
}

/* --- servers outside of the project --- */

/* From the host, this name of containers for it is the host itself. */
static const char *
reached_as(const struct init_plan *plan, const char *host)
{
	bool is_host = init_is_self(host) || str_eq(host, "host.docker.internal");
	return !plan->options->is_sidecar && is_host ? "127.0.0.1" : host;
}

/* Is this name, in a variable of that service, the name of something that is no service?  In a
 * container `localhost` is itself, unless it has the host's network. */
static bool
is_outside(const struct init_plan *plan, const struct compose_service *service, const char *host)
{
	if (init_is_self(host))
		return !plan->options->is_sidecar && str_eq(service->network_mode, "host");
	return *host != '\0' && compose_find(plan->compose, host) == NULL;
}

/* A check that is there already for that port of this host. */
static struct init_check *
check_of_port(const struct init_plan *plan, const char *type, unsigned port)
{
	char ending[16];
	snprintf(ending, sizeof(ending), ":%u", port);
	for (size_t i = 0; i < plan->count; i++) {
		const char *target = plan->checks[i]->target;
		const char *at = target != NULL && str_starts(target, "127.0.0.1:")
					 ? strstr(target, ending)
					 : NULL;
		if (at != NULL && strchr("/", at[strlen(ending)]) != NULL &&
			str_eq(plan->checks[i]->type, type))
			return plan->checks[i];
	}
	return NULL;
}

static struct init_check *
check_of_target(const struct init_plan *plan, const char *type, const char *target)
{
	for (size_t i = 0; i < plan->count; i++)
		if (str_eq(plan->checks[i]->target, target) && str_eq(plan->checks[i]->type, type))
			return plan->checks[i];
	return NULL;
}

static const char *
type_of_grammar(enum dsn_kind kind)
{
	return kind == DSN_POSTGRES ? "postgres" : kind == DSN_MYSQL ? "mysql" : "redis";
}

/* Two services with one database need one check. */
static struct init_check *
outside_check(struct init_plan *plan, const struct compose_service *service,
	const struct compose_var *var, const struct dsn *dsn)
{
	const char *type = type_of_grammar(dsn->kind);
	struct init_check *there = init_is_self(dsn->hosts[0].host)
					   ? check_of_port(plan, type, dsn->hosts[0].port)
					   : NULL;
	if (there != NULL)
		return there;
	char *target = xasprintf("%s:%u%s%s", reached_as(plan, dsn->hosts[0].host),
		dsn->hosts[0].port, dsn->database != NULL ? "/" : "",
		dsn->database != NULL ? dsn->database : "");
	there = check_of_target(plan, type, target);
	if (there != NULL) {
		free(target);
		return there;
	}
	char *name = xasprintf("%s-%s", service->name, type);
	struct init_check *check = init_check_new(plan, name, type);
	check->target = target;
	check->from = xasprintf("%s of %s", var->name, service->name);
	init_about(check, "%s: outside of this project.", check->from);
	free(name);
	return check;
}

static void
write_outside(struct init_plan *plan, struct init_check *check, const struct compose_var *var,
	const struct dsn *dsn)
{
	const char *host = reached_as(plan, dsn->hosts[0].host);
	const char *key = dsn->kind == DSN_REDIS ? "url" : "dsn";
	struct init_text whole = { NULL, NULL };
	if (str_eq(host, dsn->hosts[0].host))
		whole = init_refer(plan, var);
	if (str_eq(host, dsn->hosts[0].host) && whole.text == NULL)
		whole = init_keep(plan, var);
	if (whole.text != NULL) {
		init_key(check, key, whole.text);
		init_text_fini(&whole);
		return;
	}
	struct init_login login = { 0 };
	if (dsn->user != NULL)
		login.user = init_literal(dsn->user);
	if (dsn->database != NULL)
		login.database = init_literal(dsn->database);
	if (dsn->password != NULL) {
		char *name = xasprintf("%s_PASSWORD", var->name);
		size_t fills = plan->fill_count;
		login.password = init_secret(plan, NULL, dsn->password, name, &var->pos);
		if (plan->fill_count > fills)
			init_about_fill(plan, check, &plan->fills[fills]);
		free(name);
	}
	char *text = init_dsn(plan, check->type, &login, host, dsn->hosts[0].port);
	init_key(check, key, text);
	if (dsn->params.count > 0 || dsn->tls >= DSN_TLS_REQUIRE)
		init_guess(plan, "%s: parameters of %s (TLS and the like) are left out",
			check->name, var->name);
	free(text);
	init_login_fini(&login);
}

/* A data source name of a variable whose server is no service of the project. */
static void
plan_outside(struct init_plan *plan, const struct compose_service *service,
	const struct compose_var *var)
{
	struct dsn dsn;
	struct err e;
	if (!init_dsn_read(var->value, &dsn, &e)) {
		if (*e.text != '\0')
			init_guess(plan, "nothing was made of %s of %s: %s", var->name,
				service->name, e.text);
		return;
	}
	const char *host = dsn.hosts[0].host;
	if (dsn.host_count == 1 && is_outside(plan, service, host)) {
		struct init_check *check = outside_check(plan, service, var, &dsn);
		if (buf_left(&check->keys) == 0)
			write_outside(plan, check, var, &dsn);
		add_need(plan, service, check);
	}
	dsn_fini(&dsn);
}

static struct init_check *
check_of_parts(struct init_plan *plan, const struct compose_service *service,
	const struct init_parts *parts, const char *host, unsigned port)
{
	const char *type = parts->type;
	char *name = xasprintf("%s-%s", service->name, type);
	struct init_check *check = init_check_new(plan, name, type);
	size_t fills = plan->fill_count;
	struct init_login login = { .password = init_secret_var(plan, service, parts->password) };
	check->from = xasprintf("%s of %s", parts->host->name, service->name);
	init_about(check, "%s: outside of this project.", check->from);
	for (; fills < plan->fill_count; fills++)
		init_about_fill(plan, check, &plan->fills[fills]);
	if (parts->user != NULL)
		login.user = init_plain(plan, parts->user);
	if (parts->database != NULL)
		login.database = init_plain(plan, parts->database);
	char *dsn = init_dsn(plan, type, &login, host, port);
	init_key(check, str_eq(type, "redis") ? "url" : "dsn", dsn);
	init_login_fini(&login);
	free(dsn);
	free(name);
	return check;
}

static bool
has_login(const struct init_parts *parts)
{
	return str_eq(parts->type, "redis") || (parts->user != NULL && parts->has_password);
}

/* DB_HOST=db.example.com and what belongs to it. */
static void
plan_outside_family(struct init_plan *plan, const struct compose_service *service,
	const struct init_family *family)
{
	struct init_parts parts;
	if (!init_parts_read(service, family, &parts) ||
		!is_outside(plan, service, parts.host->value) ||
		strpbrk(parts.host->value, ":/, ") != NULL)
		return;
	const char *host = reached_as(plan, parts.host->value), *type = parts.type;
	unsigned port = parts.port > 0 || type == NULL ? parts.port : init_kind_of_type(type)->port;
	const char *database = parts.database != NULL ? parts.database->value : NULL;
	char *target = xasprintf("%s:%u%s%s", host, port, database != NULL ? "/" : "",
		database != NULL ? database : "");
	struct init_check *check = NULL;
	if (type != NULL && init_is_self(parts.host->value))
		check = check_of_port(plan, type, port);
	if (type != NULL && check == NULL)
		check = check_of_target(plan, type, target);
	if (type != NULL && check == NULL && has_login(&parts)) {
		check = check_of_parts(plan, service, &parts, host, port);
		check->target = xstrdup(target);
	}
	if (check != NULL)
		add_need(plan, service, check);
	else
		init_guess(plan,
			"%s of %s is %s: no check, for what is there, or its login, is not clear",
			parts.host->name, service->name, parts.host->value);
	free(target);
}

void
init_plan_links(struct init_plan *plan)
{
	const struct compose *compose = plan->compose;
	for (size_t s = 0; s < compose->service_count; s++) {
		const struct compose_service *service = &compose->services[s];
		const struct init_kind *kind = init_kind_of(service);
		struct linking linking = { plan, service };
		for (size_t n = 0; n < service->need_count; n++)
			add_need_of_service(
				plan, service, compose_find(compose, service->needs[n].service));
		for (size_t v = 0; v < service->var_count; v++) {
			const struct compose_var *var = &service->vars[v];
			if (var->value == NULL || *var->value == '\0' ||
				(kind != NULL && kind->is_server))
				continue;
			each_host(var->value, on_host, &linking);
			plan_outside(plan, service, var);
		}
		for (const struct init_family *f = init_families;
			f->prefix != NULL && (kind == NULL || !kind->is_server); f++)
			plan_outside_family(plan, service, f);
	}
}

/* --- queues --- */

static struct init_check *
redis_check_of(const struct init_plan *plan, const char *url, unsigned *db)
{
	struct dsn dsn;
	struct init_check *found = NULL;
	if (url == NULL || !init_dsn_read(url, &dsn, NULL))
		return NULL;
	const struct compose_service *service =
		dsn.host_count == 1 ? compose_find(plan->compose, dsn.hosts[0].host) : NULL;
	*db = dsn.database != NULL ? (unsigned)strtoul(dsn.database, NULL, 10) : 0;
	for (size_t i = 0; service != NULL && i < plan->count; i++)
		if (plan->checks[i]->service == service && str_eq(plan->checks[i]->type, "redis"))
			found = plan->checks[i];
	dsn_fini(&dsn);
	return found;
}

static const char *
broker_of(const struct compose_service *service)
{
	static const char *const names[] = { "CELERY_BROKER_URL", "BROKER_URL", "CELERY_BROKER",
		"REDIS_URL", NULL };
	for (const char *const *name = names; *name != NULL; name++)
		if (compose_value(service, *name) != NULL)
			return compose_value(service, *name);
	return NULL;
}

/* The list behind -Q, or Celery's own. */
static char *
queues_of(const char *command)
{
	const char *at = strstr(command, " -Q ");
	const char *word = at != NULL ? at + strlen(" -Q ") : "celery";
	size_t len =
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-,");
	return xstrndup(word, len);
}

/* The first queue alone names the metric where it is a word; others are `queue1`... */
static void
add_lengths(struct init_check *check, const char *command)
{
	char *queues = queues_of(command), *rest = queues;
	const char *queue;
	unsigned n = 0;
	buf_add_text(&check->keys, "lengths: { ");
	while ((queue = strsep(&rest, ",")) != NULL) {
		if (*queue == '\0')
			continue;
		bool is_word = isalpha((unsigned char)*queue) && strchr(queue, '-') == NULL;
		buf_add_text(&check->keys, n++ > 0 ? ", " : "");
		if (is_word)
			buf_addf(&check->keys, "%s: %s", queue, queue);
		else
			buf_addf(&check->keys, "queue%u: %s", n, queue);
	}
	buf_add_text(&check->keys, " }\n");
	free(queues);
}

void
init_plan_queues(struct init_plan *plan)
{
	const struct compose *compose = plan->compose;
	for (size_t s = 0; s < compose->service_count; s++) {
		const struct compose_service *service = &compose->services[s];
		const char *command = service->command != NULL ? service->command : "";
		unsigned db;
		if (strstr(command, "celery") == NULL || strstr(command, " worker") == NULL)
			continue;
		struct init_check *check = redis_check_of(plan, broker_of(service), &db);
		if (check == NULL || strstr(buf_text(&check->keys), "lengths:") != NULL)
			continue;
		if (check->db != db) {
			init_guess(plan, "%s: the queue of %s lies in database %u, %s looks at %u",
				service->name, service->name, db, check->name, check->db);
			continue;
		}
		init_about(check,
			"Celery has no check of its own yet: how long its queue is shows "
			"whether %s keeps up.",
			service->name);
		add_lengths(check, command);
	}
}
