/*
 * Finds the part that is to blame in a health document:
 *
 *	Spring Boot
 *{"status":"DOWN","components":{"db":{"status":"DOWN","details":{"error":"…"}}}} MicroProfile
 *{"status":"DOWN","checks":[{"name":"db","status":"DOWN","data":{…}}]} health+json
 *{"status":"fail","checks":{"db:time":[{"status":"fail","output":"…"}]}}
 *
 * Parts may hold parts; the deepest one that is not well is named.
 */
#include "probes/http_health.h"

#include <stdio.h>
#include <strings.h>

#include "base/str.h"

#define DEPTH_MAX    4
#define NAME_MAX_LEN 64

static bool
is_bad(const json_t *part)
{
	static const char *const bad[] = { "DOWN", "OUT_OF_SERVICE", "fail", "error", "unhealthy" };
	const char *status = json_string_value(json_object_get(part, "status"));

	for (size_t i = 0; status != NULL && i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strcasecmp(status, bad[i]) == 0)
			return true;
	return false;
}

static const char *
words_of(const json_t *part)
{
	static const char *const holders[] = { "details", "data" };
	static const char *const keys[] = { "error", "output", "message", "reason" };

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		const char *text = json_string_value(json_object_get(part, keys[k]));

		for (size_t h = 0; text == NULL && h < sizeof(holders) / sizeof(holders[0]); h++)
			text = json_string_value(
				json_object_get(json_object_get(part, holders[h]), keys[k]));
		if (text != NULL)
			return text;
	}
	return NULL;
}

static bool look_inside(const json_t *doc, unsigned depth, char *out, size_t size);

/* One part under its name; a list of measurements stands for its first bad one. */
static bool
look_at(const char *name, const json_t *part, unsigned depth, char *out, size_t size)
{
	const char *status, *words;

	if (depth > DEPTH_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(part); i++)
		if (look_at(name, json_array_get(part, i), depth + 1, out, size))
			return true;
	if (!is_bad(part))
		return false;
	if (look_inside(part, depth + 1, out, size))
		return true;
	status = json_string_value(json_object_get(part, "status"));
	words = words_of(part);
	snprintf(out, size, "%.*s is %s%s%s", NAME_MAX_LEN, name, status, words != NULL ? ": " : "",
		words != NULL ? words : "");
	return true;
}

static bool
look_inside(const json_t *doc, unsigned depth, char *out, size_t size)
{
	static const char *const lists[] = { "components", "checks", "details", "contributors" };

	for (size_t l = 0; depth < DEPTH_MAX && l < sizeof(lists) / sizeof(lists[0]); l++) {
		json_t *list = json_object_get(doc, lists[l]);

		for (void *at = json_object_iter(list); at != NULL;
			at = json_object_iter_next(list, at))
			if (look_at(json_object_iter_key(at), json_object_iter_value(at), depth,
				    out, size))
				return true;
		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *part = json_array_get(list, i);
			const char *name = json_string_value(json_object_get(part, "name"));

			if (look_at(name != NULL ? name : "a part", part, depth, out, size))
				return true;
		}
	}
	return false;
}

bool
http_health_part(const json_t *doc, char *out, size_t size)
{
	return look_inside(doc, 0, out, size);
}
