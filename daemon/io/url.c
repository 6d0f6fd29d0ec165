/*
 * URLs: scheme, user, password, place and target.  Strict about what breaks a request line or a
 * header (controls, spaces, backslashes, broken escapes); lenient in one thing that servers really
 * send: bytes beyond ASCII in a target are escaped.
 */
#include "io/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

#define URL_MAX_LEN 8192

static const struct {
	const char *scheme;
	uint16_t port;
} defaults[] = {
	{ "http", 80 },
	{ "https", 443 },
	{ "ws", 80 },
	{ "wss", 443 },
	{ "redis", 6379 },
	{ "rediss", 6379 },
	{ "valkey", 6379 },
	{ "postgres", 5432 },
	{ "postgresql", 5432 },
	{ "mysql", 3306 },
	{ "mariadb", 3306 },
	{ "mongodb", 27017 },
	{ "amqp", 5672 },
	{ "amqps", 5671 },
	{ "kafka", 9092 },
	{ "smtp", 25 },
	{ "smtps", 465 },
	{ "ldap", 389 },
	{ "ldaps", 636 },
	{ "ftp", 21 },
	{ "ssh", 22 },
	{ "dns", 53 },
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded copy, owned; NULL for a broken escape or an escaped NUL. */
static char *
decode(const char *text, size_t len)
{
	char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			out[n++] = text[i];
			continue;
		}
		high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
		low = high == -1 ? -1 : hex_digit(text[i + 2]);
		if (low == -1 || high * 16 + low == 0) {
			secret_wipe(out, n);
			free(out);
			return NULL;
		}
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	out[n] = '\0';
	return out;
}

static const char *
parse_scheme(struct url *url, const char *text, struct err *e)
{
	const char *end = strstr(text, "://");
	size_t len = end == NULL ? 0 : (size_t)(end - text);

	if (end == NULL || len == 0 || !isalpha((unsigned char)text[0])) {
		err_set(e, EINVAL, "a URL begins with a scheme, like http://");
		return NULL;
	}
	if (len >= sizeof(url->scheme)) {
		err_set(e, EINVAL, "the URL's scheme is longer than %zu letters",
			sizeof(url->scheme) - 1);
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("+-.", text[i]) == NULL) {
			err_set(e, EINVAL, "a URL begins with a scheme, like http://");
			return NULL;
		}
		url->scheme[i] = (char)tolower((unsigned char)text[i]);
	}
	url->scheme[len] = '\0';
	return end + 3;
}

static int
parse_user(struct url *url, const char *text, size_t len, struct err *e)
{
	const char *colon = memchr(text, ':', len);
	size_t user_len = colon == NULL ? len : (size_t)(colon - text);

	url->user = decode(text, user_len);
	if (colon != NULL)
		url->password = decode(colon + 1, len - user_len - 1);
	if (url->user == NULL || (colon != NULL && url->password == NULL))
		return err_set(e, EINVAL, "a broken %%-escape in the URL's user or password");
	if (url->user[0] == '\0') {
		free(url->user);
		url->user = NULL;
	}
	return 0;
}

static int
parse_authority(struct url *url, const char *text, size_t len, struct err *e)
{
	const char *at = memrchr(text, '@', len);
	char host[sizeof(url->place.host) + 16];
	size_t skip = at == NULL ? 0 : (size_t)(at - text) + 1;

	if (at != NULL && parse_user(url, text, skip - 1, e) == -1)
		return -1;
	len -= skip;
	if (len == 0 || text[skip] == ':')
		return err_set(e, EINVAL, "the URL has no host");
	if (len >= sizeof(host))
		return err_set(e, EINVAL, "the URL's host is too long");
	memcpy(host, text + skip, len);
	host[len] = '\0';
	if (strncmp(host, "unix:", 5) == 0)
		return err_set(e, EINVAL, "\"unix\" is not a host");
	if (place_parse(&url->place, host, e) == -1)
		return -1;
	if (host[0] != '[' && strchr(url->place.host, ':') != NULL)
		return err_set(e, EINVAL, "an IPv6 address in a URL needs brackets: [%s]",
			url->place.host);
	if (url->place.port == 0 && strrchr(host, ':') != NULL && !str_ends(host, "]"))
		return err_set(e, EINVAL, "port 0 cannot be connected to");
	return 0;
}

/* Path and query up to the fragment; a leading "/" is put before a bare "?query". */
static char *
parse_target(const char *text, struct err *e)
{
	size_t len = strcspn(text, "#");
	struct buf out;

	buf_init(&out, 0);
	if (len == 0 || text[0] != '/')
		buf_add(&out, "/", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c == 0x7f || c == '\\') {
			buf_fini(&out);
			err_set(e, EINVAL, "%s in a URL's path: write it as %%%02X",
				c == ' '    ? "a space"
				: c == '\\' ? "a backslash"
					    : "a control byte",
				c);
			return NULL;
		}
		if (c >= 0x80)
			buf_addf(&out, "%%%02X", c);
		else
			buf_add(&out, &text[i], 1);
	}
	return buf_take_text(&out);
}

int
url_parse(struct url *url, const char *text, struct err *e)
{
	struct url found = { .user = NULL };
	const char *rest;
	size_t len;

	if (strlen(text) > URL_MAX_LEN)
		return err_set(e, EINVAL, "the URL is longer than %d bytes", URL_MAX_LEN);
	rest = parse_scheme(&found, text, e);
	if (rest == NULL)
		return -1;
	len = strcspn(rest, "/?#");
	if (parse_authority(&found, rest, len, e) == -1 ||
		(found.target = parse_target(rest + len, e)) == NULL) {
		url_fini(&found);
		return -1;
	}
	*url = found;
	return 0;
}

void
url_fini(struct url *url)
{
	if (url->password != NULL)
		secret_wipe(url->password, strlen(url->password));
	free(url->user);
	free(url->password);
	free(url->target);
	*url = (struct url){ .user = NULL };
}

static uint16_t
default_port(const char *scheme)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		if (strcmp(defaults[i].scheme, scheme) == 0)
			return defaults[i].port;
	}
	return 0;
}

uint16_t
url_port(const struct url *url)
{
	return url->place.port != 0 ? url->place.port : default_port(url->scheme);
}

static void
add_place(struct buf *out, const struct url *url)
{
	bool is_v6 = strchr(url->place.host, ':') != NULL;

	buf_addf(out, is_v6 ? "[%s]" : "%s", url->place.host);
	if (url->place.port != 0)
		buf_addf(out, ":%u", url->place.port);
}

char *
url_origin(const struct url *url)
{
	struct buf out;

	buf_init(&out, 0);
	buf_addf(&out, "%s://", url->scheme);
	add_place(&out, url);
	return buf_take_text(&out);
}

char *
url_masked(const struct url *url)
{
	const char *rest, *value;
	struct buf out;
	size_t len;

	buf_init(&out, 0);
	buf_addf(&out, "%s://", url->scheme);
	for (const char *p = url->user == NULL ? "" : url->user; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p) || strchr("-._~", *p) != NULL)
			buf_add(&out, p, 1);
		else
			buf_addf(&out, "%%%02X", (unsigned char)*p);
	}
	if (url->password != NULL)
		buf_add_text(&out, ":" SECRET_MASK);
	if (url->user != NULL || url->password != NULL)
		buf_add_text(&out, "@");
	add_place(&out, url);
	for (rest = url->target; (value = secret_in_query(rest, &len)) != NULL;
		rest = value + len) {
		buf_add(&out, rest, (size_t)(value - rest));
		buf_add_text(&out, SECRET_MASK);
	}
	buf_add_text(&out, rest);
	return buf_take_text(&out);
}

/* RFC 3986 5.2.4 on an absolute path, in place; the query is not touched. */
static void
remove_dots(char *target)
{
	size_t path_len = strcspn(target, "?");
	char *query = xstrdup(target + path_len), *in = target, *out = target;

	target[path_len] = '\0';
	while (*in != '\0') {
		size_t len = 1 + strcspn(in + 1, "/"); /* "/segment" */
		bool is_last = in[len] == '\0';

		if ((len == 2 && in[1] == '.') || (len == 3 && in[1] == '.' && in[2] == '.')) {
			while (len == 3 && out > target && *--out != '/')
				;
			if (is_last)
				*out++ = '/';
		} else {
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	if (out == target)
		*out++ = '/';
	memcpy(out, query, strlen(query) + 1);
	free(query);
}

static bool
has_scheme(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || (text[len] != '\0' && strchr("+-.", text[len])))
		len++;
	return len > 0 && text[len] == ':' && isalpha((unsigned char)text[0]);
}

/* The reference's path against the base's, still with dots in it. */
static void
add_joined(struct buf *out, const char *base, const char *reference)
{
	size_t path_len = strcspn(base, "?"), keep = path_len;

	if (reference[0] == '/') {
		keep = 0;
	} else if (reference[0] == '\0' || reference[0] == '#') {
		keep = strlen(base);
	} else if (reference[0] != '?') {
		while (keep > 0 && base[keep - 1] != '/')
			keep--;
	}
	buf_add(out, base, keep);
	buf_add_text(out, reference);
}

static int
resolve_text(struct url *out, const struct url *base, const char *reference, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, 2 * URL_MAX_LEN);
	if (strncmp(reference, "//", 2) == 0) {
		buf_addf(&text, "%s:%s", base->scheme, reference);
	} else {
		buf_addf(&text, "%s://", base->scheme);
		add_place(&text, base);
		add_joined(&text, base->target, reference);
	}
	rc = url_parse(out, buf_text(&text), e);
	buf_fini(&text);
	if (rc == 0 && strncmp(reference, "//", 2) != 0) {
		out->user = xstrdup(base->user);
		out->password = xstrdup(base->password);
	}
	return rc;
}

int
url_resolve(struct url *out, const struct url *base, const char *reference, struct err *e)
{
	struct url found;
	char *text;
	size_t len;
	int rc;

	reference += strspn(reference, " \t");
	len = strlen(reference);
	while (len > 0 && strchr(" \t\r\n", reference[len - 1]) != NULL)
		len--;
	text = xstrndup(reference, len);
	if (has_scheme(text))
		rc = url_parse(&found, text, e);
	else
		rc = resolve_text(&found, base, text, e);
	free(text);
	if (rc == -1)
		return -1;
	remove_dots(found.target);
	*out = found;
	return 0;
}
