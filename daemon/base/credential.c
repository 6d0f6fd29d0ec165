/* Finds what looks like a credential, from left to right, and writes the text anew without it. */
#include "base/credential.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

/* A name that ends so has a value that is nobody's business. */
static const char *const endings[] = { "password", "passwd", "passphrase", "pwd", "secret", "token",
	"apikey", "api_key", "api-key", "access_key", "accesskey", "access-key", "private_key",
	"credential", "credentials", "requirepass", "masterauth", NULL };

static const char *const nets[] = { "tcp(", "unix(", "tcp6(", NULL };

struct span {
	const char *from, *to; /* what is masked */
};

static bool
ends_value(char c)
{
	return c == '\0' || isspace((unsigned char)c) || strchr("\"'<>`|", c) != NULL;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* "://user:PASSWORD@": `at` is behind the slashes. */
static bool
find_in_url(const char *at, struct span *span)
{
	const char *end = at, *host = NULL, *colon;

	for (; !ends_value(*end); end++)
		if (*end == '@')
			host = end;
	colon = host == NULL ? NULL : memchr(at, ':', (size_t)(host - at));
	if (colon == NULL || colon + 1 == host)
		return false;
	*span = (struct span){ colon + 1, host };
	return true;
}

/* "user:PASSWORD@tcp(": `at` is the "@". */
static bool
find_before_net(const char *text, const char *at, struct span *span)
{
	const char *begin = at, *colon;
	bool is_net = false;

	for (size_t i = 0; nets[i] != NULL; i++)
		is_net |= str_starts(at + 1, nets[i]);
	while (begin > text && !ends_value(begin[-1]))
		begin--;
	colon = !is_net ? NULL : memchr(begin, ':', (size_t)(at - begin));
	if (colon == NULL || colon + 1 == at)
		return false;
	*span = (struct span){ colon + 1, at };
	return true;
}

static bool
is_credential(const char *name, size_t len)
{
	for (size_t i = 0; endings[i] != NULL; i++) {
		size_t end = strlen(endings[i]);

		if (len >= end && strncasecmp(name + len - end, endings[i], end) == 0)
			return true;
	}
	return false;
}

/* "?", "$1", "%s": what statements and formats have in place of a value. */
static bool
is_placeholder(const char *at, const char *end)
{
	return end - at <= 3 && strchr("?$%", *at) != NULL;
}

/* What stands behind "=" or ":": quoted, or up to a blank or a separator. */
static bool
take_value(const char *at, struct span *span)
{
	const char *end;
	char quote = *at == '"' || *at == '\'' ? *at : '\0';

	if (quote != '\0') {
		end = strchr(++at, quote);
		if (end == NULL)
			end = at + strlen(at);
	} else {
		end = at + strcspn(at, " \t\r\n,;&\"'()<>[]{}");
	}
	*span = (struct span){ at, end };
	return end > at && !str_starts(at, SECRET_MASK) && !is_placeholder(at, end);
}

/* `name` ends at `at`: "password=...", "\"token\": ..."; a colon alone makes no value of a word. */
static bool
find_behind_name(const char *name, const char *at, struct span *span)
{
	bool is_quoted = *at == '"' || *at == '\'';

	if (!is_credential(name, (size_t)(at - name)))
		return false;
	at += is_quoted;
	while (*at == ' ')
		at++;
	if (*at != '=' && !(*at == ':' && is_quoted))
		return false;
	at++;
	while (*at == ' ')
		at++;
	return take_value(at, span);
}

/* "Authorization: Bearer VALUE": the scheme stays. */
static bool
find_in_header(const char *name, const char *at, struct span *span)
{
	static const char header[] = "authorization";
	const char *value = at + 1, *end;

	if (*at != ':' || (size_t)(at - name) < strlen(header) ||
		strncasecmp(at - strlen(header), header, strlen(header)) != 0)
		return false;
	value += strspn(value, " ");
	end = value + strcspn(value, " \r\n");
	if (*end == ' ')
		value = end + 1;
	end = value + strcspn(value, " \r\n\"'");
	*span = (struct span){ value, end };
	return end > value && !str_starts(value, SECRET_MASK);
}

/* The first one at or behind `at`; false: there is none. */
static bool
find_next(const char *text, const char *at, struct span *span)
{
	const char *name = NULL;

	for (; *at != '\0'; at++) {
		if (is_name_char(*at)) {
			name = name == NULL ? at : name;
			continue;
		}
		if (str_starts(at, "://") && find_in_url(at + 3, span))
			return true;
		if (*at == '@' && find_before_net(text, at, span))
			return true;
		if (name != NULL &&
			(find_behind_name(name, at, span) || find_in_header(name, at, span)))
			return true;
		name = NULL;
	}
	return false;
}

void
credential_mask(char *text, size_t size)
{
	const char *at = text;
	struct span span;
	char *old = NULL;
	size_t len = 0;

	if (!find_next(text, text, &span))
		return;
	old = xstrdup(text);
	at = old;
	while (find_next(at, at, &span)) {
		size_t plain = (size_t)(span.from - at);

		if (len + plain + strlen(SECRET_MASK) + 1 > size)
			break;
		memcpy(text + len, at, plain);
		memcpy(text + len + plain, SECRET_MASK, strlen(SECRET_MASK));
		len += plain + strlen(SECRET_MASK);
		at = span.to;
	}
	/* A short value that became longer may push the end out. */
	str_copy(text + len, size - len, find_next(at, at, &span) ? "" : at);
	free(old);
}
