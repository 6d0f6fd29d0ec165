/*
 * Finds the parts that are to blame in a health document:
 *
 *	Spring Boot {"status":"DOWN","components":{"db":{"status":"DOWN","details":{"error":"x"}}}}
 *	MicroProfile  {"status":"DOWN","checks":[{"name":"db","status":"DOWN","data":{...}}]}
 *	health+json   {"status":"fail","checks":{"db:time":[{"status":"fail","output":"x"}]}}
 *	ASP.NET       {"status":"Unhealthy","entries":{"db":{"status":"Unhealthy","exception":"x"}}}
 *
 * Parts may hold parts; the deepest one that is not well is named.  The document is anybody's:
 * depth and length of what is said are bounded.
 */
#include "probes/http_health.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define DEPTH_MAX    4
#define NAME_MAX_LEN 64
#define WORDS_MAX    120
#define SHOWN_MAX    3
#define BODY_MAX     ((size_t)1 << 20) /* no health document is longer */

/* How well a part is, by the words of all dialects. */
enum grade { GRADE_WELL, GRADE_POOR, GRADE_BAD };

struct finds {
	char *out;
	size_t size;
	enum grade grade; /* of the parts that are looked for in this walk */
	unsigned count;
};

static enum grade
grade_of(const json_t *part)
{
	static const struct {
		const char *word;
		enum grade grade;
	} rows[] = {
		{ "DOWN", GRADE_BAD },
		{ "OUT_OF_SERVICE", GRADE_BAD },
		{ "fail", GRADE_BAD },
		{ "error", GRADE_BAD },
		{ "unhealthy", GRADE_BAD },
		{ "critical", GRADE_BAD },
		{ "warn", GRADE_POOR },
		{ "warning", GRADE_POOR },
		{ "degraded", GRADE_POOR },
	};
	const char *status = json_string_value(json_object_get(part, "status"));

	for (size_t i = 0; status != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcasecmp(status, rows[i].word) == 0)
			return rows[i].grade;
	return GRADE_WELL;
}

static const char *
words_of(const json_t *part)
{
	static const char *const holders[] = { "details", "data" };
	static const char *const keys[] = { "error", "output", "exception", "description",
		"message", "reason" };

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		const char *text = json_string_value(json_object_get(part, keys[k]));

		for (size_t h = 0; text == NULL && h < sizeof(holders) / sizeof(holders[0]); h++)
			text = json_string_value(
				json_object_get(json_object_get(part, holders[h]), keys[k]));
		if (text != NULL && text[0] != '\0')
			return text;
	}
	return NULL;
}

static void
take(struct finds *f, const char *name, const json_t *part)
{
	const char *status = json_string_value(json_object_get(part, "status"));
	const char *words = words_of(part);
	size_t used = strlen(f->out);
	char one[NAME_MAX_LEN + WORDS_MAX + 64], said[WORDS_MAX + 1], who[NAME_MAX_LEN + 1];

	if (f->count++ >= SHOWN_MAX)
		return;
	str_copy(said, sizeof(said), words != NULL ? words : "");
	str_copy(who, sizeof(who), name);
	snprintf(one, sizeof(one), "%s%s is %s%s%s", used > 0 ? "; " : "", who, status,
		words != NULL ? ": " : "", said);
	str_copy(f->out + used, f->size - used, one);
}

static bool look_inside(struct finds *f, const json_t *doc, unsigned depth);

/* One part under its name; a list of measurements stands for its first bad one. */
static bool
look_at(struct finds *f, const char *name, const json_t *part, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(part); i++)
		if (look_at(f, name, json_array_get(part, i), depth + 1))
			return true;
	if (grade_of(part) == GRADE_WELL)
		return false;
	if (look_inside(f, part, depth + 1))
		return true;
	if (grade_of(part) != f->grade)
		return false;
	take(f, name, part);
	return true;
}

/* True: a part in here was named. */
static bool
look_inside(struct finds *f, const json_t *doc, unsigned depth)
{
	static const char *const lists[] = { "components", "checks", "entries", "details",
		"contributors" };
	unsigned before = f->count;

	for (size_t l = 0; depth < DEPTH_MAX && l < sizeof(lists) / sizeof(lists[0]); l++) {
		json_t *list = json_object_get(doc, lists[l]);

		for (void *at = json_object_iter(list); at != NULL;
			at = json_object_iter_next(list, at))
			look_at(f, json_object_iter_key(at), json_object_iter_value(at), depth);
		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *part = json_array_get(list, i);
			const char *name = json_string_value(json_object_get(part, "name"));

			look_at(f, name != NULL ? name : "a part", part, depth);
		}
	}
	return f->count > before;
}

bool
http_health_part(const json_t *doc, char *out, size_t size)
{
	struct finds f = { .out = out, .size = size };
	size_t used;

	out[0] = '\0';
	for (enum grade grade = GRADE_BAD; grade > GRADE_WELL && f.count == 0; grade--) {
		f.grade = grade;
		look_inside(&f, doc, 0);
	}
	used = strlen(out);
	if (f.count > SHOWN_MAX)
		snprintf(out + used, size - used, "; and %u more", f.count - SHOWN_MAX);
	return f.count > 0;
}

bool
http_health_read(const char *body, size_t len, char *out, size_t size)
{
	static const char *const signs[] = { "\"components\"", "\"checks\"", "\"entries\"",
		"\"details\"", "\"contributors\"" };
	bool is_likely = false, is_named;
	json_t *doc;

	while (len > 0 && isspace((unsigned char)*body)) {
		body++;
		len--;
	}
	if (len == 0 || len > BODY_MAX || *body != '{' ||
		memmem(body, len, "\"status\"", 8) == NULL)
		return false;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		is_likely |= memmem(body, len, signs[i], strlen(signs[i])) != NULL;
	doc = is_likely ? json_loadb(body, len, JSON_ALLOW_NUL, NULL) : NULL;
	is_named = doc != NULL && http_health_part(doc, out, size);
	json_decref(doc);
	return is_named;
}
