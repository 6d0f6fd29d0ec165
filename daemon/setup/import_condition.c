/*
 * Conditions of Gatus ("[STATUS] == 200") as expectations of a check or as rules over its metrics.
 * A table says which placeholder goes where; an operator that has no place there is a note.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/expr.h"
#include "setup/import_inside.h"

enum operator{ OP_EQUAL, OP_UNEQUAL, OP_AT_MOST, OP_AT_LEAST, OP_ABOVE, OP_BELOW, OP_COUNT };

/* In the order in which Gatus looks for them; what is true when the condition is not, and the same
 * with the sides changed. */
static const struct operator_row {
	const char *text;
	enum operator opposite, mirrored;
} operators[OP_COUNT] = {
	[OP_EQUAL] = { "==", OP_UNEQUAL, OP_EQUAL },
	[OP_UNEQUAL] = { "!=", OP_EQUAL, OP_UNEQUAL },
	[OP_AT_MOST] = { "<=", OP_ABOVE, OP_AT_LEAST },
	[OP_AT_LEAST] = { ">=", OP_BELOW, OP_AT_MOST },
	[OP_ABOVE] = { ">", OP_AT_MOST, OP_BELOW },
	[OP_BELOW] = { "<", OP_AT_LEAST, OP_ABOVE },
};

enum want_kind { WANT_VALUE, WANT_GLOB, WANT_ANY };

/* One condition: the placeholder left, the wanted value right. */
struct condition {
	char *left;
	enum operator op;
	enum want_kind kind;
	char *want; /* of pat() and any() what stands inside */
	const char *where, *text;
	const char *path; /* behind [BODY]: ".a.b" */
};

#define CERTIFICATE_MS_MAX (10 * 365 * 86400e3)

#define FITS_NOT(all, c)                                                                           \
	import_note((all)->import, (c)->where,                                                     \
		"\"%s\" has no like in a check of this type; see `rules:`", (c)->text)

/* --- taking apart --- */

static char *
trimmed(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)*text))
		text++, len--;
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return xstrndup(text, len);
}

static void
take_inside(struct condition *c)
{
	size_t len = strlen(c->want);

	c->kind = WANT_VALUE;
	if (len < 5 || c->want[len - 1] != ')')
		return;
	if (str_starts(c->want, "pat("))
		c->kind = WANT_GLOB;
	else if (str_starts(c->want, "any("))
		c->kind = WANT_ANY;
	else
		return;
	memmove(c->want, c->want + 4, len - 5);
	c->want[len - 5] = '\0';
}

static bool
has_placeholder(const char *text)
{
	return strchr(text, '[') != NULL && !str_starts(text, "pat(") && !str_starts(text, "any(");
}

static bool
split(struct condition *c, const char *text)
{
	for (int op = 0; op < OP_COUNT; op++) {
		char spaced[8];
		const char *at;

		snprintf(spaced, sizeof(spaced), " %s ", operators[op].text);
		at = strstr(text, spaced);
		if (at == NULL)
			continue;
		c->left = trimmed(text, (size_t)(at - text));
		c->want = trimmed(at + strlen(spaced), strlen(at + strlen(spaced)));
		c->op = (enum operator)op;
		if (!has_placeholder(c->left) && has_placeholder(c->want)) {
			char *other = c->left;

			c->left = c->want;
			c->want = other;
			c->op = operators[op].mirrored;
		}
		take_inside(c);
		return true;
	}
	return false;
}

static void
split_words(const char *text, struct import_words *words)
{
	while (true) {
		size_t len = strcspn(text, ",");
		char *word = trimmed(text, len);

		import_words_add(words, word);
		free(word);
		if (text[len] == '\0')
			return;
		text += len + 1;
	}
}

static bool
is_number(const char *text)
{
	char *end;

	if (*text != '-' && !isdigit((unsigned char)*text))
		return false;
	strtod(text, &end);
	return *end == '\0' && strspn(text, "-0123456789.") == strlen(text);
}

/* --- rules --- */

/* True when the condition is false, for as long as the check may fail until it is down. */
static void
add_rule(struct conditions *all, const struct condition *c, const char *what, const char *metric,
	const char *value)
{
	struct buf *rules = &all->import->rules;
	char *key = xasprintf("%s-%s:\n", all->check->name, what), text[IMPORT_SPAN];

	if (strstr(buf_text(rules), key) != NULL) {
		import_note(all->import, c->where, "\"%s\": there is a rule of this kind already",
			c->text);
		free(key);
		return;
	}
	buf_addf(rules, "# %s\n%s", c->text, key);
	buf_addf(rules, "  critical: %s.%s %s %s\n", all->check->name, metric,
		operators[operators[c->op].opposite].text, value);
	if (all->hold_us > 0) {
		import_span(all->hold_us, text);
		buf_addf(rules, "  for: %s\n", text);
	}
	free(key);
}

/* --- where each placeholder goes --- */

static bool
compares(double a, enum operator op, double b)
{
	switch (op) {
	case OP_EQUAL:
		return a >= b && a <= b;
	case OP_UNEQUAL:
		return a < b || a > b;
	case OP_AT_MOST:
		return a <= b;
	case OP_AT_LEAST:
		return a >= b;
	case OP_ABOVE:
		return a > b;
	default:
		return a < b;
	}
}

static bool
status_fits(const struct condition *c, const struct import_words *words, unsigned status)
{
	char text[8];
	bool is_in = false;

	snprintf(text, sizeof(text), "%u", status);
	if (c->kind == WANT_VALUE)
		return compares(status, c->op, strtod(c->want, NULL));
	for (size_t i = 0; i < words->count; i++)
		if (c->kind == WANT_GLOB ? str_matches_glob(text, words->all[i])
					 : str_eq(text, words->all[i]))
			is_in = true;
	return is_in == (c->op == OP_EQUAL);
}

static void
take_status(struct conditions *all, const struct condition *c)
{
	struct import_words words = { .all = NULL };
	bool is_any = false;

	if (all->kind != CONDITION_HTTP || (c->kind == WANT_VALUE && !is_number(c->want))) {
		FITS_NOT(all, c);
		return;
	}
	if (c->kind == WANT_GLOB)
		import_words_add(&words, c->want);
	else
		split_words(c->want, &words);
	all->has_status = true;
	for (unsigned status = 100; status < 600; status++) {
		all->statuses[status] = all->statuses[status] && status_fits(c, &words, status);
		is_any = is_any || all->statuses[status];
	}
	if (!is_any) {
		import_note(
			all->import, c->where, "\"%s\" and the others leave no status", c->text);
		memset(all->statuses, true, sizeof(all->statuses));
	}
	import_words_fini(&words);
}

static void
take_time(struct conditions *all, const struct condition *c)
{
	double ms = import_go_milliseconds(c->want);
	bool is_limit = c->op == OP_BELOW || c->op == OP_AT_MOST;
	usec_t limit_us;
	char text[IMPORT_SPAN];

	if (isnan(ms) || !is_limit || ms < 1 || ms > 600000) {
		import_note(
			all->import, c->where, "\"%s\": a limit of 1ms to 10m is needed", c->text);
		return;
	}
	limit_us = (usec_t)(ms * 1000);
	if (all->kind == CONDITION_HTTP) { /* of several the tightest is all of them */
		if (all->limit_us == 0 || limit_us < all->limit_us)
			all->limit_us = limit_us;
		return;
	}
	import_span(limit_us, text);
	add_rule(all, c, "slow", all->kind == CONDITION_PING ? "rtt_time" : "total_time", text);
}

static void
take_certificate(struct conditions *all, const struct condition *c)
{
	double ms = import_go_milliseconds(c->want);
	char text[IMPORT_SPAN];

	if (!(fabs(ms) <= CERTIFICATE_MS_MAX) || (c->op != OP_ABOVE && c->op != OP_AT_LEAST) ||
		!((all->kind == CONDITION_HTTP && all->is_https) || all->kind == CONDITION_TLS)) {
		FITS_NOT(all, c);
		return;
	}
	import_span((usec_t)(ms * 1000), text);
	add_rule(all, c, "certificate", all->kind == CONDITION_TLS ? "days_left" : "tls_days_left",
		text);
}

static void
take_connected(struct conditions *all, const struct condition *c)
{
	bool is_wanted = str_eq(c->want, "true") == (c->op == OP_EQUAL);

	if (!is_wanted)
		import_note(all->import, c->where,
			"\"%s\": a check cannot want that something is down; turn the alert "
			"around: `rules: { %s-up: { critical: up(%s) } }`, severity: info",
			c->text, all->check->name, all->check->name);
}

static void
take_rcode(struct conditions *all, const struct condition *c)
{
	/* A check is down with anything else, and says with what. */
	if (all->kind != CONDITION_DNS || c->op != OP_EQUAL || !str_eq(c->want, "NOERROR"))
		FITS_NOT(all, c);
}

static void
take_domain(struct conditions *all, const struct condition *c)
{
	import_note(all->import, c->where,
		"\"%s\": triaged does not ask registries; an `exec` check with a plugin such as "
		"check_domain does",
		c->text);
}

static void
take_unknown(struct conditions *all, const struct condition *c)
{
	FITS_NOT(all, c);
}

/* --- the body --- */

static void
add_json(struct conditions *all, const struct condition *c, const char *expr)
{
	struct err e = { 0 };
	void *compiled = expr_judge.compile(expr, &e);

	if (compiled == NULL) {
		import_note(all->import, c->where, "\"%s\" cannot be written as %s: %s", c->text,
			expr, e.text);
		return;
	}
	expr_judge.release(compiled);
	import_words_add(&all->json, expr);
}

/* A value as JSON would have it.  Gatus compares texts: 1 is "1" there, so it may be both here. */
static void
add_value(struct buf *out, const char *text, bool may_be_text)
{
	static const char *const words[] = { "true", "false", "null" };
	char quote = strchr(text, '"') != NULL ? '\'' : '"';
	bool is_word = false;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		is_word = is_word || str_eq(text, words[i]);
	if (is_word || (is_number(text) && !may_be_text))
		buf_add_text(out, text);
	else if (is_number(text))
		buf_addf(out, "%s, \"%s\"", text, text);
	else
		buf_addf(out, "%c%s%c", quote, text, quote);
}

/* ".a.b-c[0].d" -> a["b-c"][0].d */
static char *
json_path(const char *path)
{
	struct buf out;

	buf_init(&out, 0);
	while (*path != '\0') {
		size_t len = strcspn(path + 1, ".[") + 1;
		bool is_plain = true;

		for (size_t i = 1; *path == '.' && i < len; i++)
			is_plain = is_plain && (isalnum((unsigned char)path[i]) || path[i] == '_' ||
						       path[i] == '-');
		if (*path == '.' && is_plain)
			buf_addf(&out, "%s%.*s", buf_left(&out) > 0 ? "." : "", (int)len - 1,
				path + 1);
		else if (*path == '.')
			buf_addf(&out, "[\"%.*s\"]", (int)len - 1, path + 1);
		else
			buf_add(&out, path, len);
		path += len;
	}
	return buf_take_text(&out);
}

static void
take_json(struct conditions *all, const struct condition *c)
{
	struct import_words words = { .all = NULL };
	char *path = json_path(c->path);
	struct buf expr;

	buf_init(&expr, 4000);
	if (c->kind == WANT_GLOB || (c->kind == WANT_ANY && c->op > OP_UNEQUAL)) {
		import_note(all->import, c->where,
			"\"%s\": patterns over one value are not known; `expect: { body: REGEX }` "
			"looks at the whole body",
			c->text);
	} else if (c->kind == WANT_ANY || (c->op <= OP_UNEQUAL && is_number(c->want))) {
		split_words(c->want, &words);
		buf_addf(&expr, "%s%s in [", c->op == OP_UNEQUAL ? "not " : "", path);
		for (size_t i = 0; i < words.count; i++) {
			buf_add_text(&expr, i > 0 ? ", " : "");
			add_value(&expr, words.all[i], true);
		}
		buf_add_text(&expr, "]");
		add_json(all, c, buf_text(&expr));
	} else {
		buf_addf(&expr, "%s %s ", path, operators[c->op].text);
		add_value(&expr, c->want, false);
		add_json(all, c, buf_text(&expr));
	}
	import_words_fini(&words);
	buf_fini(&expr);
	free(path);
}

/* What any() and pat() say as one regular expression. */
static char *
body_regex(const struct condition *c)
{
	struct import_words words = { .all = NULL };
	struct buf out;

	if (c->kind != WANT_ANY)
		return import_regex(c->want, c->kind == WANT_GLOB, true);
	buf_init(&out, 0);
	split_words(c->want, &words);
	for (size_t i = 0; i < words.count; i++) {
		char *one = import_regex(words.all[i], false, true);

		buf_addf(&out, "%s%s", i > 0 ? "|" : "", one);
		free(one);
	}
	import_words_fini(&words);
	return buf_take_text(&out);
}

static void
take_whole_body(struct conditions *all, const struct condition *c)
{
	bool *has = c->op == OP_EQUAL ? &all->has_body : &all->has_not_body;
	char *regex;

	if (c->op > OP_UNEQUAL || (all->kind != CONDITION_HTTP && c->op != OP_EQUAL) ||
		all->kind == CONDITION_PING || all->kind == CONDITION_TLS) {
		FITS_NOT(all, c);
		return;
	}
	regex = body_regex(c);
	if (all->kind == CONDITION_DNS) {
		char *answer = c->kind == WANT_VALUE ? xstrdup(c->want) : xasprintf("/%s/", regex);

		import_words_add(&all->answers, answer);
		free(answer);
	} else if (*has) {
		import_note(all->import, c->where,
			"\"%s\": one pattern for the body has been taken; join them by hand",
			c->text);
	} else if (all->kind == CONDITION_HTTP) {
		import_key(&all->check->expect, c->op == OP_EQUAL ? "body" : "not_body", regex);
		*has = true;
	} else {
		import_key(&all->check->keys, "expect", regex);
		*has = true;
	}
	free(regex);
}

static void
take_body(struct conditions *all, const struct condition *c)
{
	if (*c->path == '\0')
		take_whole_body(all, c);
	else if (all->kind == CONDITION_HTTP)
		take_json(all, c);
	else
		FITS_NOT(all, c);
}

/* "x != null or x == null" is true where x is there, and missing where not. */
static void
want_presence(struct conditions *all, const struct condition *c, const char *path)
{
	char *expr = xasprintf("%s != null or %s == null", path, path);

	add_json(all, c, expr);
	free(expr);
}

static void
take_has(struct conditions *all, const struct condition *c)
{
	char *path = json_path(c->path);

	if (all->kind == CONDITION_HTTP && *path != '\0' && c->kind == WANT_VALUE &&
		str_eq(c->want, "true") == (c->op == OP_EQUAL))
		want_presence(all, c, path);
	else
		FITS_NOT(all, c);
	free(path);
}

/* At least n members means that the last of them is there. */
static void
take_length(struct conditions *all, const struct condition *c)
{
	double n = strtod(c->want, NULL) + (c->op == OP_ABOVE ? 1 : 0);
	char *path = json_path(c->path), *last;

	if (all->kind != CONDITION_HTTP || !is_number(c->want) || c->kind != WANT_VALUE) {
		FITS_NOT(all, c);
	} else if (*path == '\0') {
		last = xasprintf("%sB", c->want);
		add_rule(all, c, "size", "body_bytes", last);
		free(last);
	} else if ((c->op == OP_ABOVE || c->op == OP_AT_LEAST) && n >= 1 && n < 10000) {
		last = xasprintf("%s[%.0f]", path, n - 1);
		want_presence(all, c, last);
		free(last);
	} else {
		import_note(all->import, c->where,
			"\"%s\": the length of a list cannot be compared; name a member that must "
			"be there, such as `%s[0] != null`",
			c->text, path);
	}
	free(path);
}

static const struct placeholder {
	const char *text;
	bool has_path;
	void (*take)(struct conditions *all, const struct condition *c);
} placeholders[] = {
	{ "[STATUS]", false, take_status }, { "[RESPONSE_TIME]", false, take_time },
	{ "[CERTIFICATE_EXPIRATION]", false, take_certificate },
	{ "[CONNECTED]", false, take_connected }, { "[DNS_RCODE]", false, take_rcode },
	{ "[DOMAIN_EXPIRATION]", false, take_domain }, { "[BODY]", true, take_body },
	{ "len([BODY]", true, take_length }, { "has([BODY]", true, take_has },
	{ "", true, take_unknown }, /* [IP], [CONTEXT], anything else */
};

void
conditions_begin(struct conditions *all)
{
	memset(all->statuses, true, sizeof(all->statuses));
}

void
conditions_add(struct conditions *all, const char *where, const char *text)
{
	struct condition c = { .where = where, .text = text };
	size_t i = 0;

	if (!split(&c, text)) {
		import_note(all->import, where, "\"%s\" is no condition", text);
		return;
	}
	while (!str_starts(c.left, placeholders[i].text) ||
		(!placeholders[i].has_path && !str_eq(c.left, placeholders[i].text)))
		i++;
	if (str_ends(c.left, ")") && strchr(placeholders[i].text, '(') != NULL)
		c.left[strlen(c.left) - 1] = '\0';
	c.path = c.left + strlen(placeholders[i].text);
	placeholders[i].take(all, &c);
	free(c.left);
	free(c.want);
}

static void
write_statuses(const struct conditions *all)
{
	struct buf *out = &all->check->expect;
	const char *comma = "";

	import_raw(out, "status: [");
	for (unsigned from = 100; from < 600; from++) {
		unsigned to = from;

		if (!all->statuses[from])
			continue;
		while (to + 1 < 600 && all->statuses[to + 1])
			to++;
		if (to > from)
			import_raw(out, "%s%u-%u", comma, from, to);
		else
			import_raw(out, "%s%u", comma, from);
		comma = ", ";
		from = to;
	}
	import_raw(out, "]\n");
}

void
conditions_end(struct conditions *all)
{
	char text[IMPORT_SPAN];

	if (all->limit_us > 0) {
		import_span(all->limit_us, text);
		import_raw(&all->check->expect, "max_time: %s\n", text);
	}
	/* Without a condition on it, any status will do there; here 200-299 would be asked for. */
	if (all->kind == CONDITION_HTTP)
		write_statuses(all);
	import_list(&all->check->expect, "json", &all->json);
	import_list(&all->check->keys, "expect", &all->answers);
	import_words_fini(&all->json);
	import_words_fini(&all->answers);
}
