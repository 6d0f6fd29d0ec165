/*
 * The two ways to write where a MySQL or MariaDB is:
 *
 *	mysql://user:password@host:3306/db?params	percent-escapes mean something
 *	user:password@tcp(host:3306)/db?params		Go's driver: user and password literally
 *
 * The second is split at its last "/", then at the last "@" before it, as that driver does.  What
 * may be a password is never shown: of the second form no part before the address.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/dsn.h"

#define PORT_DEFAULT      3306
#define SOCKET_DEFAULT    "/tmp/mysql.sock"
#define FORM_URL          "mysql://user:password@host:3306/db"
#define FORM_GO           "user:password@tcp(host:3306)/db"
#define AT(text, p)       ((int)((p) - (text)) + 1)
#define COUNT_OF(a)       (sizeof(a) / sizeof((a)[0]))
#define PATH_MAX_OF(host) (sizeof((host)->path) - 1)

struct word {
	const char *text;
	enum dsn_tls tls;
};

/* Values of the `tls` parameter of Go's driver. */
static const struct word go_words[] = {
	{ "true", DSN_TLS_VERIFY_FULL },
	{ "1", DSN_TLS_VERIFY_FULL },
	{ "skip-verify", DSN_TLS_REQUIRE },
	{ "preferred", DSN_TLS_PREFER },
	{ "false", DSN_TLS_DISABLE },
	{ "0", DSN_TLS_DISABLE },
};

/* Values of `ssl-mode`, `ssl_mode`, `sslmode`: MySQL's words, and libpq's that people mix in. */
static const struct word mode_words[] = {
	{ "disabled", DSN_TLS_DISABLE },
	{ "disable", DSN_TLS_DISABLE },
	{ "preferred", DSN_TLS_PREFER },
	{ "prefer", DSN_TLS_PREFER },
	{ "required", DSN_TLS_REQUIRE },
	{ "require", DSN_TLS_REQUIRE },
	{ "verify-ca", DSN_TLS_VERIFY_CA },
	{ "verify-identity", DSN_TLS_VERIFY_FULL },
	{ "verify-full", DSN_TLS_VERIFY_FULL },
};

static const struct word flag_words[] = {
	{ "true", DSN_TLS_REQUIRE },
	{ "1", DSN_TLS_REQUIRE },
	{ "false", DSN_TLS_DISABLE },
	{ "0", DSN_TLS_DISABLE },
};

#define GO_WORDS   "true, skip-verify, preferred or false"
#define MODE_WORDS "disabled, preferred, required, verify-ca or verify-identity"

/* Parameters that say how to encrypt. */
static const struct tls_param {
	const char *name;
	const struct word *words;
	size_t count;
	const char *choice;
} tls_params[] = {
	{ "tls", go_words, COUNT_OF(go_words), GO_WORDS },
	{ "ssl-mode", mode_words, COUNT_OF(mode_words), MODE_WORDS },
	{ "ssl_mode", mode_words, COUNT_OF(mode_words), MODE_WORDS },
	{ "sslmode", mode_words, COUNT_OF(mode_words), MODE_WORDS },
	{ "ssl", flag_words, COUNT_OF(flag_words), "true or false" },
};

/* Like strcasecmp, where "_" is "-" too. */
static bool
is_same_word(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		char c = *a == '_' ? '-' : (char)tolower((unsigned char)*a);

		if (c != *b)
			return false;
	}
	return *a == *b;
}

static int
read_tls(struct dsn *dsn, const struct tls_param *param, const char *value, int at, struct err *e)
{
	for (size_t i = 0; i < param->count; i++)
		if (is_same_word(value, param->words[i].text)) {
			dsn->tls = param->words[i].tls;
			return 0;
		}
	/* not what it is: behind the "?" of a password stands the rest of it */
	return err_set(e, at, "%s is %s", param->name, param->choice);
}

/* One `name=value`; an escape that is none stays as it is, as drivers do. */
static int
read_param(struct dsn *dsn, const char *text, const char *from, const char *to, struct err *e)
{
	const char *eq = memchr(from, '=', (size_t)(to - from));
	char *name, *value;
	int rc = 0;

	if (from == to)
		return 0;
	if (eq == NULL)
		return err_set(e, AT(text, from), "a parameter is written name=value");
	name = xstrndup(from, (size_t)(eq - from));
	value = dsn_decode(eq + 1, to);
	if (value == NULL)
		value = xstrndup(eq + 1, (size_t)(to - eq - 1));
	for (size_t i = 0; i < COUNT_OF(tls_params) && rc == 0; i++)
		if (strcasecmp(name, tls_params[i].name) == 0)
			rc = read_tls(dsn, &tls_params[i], value, AT(text, eq + 1), e);
	if (rc == 0)
		dsn_add_param(dsn, name, value);
	free(name);
	free(value);
	return rc;
}

/* `at` stands behind the question mark, or is NULL. */
static int
read_params(struct dsn *dsn, const char *text, const char *at, struct err *e)
{
	while (at != NULL && *at != '\0') {
		const char *end = at + strcspn(at, "&");

		if (read_param(dsn, text, at, end, e) < 0)
			return -1;
		at = *end == '&' ? end + 1 : end;
	}
	return 0;
}

static int
read_port(struct dsn_host *host, const char *text, const char *from, const char *to, struct err *e)
{
	long port = 0;

	for (const char *p = from; p < to; p++) {
		port = port * 10 + (*p - '0');
		if (!isdigit((unsigned char)*p) || p - from > 4)
			port = -1;
		if (port < 0)
			break;
	}
	if (from == to)
		port = PORT_DEFAULT;
	if (port < 1 || port > 65535)
		return err_set(e, AT(text, from), "the port must be a number from 1 to 65535");
	host->port = (uint16_t)port;
	return 0;
}

static int
set_path(struct dsn_host *host, const char *text, const char *at, const char *path, struct err *e)
{
	if (path[0] != '/')
		return err_set(e, AT(text, at),
			"the path of a unix socket is absolute, such as "
			"/run/mysqld/mysqld.sock");
	if (strlen(path) > PATH_MAX_OF(host))
		return err_set(e, AT(text, at), "the path of a unix socket has at most %zu bytes",
			PATH_MAX_OF(host));
	memset(host, 0, sizeof(*host));
	str_copy(host->path, sizeof(host->path), path);
	return 0;
}

/* "host", "host:port", "[::1]:port", ":port"; nothing: this host. */
static int
read_host(struct dsn_host *host, const char *text, const char *from, const char *to, struct err *e)
{
	const char *end = NULL, *colon;

	if (from < to && *from == '[') {
		end = memchr(from, ']', (size_t)(to - from));
		if (end == NULL)
			return err_set(
				e, AT(text, from), "the \"[\" of the address is never closed");
		colon = end + 1;
		from++;
		if (colon < to && *colon != ':')
			return err_set(
				e, AT(text, colon), "behind \"]\" stands the port: [::1]:3306");
	} else {
		colon = memchr(from, ':', (size_t)(to - from));
		end = colon != NULL ? colon : to;
		if (colon != NULL && memchr(colon + 1, ':', (size_t)(to - colon - 1)) != NULL)
			return err_set(e, AT(text, from),
				"an IPv6 address stands in brackets: [::1]:3306");
		colon = end;
	}
	if ((size_t)(end - from) >= sizeof(host->host))
		return err_set(e, AT(text, from), "the host is too long");
	for (const char *p = from; p < end; p++)
		if ((unsigned char)*p <= ' ' || strchr("@/?#,()\"'", *p) != NULL)
			return err_set(e, AT(text, p), "a host name cannot hold this character");
	memcpy(host->host, from, (size_t)(end - from));
	host->host[end - from] = '\0';
	if (end == from)
		str_copy(host->host, sizeof(host->host), "127.0.0.1");
	return read_port(host, text, colon < to ? colon + 1 : to, to, e);
}

/* --- mysql://... --- */

static int
read_url_user(struct dsn *dsn, const char *text, const char *from, const char *to, struct err *e)
{
	const char *colon = memchr(from, ':', (size_t)(to - from));
	const char *end = colon != NULL ? colon : to;

	dsn->user = dsn_decode(from, end);
	if (dsn->user == NULL)
		return err_set(e, AT(text, from),
			"the user holds a \"%%\" that is no escape: write it as %%25");
	if (colon == NULL || colon + 1 == to)
		return 0;
	dsn->password = dsn_decode(colon + 1, to);
	if (dsn->password == NULL)
		return err_set(e, AT(text, colon + 1),
			"the password holds a \"%%\" that is no escape: write it as %%25");
	return 0;
}

static int
read_url_host(struct dsn *dsn, const char *text, const char *from, const char *to, struct err *e)
{
	char *path;
	int rc;

	if (to - from < 3 || strncasecmp(from, "%2F", 3) != 0)
		return read_host(&dsn->hosts[0], text, from, to, e);
	path = dsn_decode(from, to);
	if (path == NULL)
		return err_set(e, AT(text, from), "the path of the socket holds a bad escape");
	rc = set_path(&dsn->hosts[0], text, from, path, e);
	free(path);
	return rc;
}

/* A "/", "?" or "#" in a password that was not escaped ends the authority too early. */
static bool
is_password_cut(const char *from, const char *to)
{
	const char *colon = memchr(from, ':', (size_t)(to - from)), *at = strchr(to, '@');

	if (*to == '\0' || *from == '[' || colon == NULL || at == NULL)
		return false;
	if (*to == '/')
		return at < to + strcspn(to, "?");
	return colon + 1 + strspn(colon + 1, "0123456789") < to;
}

static int
read_authority(struct dsn *dsn, const char *text, const char *from, const char *to, struct err *e)
{
	const char *at = memrchr(from, '@', (size_t)(to - from));

	if (at == NULL && is_password_cut(from, to))
		return err_set(e, AT(text, to),
			"the password holds a \"%c\" that must be written as %%%02X", *to, *to);
	if (at != NULL && read_url_user(dsn, text, from, at, e) < 0)
		return -1;
	return read_url_host(dsn, text, at != NULL ? at + 1 : from, to, e);
}

static int
read_url_database(
	struct dsn *dsn, const char *text, const char *from, const char *to, struct err *e)
{
	if (from == to)
		return 0;
	if (memchr(from, '/', (size_t)(to - from)) != NULL)
		return err_set(e, AT(text, from), "behind the host stands one name: %s", FORM_URL);
	dsn->database = dsn_decode(from, to);
	if (dsn->database == NULL)
		return err_set(e, AT(text, from),
			"the database holds a \"%%\" that is no escape: write it as %%25");
	return 0;
}

static int
parse_url(struct dsn *dsn, const char *text, const char *from, struct err *e)
{
	const char *slash = from + strcspn(from, "/?#");
	const char *end = slash + strcspn(slash, "?#"), *socket;

	if (read_authority(dsn, text, from, slash, e) < 0)
		return -1;
	if (*slash == '/' && read_url_database(dsn, text, slash + 1, end, e) < 0)
		return -1;
	if (*end == '#')
		return err_set(e, AT(text, end), "a \"#\" must be written as %%23");
	if (read_params(dsn, text, *end == '?' ? end + 1 : NULL, e) < 0)
		return -1;
	socket = dsn_param(dsn, "unix_socket");
	if (socket == NULL)
		socket = dsn_param(dsn, "socket");
	return socket != NULL ? set_path(&dsn->hosts[0], text, end + 1, socket, e) : 0;
}

/* --- user:password@tcp(host)/db --- */

static int
read_go_address(struct dsn *dsn, const char *text, const char *from, const char *to, struct err *e)
{
	const char *open = memchr(from, '(', (size_t)(to - from));
	size_t net = (size_t)((open != NULL ? open : to) - from);
	const char *addr = open != NULL ? open + 1 : to, *end = open != NULL ? to - 1 : to;
	struct dsn_host *host = &dsn->hosts[0];
	char *path;
	int rc;

	if (open != NULL && *end != ')')
		return err_set(
			e, AT(text, open), "the address is not closed: write tcp(host:3306)/");
	if (net == 0 && open != NULL)
		return err_set(e, AT(text, from), "\"tcp\" or \"unix\" is missing before \"(\"");
	if (net == 0 || (net == 3 && memcmp(from, "tcp", net) == 0))
		return read_host(host, text, addr, end, e);
	if (net != 4 || memcmp(from, "unix", net) != 0)
		return err_set(e, AT(text, from),
			"the address must be written tcp(host:3306) or unix(/path), as in "
			"%s",
			FORM_GO);
	path = addr < end ? xstrndup(addr, (size_t)(end - addr)) : xstrdup(SOCKET_DEFAULT);
	rc = set_path(host, text, addr, path, e);
	free(path);
	return rc;
}

static int
parse_go(struct dsn *dsn, const char *text, struct err *e)
{
	const char *end = text + strlen(text), *slash = memrchr(text, '/', (size_t)(end - text));
	const char *at = slash != NULL ? memrchr(text, '@', (size_t)(slash - text)) : NULL;
	const char *query = slash != NULL ? slash + strcspn(slash, "?") : NULL;

	if (slash == NULL)
		return err_set(e, AT(text, end),
			"there is no \"/\" before the database: write %s or %s", FORM_GO, FORM_URL);
	if (memchr(slash, '@', (size_t)(query - slash)) != NULL)
		return err_set(e, AT(text, end),
			"\"/\" and the database are missing behind the address: write %s", FORM_GO);
	if (at != NULL) {
		const char *colon = memchr(text, ':', (size_t)(at - text));

		dsn->user = xstrndup(text, (size_t)((colon != NULL ? colon : at) - text));
		if (colon != NULL && colon + 1 < at)
			dsn->password = xstrndup(colon + 1, (size_t)(at - colon - 1));
	}
	if (read_go_address(dsn, text, at != NULL ? at + 1 : text, slash, e) < 0)
		return -1;
	if (query > slash + 1) {
		dsn->database = dsn_decode(slash + 1, query);
		if (dsn->database == NULL)
			return err_set(e, AT(text, slash + 1),
				"the database holds a \"%%\" that is no escape: write it as %%25");
	}
	return read_params(dsn, text, *query == '?' ? query + 1 : NULL, e);
}

/* --- which of the two --- */

/* Where the URL goes on behind its scheme; NULL: it is none of ours. */
static const char *
skip_scheme(const char *text)
{
	static const char *const names[] = { "mysql", "mariadb" };
	const char *end = strstr(text, "://");

	/* What is behind a "+" is the name of a driver: mysql+pymysql:// of SQLAlchemy. */
	for (size_t i = 0; end != NULL && i < COUNT_OF(names); i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(text, names[i], len) == 0 &&
			(text + len == end ||
				(text[len] == '+' && text + strcspn(text, ":@/(") == end)))
			return end + 3;
	}
	return NULL;
}

static bool
has_foreign_scheme(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz+");

	return len > 0 && strncmp(text + len, "://", 3) == 0;
}

static int
refuse_paste(const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (len == 0)
		return err_set(e, 1, "it is empty: write %s or %s", FORM_URL, FORM_GO);
	if (isspace((unsigned char)text[0]))
		return err_set(e, 1, "it begins with a blank");
	if (isspace((unsigned char)text[len - 1]))
		return err_set(e, (int)len, "it ends with a blank");
	if (len > 1 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0])
		return err_set(e, 1, "the quotes are a part of it: leave them out");
	if (strncmp(text, "jdbc:", 5) == 0)
		return err_set(e, 1, "it begins at \"mysql://\": leave out \"jdbc:\"");
	return 0;
}

int
dsn_mysql_parse(struct dsn *dsn, const char *text, struct err *e)
{
	const char *rest = skip_scheme(text);
	int rc;

	if (refuse_paste(text, e) < 0)
		return -1;
	dsn->host_count = 1;
	if (rest != NULL)
		rc = parse_url(dsn, text, rest, e);
	else if (has_foreign_scheme(text))
		return err_set(e, 1, "the scheme is not mysql: write %s or %s", FORM_URL, FORM_GO);
	else
		rc = parse_go(dsn, text, e);
	return rc;
}
