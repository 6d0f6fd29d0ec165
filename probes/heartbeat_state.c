/*
 * A job's pings in time.
 *
 *	           due                due + grace
 *	  fine      │      late            │      missed
 *	────────────┴──────────────────────┴───────────────►
 *
 * A start counts for nothing until its end; an end without a start is one too.  Pings may overtake
 * each other: a start that comes after the success of the same run only begins another run.
 */
#include "probes/heartbeat_state.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define AHEAD_US USEC_PER_SEC /* pings that came in one microsecond are put behind each other */

int
heartbeat_verb_parse(const char *verb, struct heartbeat_ping *ping)
{
	char *end;
	long code;

	ping->exit_code = -1;
	ping->verb = HEARTBEAT_SUCCESS;
	if (verb[0] == '\0')
		return 0;
	if (str_eq(verb, "start")) {
		ping->verb = HEARTBEAT_START;
		return 0;
	}
	if (str_eq(verb, "fail")) {
		ping->verb = HEARTBEAT_FAIL;
		return 0;
	}
	if (!isdigit((unsigned char)verb[0]) || strlen(verb) > 3)
		return -1;
	code = strtol(verb, &end, 10);
	if (*end != '\0' || code > 255)
		return -1;
	ping->exit_code = (int)code;
	ping->verb = code == 0 ? HEARTBEAT_SUCCESS : HEARTBEAT_FAIL;
	return 0;
}

static bool
is_running(const struct heartbeat_state *s)
{
	return s->start_us > 0 && s->start_us > s->success_us && s->start_us > s->fail_us;
}

void
heartbeat_take(struct heartbeat_state *s, const struct heartbeat_ping *ping)
{
	bool was_running = is_running(s);
	usec_t at = ping->at_us > s->ping_us ? ping->at_us : s->ping_us + 1;

	s->pings++;
	s->ping_us = at;
	if (ping->verb == HEARTBEAT_START) {
		s->start_us = at;
		return;
	}
	s->took_us = was_running ? at - s->start_us : -1;
	s->exit_code = ping->exit_code;
	if (ping->verb == HEARTBEAT_FAIL) {
		s->failures++;
		s->fail_us = at;
		return;
	}
	s->success_us = s->base_us = at;
}

static usec_t
due_after(const struct heartbeat_plan *plan, usec_t base_us)
{
	int64_t next;

	if (plan->period_us > 0)
		return base_us + plan->period_us;
	next = cron_next(plan->cron, plan->zone, base_us / USEC_PER_SEC);
	return next > INT64_MAX / USEC_PER_SEC ? INT64_MAX / 2 : next * USEC_PER_SEC;
}

static usec_t
later(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

/* A job that began in time has its running time, as far as it is allowed. */
static usec_t
overdue_at(const struct heartbeat_state *s, const struct heartbeat_plan *plan, usec_t due_us)
{
	usec_t overdue = due_us + plan->grace_us;

	if (!is_running(s) || s->start_us > overdue)
		return overdue;
	return later(overdue, s->start_us + later(plan->max_runtime_us, plan->grace_us));
}

void
heartbeat_look(const struct heartbeat_state *s, const struct heartbeat_plan *plan, usec_t now_us,
	struct heartbeat_look *look)
{
	bool has_failed = s->fail_us > s->success_us;
	usec_t too_long_us = s->start_us + plan->max_runtime_us;

	*look = (struct heartbeat_look){ .is_running = is_running(s) };
	look->due_us = due_after(plan, later(s->base_us, s->added_us));
	look->overdue_us = overdue_at(s, plan, look->due_us);
	look->next_us = now_us < look->due_us ? look->due_us : look->overdue_us;
	if (look->is_running && plan->max_runtime_us > 0 && now_us >= too_long_us) {
		look->finding = HEARTBEAT_TOO_LONG;
		look->next_us = 0;
		return;
	}
	if (look->is_running && plan->max_runtime_us > 0 && too_long_us < look->next_us)
		look->next_us = too_long_us;
	/* A new try does not undo a failure: only its success does. */
	if (has_failed)
		look->finding = HEARTBEAT_FAILED;
	else if (now_us >= look->overdue_us)
		look->finding = HEARTBEAT_MISSED;
	else if (look->is_running)
		look->finding = HEARTBEAT_RUNNING;
	else if (s->success_us == 0)
		look->finding = HEARTBEAT_WAITING;
	else
		look->finding = now_us >= look->due_us ? HEARTBEAT_LATE : HEARTBEAT_FINE;
	if (now_us >= look->overdue_us)
		look->next_us = 0;
}

void
heartbeat_wake(struct heartbeat_state *s, const struct heartbeat_plan *plan, usec_t now_us)
{
	usec_t due, away_us = s->alive_us;

	if (away_us == 0 || now_us - away_us < HEARTBEAT_AWAY_US)
		return;
	due = due_after(plan, later(s->base_us, s->added_us));
	/* Overdue before we went: that stays.  Else its ping may have come to a closed door. */
	if (overdue_at(s, plan, due) > away_us && due <= now_us)
		s->base_us = now_us;
}

bool
heartbeat_rewind(struct heartbeat_state *s, usec_t now_us)
{
	usec_t *const all[] = { &s->added_us, &s->base_us, &s->success_us, &s->start_us,
		&s->fail_us, &s->ping_us, &s->alive_us };
	usec_t latest = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		latest = later(latest, *all[i]);
	if (latest - now_us <= AHEAD_US)
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (*all[i] > 0)
			*all[i] = later(*all[i] - (latest - now_us), 1);
	return true;
}

/* --- what outlives the process --- */

static struct {
	const char *key;
	size_t offset;
} const moments[] = {
	{ "added", offsetof(struct heartbeat_state, added_us) },
	{ "base", offsetof(struct heartbeat_state, base_us) },
	{ "success", offsetof(struct heartbeat_state, success_us) },
	{ "start", offsetof(struct heartbeat_state, start_us) },
	{ "fail", offsetof(struct heartbeat_state, fail_us) },
	{ "ping", offsetof(struct heartbeat_state, ping_us) },
	{ "took", offsetof(struct heartbeat_state, took_us) },
	{ "alive", offsetof(struct heartbeat_state, alive_us) },
};

json_t *
heartbeat_json(const struct heartbeat_state *s)
{
	json_t *doc = json_pack("{s:f, s:f, s:i, s:s, s:s}", "pings", s->pings, "failures",
		s->failures, "exit_code", s->exit_code, "body", s->body, "from", s->from);

	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		const char *at = (const char *)s + moments[i].offset;

		json_object_set_new(
			doc, moments[i].key, json_integer(*(const usec_t *)(const void *)at));
	}
	return doc;
}

void
heartbeat_recall(struct heartbeat_state *s, const json_t *doc)
{
	const char *body = json_string_value(json_object_get(doc, "body"));
	const char *from = json_string_value(json_object_get(doc, "from"));

	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		char *at = (char *)s + moments[i].offset;

		*(usec_t *)(void *)at = json_integer_value(json_object_get(doc, moments[i].key));
	}
	s->pings = json_number_value(json_object_get(doc, "pings"));
	s->failures = json_number_value(json_object_get(doc, "failures"));
	s->exit_code = (int)json_integer_value(json_object_get(doc, "exit_code"));
	str_copy(s->body, sizeof(s->body), body != NULL ? body : "");
	str_copy(s->from, sizeof(s->from), from != NULL ? from : "");
}
