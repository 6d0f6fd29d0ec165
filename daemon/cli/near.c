/* Asks for the list and compares; a list that cannot be had adds nothing. */
#include "cli/near.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"

#define SHOWN_MAX 5

static void
suggest_check(const json_t *checks, const char *word, struct err *e)
{
	const char **names = xcalloc(json_array_size(checks) + 1, sizeof(*names));
	char said[sizeof(e->text)];
	const json_t *check;
	const char *near;
	size_t i;

	json_array_foreach(checks, i, check) names[i] = answer_text(check, "name");
	near = str_nearest(word, names, json_array_size(checks));
	str_copy(said, sizeof(said), e->text);
	if (near != NULL)
		err_set(e, 404, "%s, did you mean \"%s\"?", said, near);
	else
		err_set(e, 404, "%s; `triage checks` lists them", said);
	free(names);
}

/* "3f9c is the beginning of 2 ids: 3f9c2a7d41b8 (redis refuses), 3f9c77..." */
static void
suggest_incident(const json_t *incidents, const char *word, struct err *e)
{
	const json_t *incident;
	struct buf list;
	size_t i, count = 0;

	buf_init(&list, 0);
	json_array_foreach(incidents, i, incident)
	{
		if (!str_starts(answer_text(incident, "id"), word))
			continue;
		if (count++ < SHOWN_MAX)
			buf_addf(&list, "\n  %s  %s", answer_text(incident, "id"),
				answer_text(incident, "title"));
	}
	if (count > 1)
		err_set(e, 404, "%zu incidents begin with \"%s\":%s%s", count, word,
			buf_text(&list), count > SHOWN_MAX ? "\n  ..." : "");
	else if (count == 1)
		err_set(e, 404, "at least four digits of an id are needed; \"%s\" begins%s", word,
			buf_text(&list));
	else
		err_set(e, 404,
			"no incident has an id that begins with \"%s\"; `triage incidents "
			"--state all` lists them",
			word);
	buf_fini(&list);
}

void
near_suggest(struct client *client, enum cli_takes takes, const char *word, struct err *e)
{
	static const struct {
		enum cli_takes takes;
		const char *path, *key;
		void (*suggest)(const json_t *list, const char *word, struct err *e);
	} rows[] = {
		{ TAKES_CHECK, "/api/v1/checks", "checks", suggest_check },
		{ TAKES_TARGET, "/api/v1/checks", "checks", suggest_check },
		{ TAKES_INCIDENT, "/api/v1/incidents?state=all", "incidents", suggest_incident },
	};

	if (e->code != 404 || strstr(e->text, "did you mean") != NULL ||
		str_starts(e->text, CLIENT_OLD))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc;

		if (rows[i].takes != takes)
			continue;
		doc = client_get(client, rows[i].path, NULL);
		if (doc != NULL)
			rows[i].suggest(json_object_get(doc, rows[i].key), word, e);
		json_decref(doc);
	}
}
