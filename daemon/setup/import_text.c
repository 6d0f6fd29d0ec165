/* Texts of an import: what is literal, what is a reference, and what must not be seen. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "setup/import_inside.h"

char *
import_literal(const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	for (; *text != '\0'; text++) {
		if (text[0] == '$' && text[1] == '{')
			buf_add_text(&out, "$");
		buf_add(&out, text, 1);
	}
	return buf_take_text(&out);
}

/* Back: what a text of ours without references means. */
static char *
plain_of(const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	for (; *text != '\0'; text++) {
		if (str_starts(text, "$${"))
			text++;
		buf_add(&out, text, 1);
	}
	return buf_take_text(&out);
}

/* The next "${" that is a reference; NULL: none. */
static const char *
next_reference(const char *text)
{
	for (; *text != '\0'; text++) {
		if (str_starts(text, "$${"))
			text += 2;
		else if (text[0] == '$' && text[1] == '{')
			return text;
	}
	return NULL;
}

/* --- fills --- */

static struct import_fill *
find_fill(const struct import *import, const char *name)
{
	for (size_t i = 0; i < import->fill_count; i++)
		if (str_eq(import->fills[i].name, name))
			return &import->fills[i];
	return NULL;
}

char *
import_line(const char *text)
{
	size_t len = strlen(text), size = 4 * len + 1;
	char *line = xcalloc(1, size);

	str_printable(line, size, text, len);
	return line;
}

static struct import_fill *
add_fill(struct import *import, const char *name, const char *value, const char *where)
{
	struct import_fill *fill;

	import->fills =
		xreallocarray(import->fills, import->fill_count + 1, sizeof(*import->fills));
	fill = &import->fills[import->fill_count++];
	*fill = (struct import_fill){
		.name = xstrdup(name), .value = xstrdup(value), .where = import_line(where)
	};
	return fill;
}

void
import_refer(struct import *import, const char *where, const char *name)
{
	if (find_fill(import, name) == NULL)
		add_fill(import, name, getenv(name), where);
}

/* One value has one name, however often it stands there. */
static const struct import_fill *
fill_for(struct import *import, const char *where, const char *hint, const char *value)
{
	char base[80], name[96];
	size_t len = 0;

	for (size_t i = 0; i < import->fill_count; i++)
		if (str_eq(import->fills[i].value, value))
			return &import->fills[i];
	for (; *hint != '\0' && len + 1 < sizeof(base); hint++)
		if (isalnum((unsigned char)*hint))
			base[len++] = (char)toupper((unsigned char)*hint);
		else if (len > 0 && base[len - 1] != '_')
			base[len++] = '_';
	base[len] = '\0';
	snprintf(name, sizeof(name), "%s%s", isdigit((unsigned char)*base) ? "V_" : "", base);
	for (unsigned n = 2; find_fill(import, name) != NULL; n++)
		snprintf(name, sizeof(name), "%s_%u", base, n);
	return add_fill(import, name, value, where);
}

char *
import_secret(struct import *import, const char *where, const char *hint, const char *text)
{
	const struct import_fill *fill;
	char *value;

	if (*text == '\0' || next_reference(text) != NULL)
		return xstrdup(text);
	value = plain_of(text);
	fill = fill_for(import, where, hint, value);
	free(value);
	return xasprintf("${%s}", fill->name);
}

/* Replaces `len` bytes at `at` of *text by a fill. */
static char *
hide(struct import *import, const char *where, const char *hint, char *text, size_t at, size_t len)
{
	char *part = xstrndup(text + at, len);
	char *name = import_secret(import, where, hint, part);
	char *out = xasprintf("%.*s%s%s", (int)at, text, name, text + at + len);

	free(part);
	free(name);
	free(text);
	return out;
}

/* user:PASSWORD@ before the first slash; 0: none. */
static size_t
find_password(const char *text, size_t *len)
{
	const char *scheme = strstr(text, "://");
	const char *from = scheme == NULL ? text : scheme + 3;
	size_t size = strcspn(from, "/?#");
	const char *colon = memchr(from, ':', size), *at = NULL;

	for (size_t i = 0; i < size; i++)
		if (from[i] == '@')
			at = from + i;
	if (at == NULL || colon == NULL || colon > at || at == colon + 1)
		return 0;
	*len = (size_t)(at - colon - 1);
	return (size_t)(colon + 1 - text);
}

char *
import_url(struct import *import, const char *where, const char *hint, const char *text)
{
	char *out = xstrdup(text);
	char *password = xasprintf("%s_password", hint), *token = xasprintf("%s_token", hint);
	size_t len, at = find_password(out, &len);
	const char *value;

	if (at > 0)
		out = hide(import, where, password, out, at, len);
	for (size_t from = 0; (value = secret_in_query(out + from, &len)) != NULL;) {
		at = (size_t)(value - out);
		out = hide(import, where, token, out, at, len);
		from = at;
	}
	free(password);
	free(token);
	return out;
}

char *
import_place(struct import *import, const char *text, const char *fallback)
{
	const char *at = text, *reference;
	struct buf out;

	buf_init(&out, 0);
	while ((reference = next_reference(at)) != NULL) {
		size_t len = strcspn(reference, "}");
		char *name = xstrndup(reference + 2, len - 2);
		const struct import_fill *fill = find_fill(import, name);
		bool is_whole =
			reference == text && reference[len] == '}' && reference[len + 1] == '\0';
		bool is_port = reference > text && reference[-1] == ':' && reference[len] == '}';
		const char *instead = is_whole ? fallback : is_port ? "1" : "unset.invalid";

		buf_add(&out, at, (size_t)(reference - at));
		if (fill == NULL || fill->value == NULL || *fill->value == '\0')
			buf_addf(&out, "${%s:-%s}", name, instead);
		else
			buf_addf(&out, "${%s}", name);
		at = reference + len + (reference[len] == '}' ? 1 : 0);
		free(name);
	}
	buf_add_text(&out, at);
	return buf_take_text(&out);
}

void
import_body(struct import *import, struct import_item *check, const char *where, const char *text)
{
	static const char *const words[] = { "passw", "secret", "token", "apikey", "api_key" };
	char *hint = xasprintf("%s_body", check->name), *body = NULL;

	for (size_t i = 0; body == NULL && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(text, words[i]) != NULL)
			body = import_secret(import, where, hint, text);
	import_key(&check->keys, "body", body == NULL ? text : body);
	free(hint);
	free(body);
}

bool
import_is_secret_name(const char *name)
{
	char *query;
	size_t len;
	bool is_secret;

	if (strcasecmp(name, "cookie") == 0)
		return true;
	/* One list of such words is enough. */
	query = xasprintf("?%s=x", name);
	is_secret = secret_in_query(query, &len) != NULL;
	free(query);
	return is_secret;
}

char *
import_regex(const char *text, bool is_glob, bool is_whole)
{
	struct buf out;
	size_t len = strlen(text);
	bool is_open = is_glob && len > 0 && text[0] == '*';
	bool is_open_end = is_glob && len > 1 && text[len - 1] == '*';

	buf_init(&out, 0);
	if (is_open)
		text++, len--;
	if (is_open_end)
		len--;
	if ((is_whole || is_glob) && !is_open)
		buf_add_text(&out, "^");
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '$' && text[i + 1] == '$' && text[i + 2] == '{')
			continue; /* the $ that is meant comes next */
		if (is_glob && (c == '*' || c == '?'))
			buf_add_text(&out, c == '*' ? ".*" : ".");
		else if (strchr(".*+?()|^$\\{}", c) != NULL || c == '[' || c == ']')
			buf_addf(&out, c == '^' || c == '\\' ? "\\%c" : "[%c]", c);
		else
			buf_add(&out, &c, 1);
	}
	if ((is_whole || is_glob) && !is_open_end && !(is_open && len == 0))
		buf_add_text(&out, is_whole ? "[[:space:]]*$" : "$");
	if (buf_left(&out) == 0)
		buf_add_text(&out, ".*");
	return buf_take_text(&out);
}

double
import_go_milliseconds(const char *text)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = { { "ms", 1 }, { "us", 0.001 }, { "ns", 0.000001 }, { "h", 3600000 },
		{ "m", 60000 }, { "s", 1000 } };
	double sum = 0;

	if (*text == '\0')
		return NAN;
	while (*text != '\0') {
		char *end;
		double number = strtod(text, &end);
		size_t i = 0;

		if (end == text)
			return NAN;
		if (*end == '\0')
			return sum + number;
		while (i < sizeof(units) / sizeof(units[0]) && !str_starts(end, units[i].name))
			i++;
		if (i == sizeof(units) / sizeof(units[0]))
			return NAN;
		sum += number * units[i].ms;
		text = end + strlen(units[i].name);
	}
	return sum;
}
