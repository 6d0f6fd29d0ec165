/*
 * The grammar of Redis data source names, as go-redis, redis-py and Celery read them:
 *
 *	redis://[user[:password]@]host[:6379][/db][?name=value&...]   (rediss:, valkey:, valkeys:)
 *	redis://[...@]host:26379,host:26379[/db]                      sentinels
 *	unix://[user[:password]@]/path[?db=N]                         (redis+unix:, redis-socket:)
 *	host:26379,host:26379                                         sentinels, as in a variable
 *
 * An empty host is localhost.  A password may hold an unescaped "/", "@" or "?": what follows the
 * last "@" is the place, and places have none of these.
 */
#include "conf/dsn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DEFAULT_PORT 6379
#define PORT_DIGITS  5
#define DB_DIGITS    9

struct scheme {
	const char *prefix;
	bool is_tls, is_unix;
};

/* Longer ones before those that they begin with. */
static const struct scheme schemes[] = {
	{ "redis://", false, false },
	{ "rediss://", true, false },
	{ "valkey://", false, false },
	{ "valkeys://", true, false },
	{ "unix://", false, true },
	{ "redis+unix://", false, true },
	{ "redis-socket://", false, true },
	{ "redis+unix:", false, true },
	{ "redis-socket:", false, true },
	{ "unix:", false, true },
};

/* The pieces of the text; `text` is its start, so that columns can be told. */
struct cut {
	const char *text;
	const char *user, *at;     /* [user, at); both NULL: no user part */
	const char *place, *query; /* the place ends where the query begins */
};

static int
column(const struct cut *cut, const char *where)
{
	return (int)(where - cut->text) + 1;
}

static const char *
last_at(const char *from, const char *to)
{
	for (const char *p = to; p > from; p--)
		if (p[-1] == '@')
			return p - 1;
	return NULL;
}

/* The "?" of the parameters: one of a password has an "@" behind it, and no "=" before that. */
static const char *
find_query(const char *rest)
{
	const char *query = strchr(rest, '?');

	while (query != NULL) {
		size_t len = strcspn(query, "=@");

		if (query[len] != '@')
			return query;
		query = strchr(query + len, '?');
	}
	return rest + strlen(rest);
}

/* Where the user part ends and the parameters begin. */
static void
cut_up(struct cut *cut, const char *rest)
{
	const char *query = find_query(rest);

	cut->at = last_at(rest, query);
	/* ":pass?word=1@host": before this "?" there is no place */
	if (cut->at == NULL && rest[0] == ':')
		cut->at = last_at(rest, rest + strlen(rest));
	cut->user = cut->at != NULL ? rest : NULL;
	cut->place = cut->at != NULL ? cut->at + 1 : rest;
	cut->query = cut->place + strcspn(cut->place, "?");
}

static int
take_user(struct dsn *dsn, const struct cut *cut, struct err *e)
{
	const char *colon, *user_end;

	if (cut->user == NULL)
		return 0;
	colon = memchr(cut->user, ':', (size_t)(cut->at - cut->user));
	user_end = colon != NULL ? colon : cut->at;
	if (user_end > cut->user) {
		dsn->user = dsn_decode(cut->user, user_end);
		if (dsn->user == NULL)
			return err_set(e, column(cut, cut->user),
				"the user has a bad %%-escape; write a percent sign as %%25");
	}
	if (colon == NULL || colon + 1 == cut->at)
		return 0;
	dsn->password = dsn_decode(colon + 1, cut->at);
	if (dsn->password == NULL)
		return err_set(e, column(cut, colon + 1),
			"the password has a bad %%-escape; write a percent sign as %%25");
	return 0;
}

static int
parse_port(const char *from, const char *to, uint16_t *port)
{
	long value = 0;

	if (to - from > PORT_DIGITS || from == to)
		return -1;
	for (; from < to; from++) {
		if (*from < '0' || *from > '9')
			return -1;
		value = value * 10 + (*from - '0');
	}
	if (value < 1 || value > 65535)
		return -1;
	*port = (uint16_t)value;
	return 0;
}

/* "host", "host:port", "[::1]:port", "", ":port" in [from, to). */
static int
take_host(struct dsn *dsn, const struct cut *cut, const char *from, const char *to, struct err *e)
{
	struct dsn_host *host = &dsn->hosts[dsn->host_count];
	const char *host_from = from, *host_to, *port = NULL;

	if (dsn->host_count == DSN_HOSTS_MAX)
		return err_set(e, column(cut, from), "more than %d hosts", DSN_HOSTS_MAX);
	if (from < to && *from == '[') {
		host_from = from + 1;
		host_to = memchr(from, ']', (size_t)(to - from));
		if (host_to == NULL)
			return err_set(e, column(cut, from), "the address has no closing \"]\"");
		port = host_to + 1;
		if (port < to && *port != ':')
			return err_set(e, column(cut, port), "after \"]\" comes \":\" and a port");
	} else {
		host_to = memchr(from, ':', (size_t)(to - from));
		port = host_to = host_to != NULL ? host_to : to;
	}
	if ((size_t)(host_to - host_from) >= sizeof(host->host))
		return err_set(e, column(cut, host_from), "the host is too long");
	if (host_to == host_from)
		str_copy(host->host, sizeof(host->host), "localhost");
	else
		memcpy(host->host, host_from, (size_t)(host_to - host_from));
	if (host->host[strcspn(host->host, " \t\"'/@<>")] != '\0')
		return err_set(e, column(cut, host_from),
			"the host is not a name; are there quotes or blanks around the URL?");
	host->port = DEFAULT_PORT;
	if (port < to && parse_port(port + 1, to, &host->port) < 0)
		return err_set(e, column(cut, port + 1),
			"the port is not a number from 1 to 65535; a \"/\", \"@\" or \"?\" of a "
			"password is written %%2F, %%40, %%3F");
	dsn->host_count++;
	return 0;
}

static int
take_db(struct dsn *dsn, const struct cut *cut, const char *from, const char *to, struct err *e)
{
	if (from == to)
		return 0;
	if (to - from > DB_DIGITS || strspn(from, "0123456789") < (size_t)(to - from))
		return err_set(e, column(cut, from), "the database is not a number, such as /0");
	free(dsn->database);
	dsn->database = dsn_decode(from, to);
	return 0;
}

/* host[,host][/db] */
static int
take_place(struct dsn *dsn, const struct cut *cut, struct err *e)
{
	const char *slash = memchr(cut->place, '/', (size_t)(cut->query - cut->place));
	const char *end = slash != NULL ? slash : cut->query, *from = cut->place;

	for (;;) {
		const char *comma = memchr(from, ',', (size_t)(end - from));

		if (take_host(dsn, cut, from, comma != NULL ? comma : end, e) < 0)
			return -1;
		if (comma == NULL)
			break;
		from = comma + 1;
	}
	return slash != NULL ? take_db(dsn, cut, slash + 1, cut->query, e) : 0;
}

static int
take_path(struct dsn *dsn, const struct cut *cut, struct err *e)
{
	struct dsn_host *host = &dsn->hosts[0];
	char *path = dsn_decode(cut->place, cut->query);

	if (path == NULL)
		return err_set(e, column(cut, cut->place), "the path has a bad %%-escape");
	if (path[0] != '/' || path[1] == '\0') {
		free(path);
		return err_set(e, column(cut, cut->place),
			"a socket's whole path is wanted, such as unix:///run/redis/redis.sock");
	}
	if (strlen(path) >= sizeof(host->path)) {
		free(path);
		return err_set(e, column(cut, cut->place),
			"the path of a unix socket has at most %zu bytes", sizeof(host->path) - 1);
	}
	str_copy(host->path, sizeof(host->path), path);
	free(path);
	dsn->host_count = 1;
	return 0;
}

static int
take_param(struct dsn *dsn, const struct cut *cut, const char *from, const char *to, struct err *e)
{
	const char *equals = memchr(from, '=', (size_t)(to - from));
	char *name, *value;
	int rc = 0;

	if (from == to)
		return 0;
	name = dsn_decode(from, equals != NULL ? equals : to);
	value = equals != NULL ? dsn_decode(equals + 1, to) : dsn_decode(to, to);
	if (name == NULL || value == NULL)
		rc = err_set(e, column(cut, from), "a parameter has a bad %%-escape");
	else if (str_eq(name, "db") || str_eq(name, "database"))
		rc = take_db(dsn, cut, equals != NULL ? equals + 1 : to, to, e);
	else
		dsn_add_param(dsn, name, value);
	free(name);
	free(value);
	return rc;
}

static int
take_params(struct dsn *dsn, const struct cut *cut, struct err *e)
{
	const char *from = cut->query;

	while (*from != '\0') {
		const char *to = from + 1 + strcspn(from + 1, "&");

		if (take_param(dsn, cut, from + 1, to, e) < 0)
			return -1;
		from = to;
	}
	return 0;
}

/* What clients call an unverified connection, each in its own words. */
static bool
is_unverified(const struct dsn *dsn)
{
	const char *skip = dsn_param(dsn, "skip_verify"), *reqs = dsn_param(dsn, "ssl_cert_reqs");

	return str_eq(skip, "true") || str_eq(skip, "1") || str_eq(reqs, "none") ||
	       str_eq(reqs, "CERT_NONE");
}

static const struct scheme *
find_scheme(const char *text)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_starts(text, schemes[i].prefix))
			return &schemes[i];
	return NULL;
}

int
dsn_redis_parse(struct dsn *dsn, const char *text, struct err *e)
{
	const struct scheme *scheme = find_scheme(text);
	struct cut cut = { .text = text };
	bool is_unix;

	if (text[0] == '\0')
		return err_set(e, 1, "it is empty; write redis://[:password@]host:6379/0");
	if (text[0] == '\'' || text[0] == '"')
		return err_set(e, 1,
			"the quotes became part of it: an application takes them for "
			"the address; leave them out");
	if (scheme == NULL && text[0] != '/' &&
		(strstr(text, ":/") != NULL || strstr(text, "//") != NULL ||
			strchr(text, '@') != NULL))
		return err_set(e, 1,
			"it does not begin with redis://, rediss:// or unix://; write "
			"redis://[:password@]host:6379/0");
	cut_up(&cut, scheme != NULL ? text + strlen(scheme->prefix) : text);
	if (take_user(dsn, &cut, e) < 0)
		return -1;
	is_unix = scheme != NULL ? scheme->is_unix : text[0] == '/';
	if ((is_unix ? take_path : take_place)(dsn, &cut, e) < 0 || take_params(dsn, &cut, e) < 0)
		return -1;
	dsn->tls = DSN_TLS_DISABLE;
	if (scheme != NULL && scheme->is_tls)
		dsn->tls = is_unverified(dsn) ? DSN_TLS_REQUIRE : DSN_TLS_VERIFY_FULL;
	return 0;
}
