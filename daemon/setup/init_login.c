/*
 * Logins to databases: what the server's own variables say, else what its clients have, as a data
 * source name that its own grammar reads back as it was meant.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/dsn.h"
#include "setup/init.h"
#include "setup/init_kinds.h"

void
init_login_fini(struct init_login *login)
{
	init_text_fini(&login->user);
	init_text_fini(&login->password);
	init_text_fini(&login->database);
}

/* --- the server's own variables --- */

static struct init_text
first_plain(struct init_plan *plan, const struct compose_service *service, const char *const *names)
{
	for (; *names != NULL; names++)
		if (compose_value(service, *names) != NULL)
			return init_plain(plan, compose_var(service, *names));
	return (struct init_text){ NULL, NULL };
}

static bool
take_own(struct init_plan *plan, const struct compose_service *service,
	const struct init_names *names, struct init_login *login)
{
	const char *const *name = names->passwords;
	for (; *name != NULL && login->password.text == NULL; name++)
		login->password = init_secret_var(plan, service, *name);
	if (login->password.text == NULL)
		return false;
	login->user = first_plain(plan, service, names->users);
	login->database = first_plain(plan, service, names->databases);
	if (login->user.text == NULL && names->dflt_user != NULL)
		login->user = init_literal(names->dflt_user);
	if (login->user.text == NULL && !str_eq(names->type, "redis")) {
		init_login_fini(login); /* a password of nobody: MYSQL_PASSWORD without a user */
		return false;
	}
	return true;
}

/* The word behind --requirepass, or behind -a of a healthcheck. */
static char *
word_behind(const struct compose_service *service, const char *text, const char *option)
{
	const char *at = text != NULL ? strstr(text, option) : NULL;
	if (at == NULL)
		return NULL;
	at += strlen(option);
	at += strspn(at, " ='\"");
	char *word = xstrndup(at, strcspn(at, " '\";|&)"));
	char *value = init_in_container(service, word);
	free(word);
	if (*value == '\0' || *value == '$') {
		free(value);
		return NULL;
	}
	return value;
}

/* A plain redis image knows no variables: the password stands in its command. */
static bool
take_redis_command(
	struct init_plan *plan, const struct compose_service *service, struct init_login *login)
{
	char *value = word_behind(service, service->command, "--requirepass");
	if (value == NULL)
		value = word_behind(service, service->health.test, "redis-cli -a");
	if (value == NULL)
		return false;
	login->password = init_secret(plan, service, value, "REDIS_PASSWORD",
		service->command != NULL ? &service->command_pos : &service->health.pos);
	secret_wipe(value, strlen(value));
	free(value);
	return true;
}

static bool
has_own_variables(const struct compose_service *service)
{
	return service->image == NULL || strstr(service->image, "bitnami") != NULL ||
	       strchr(service->image, '/') != NULL;
}

/* --- what its clients have --- */

static enum dsn_kind
grammar_of(const char *type)
{
	return str_eq(type, "postgres") ? DSN_POSTGRES
	       : str_eq(type, "mysql")  ? DSN_MYSQL
					: DSN_REDIS;
}

/* `e` says why only of what surely is meant as one, by its scheme. */
static bool
parse(const char *value, struct dsn *dsn, struct err *e)
{
	static const struct {
		const char *scheme;
		enum dsn_kind kind;
	} schemes[] = {
		{ "postgres", DSN_POSTGRES },
		{ "mysql", DSN_MYSQL },
		{ "mariadb", DSN_MYSQL },
		{ "redis", DSN_REDIS },
		{ "valkey", DSN_REDIS },
	};
	const char *colon = strstr(value, "://");
	if (colon == NULL)
		return (dsn_is_like(DSN_POSTGRES, value) &&
			       dsn_parse(dsn, DSN_POSTGRES, value, NULL) == 0) ||
		       (dsn_is_like(DSN_MYSQL, value) &&
			       dsn_parse(dsn, DSN_MYSQL, value, NULL) == 0);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (str_starts(value, schemes[i].scheme))
			return dsn_parse(dsn, schemes[i].kind, value, e) == 0;
	return false;
}

static bool
is_utf8(const char *text)
{
	return text == NULL || str_is_utf8(text, strlen(text));
}

/* An escape such as %E9 may stand for a byte that no YAML can hold. */
static bool
can_be_written(const struct dsn *dsn)
{
	return is_utf8(dsn->user) && is_utf8(dsn->password) && is_utf8(dsn->database);
}

bool
init_dsn_read(const char *value, struct dsn *dsn, struct err *e)
{
	struct err unsaid;
	if (e == NULL)
		e = &unsaid;
	*e = (struct err){ 0 };
	if (!parse(value, dsn, e))
		return false;
	if (can_be_written(dsn))
		return true;
	dsn_fini(dsn);
	err_set(e, 0, "an escape in its user, password or database stands for no text in UTF-8");
	return false;
}

static void
take_dsn(struct init_plan *plan, const struct compose_service *client,
	const struct compose_var *var, const struct dsn *dsn, struct init_login *login)
{
	if (login->database.text == NULL && dsn->database != NULL && *dsn->database != '\0')
		login->database = init_literal(dsn->database);
	if (login->password.text != NULL || dsn->password == NULL || *dsn->password == '\0')
		return;
	char *name = xasprintf("%s_PASSWORD", dsn->kind == DSN_POSTGRES ? "POSTGRES"
					      : dsn->kind == DSN_MYSQL  ? "MYSQL"
									: "REDIS");
	login->password = init_secret(plan, client, dsn->password, name, &var->pos);
	init_text_fini(&login->user);
	if (dsn->user != NULL && *dsn->user != '\0')
		login->user = init_literal(dsn->user);
	free(name);
}

/* Celery's broker counts first: its lists lie in that database. */
static bool
is_broker(const struct compose_var *var)
{
	return strstr(var->name, "BROKER") != NULL;
}

static void
take_from_var(struct init_plan *plan, const struct compose_service *service,
	const struct compose_service *client, const struct compose_var *var,
	struct init_login *login)
{
	struct dsn dsn;
	if (var->value == NULL || !init_dsn_read(var->value, &dsn, NULL))
		return;
	if (dsn.host_count == 1 && dsn.kind == grammar_of(init_kind_of(service)->type) &&
		compose_find(plan->compose, dsn.hosts[0].host) == service)
		take_dsn(plan, client, var, &dsn, login);
	dsn_fini(&dsn);
}

/* --- one variable for each part --- */

/* The first of the names, behind the prefix, that is set; NULL. */
static const struct compose_var *
part_of(const struct compose_service *service, const char *prefix, const char *const *names)
{
	for (; *names != NULL; names++) {
		char name[64];
		snprintf(name, sizeof(name), "%s%s", prefix, *names);
		if (compose_value(service, name) != NULL)
			return compose_var(service, name);
	}
	return NULL;
}

/* What DB_TYPE or DB_CONNECTION call it, else what the port means. */
static const char *
type_of_parts(const struct compose_service *service, const char *prefix, unsigned port)
{
	static const char *const names[] = { "TYPE", "CONNECTION", "DRIVER", "ENGINE", NULL };
	const struct compose_var *var = part_of(service, prefix, names);
	if (var != NULL &&
		(strstr(var->value, "postgres") != NULL || strstr(var->value, "pgsql") != NULL))
		return "postgres";
	if (var != NULL &&
		(strstr(var->value, "mysql") != NULL || strstr(var->value, "maria") != NULL))
		return "mysql";
	return port == 5432 ? "postgres" : port == 3306 ? "mysql" : NULL;
}

bool
init_parts_read(const struct compose_service *service, const struct init_family *family,
	struct init_parts *parts)
{
	static const char *const hosts[] = { "HOST", "HOSTNAME", NULL };
	static const char *const ports[] = { "PORT", NULL };
	static const char *const users[] = { "USER", "USERNAME", NULL };
	static const char *const databases[] = { "NAME", "DATABASE", "DB", NULL };
	static const char *const passwords[] = { "PASSWORD", "PASS", NULL };
	const char *prefix = family->prefix;
	const struct compose_var *port = part_of(service, prefix, ports);
	const struct compose_var *password = part_of(service, prefix, passwords);
	*parts = (struct init_parts){
		.host = part_of(service, prefix, hosts),
		.user = part_of(service, prefix, users),
		.database = part_of(service, prefix, databases),
	};
	if (parts->host == NULL)
		return false;
	unsigned long number = port != NULL ? strtoul(port->value, NULL, 10) : 0;
	parts->port = number < 65536 ? (unsigned)number : 0;
	if (password != NULL)
		str_copy(parts->password, sizeof(parts->password), password->name);
	else
		snprintf(parts->password, sizeof(parts->password), "%sPASSWORD", prefix);
	char *file = xasprintf("%s_FILE", parts->password);
	parts->has_password = password != NULL || compose_value(service, file) != NULL;
	free(file);
	parts->type =
		family->type != NULL ? family->type : type_of_parts(service, prefix, parts->port);
	return true;
}

/* DB_PASSWORD beside a DB_HOST that is this service. */
static void
take_from_family(struct init_plan *plan, const struct compose_service *service,
	const struct compose_service *client, const struct init_family *family,
	struct init_login *login)
{
	struct init_parts parts;
	if (!init_parts_read(client, family, &parts) ||
		compose_find(plan->compose, parts.host->value) != service ||
		(family->type != NULL && !str_eq(family->type, init_kind_of(service)->type)))
		return;
	if (login->database.text == NULL && parts.database != NULL)
		login->database = init_plain(plan, parts.database);
	if (login->password.text != NULL)
		return;
	login->password = init_secret_var(plan, client, parts.password);
	if (login->password.text == NULL || parts.user == NULL)
		return;
	init_text_fini(&login->user);
	login->user = init_plain(plan, parts.user);
}

static void
take_clients(
	struct init_plan *plan, const struct compose_service *service, struct init_login *login)
{
	const struct compose *compose = plan->compose;
	for (int pass = 0; pass < 2; pass++)
		for (size_t s = 0; s < compose->service_count; s++) {
			const struct compose_service *client = &compose->services[s];
			if (login->password.text != NULL && login->database.text != NULL)
				return;
			for (size_t v = 0; client != service && v < client->var_count; v++)
				if (is_broker(&client->vars[v]) == (pass == 0))
					take_from_var(
						plan, service, client, &client->vars[v], login);
			for (const struct init_family *f = init_families;
				pass == 1 && client != service && f->prefix != NULL; f++)
				take_from_family(plan, service, client, f, login);
		}
}

void
init_login_find(struct init_plan *plan, const struct compose_service *service,
	const struct init_kind *kind, struct init_login *login)
{
	bool is_redis = str_eq(kind->type, "redis");
	bool is_found = is_redis && take_redis_command(plan, service, login);
	for (const struct init_names *names = init_server_names; names->type != NULL; names++)
		if (!is_found && str_eq(names->type, kind->type) &&
			(!is_redis || has_own_variables(service)))
			is_found = take_own(plan, service, names, login);
	take_clients(plan, service, login);
	if (login->user.text == NULL && !is_redis)
		login->user = init_literal(str_eq(kind->type, "mysql") ? "root" : "postgres");
}

/* --- the data source name --- */

/* What a URL cannot hold as it is, percent-encoded; references stay; owned. */
char *
init_percent(const char *text)
{
	struct buf out;
	buf_init(&out, 0);
	if (str_starts(text, "${"))
		return xstrdup(text);
	for (; *text != '\0'; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
			buf_add(&out, text, 1);
		else
			buf_addf(&out, "%%%02X", (unsigned char)*text);
	}
	return buf_take_text(&out);
}

struct parts {
	const char *type, *user, *password, *database, *host;
	unsigned port;
};

static char *
as_url(const struct parts *p)
{
	const char *colon = strchr(p->host, ':') != NULL ? "[" : "",
		   *end = *colon != '\0' ? "]" : "";
	if (str_eq(p->type, "redis"))
		return xasprintf("redis://%s%s%s%s%s%s%s:%u/%s", p->user, *p->password ? ":" : "",
			p->password, *p->user || *p->password ? "@" : "", colon, p->host, end,
			p->port, *p->database ? p->database : "0");
	return xasprintf("postgresql://%s%s%s@%s%s%s:%u%s%s", p->user, *p->password ? ":" : "",
		p->password, colon, p->host, end, p->port, *p->database ? "/" : "", p->database);
}

/* Go's form takes a password as it is; libpq's keywords do but for quotes. */
static char *
as_words(const struct parts *p)
{
	if (str_eq(p->type, "mysql"))
		return xasprintf("%s%s%s@tcp(%s%s%s:%u)/%s", p->user, *p->password ? ":" : "",
			p->password, strchr(p->host, ':') != NULL ? "[" : "", p->host,
			strchr(p->host, ':') != NULL ? "]" : "", p->port, p->database);
	return xasprintf("host=%s port=%u user='%s' password='%s' dbname='%s'", p->host, p->port,
		p->user, p->password, *p->database ? p->database : p->user);
}

/* Is what will be read what was meant? */
static bool
reads_back(const char *text, const struct parts *meant)
{
	struct dsn dsn;
	if (dsn_parse(&dsn, grammar_of(meant->type), text, NULL) != 0)
		return false;
	bool is_fine = str_eq(dsn.password != NULL ? dsn.password : "", meant->password) &&
		       str_eq(dsn.user != NULL ? dsn.user : "", meant->user) &&
		       dsn.host_count == 1 && str_eq(dsn.hosts[0].host, meant->host) &&
		       dsn.hosts[0].port == meant->port;
	dsn_fini(&dsn);
	return is_fine;
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static char *
make(char *(*form)(const struct parts *), const struct parts *meant, const struct parts *written)
{
	char *value = form(meant);
	bool is_fine = reads_back(value, meant);
	secret_wipe(value, strlen(value));
	free(value);
	return is_fine ? form(written) : NULL;
}

char *
init_dsn(struct init_plan *plan, const char *type, struct init_login *login, const char *host,
	unsigned port)
{
	struct parts meant = { type, or_empty(login->user.value), or_empty(login->password.value),
		or_empty(login->database.value), host, port };
	struct parts written = { type, or_empty(login->user.text), or_empty(login->password.text),
		or_empty(login->database.text), host, port };
	char *user = init_percent(written.user), *database = init_percent(written.database);
	struct parts in_url = written;
	in_url.user = user;
	in_url.database = database;
	char *dsn = str_eq(type, "mysql") ? NULL : make(as_url, &meant, &in_url);
	if (dsn == NULL && !str_eq(type, "redis"))
		dsn = make(as_words, &meant, &written);
	if (dsn == NULL && *meant.password != '\0' && !str_eq(type, "mysql")) {
		struct init_text safe = init_encoded(plan, &login->password);
		in_url.password = safe.text;
		dsn = as_url(&in_url);
		init_text_fini(&safe);
	}
	if (dsn == NULL) /* `triage check` will say what is wrong with it */
		dsn = str_eq(type, "mysql") ? as_words(&written) : as_url(&in_url);
	free(user);
	free(database);
	return dsn;
}
