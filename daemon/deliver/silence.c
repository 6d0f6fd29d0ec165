/*
 * Silences as values.  What is asked for is JSON, which is YAML: it goes through the tables of the
 * settings, so a silence's `match` takes what a route's takes and its mistakes get the same words.
 */
#include "deliver/silence.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "conf/pattern.h"
#include "deliver/route.h"
#include "model/record.h"

#define TEXT_MAX 4096

struct ask {
	struct route_match match;
	char *starts_at, *ends_at, *by, *comment, *id, *made_at;
	usec_t for_us;
};

static const struct conf_field ask_fields[] = {
	{ "match", GROUP_AT(struct ask, match, route_match_fields), .doc = "What is silenced." },
	{ "starts_at", STRING_AT(struct ask, starts_at), .doc = "RFC 3339; default: now." },
	{ "ends_at", STRING_AT(struct ask, ends_at), .doc = "RFC 3339." },
	{ "for", DURATION_AT(struct ask, for_us), .dflt = "0", .min = "0", .max = "366d",
		.doc = "How long, in place of `ends_at`." },
	{ "by", STRING_AT(struct ask, by), .doc = "Who silences." },
	{ "comment", STRING_AT(struct ask, comment), .doc = "Why." },
	{ "id", STRING_AT(struct ask, id), .doc = "Of a stored one." },
	{ "made_at", STRING_AT(struct ask, made_at), .doc = "Of a stored one." },
	{ .type = CONF_END },
};

static int
fill_ask(struct ask *ask, const json_t *doc, struct err *e)
{
	struct complaints *complaints = complaints_new();
	char *text = json_dumps(doc, JSON_ENSURE_ASCII);
	struct conf_tree *tree = NULL;
	const struct conf_part part = { ask_fields, ask };
	int result = 0;

	if (!json_is_object(doc) || text == NULL || strlen(text) > TEXT_MAX) {
		result = err_set(e, 0, "a silence is an object of at most %d bytes", TEXT_MAX);
	} else if (strstr(text, "${") != NULL) {
		result = err_set(e, 0, "${...} is for settings, a silence cannot use it");
	} else {
		tree = conf_tree_parse("silence", text, strlen(text), complaints);
		if (tree->root != NULL)
			conf_fill(&part, 1, tree->root, "silence", NULL, complaints);
		if (complaints_errors(complaints) > 0) {
			char first[400];
			const char *said;

			complaints_first(complaints, first, sizeof(first));
			/* Its line and column are those of a text that nobody wrote. */
			said = strstr(first, "error: ");
			result = err_set(
				e, 0, "%s", said != NULL ? said + sizeof("error: ") - 1 : first);
		}
		conf_tree_free(tree);
	}
	complaints_free(complaints);
	free(text);
	return result;
}

static int
read_time(const char *text, const char *key, usec_t *out, struct err *e)
{
	if (text == NULL || clock_parse_rfc3339(text, out) == 0)
		return 0;
	return err_set(e, 0, "%s: \"%s\" is no time such as 2026-01-02T03:04:05Z", key, text);
}

static int
check_match(const struct route_match *match, struct err *e)
{
	if (route_match_is_empty(match))
		return err_set(e, 0,
			"match: say what is silenced, such as {\"check\": \"db*\"}; a silence of "
			"everything is {\"check\": \"*\"}");
	for (size_t i = 0; i < match->severity.count; i++)
		if (severity_parse(match->severity.all[i]) <= SEVERITY_OK)
			return err_set(e, 0,
				"severity: \"%s\" is no level; there are info, warning, critical",
				match->severity.all[i]);
	for (size_t i = 0; i < match->labels.count; i++) {
		const char *value = match->labels.all[i].value;

		if (value != NULL && value[0] == '~' && pattern_check(value + 1, e) == -1)
			return err_wrap(e, "labels: %s", match->labels.all[i].name);
	}
	return 0;
}

/* Takes the insides of `ask`. */
static struct silence *
take(struct ask *ask)
{
	struct silence *s = xcalloc(1, sizeof(*s));

	s->match = ask->match;
	s->by = ask->by;
	s->comment = ask->comment;
	ask->by = ask->comment = NULL;
	memset(&ask->match, 0, sizeof(ask->match));
	return s;
}

static int
set_times(struct silence *s, const struct ask *ask, usec_t wall_us, struct err *e)
{
	s->from_us = wall_us;
	if (read_time(ask->starts_at, "starts_at", &s->from_us, e) == -1 ||
		read_time(ask->ends_at, "ends_at", &s->until_us, e) == -1)
		return -1;
	if ((ask->ends_at != NULL) == (ask->for_us > 0))
		return err_set(e, 0, "say how long: either \"for\": \"2h\" or \"ends_at\"");
	if (ask->for_us > 0)
		s->until_us = s->from_us + ask->for_us;
	if (s->until_us <= s->from_us || s->until_us <= wall_us)
		return err_set(e, 0, "it would be over before it begins");
	if (s->until_us - s->from_us > SILENCE_MAX_US)
		return err_set(e, 0, "a silence lasts at most 366 days");
	return 0;
}

struct silence *
silence_new(const json_t *doc, usec_t wall_us, struct err *e)
{
	struct silence *s = NULL;
	struct ask ask = { 0 };

	if (fill_ask(&ask, doc, e) == 0 && check_match(&ask.match, e) == 0) {
		s = take(&ask);
		s->made_us = wall_us;
		rand_hex(s->id, SILENCE_ID_LEN);
		if (set_times(s, &ask, wall_us, e) == -1) {
			silence_free(s);
			s = NULL;
		}
	}
	conf_clear(ask_fields, &ask);
	return s;
}

/* Without what only another version knows; but not of `match`: half of one would silence more. */
static json_t *
known_part(const json_t *doc)
{
	json_t *known = json_object();

	for (const struct conf_field *field = ask_fields; field->type != CONF_END; field++) {
		json_t *value = json_object_get(doc, field->name);

		if (value != NULL)
			json_object_set(known, field->name, value);
	}
	return known;
}

struct silence *
silence_restore(const json_t *doc, struct err *e)
{
	json_t *known = known_part(doc);
	struct silence *s = NULL;
	struct ask ask = { 0 };

	if (fill_ask(&ask, known, e) == 0) {
		s = take(&ask);
		str_copy(s->id, sizeof(s->id), ask.id == NULL ? "" : ask.id);
		if (s->id[0] == '\0' || ask.ends_at == NULL ||
			read_time(ask.starts_at, "starts_at", &s->from_us, e) == -1 ||
			read_time(ask.ends_at, "ends_at", &s->until_us, e) == -1 ||
			read_time(ask.made_at, "made_at", &s->made_us, e) == -1) {
			err_set(e, 0, "it has no id or no end");
			silence_free(s);
			s = NULL;
		}
	}
	conf_clear(ask_fields, &ask);
	json_decref(known);
	return s;
}

void
silence_free(struct silence *s)
{
	if (s == NULL)
		return;
	conf_clear(route_match_fields, &s->match);
	free(s->by);
	free(s->comment);
	free(s);
}

json_t *
silence_json(const struct silence *s, usec_t wall_us)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "id", json_string(s->id));
	json_object_set_new(doc, "match", route_match_json(&s->match));
	json_object_set_new(doc, "starts_at", record_time(s->from_us));
	json_object_set_new(doc, "ends_at", record_time(s->until_us));
	json_object_set_new(doc, "made_at", record_time(s->made_us));
	record_put_text(doc, "by", s->by);
	record_put_text(doc, "comment", s->comment);
	if (wall_us != 0)
		json_object_set_new(doc, "state",
			json_string(wall_us >= s->until_us ? "expired"
				    : wall_us < s->from_us ? "pending"
							   : "active"));
	return doc;
}
