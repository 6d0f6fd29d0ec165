/*
 * Mail: one message for each event, one thread for each incident, over SMTP.
 *
 * The server's word after the final dot is the receipt; when it gets lost the same mail comes again
 * under the same Message-ID, which mailboxes know.  TLS is never given up silently.
 */
#include <stdlib.h>
#include <string.h>

#include "alerts/email_letter.h"
#include "alerts/email_talk.h"
#include "alerts/table.h"
#include "base/str.h"

static const char manual[] =
	"One mail for each event, as text and HTML, in one thread for each incident; `to` may be a "
	"list.\n\n"
	"1. Make a mailbox or an application password for triaged; accounts with a second factor "
	"refuse the ordinary one.\n"
	"2. Look up the server for outgoing mail: `smtp://host:587` (STARTTLS) or `smtps://host` "
	"(TLS at once).\n"
	"3. `triage test NAME` shows the whole dialogue.\n"
	"4. Let the mailbox's filter pass what has the header `X-Triaged-Incident`; "
	"`X-Triaged-Severity` and `X-Triaged-Check` sort it.\n\n"
	"What the server refuses with 4xx, a wrong password, and everything before the mail itself "
	"is tried again; a 5xx for the mail gives it up.  Where one address of several is refused, "
	"the others get it and the result says so; nobody is mailed twice because another one must "
	"wait.  A password travels over TLS only, but to a server on this host.  For Gmail, which "
	"threads by subject, see `subject`.";

/* The first word of an incident; one that came back later may not have the first one's id again,
 * because mailboxes drop what they know. */
static bool
may_begin_thread(const struct notice *notice)
{
	return notice->digest == NULL && notice->incident.id[0] != '\0' &&
	       str_eq(notice->type, incident_event_name(INCIDENT_OPENED)) &&
	       !str_eq(notice->reason, "reopened");
}

static const char *
remembered(const struct email_run *state, const char *key)
{
	return json_string_value(json_object_get(state->memory, key));
}

static bool
is_first(struct send_run *run)
{
	const char *root = remembered(send_state(run), "root");

	return may_begin_thread(send_notice(run)) &&
	       (root == NULL || str_eq(root, send_notice(run)->id));
}

bool
email_write(struct send_run *run, struct buf *out)
{
	const struct email_run *state = send_state(run);
	struct message *message =
		message_new(send_notice(run), send_daemon_name(run), send_language(run));
	struct email_letter letter = {
		.conf = send_conf(run),
		.notice = send_notice(run),
		.message = message,
		.daemon_name = send_daemon_name(run),
		.thread_subject = remembered(state, "subject"),
		.is_first = is_first(run),
	};
	long long max = state->size_max;

	email_letter_write(&letter, out);
	if (max > 0 && (long long)buf_left(out) > max) {
		buf_reset(out);
		letter.is_brief = true;
		email_letter_write(&letter, out);
	}
	message_free(message);
	return max <= 0 || (long long)buf_left(out) <= max;
}

/* Who begins the thread, before the first try: a retry must be the same mail. */
static void
remember_first(struct send_run *run)
{
	struct email_run *state = send_state(run);
	struct message *message;
	char *topic;

	if (!is_first(run) || remembered(state, "root") != NULL)
		return;
	message = message_new(send_notice(run), send_daemon_name(run), send_language(run));
	topic = email_letter_topic(message);
	json_object_set_new(state->memory, "root", json_string(send_notice(run)->id));
	json_object_set_new(state->memory, "subject", json_string(topic));
	send_remember(run, json_deep_copy(state->memory));
	free(topic);
	message_free(message);
}

static void
start(struct send_run *run)
{
	struct email_run *state = send_state(run);
	const json_t *memory = send_memory(run);

	state->memory = json_is_object(memory) ? json_deep_copy(memory) : json_object();
	remember_first(run);
	email_people_recall(run);
	email_talk_start(run);
}

static void
stop(struct send_run *run)
{
	struct email_run *state = send_state(run);

	email_talk_stop(run);
	json_decref(state->memory);
	state->memory = NULL;
}

const struct receiver_type receiver_type_email = {
	.name = "email",
	.summary = "Mail over SMTP, a thread for each incident.",
	.manual = manual,
	.fields = email_fields,
	.conf_size = sizeof(struct email_conf),
	.run_size = sizeof(struct email_run),
	.is_for_people = true,
	.rate_per_second = 0.5,
	.burst = 5,
	.timeout_us = 2 * USEC_PER_MIN,
	.check = email_conf_check,
	.release = email_conf_release,
	.target = email_conf_target,
	.start = start,
	.stop = stop,
};
