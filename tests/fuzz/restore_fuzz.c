/*
 * What a state folder holds may come from another version, or be damaged: each document is used or
 * dropped, and the daemon goes on with its rules, incidents and clocks.  One JSON list of {kind,
 * key, doc}; what delivery keeps has a target of its own (outbox).
 */
#include "tests/fuzz/house.h"

#define DOCUMENTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
restore(struct house *h, const char *kind, const char *key, const json_t *doc)
{
	if (str_eq(kind, "check"))
		sched_restore(h->sched, key, doc);
	else if (str_eq(kind, "alert"))
		rules_restore(h->rules, key, doc);
	else if (str_eq(kind, "incident"))
		triage_restore(h->triage, key, doc);
	else if (str_eq(kind, "daily"))
		daily_restore(h->daily, key, doc);
}

static void
restore_all(struct house *h, const json_t *documents)
{
	const json_t *one;
	size_t n;

	json_array_foreach(documents, n, one)
	{
		const char *kind = json_string_value(json_object_get(one, "kind"));
		const char *key = json_string_value(json_object_get(one, "key"));

		if (n < DOCUMENTS_MAX && kind != NULL && key != NULL && key[0] != '\0')
			restore(h, kind, key, json_object_get(one, "doc"));
	}
}

/* A day goes by: alerts, incidents and reminders take their course. */
static void
live(struct house *h)
{
	static const usec_t steps[] = { 0, USEC_PER_SEC, USEC_PER_MIN, USEC_PER_HOUR,
		USEC_PER_DAY };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct triage_moment at = house_moment(h);

		at.now_us += steps[i];
		at.wall_us += steps[i];
		rules_tick(h->rules, at.now_us, at.wall_us);
		if (i == 2)
			triage_settle(h->triage, &at);
		triage_tick(h->triage, &at);
	}
	for (size_t i = 0; i < triage_count(h->triage) && i < 20; i++)
		json_decref(incident_json(triage_at(h->triage, i), HOUSE_WALL));
	for (size_t i = 0; i < h->settings->check_count; i++)
		json_decref(triage_why(h->triage, h->settings->checks[i]->name, 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct house house;
	json_t *documents = json_loadb((const char *)data, size, 0, NULL);

	if (json_is_array(documents)) {
		if (house.env.loop == NULL)
			house_open(&house);
		house_begin(&house);
		restore_all(&house, documents);
		house_apply(&house);
		live(&house);
		house_end(&house);
	}
	json_decref(documents);
	return 0;
}
