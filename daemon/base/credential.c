/* Finds what looks like a credential, from left to right, and writes the text anew without it. */
#include "base/credential.h"

#include <ctype.h>
#include <limits.h>
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

/* A table: this is asked of each character of each text. */
static bool
is_name_char(char c)
{
	static const bool is_one[UCHAR_MAX + 1] = {
		['0' ... '9'] = true,
		['A' ... 'Z'] = true,
		['a' ... 'z'] = true,
		['_'] = true,
		['-'] = true,
		['.'] = true,
	};

	return is_one[(unsigned char)c];
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

/* How long the quote at `at` is, with the backslashes before it: JSON inside of a text; 0: none. */
static size_t
quote_len(const char *at)
{
	size_t slashes = strspn(at, "\\");

	return at[slashes] == '"' || (slashes == 0 && *at == '\'') ? slashes + 1 : 0;
}

/* The quote that ends what was opened by the `len` bytes before `at`; one that is escaped more
 * often is a part of the value. */
static const char *
find_quote(const char *at, size_t len)
{
	const char *open = at - len;

	for (const char *slash = NULL; *at != '\0'; at++) {
		if (*at == '\\') {
			slash = slash == NULL ? at : slash;
			continue;
		}
		if (*at == open[len - 1] && (slash == NULL ? 0 : (size_t)(at - slash)) < len)
			return slash == NULL ? at : slash;
		slash = NULL;
	}
	return at;
}

/* What stands behind "=" or ":": quoted, or up to a blank or a separator. */
static bool
take_value(const char *at, struct span *span)
{
	size_t quote = quote_len(at);
	const char *end;

	at += quote;
	end = quote > 0 ? find_quote(at, quote) : at + strcspn(at, " \t\r\n,;&\"'()<>[]{}");
	*span = (struct span){ at, end };
	return end > at && !str_starts(at, SECRET_MASK) && !is_placeholder(at, end);
}

/* "X-Api-Key": other words are followed by a colon in plain sentences, too. */
static bool
is_header_name(const char *name, size_t len)
{
	return *name != '-' && memchr(name, '-', len) != NULL;
}

/* `name` ends at `at`: "password=...", "\"token\": ...", "X-Api-Key: ...", "--password ..."; a
 * colon alone makes no value of a word. */
static bool
find_behind_name(const char *name, const char *at, struct span *span)
{
	size_t len = (size_t)(at - name), quote = quote_len(at);

	if (*at == ' ' && str_starts(name, "--") && at[1] != '-')
		return is_credential(name, len) && take_value(at + 1, span);
	at += quote;
	while (*at == ' ')
		at++;
	if (*at != '=' && !(*at == ':' && (quote > 0 || is_header_name(name, len))))
		return false;
	if (!is_credential(name, len)) /* last: most names are not */
		return false;
	at++;
	while (*at == ' ')
		at++;
	return take_value(at, span);
}

static bool
is_header(const char *name, const char *at, const char *header)
{
	size_t len = strlen(header);

	return *at == ':' && (size_t)(at - name) >= len && strncasecmp(at - len, header, len) == 0;
}

/* "Authorization: Bearer VALUE": the scheme stays.  "Cookie: name=VALUE": all of them. */
static bool
find_in_header(const char *name, const char *at, struct span *span)
{
	const char *value = at + 1, *end;

	if (is_header(name, at, "cookie")) {
		value += strspn(value, " ");
		end = value + strcspn(value, "= \r\n\"'");
		if (*end != '=')
			return false;
		value = end + 1;
		end = value + strcspn(value, "\r\n\"'");
	} else if (is_header(name, at, "authorization")) {
		value += strspn(value, " ");
		end = value + strcspn(value, " \r\n");
		if (*end == ' ')
			value = end + 1;
		end = value + strcspn(value, " \r\n\"'");
	} else {
		return false;
	}
	*span = (struct span){ value, end };
	return end > value && !str_starts(value, SECRET_MASK);
}

/* May what ends the name there (NULL: none) stand before a value?  Nearly all words of nearly all
 * texts are done with here, at little cost. */
static bool
may_lead(const char *name, const char *at)
{
	if (*at == ' ')
		return !is_name_char(at[1]) || (name != NULL && *name == '-');
	return *at == ':' || *at == '=' || *at == '@' || *at == '"' || *at == '\'' || *at == '\\';
}

/* The first one at or behind `at`; false: there is none. */
static bool
find_next(const char *text, const char *at, struct span *span)
{
	const char *name = NULL;

	for (; *at != '\0'; at++) {
		if (is_name_char(*at)) {
			name = at;
			while (is_name_char(at[1]))
				at++;
			continue;
		}
		if (!may_lead(name, at)) {
			name = NULL;
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

/* Is there anything that may stand before a value?  In nearly every text there is none, or only the
 * colon of an address; see find_next. */
static bool
may_have_one(const char *text)
{
	static const char leads[] = ":=@\"'\\-";

	for (const char *at = text + strcspn(text, leads); *at != '\0';
		at += 1 + strcspn(at + 1, leads)) {
		bool is_port =
			*at == ':' && at > text && isdigit((unsigned char)at[-1]) && at[1] != '/';
		bool is_hyphen = *at == '-' && at[1] != '-';

		if (!is_port && !is_hyphen)
			return true;
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

	if (!may_have_one(text) || !find_next(text, text, &span))
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
