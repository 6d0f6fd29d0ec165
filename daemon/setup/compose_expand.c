/*
 * Variables in a compose file, in compose's grammar: what is not set is empty, `$$` is a dollar
 * sign, and a default may hold variables itself.  Values are never expanded again.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "conf/interpolate.h"
#include "setup/compose.h"

#define TEXT_MAX    (64 * 1024)
#define NESTING_MAX 8
#define NAME_ROOM   256

static void expand(const struct compose *compose, const char *raw, size_t len, unsigned depth,
	struct buf *out);

const char *
compose_lookup(const struct compose *compose, const char *name)
{
	const char *value = map_get(compose->env, name);
	return value != NULL ? value : getenv(name);
}

static size_t
name_length(const char *text, size_t len)
{
	size_t n = 0;
	if (len == 0 || isdigit((unsigned char)text[0]))
		return 0;
	while (n < len && (isalnum((unsigned char)text[n]) || text[n] == '_'))
		n++;
	return n;
}

static const char *
value_of(const struct compose *compose, const char *name, size_t len)
{
	char copy[NAME_ROOM];
	if (len == 0 || len >= sizeof(copy))
		return NULL;
	memcpy(copy, name, len);
	copy[len] = '\0';
	return compose_lookup(compose, copy);
}

/* What stands between ${ and }. */
static void
expand_braced(const struct compose *compose, const char *inside, size_t len, unsigned depth,
	struct buf *out)
{
	size_t n = name_length(inside, len);
	const char *value = value_of(compose, inside, n);
	bool wants_filled = n < len && inside[n] == ':';
	size_t sign = n + wants_filled;
	char mode = sign < len ? inside[sign] : '\0';
	bool is_set = value != NULL && (!wants_filled || *value != '\0');

	if (mode == '+' || (mode == '-' && !is_set)) {
		if (mode == '-' || is_set)
			expand(compose, inside + sign + 1, len - sign - 1, depth + 1, out);
		return;
	}
	if (value != NULL)
		buf_add_text(out, value);
}

static void
expand(const struct compose *compose, const char *raw, size_t len, unsigned depth, struct buf *out)
{
	for (size_t at = 0; at < len;) {
		const char *rest = raw + at;
		size_t plain = 0, left = len - at, n;
		while (plain < left && rest[plain] != '$')
			plain++;
		buf_add(out, rest, plain);
		at += plain;
		if (at >= len || depth > NESTING_MAX)
			return;
		rest = raw + at + 1;
		left = len - at - 1;
		if (left > 0 && *rest == '$') {
			buf_add(out, "$", 1);
			at += 2;
		} else if (left > 0 && *rest == '{') {
			size_t end = interpolate_closing(rest, 1, left);
			expand_braced(compose, rest + 1, end - 1, depth, out);
			at += end + 2;
		} else if ((n = name_length(rest, left)) > 0) {
			const char *value = value_of(compose, rest, n);
			buf_add_text(out, value != NULL ? value : "");
			at += n + 1;
		} else {
			buf_add(out, "$", 1);
			at++;
		}
	}
}

char *
compose_expand(const struct compose *compose, const char *raw)
{
	struct buf out;
	buf_init(&out, TEXT_MAX);
	expand(compose, raw, strlen(raw), 0, &out);
	return buf_take_text(&out);
}
