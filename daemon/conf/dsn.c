/*
 * What all grammars of data source names share: choosing one, masking, percent-decoding, and the
 * parameters that drivers bring along.
 */
#include "conf/dsn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

static int (*const grammars[])(struct dsn *dsn, const char *text, struct err *e) = {
	[DSN_POSTGRES] = dsn_postgres_parse,
	[DSN_MYSQL] = dsn_mysql_parse,
	[DSN_REDIS] = dsn_redis_parse,
	[DSN_SQLITE] = dsn_sqlite_parse,
};

static const char *const schemes[] = {
	[DSN_POSTGRES] = "postgresql://",
	[DSN_MYSQL] = "mysql://",
	[DSN_REDIS] = "redis://",
	[DSN_SQLITE] = "",
};

int
dsn_parse(struct dsn *dsn, enum dsn_kind kind, const char *text, struct err *e)
{
	memset(dsn, 0, sizeof(*dsn));
	dsn->kind = kind;
	if (grammars[kind](dsn, text, e) == 0)
		return 0;
	dsn_fini(dsn);
	return -1;
}

void
dsn_fini(struct dsn *dsn)
{
	free(dsn->user);
	free(dsn->password);
	free(dsn->database);
	for (size_t i = 0; i < dsn->params.count; i++) {
		free(dsn->params.all[i].name);
		free(dsn->params.all[i].value);
	}
	free(dsn->params.all);
	memset(dsn, 0, sizeof(*dsn));
}

const char *
dsn_param(const struct dsn *dsn, const char *name)
{
	for (size_t i = 0; i < dsn->params.count; i++)
		if (str_eq(dsn->params.all[i].name, name))
			return dsn->params.all[i].value;
	return NULL;
}

void
dsn_add_param(struct dsn *dsn, const char *name, const char *value)
{
	struct conf_pairs *params = &dsn->params;

	params->all = xreallocarray(params->all, params->count + 1, sizeof(*params->all));
	params->all[params->count++] =
		(struct conf_pair){ .name = xstrdup(name), .value = xstrdup(value) };
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
dsn_decode(const char *from, const char *to)
{
	char *out = xmalloc((size_t)(to - from) + 1), *at = out;

	for (const char *p = from; p < to; p++) {
		int high, low;

		if (*p != '%') {
			*at++ = *p;
			continue;
		}
		high = to - p > 2 ? hex_digit(p[1]) : -1;
		low = to - p > 2 ? hex_digit(p[2]) : -1;
		if (high < 0 || low < 0 || high + low == 0) {
			free(out);
			return NULL;
		}
		*at++ = (char)(high * 16 + low);
		p += 2;
	}
	*at = '\0';
	return out;
}

static void
add_host(struct buf *out, const struct dsn_host *host)
{
	if (host->path[0] != '\0')
		buf_add_text(out, host->path);
	else if (strchr(host->host, ':') != NULL)
		buf_addf(out, "[%s]:%u", host->host, host->port);
	else
		buf_addf(out, "%s:%u", host->host, host->port);
}

char *
dsn_masked(const struct dsn *dsn)
{
	bool has_user = dsn->user != NULL && dsn->user[0] != '\0';
	bool is_redis = dsn->kind == DSN_REDIS, is_unix = dsn->hosts[0].path[0] != '\0';
	/* redis://secret@host: mostly a password whose ":" was forgotten */
	const char *user = is_redis && dsn->password == NULL ? SECRET_MASK : dsn->user;
	const char *scheme = schemes[dsn->kind], *before_database = "/";
	struct buf out;
	char *text;

	if (is_redis && is_unix)
		scheme = "unix://";
	else if (is_redis && dsn->tls >= DSN_TLS_REQUIRE)
		scheme = "rediss://";
	if (dsn->kind == DSN_SQLITE)
		before_database = "";
	else if (is_redis && is_unix)
		before_database = "?db=";
	buf_init(&out, 0);
	buf_add_text(&out, scheme);
	if (has_user || dsn->password != NULL)
		buf_addf(&out, "%s%s@", has_user ? user : "",
			dsn->password != NULL ? ":" SECRET_MASK : "");
	for (unsigned i = 0; i < dsn->host_count; i++) {
		if (i > 0)
			buf_add_text(&out, ",");
		add_host(&out, &dsn->hosts[i]);
	}
	if (dsn->database != NULL)
		buf_addf(&out, "%s%s", before_database, dsn->database);
	text = xstrdup(buf_text(&out));
	buf_fini(&out);
	return text;
}

static bool
is_mysql_like(const char *text)
{
	const char *net = strstr(text, "tcp(");

	if (net == NULL)
		net = strstr(text, "unix(");
	return net != NULL && strstr(net, ")/") != NULL && (net == text || net[-1] == '@');
}

static bool
is_postgres_like(const char *text)
{
	static const char *const keys[] = {
		"host=", "hostaddr=", "dbname=", "user=", "port=", "service="
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (str_starts(text, keys[i]))
			return true;
	return false;
}

bool
dsn_is_like(enum dsn_kind kind, const char *text)
{
	switch (kind) {
	case DSN_POSTGRES:
		return is_postgres_like(text);
	case DSN_MYSQL:
		return is_mysql_like(text);
	case DSN_REDIS:
		return str_starts(text, "redis-socket:");
	case DSN_SQLITE:
		break;
	}
	return false;
}
