/*
 * URLs as values: their shape only (who speaks the scheme checks the rest), and what of them may be
 * shown.  A password and credentials in the query never are; of a row with CONF_MASKED only the
 * origin is, because the path is the secret.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/field.h"

/* Shorter ones are ordinary words ("/hook", "key=id"): masking those would shred every message. */
#define HIDDEN_PART_MIN 12
/* A part of a path with as many bytes and a digit in it is a token by itself: services say it in
 * their errors without the rest. */
#define TOKEN_MIN 16

/* The authority: from behind "://" to the path. */
static const char *
authority(const char *url, size_t *len)
{
	const char *at = strstr(url, "://");
	if (at == NULL)
		return NULL;
	at += strlen("://");
	*len = strcspn(at, "/?#");
	return at;
}

/* Where the password lies inside `url`; 0 bytes at NULL: there is none. */
static const char *
find_password(const char *url, size_t *len)
{
	size_t all = 0;
	const char *at = authority(url, &all);
	if (at == NULL)
		return NULL;
	size_t end = all;
	while (end > 0 && at[end - 1] != '@')
		end--;
	const char *colon = end > 0 ? memchr(at, ':', end - 1) : NULL;
	if (colon == NULL)
		return NULL;
	*len = (size_t)(at + end - 1 - (colon + 1));
	return *len > 0 ? colon + 1 : NULL;
}

/* Path, query and fragment, without the first slash; "" when there are none. */
static const char *
behind_origin(const char *url)
{
	size_t len = 0;
	const char *at = authority(url, &len);
	if (at == NULL)
		return "";
	at += len;
	return *at == '/' ? at + 1 : at;
}

static void
add_query_masked(struct buf *out, const char *rest)
{
	size_t len = 0;
	for (const char *value; (value = secret_in_query(rest, &len)) != NULL; rest = value + len) {
		buf_add(out, rest, (size_t)(value - rest));
		buf_add_text(out, SECRET_MASK);
	}
	buf_add_text(out, rest);
}

char *
field_url_masked(const struct conf_field *field, const char *url)
{
	size_t len = 0;
	const char *password = find_password(url, &len), *rest = behind_origin(url);
	const char *from = url;
	struct buf out;
	buf_init(&out, 0);
	if (password != NULL) {
		buf_add(&out, url, (size_t)(password - url));
		buf_add_text(&out, SECRET_MASK);
		from = password + len;
	}
	if (*rest == '\0') {
		buf_add_text(&out, from);
		return buf_take_text(&out);
	}
	buf_add(&out, from, (size_t)(rest - from));
	if ((field->flags & CONF_MASKED) != 0)
		buf_add_text(&out, rest[-1] == '/' ? SECRET_MASK : "/" SECRET_MASK);
	else
		add_query_masked(&out, rest);
	return buf_take_text(&out);
}

static void
add_part(struct secret_set *set, const char *text, size_t len)
{
	char *part = xstrndup(text, len);
	secret_set_add(set, part);
	secret_wipe(part, len);
	free(part);
}

static void
add_tokens(struct secret_set *set, const char *path)
{
	const char *end = path + strcspn(path, "?#");
	while (path < end) {
		size_t len = strcspn(path, "/?#");
		if (len >= TOKEN_MIN && strcspn(path, "0123456789") < len)
			add_part(set, path, len);
		path += len + (path[len] == '/');
	}
}

void
field_url_secrets(const struct conf_field *field, const char *url, struct secret_set *set)
{
	size_t len = 0;
	const char *password = find_password(url, &len), *rest = behind_origin(url);
	if (password != NULL)
		add_part(set, password, len);
	if ((field->flags & CONF_MASKED) != 0 && strlen(rest) >= HIDDEN_PART_MIN)
		secret_set_add(set, rest);
	if ((field->flags & CONF_MASKED) != 0)
		add_tokens(set, rest);
	for (const char *at = rest, *value; (value = secret_in_query(at, &len)) != NULL;
		at = value + len)
		if (len >= HIDDEN_PART_MIN)
			add_part(set, value, len);
}

static bool
is_port(const char *text, size_t len)
{
	long port = 0;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]) || len > 5)
			return false;
		port = port * 10 + (text[i] - '0');
	}
	return port <= 65535;
}

static bool
is_scheme(const char *url)
{
	size_t len = strcspn(url, ":");
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)url[i]) && strchr("+.-", url[i]) == NULL)
			return false;
	return len > 0 && isalpha((unsigned char)url[0]);
}

/* NULL, or what is wrong. */
static const char *
find_fault(const char *text)
{
	size_t len = 0;
	const char *host = authority(text, &len);
	if (host == NULL || !is_scheme(text))
		return "write scheme://host:port/path";
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "a blank in it must be written as %20";
	for (size_t i = len; i > 0; i--) {
		if (host[i - 1] != '@')
			continue;
		host += i;
		len -= i;
		break;
	}
	const char *bracket = len > 0 && host[0] == '[' ? memchr(host, ']', len) : NULL;
	if (len > 0 && host[0] == '[' && bracket == NULL)
		return "the \"[\" of the address is never closed";
	const char *from = bracket != NULL ? bracket : host;
	/* It does not see that `host` is what `from` is where there is no bracket. */
	/* cppcheck-suppress [nullPointerRedundantCheck, nullPointerArithmeticRedundantCheck] */
	const char *colon = memchr(from, ':', len - (size_t)(from - host));
	size_t host_len = colon != NULL ? (size_t)(colon - host) : len;
	if (host_len == 0 && (len > 0 || host[0] != '/')) /* scheme:///path has no host */
		return "it has no host";
	if (colon != NULL && !is_port(colon + 1, len - host_len - 1))
		return "the port must be a number up to 65535";
	return NULL;
}

int
field_url_check(const struct conf_field *field, const char *text, struct err *e)
{
	const char *why = find_fault(text);
	if (why == NULL)
		return 0;
	if (*text == '\0')
		return err_set(e, 0,
			"is empty: a ${NAME} in it may be set, but to nothing; write "
			"scheme://host:port/path");
	/* Where its password ends is a guess, or all of it is a secret: show nothing. */
	if (strchr(text, '@') != NULL || (field->flags & CONF_MASKED) != 0)
		return err_set(e, 0, "is not a URL: %s", why);
	char *shown = field_url_masked(field, text);
	err_set(e, 0, "\"%.80s\" is not a URL: %s", shown, why);
	free(shown);
	return -1;
}
