/*
 * PostgreSQL's data source names: URLs as libpq and the Go drivers read them, and libpq's keyword
 * strings.  Several hosts, unix socket folders, parameters that no library knows: all are taken.
 *
 * What is wrong is named by its column.  A piece of the text is quoted only where it cannot be a
 * part of a password that somebody forgot to escape.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/dsn.h"

#define DEFAULT_PORT   5432
#define DEFAULT_FOLDER "/var/run/postgresql"
#define PARAMS_MAX     64

struct word {
	char *text; /* owned; NULL: absent */
	int column;
};

struct words {
	struct word all[DSN_HOSTS_MAX];
	unsigned count;
};

/* The keys that mean something to us; URLs and keyword strings both fill them. */
struct parts {
	struct words hosts, ports, addrs;
	struct word user, password, database, mode;
};

static const char *const modes[] = {
	[DSN_TLS_DISABLE] = "disable",
	[DSN_TLS_ALLOW] = "allow",
	[DSN_TLS_PREFER] = "prefer",
	[DSN_TLS_REQUIRE] = "require",
	[DSN_TLS_VERIFY_CA] = "verify-ca",
	[DSN_TLS_VERIFY_FULL] = "verify-full",
};

static void
word_set(struct word *word, const char *text, int column)
{
	char *copy = xstrdup(text);

	free(word->text);
	*word = (struct word){ copy, column };
}

static void
words_clear(struct words *words)
{
	for (unsigned i = 0; i < words->count; i++)
		free(words->all[i].text);
	memset(words, 0, sizeof(*words));
}

static int
words_add(struct words *words, char *text_take, int column, struct err *e)
{
	if (words->count == DSN_HOSTS_MAX) {
		free(text_take);
		return err_set(e, column, "more than %d hosts", DSN_HOSTS_MAX);
	}
	words->all[words->count++] = (struct word){ text_take, column };
	return 0;
}

/* "a,b,c"; an empty text is an empty list. */
static int
words_split(struct words *words, const char *text, int column, struct err *e)
{
	words_clear(words);
	if (text[0] == '\0')
		return 0;
	for (const char *p = text;; p++) {
		size_t len = strcspn(p, ",");

		if (words_add(words, xstrndup(p, len), column + (int)(p - text), e) < 0)
			return -1;
		p += len;
		if (*p == '\0')
			return 0;
	}
}

static void
parts_fini(struct parts *parts)
{
	words_clear(&parts->hosts);
	words_clear(&parts->ports);
	words_clear(&parts->addrs);
	free(parts->user.text);
	free(parts->password.text);
	free(parts->database.text);
	free(parts->mode.text);
}

/* One `key = value`, from a query or a keyword string. */
static int
take_pair(struct dsn *dsn, struct parts *parts, const char *key, const char *value, int column,
	struct err *e)
{
	if (str_eq(key, "host"))
		return words_split(&parts->hosts, value, column, e);
	if (str_eq(key, "port"))
		return words_split(&parts->ports, value, column, e);
	if (str_eq(key, "service"))
		return err_set(
			e, column, "service files are not read: write host, user and dbname");
	if (str_eq(key, "hostaddr") && words_split(&parts->addrs, value, column, e) < 0)
		return -1;
	if (str_eq(key, "user"))
		word_set(&parts->user, value, column);
	else if (str_eq(key, "password"))
		word_set(&parts->password, value, column);
	else if (str_eq(key, "dbname"))
		word_set(&parts->database, value, column);
	else if (str_eq(key, "sslmode"))
		word_set(&parts->mode, value, column);
	else if (str_eq(key, "ssl") && str_eq(value, "true"))
		word_set(&parts->mode, "require", column);
	else if (dsn->params.count == PARAMS_MAX)
		return err_set(e, column, "more than %d parameters", PARAMS_MAX);
	else
		dsn_add_param(dsn, key, value);
	return 0;
}

/* --- from parts to hosts --- */

static int
parse_port(const struct word *word, uint16_t *port, struct err *e)
{
	const char *text = word->text;
	size_t len = strspn(text, "0123456789");
	long value = len > 0 && len < 6 ? strtol(text, NULL, 10) : 0;

	if (text[0] == '\0')
		return 0;
	if (text[len] != '\0' || value < 1 || value > 65535)
		return err_set(e, word->column, "the port is not a number from 1 to 65535");
	*port = (uint16_t)value;
	return 0;
}

static int
set_socket(struct dsn_host *host, const char *folder, int column, struct err *e)
{
	int len = snprintf(
		host->path, sizeof(host->path), "%s/.s.PGSQL.%u", folder, (unsigned)host->port);

	if (len < 0 || (size_t)len >= sizeof(host->path))
		return err_set(e, column, "the path of the unix socket is too long");
	host->port = 0;
	return 0;
}

static int
set_name(struct dsn_host *host, const char *name, int column, struct err *e)
{
	if (name[0] == '\0')
		return err_set(e, column, "a host is missing");
	if (name[0] == '@')
		return err_set(e, column, "sockets in the abstract namespace are not spoken");
	if (strlen(name) >= sizeof(host->host))
		return err_set(e, column, "the host is too long");
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || strchr("@/[]()\\\"'<>|", *p) != NULL)
			return err_set(e, column, "the host has a character that no host name has");
	if (!str_is_utf8(name, strlen(name)))
		return err_set(e, column, "the host has a character that no host name has");
	str_copy(host->host, sizeof(host->host), name);
	return 0;
}

/* Nothing was said of a host: the place where libpq looks for a socket. */
static int
set_default_host(struct parts *parts, struct err *e)
{
	int column = parts->ports.count > 0 ? parts->ports.all[0].column : 1;

	return words_add(&parts->hosts, xstrdup(DEFAULT_FOLDER), column, e);
}

static int
set_hosts(struct dsn *dsn, struct parts *parts, struct err *e)
{
	const struct words *ports = &parts->ports;
	const struct words *from = parts->hosts.count > 0 ? &parts->hosts : &parts->addrs;

	if (from->count == 0) {
		if (set_default_host(parts, e) < 0)
			return -1;
		from = &parts->hosts;
	}
	if (ports->count > 1 && ports->count != from->count)
		return err_set(e, ports->all[0].column, "%u ports for %u hosts", ports->count,
			from->count);
	if (from == &parts->hosts && parts->addrs.count > 0 && parts->addrs.count != from->count)
		return err_set(e, parts->addrs.all[0].column, "%u addresses for %u hosts",
			parts->addrs.count, from->count);
	for (unsigned i = 0; i < from->count; i++) {
		const struct word *word = &from->all[i];
		struct dsn_host *host = &dsn->hosts[dsn->host_count++];

		host->port = DEFAULT_PORT;
		if (ports->count > 0 &&
			parse_port(&ports->all[ports->count > 1 ? i : 0], &host->port, e) < 0)
			return -1;
		if (word->text[0] == '/') {
			if (set_socket(host, word->text, word->column, e) < 0)
				return -1;
		} else if (set_name(host, word->text, word->column, e) < 0)
			return -1;
	}
	return 0;
}

static int
set_mode(struct dsn *dsn, const struct word *mode, struct err *e)
{
	if (mode->text == NULL || mode->text[0] == '\0')
		return 0;
	for (int i = DSN_TLS_DISABLE; i <= DSN_TLS_VERIFY_FULL; i++)
		if (str_eq(mode->text, modes[i])) {
			dsn->tls = (enum dsn_tls)i;
			return 0;
		}
	return err_set(e, mode->column,
		"sslmode is none of disable, allow, prefer, require, verify-ca, verify-full");
}

static void
give(char **to, struct word *word)
{
	if (word->text == NULL || word->text[0] == '\0')
		return;
	*to = word->text;
	word->text = NULL;
}

static int
finish(struct dsn *dsn, struct parts *parts, struct err *e)
{
	if (set_hosts(dsn, parts, e) < 0 || set_mode(dsn, &parts->mode, e) < 0)
		return -1;
	give(&dsn->user, &parts->user);
	give(&dsn->password, &parts->password);
	give(&dsn->database, &parts->database);
	return 0;
}

/* --- URLs --- */

struct url {
	const char *start;            /* of the whole text, for columns */
	const char *user, *user_end;  /* "user:password", NULL: none */
	const char *hosts, *path_end; /* hosts, then the path from hosts_end to path_end */
	const char *hosts_end;
	const char *query; /* behind the '?'; NULL: none */
};

static int
column_of(const struct url *url, const char *at)
{
	return (int)(at - url->start) + 1;
}

/* Decoded; -1: an escape is wrong, and where. */
static int
decode(const struct url *url, const char *from, const char *to, char **out, struct err *e)
{
	*out = dsn_decode(from, to);
	if (*out != NULL)
		return 0;
	for (const char *p = from; p < to; p++) {
		char *one = *p != '%' ? NULL : dsn_decode(p, to - p > 3 ? p + 3 : to);

		if (*p == '%' && one == NULL)
			return err_set(e, column_of(url, p),
				"a %% must be followed by two hex digits; %% itself is %%25");
		free(one);
	}
	return err_set(e, column_of(url, from), "an escape is wrong");
}

static int
cut_url(struct url *url, const char *from, struct err *e)
{
	const char *end = from + strcspn(from, "/?#"), *at = NULL, *p;

	for (p = from; p < end; p++)
		if (*p == '@')
			at = p;
	for (p = end; *p != '\0' && *p != '?'; p++)
		if (*p == '@' || (*p == '#' && strchr(p, '@') != NULL))
			return err_set(e, column_of(url, end),
				"a '%c' in the user or password must be written %%%02X", *end,
				(unsigned char)*end);
	if (at == NULL && end[strcspn(end, "@=")] == '@')
		return err_set(
			e, column_of(url, end), "a '?' in the password must be written %%3F");
	p = strchr(end, '#');
	if (p != NULL)
		return err_set(e, column_of(url, p), "a '#' must be written %%23");
	url->user = at != NULL ? from : NULL;
	url->user_end = at;
	url->hosts = at != NULL ? at + 1 : from;
	url->hosts_end = end;
	url->path_end = end + strcspn(end, "?");
	url->query = *url->path_end == '?' ? url->path_end + 1 : NULL;
	return 0;
}

static int
take_user(const struct url *url, struct parts *parts, struct err *e)
{
	const char *colon;

	if (url->user == NULL)
		return 0;
	colon = memchr(url->user, ':', (size_t)(url->user_end - url->user));
	parts->user.column = column_of(url, url->user);
	if (decode(url, url->user, colon != NULL ? colon : url->user_end, &parts->user.text, e) < 0)
		return -1;
	if (colon == NULL)
		return 0;
	parts->password.column = column_of(url, colon + 1);
	return decode(url, colon + 1, url->user_end, &parts->password.text, e);
}

/* "name:5432", "[::1]:5432", "%2Frun%2Fpg:5433": one of the list. */
static int
take_host(
	const struct url *url, struct parts *parts, const char *from, const char *to, struct err *e)
{
	const char *close = to, *port = NULL;
	char *name, *number;

	if (from < to && *from == '[') {
		close = memchr(from, ']', (size_t)(to - from));
		if (close == NULL)
			return err_set(e, column_of(url, from), "the '[' is never closed");
		if (close + 1 < to && close[1] != ':')
			return err_set(
				e, column_of(url, close + 1), "only a port may follow the ']'");
		port = close + 1 < to ? close + 2 : NULL;
		from++;
	} else {
		close = memchr(from, ':', (size_t)(to - from));
		port = close != NULL ? close + 1 : NULL;
		close = close != NULL ? close : to;
		if (port != NULL && memchr(port, ':', (size_t)(to - port)) != NULL)
			return err_set(e, column_of(url, from),
				"an IPv6 address is written in brackets, [::1]:5432");
	}
	if (decode(url, from, close, &name, e) < 0)
		return -1;
	if (words_add(&parts->hosts, name, column_of(url, from), e) < 0 ||
		decode(url, port != NULL ? port : to, to, &number, e) < 0)
		return -1;
	return words_add(&parts->ports, number, column_of(url, port != NULL ? port : to), e);
}

static int
take_hosts(const struct url *url, struct parts *parts, struct err *e)
{
	const char *p = url->hosts;

	if (p == url->hosts_end)
		return 0;
	for (;; p++) {
		const char *end = memchr(p, ',', (size_t)(url->hosts_end - p));

		if (end == NULL)
			end = url->hosts_end;
		if (take_host(url, parts, p, end, e) < 0)
			return -1;
		p = end;
		if (p == url->hosts_end)
			return 0;
	}
}

static int
take_query(struct dsn *dsn, const struct url *url, struct parts *parts, struct err *e)
{
	for (const char *p = url->query; p != NULL && *p != '\0';) {
		const char *end = p + strcspn(p, "&");
		const char *equals = memchr(p, '=', (size_t)(end - p));
		const char *value_at = equals != NULL ? equals + 1 : end;
		char *key = NULL, *value = NULL;
		int rc = -1;

		if (decode(url, p, equals != NULL ? equals : end, &key, e) == 0 &&
			decode(url, value_at, end, &value, e) == 0)
			rc = take_pair(dsn, parts, key, value, column_of(url, value_at), e);
		free(key);
		free(value);
		if (rc < 0)
			return -1;
		p = *end == '&' ? end + 1 : end;
	}
	return 0;
}

static int
parse_url(struct dsn *dsn, struct parts *parts, const char *text, const char *rest, struct err *e)
{
	struct url url = { .start = text };
	size_t clean = strcspn(text, " \t\r\n");

	if (text[clean] != '\0')
		return err_set(e, (int)clean + 1, "a blank must be written %%20");
	if (cut_url(&url, rest, e) < 0 || take_user(&url, parts, e) < 0 ||
		take_hosts(&url, parts, e) < 0)
		return -1;
	parts->database.column = column_of(&url, url.hosts_end) + 1;
	if (url.path_end > url.hosts_end + 1 &&
		decode(&url, url.hosts_end + 1, url.path_end, &parts->database.text, e) < 0)
		return -1;
	return take_query(dsn, &url, parts, e);
}

/* --- keyword strings --- */

static const char *
skip_blanks(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* The value at *at: bare or in '...', with \ before what is meant as it stands.  NULL: no end. */
static char *
read_value(const char **at)
{
	const char *p = *at;
	char *out = xmalloc(strlen(p) + 1), *to = out;
	bool is_quoted = *p == '\'';

	if (is_quoted)
		p++;
	while (*p != '\0' && (is_quoted ? *p != '\'' : !isspace((unsigned char)*p))) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		*to++ = *p++;
	}
	*to = '\0';
	if (is_quoted && *p != '\'') {
		free(out);
		return NULL;
	}
	*at = is_quoted ? p + 1 : p;
	return out;
}

static int
parse_keywords(struct dsn *dsn, struct parts *parts, const char *text, struct err *e)
{
	for (const char *p = skip_blanks(text); *p != '\0'; p = skip_blanks(p)) {
		const char *from = p, *end;
		char *key, *value;
		int column, rc;

		while (*p != '\0' && *p != '=' && !isspace((unsigned char)*p))
			p++;
		end = p;
		p = skip_blanks(p);
		if (*p != '=' || end == from)
			return err_set(e, (int)(from - text) + 1,
				"keyword=value is wanted here; a value with blanks goes in '...'");
		p = skip_blanks(p + 1);
		column = (int)(p - text) + 1;
		value = read_value(&p);
		if (value == NULL)
			return err_set(e, column, "the quote is never closed");
		key = xstrndup(from, (size_t)(end - from));
		rc = take_pair(dsn, parts, key, value, column, e);
		free(key);
		free(value);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* Behind "postgresql://", "postgres://" or "postgresql+driver://"; NULL: no URL of ours. */
static const char *
skip_scheme(const char *text)
{
	const char *rest = NULL;

	if (str_starts(text, "postgresql"))
		rest = text + strlen("postgresql");
	else if (str_starts(text, "postgres"))
		rest = text + strlen("postgres");
	if (rest != NULL && *rest == '+')
		rest += 1 + strspn(rest + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return rest != NULL && str_starts(rest, "://") ? rest + 3 : NULL;
}

static int
refuse(const char *text, struct err *e)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz+:");

	if (text[0] == '\0')
		return err_set(e, 1, "it is empty");
	if (text[0] == '"' || text[0] == '\'')
		return err_set(e, 1, "the quotes around it are part of the value");
	if (str_starts(text, "jdbc:"))
		return err_set(e, 1, "it begins at \"postgresql://\": leave out \"jdbc:\"");
	if (strncmp(text + scheme, "//", 2) == 0 && scheme > 0 && text[scheme - 1] == ':')
		return err_set(e, 1, "the scheme is \"%.*s\", wanted \"postgresql://\"",
			(int)(scheme < 20 ? scheme : 20), text);
	if (strstr(text, "@tcp(") != NULL || strstr(text, "@unix(") != NULL)
		return err_set(e, 1,
			"this is written as a MySQL address; "
			"wanted postgresql://user:password@host:5432/database");
	return err_set(e, 1,
		"it is neither a URL (postgresql://user:password@host:5432/database) nor "
		"keywords (host=... dbname=...)");
}

int
dsn_postgres_parse(struct dsn *dsn, const char *text, struct err *e)
{
	const char *rest = skip_scheme(text);
	struct parts parts = { 0 };
	int rc;

	if (rest == NULL && (strchr(text, '=') == NULL || strchr("\"'", text[0]) != NULL ||
				    text[strcspn(text, "=@(/")] != '='))
		return refuse(text, e);
	rc = rest != NULL ? parse_url(dsn, &parts, text, rest, e)
			  : parse_keywords(dsn, &parts, text, e);
	if (rc == 0)
		rc = finish(dsn, &parts, e);
	parts_fini(&parts);
	return rc;
}
