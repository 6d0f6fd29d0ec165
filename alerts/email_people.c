/*
 * The people of one mail.  One may be refused and the rest still get it; who has it is remembered
 * with the event's id, so that a retry for the others does not mail them again.
 *
 *	memory: { "root": id of the first event, "subject": its topic,
 *	          "event": id, "has": [addresses], "never": [addresses] }
 */
#include <stdio.h>
#include <string.h>

#include "alerts/email_talk.h"
#include "base/mem.h"
#include "base/str.h"

static const char *
address_of(const struct send_run *run, size_t i)
{
	const struct email_conf *conf = send_conf(run);

	return conf->people[i].address;
}

static bool
lists(const json_t *list, const char *address)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		if (text != NULL && str_eq(text, address))
			return true;
	}
	return false;
}

void
email_people_recall(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);
	const char *event = json_string_value(json_object_get(state->memory, "event"));

	if (event == NULL || !str_eq(event, send_notice(run)->id))
		return;
	for (size_t i = 0; i < conf->people_count; i++) {
		struct email_person *person = &state->people[i];

		if (lists(json_object_get(state->memory, "has"), address_of(run, i))) {
			person->fate = EMAIL_HAS_IT;
		} else if (lists(json_object_get(state->memory, "never"), address_of(run, i))) {
			person->fate = EMAIL_NEVER;
			str_copy(person->said, sizeof(person->said), "refused before");
		}
	}
}

size_t
email_people_next(const struct send_run *run, size_t at)
{
	const struct email_conf *conf = send_conf(run);
	const struct email_run *state = send_state((struct send_run *)(uintptr_t)run);

	while (at < conf->people_count && state->people[at].fate != EMAIL_WAITS)
		at++;
	return at;
}

size_t
email_people_count(const struct send_run *run, enum email_fate fate)
{
	const struct email_conf *conf = send_conf(run);
	const struct email_run *state = send_state((struct send_run *)(uintptr_t)run);
	size_t count = 0;

	for (size_t i = 0; i < conf->people_count; i++)
		count += state->people[i].fate == fate;
	return count;
}

/* 452, and 552 of old, is also what "too many people in one mail" looks like (RFC 5321 4.5.3.1.10):
 * once it took some, the others get a transaction of their own. */
void
email_people_judge(struct send_run *run, const struct smtp_reply *reply)
{
	struct email_run *state = send_state(run);
	struct email_person *person = &state->people[state->asked];
	bool is_crowd = (reply->code == 452 || reply->code == 552) &&
			email_people_count(run, EMAIL_TAKEN_BY_SERVER) > 0;

	if (reply->code == 250 || reply->code == 251 || reply->code == 252) {
		person->fate = EMAIL_TAKEN_BY_SERVER;
		return;
	}
	snprintf(person->said, sizeof(person->said), "%d %.140s", reply->code, reply->text);
	if (is_crowd)
		person->fate = EMAIL_CROWDED_OUT;
	else
		person->fate = email_judge(EMAIL_RCPT, reply).result == SEND_NEVER ? EMAIL_NEVER
										   : EMAIL_LATER;
}

static void
keep(struct send_run *run)
{
	const struct email_run *state = send_state(run);

	send_remember(run, json_deep_copy(state->memory));
}

static void
remember(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);
	json_t *has = json_array(), *never = json_array();

	for (size_t i = 0; i < conf->people_count; i++) {
		if (state->people[i].fate == EMAIL_HAS_IT)
			json_array_append_new(has, json_string(address_of(run, i)));
		else if (state->people[i].fate == EMAIL_NEVER)
			json_array_append_new(never, json_string(address_of(run, i)));
	}
	json_object_set_new(state->memory, "event", json_string(send_notice(run)->id));
	json_object_set_new(state->memory, "has", has);
	json_object_set_new(state->memory, "never", never);
	keep(run);
}

static void
forget(struct send_run *run)
{
	struct email_run *state = send_state(run);

	if (json_object_get(state->memory, "event") == NULL)
		return;
	json_object_del(state->memory, "event");
	json_object_del(state->memory, "has");
	json_object_del(state->memory, "never");
	keep(run);
}

void
email_people_served(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);

	for (size_t i = 0; i < conf->people_count; i++) {
		enum email_fate *fate = &state->people[i].fate;

		if (*fate == EMAIL_TAKEN_BY_SERVER)
			*fate = EMAIL_HAS_IT;
		else if (*fate == EMAIL_CROWDED_OUT)
			*fate = EMAIL_WAITS;
	}
	remember(run);
}

/* "; ann@b: 550 no such user; 2 more" */
static void
add_refusals(const struct send_run *run, enum email_fate fate, char *out, size_t size)
{
	const struct email_run *state = send_state((struct send_run *)(uintptr_t)run);
	size_t count = email_people_count(run, fate), at = 0, len = strlen(out);

	if (count == 0)
		return;
	while (state->people[at].fate != fate)
		at++;
	snprintf(out + len, size - len, "; %s: %s", address_of(run, at), state->people[at].said);
	len = strlen(out);
	if (count > 1)
		snprintf(out + len, size - len, "; and %zu more", count - 1);
}

void
email_people_conclude(struct send_run *run, struct email_verdict *verdict)
{
	const struct email_conf *conf = send_conf(run);
	size_t has = email_people_count(run, EMAIL_HAS_IT);
	size_t later = email_people_count(run, EMAIL_LATER);

	if (later > 0)
		*verdict = (struct email_verdict){ SEND_LATER, SEND_CLASS_SERVER, "" };
	else if (has > 0)
		*verdict = (struct email_verdict){ SEND_OK, SEND_CLASS_NONE, "" };
	else
		*verdict = (struct email_verdict){ SEND_NEVER, SEND_CLASS_CLIENT, "" };
	if (later > 0)
		remember(run);
	else
		forget(run);
	if (has == 0)
		snprintf(verdict->text, sizeof(verdict->text), "taken for nobody");
	else if (has == conf->people_count)
		snprintf(verdict->text, sizeof(verdict->text), "taken for %s",
			has == 1 ? address_of(run, 0) : "everybody");
	else
		snprintf(verdict->text, sizeof(verdict->text), "taken for %zu of %zu", has,
			conf->people_count);
	add_refusals(run, EMAIL_LATER, verdict->text, sizeof(verdict->text));
	add_refusals(run, EMAIL_NEVER, verdict->text, sizeof(verdict->text));
}
