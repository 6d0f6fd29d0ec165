/* Delivery in numbers: how each receiver fares, and the heartbeat that we send. */
#include <stdio.h>

#include "alerts/receiver.h"
#include "api/metrics.h"
#include "base/str.h"
#include "deliver/heartbeat.h"

#define LABELS_MAX 1024

/* As Alertmanager calls them, where it has a word. */
static const char *const reasons[SEND_CLASSES] = {
	[SEND_CLASS_NONE] = "other",
	[SEND_CLASS_TIMEOUT] = "contextDeadlineExceeded",
	[SEND_CLASS_NETWORK] = "networkError",
	[SEND_CLASS_DNS] = "dnsError",
	[SEND_CLASS_TLS] = "tlsError",
	[SEND_CLASS_AUTH] = "authError",
	[SEND_CLASS_RATE] = "rateLimited",
	[SEND_CLASS_CLIENT] = "clientError",
	[SEND_CLASS_SERVER] = "serverError",
	[SEND_CLASS_LOCAL] = "localError",
};

static const char *const states[] = { "ok", "idle", "retrying", "failing", "disabled" };

/* All reasons and states are there from the start: rates begin at 0, not with a gap. */
static void
add_reasons(struct exposition *ex, const char *labels, const struct receiver_view *receiver)
{
	struct family *failures = exposition_family(ex, "triaged_receiver_failures", FAMILY_COUNTER,
		"", "Tries that the receiver did not take, by why.");
	struct family *state = exposition_family(ex, "triaged_receiver_state", FAMILY_GAUGE, "",
		"1 for the state that the receiver is in.");

	for (size_t i = 0; i < SEND_CLASSES; i++)
		family_add_with(
			failures, labels, "reason", reasons[i], (double)receiver->failed_by[i]);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		family_add_with(state, labels, "state", states[i],
			str_eq(receiver->state, states[i]) ? 1 : 0);
}

static void
add_times(struct exposition *ex, const char *labels, const struct receiver_view *receiver,
	usec_t wall_us)
{
	usec_t age_us = receiver->oldest_us == 0 ? 0 : wall_us - receiver->oldest_us;

	family_add(exposition_family(ex, "triaged_receiver_oldest_age_seconds", FAMILY_GAUGE,
			   "seconds", "Age of the oldest notice that waits; 0: none does."),
		labels, age_us < 0 ? 0 : (double)age_us / 1e6);
	if (receiver->last_success_us != 0)
		family_add(exposition_family(ex, "triaged_receiver_last_success_timestamp_seconds",
				   FAMILY_GAUGE, "seconds", "When it last took a notice."),
			labels, (double)receiver->last_success_us / 1e6);
	if (receiver->latency != NULL)
		family_add_hist(
			exposition_family(ex, "triaged_receiver_latency_seconds", FAMILY_HISTOGRAM,
				"seconds", "From an event to its notice being taken."),
			labels, receiver->latency);
}

void
metrics_add_receiver(struct exposition *ex, const struct receiver_view *receiver, usec_t wall_us)
{
	struct buf labels;

	buf_init(&labels, LABELS_MAX);
	labels_add(&labels, "receiver", receiver->name);
	labels_add(&labels, "type", receiver->type);
	family_add(exposition_family(ex, "triaged_receiver_sent", FAMILY_COUNTER, "",
			   "Notices that the receiver took."),
		buf_text(&labels), (double)receiver->sent);
	family_add(exposition_family(ex, "triaged_receiver_given_up", FAMILY_COUNTER, "",
			   "Notices that were given up: refused for good, or too old."),
		buf_text(&labels), (double)receiver->given_up);
	family_add(exposition_family(ex, "triaged_receiver_queued", FAMILY_GAUGE, "",
			   "Notices waiting for the receiver."),
		buf_text(&labels), (double)receiver->queued);
	add_reasons(ex, buf_text(&labels), receiver);
	add_times(ex, buf_text(&labels), receiver, wall_us);
	buf_fini(&labels);
}

/* Apart from triaged_heartbeat_*, which are those of the checks of that type. */
static void
add_place(struct exposition *ex, size_t n, const struct heartbeat_view *view)
{
	struct buf labels;
	char number[24];

	snprintf(number, sizeof(number), "%zu", n + 1);
	buf_init(&labels, LABELS_MAX);
	labels_add(&labels, "number", number);
	labels_add(&labels, "target", view->origin);
	family_add(exposition_family(ex, "triaged_heartbeat_out_sent", FAMILY_COUNTER, "",
			   "Heartbeats of ours that were taken."),
		buf_text(&labels), (double)view->sent);
	family_add(exposition_family(ex, "triaged_heartbeat_out_failures", FAMILY_COUNTER, "",
			   "Heartbeats of ours that did not get through."),
		buf_text(&labels), (double)view->failed);
	if (view->last_ok_us != 0)
		family_add(exposition_family(ex,
				   "triaged_heartbeat_out_last_success_timestamp_seconds",
				   FAMILY_GAUGE, "seconds", "When one was last taken."),
			buf_text(&labels), (double)view->last_ok_us / 1e6);
	buf_fini(&labels);
}

void
metrics_add_heartbeat(struct exposition *ex, const struct heartbeat *heartbeat)
{
	struct heartbeat_view view;
	uint64_t left_out;
	bool is_silent;

	if (heartbeat_count(heartbeat) == 0)
		return;
	for (size_t n = 0; heartbeat_view(heartbeat, n, &view); n++)
		add_place(ex, n, &view);
	is_silent = heartbeat_withheld(heartbeat, &left_out) != NULL;
	family_add(exposition_family(ex, "triaged_heartbeat_out_left_out", FAMILY_COUNTER, "",
			   "Heartbeats that were due and not sent, for want of evidence."),
		NULL, (double)left_out);
	family_add(exposition_family(ex, "triaged_heartbeat_out_silent", FAMILY_GAUGE, "",
			   "1 while it is silent for want of evidence."),
		NULL, is_silent ? 1 : 0);
}
