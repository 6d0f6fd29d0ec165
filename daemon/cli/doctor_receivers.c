/* Who is told: does what waits go out, and can each receiver be reached, or with --send: told. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/doctor.h"
#include "cli/reach.h"
#include "cli/when.h"

#define OLDEST_HINT_S 300.0

void
doctor_outbox(struct doctor *doctor)
{
	double depth = doctor_number(doctor, "outbox_depth");
	double oldest = doctor_number(doctor, "outbox_oldest_age");
	char age[64];

	if (isnan(depth)) {
		doctor_say(doctor, FINDING_UNKNOWN, "", "the daemon does not say");
		return;
	}
	clock_format_duration((usec_t)oldest * USEC_PER_SEC, age, sizeof(age));
	if (depth > 0 && oldest > OLDEST_HINT_S)
		doctor_say(doctor, FINDING_PROBLEM, "`triage receivers` says for whom and why",
			"%.0f messages wait, the oldest for %s", depth, age);
	else if (depth > 0)
		doctor_say(doctor, FINDING_HINT, "`triage receivers` says for whom and why",
			"%.0f messages wait", depth);
	else
		doctor_say(doctor, FINDING_OK, "", "nothing waits to be told");
}

/* A real message: what the receiver said is the finding. */
static void
send_test(struct doctor *doctor, const char *name)
{
	char *path = client_path("/api/v1/receivers/", name, "/test");
	struct err e = { .text = "" };
	json_t *doc = client_post(doctor->client, path, &e);
	bool is_ok = json_is_true(json_object_get(doc, "ok"));

	doctor_say(doctor, is_ok ? FINDING_OK : FINDING_PROBLEM,
		is_ok ? "" : "`triage test NAME` shows the whole exchange", "%s: %s", name,
		doc == NULL ? e.text : answer_text(doc, "text"));
	json_decref(doc);
	free(path);
}

/* What it last did for real says more than a connection; that says more than nothing. */
static void
say_receiver(struct doctor *doctor, const json_t *receiver)
{
	const char *name = answer_text(receiver, "name"),
		   *error = answer_text(receiver, "last_error");
	const char *state = answer_text(receiver, "state"),
		   *target = answer_text(receiver, "target");
	char last[WHEN_SIZE];
	struct err e = { .text = "" };
	int reached;

	when_span(receiver, "last_success_at", last);
	if (str_eq(state, "retrying") || str_eq(state, "failing") || str_eq(state, "disabled")) {
		doctor_say(doctor, FINDING_PROBLEM, "mend it, then `triage test` it",
			"%s is %s: %s", name, state, error);
		return;
	}
	reached = doctor->is_here ? reach_target(target, &e) : 1;
	if (reached == -1)
		doctor_say(doctor, FINDING_PROBLEM, "mend the address, or the way there",
			"%s: %s cannot be reached: %s", name, target, e.text);
	else if (*last != '\0')
		doctor_say(doctor, FINDING_OK, "", "%s: took a message %s", name, last);
	else if (reached == 0)
		doctor_say(doctor, FINDING_HINT, "`triage test` it, or `triage doctor --send`",
			"%s: %s takes connections, but was never told anything", name, target);
	else
		doctor_say(doctor, FINDING_HINT, "`triage test` it, or `triage doctor --send`",
			"%s: never told anything, and only a message can tell whether it would "
			"work",
			name);
}

void
doctor_receivers(struct doctor *doctor)
{
	const json_t *receiver;
	size_t i, count = 0;

	json_array_foreach(doctor->receivers, i, receiver)
	{
		if (str_eq(answer_text(receiver, "state"), "off"))
			continue;
		count++;
		if (cli_has(doctor->cli, "send"))
			send_test(doctor, answer_text(receiver, "name"));
		else
			say_receiver(doctor, receiver);
	}
	if (count == 0)
		doctor_say(doctor, FINDING_HINT, "add one under `receivers:`",
			"there is none: alerts go to syslog or the journal");
}
