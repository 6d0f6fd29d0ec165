/* Whatever stands in an incident, Discord's limits hold, and nobody is called who was not meant. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/discord_body.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
chars(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? 0 : message_measure(text, UNIT_CHARS);
}

static void
look_at(json_t *body)
{
	const json_t *embed = json_array_get(json_object_get(body, "embeds"), 0), *field;
	const json_t *allowed = json_object_get(body, "allowed_mentions");
	size_t i,
		all = chars(embed, "description") + chars(json_object_get(embed, "footer"), "text");

	assert(chars(body, "content") <= 2000);
	assert(json_object_size(allowed) == 1 && json_is_array(json_object_get(allowed, "parse")) &&
		json_array_size(json_object_get(allowed, "parse")) == 0);
	assert(chars(embed, "description") <= 4096);
	json_array_foreach(json_object_get(embed, "fields"), i, field)
	{
		assert(chars(field, "name") > 0 && chars(field, "name") <= 256);
		assert(chars(field, "value") > 0 && chars(field, "value") <= 1024);
		all += chars(field, "name") + chars(field, "value");
	}
	assert(i <= 25 && all <= 6000);
	json_decref(body);
}

/* The parts of an incident, each the next line of the text, over and over. */
static void
fill(struct incident *i, const char *text)
{
	char **slots[] = { &i->check, &i->title, &i->summary, &i->cause_title, &i->explanation,
		&i->confidence, &i->target, &i->host, &i->url };
	const char *at = text;

	for (size_t k = 0; k < sizeof(slots) / sizeof(slots[0]); k++) {
		size_t len = strcspn(at, "\n");

		*slots[k] = xstrndup(at, len);
		at = at[len] == '\0' ? text : at + len + 1;
	}
	for (size_t k = 0; k < 6; k++) {
		incident_add_text(&i->facts, i->title, text, 0);
		incident_add_text(&i->remedy, text, i->summary, 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notice notice = { .sequence = 1 };
	struct message *m;
	char *text;

	if (size < 1 || size > 20000)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	notice.type = xstrdup(incident_event_name(data[0] % INCIDENT_EVENT_TYPES));
	notice.reason = xstrdup("first");
	notice.severity = SEVERITY_CRITICAL;
	notice.is_resolved = data[0] % INCIDENT_EVENT_TYPES == INCIDENT_ENDED;
	incident_init(&notice.incident);
	notice.incident.severity = SEVERITY_CRITICAL;
	fill(&notice.incident, text);
	m = message_new(&notice, "web-1", data[0] >= 128 ? LANG_ZH : LANG_EN);
	look_at(discord_embed_body(m, 0, NULL));
	look_at(discord_note_body(m, NULL));
	message_free(m);
	notice_fini(&notice);
	free(text);
	return 0;
}
