/* Shapes of receivers, silences and planned maintenance. */
#include <stddef.h>

#include "api/shapes.h"

/* ---- what is told, or not ---- */

/* The keys of a match: lists in answers, a text or a list where one is asked for. */
#define MATCH_ROWS(kind, is)                                                                       \
	{ "severity", kind, is, .doc = "`info`, `warning`, `critical`." },                         \
		{ "check", kind, is, .doc = "Names of checks; globs." },                           \
		{ "type", kind, is, .doc = "Types of checks; globs." },                            \
		{ "rule", kind, is, .doc = "Names of rules; globs." },                             \
	{                                                                                          \
		"cause", kind, is, .doc = "Cause codes or findings; globs."                        \
	}

static const struct shape_field match_fields[] = {
	MATCH_ROWS(SHAPE_TEXT, SHAPE_LIST | SHAPE_OPTIONAL),
	{ "min_severity", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "The lowest level.",
		.words = shape_severities },
	{ "labels", SHAPE_LABELS, SHAPE_OPTIONAL, .doc = "Globs; after `~` a regular expression." },
	{ .name = NULL },
};
static const struct shape match = {
	.name = "Match",
	.doc = "What is silenced: all keys that are there must hold.",
	.fields = match_fields,
};

static const struct shape_field match_ask_fields[] = {
	MATCH_ROWS(SHAPE_GLOBS, SHAPE_OPTIONAL),
	{ "min_severity", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "The lowest level.",
		.words = shape_severities },
	{ "labels", SHAPE_LABELS, SHAPE_OPTIONAL, .doc = "Globs; after `~` a regular expression." },
	{ .name = NULL },
};
static const struct shape match_ask = {
	.name = "MatchAsk",
	.doc = "What is to be silenced: all keys given must hold; at least one is needed.",
	.fields = match_ask_fields,
};

/* ---- receivers ---- */

static const struct shape_field latency_fields[] = {
	{ "count", SHAPE_INTEGER, .doc = "Notices taken." },
	{ "mean", SHAPE_NUMBER, .doc = "Seconds from the event." },
	{ "p50", SHAPE_NUMBER, .doc = "Half of them took at most this." },
	{ "p99", SHAPE_NUMBER, .doc = "99 of 100 took at most this." },
	{ "max", SHAPE_NUMBER, .doc = "The slowest." },
	{ .name = NULL },
};
static const struct shape latency = {
	.name = "Latency",
	.doc = "Seconds from an event to its notice being taken.",
	.fields = latency_fields,
};

static const char *const receiver_states[] = { "ok", "idle", "retrying", "failing", "disabled",
	"off", NULL };
static const struct shape_field receiver_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "As configured." },
	{ "type", SHAPE_TEXT, .doc = "The kind of receiver." },
	{ "description", SHAPE_TEXT, .doc = "As configured." },
	{ "target", SHAPE_TEXT, .doc = "Where to, nothing secret." },
	{ "state", SHAPE_TEXT, .doc = "How it fares.", .words = receiver_states },
	{ "queued", SHAPE_INTEGER, .doc = "Notices that wait." },
	{ "in_flight", SHAPE_INTEGER, .doc = "Notices on their way." },
	{ "oldest_at", SHAPE_TIME, SHAPE_NULL, .doc = "Since when the oldest one waits." },
	{ "next_try_at", SHAPE_TIME, SHAPE_NULL, .doc = "When the next one goes." },
	{ "waits_for", SHAPE_TEXT, .doc = "Why it does not go now; empty: nothing waits." },
	{ "sent", SHAPE_INTEGER, .doc = "Taken, since the daemon started." },
	{ "failed", SHAPE_INTEGER, .doc = "Tries that were not taken." },
	{ "failed_by", SHAPE_MAP, .doc = "Of them, by what went wrong." },
	{ "failures_in_a_row", SHAPE_INTEGER, .doc = "Tries that failed since the last success." },
	{ "given_up", SHAPE_INTEGER, .doc = "Notices that were never taken." },
	{ "last_success_at", SHAPE_TIME, SHAPE_NULL, .doc = "When the last one was taken." },
	{ "last_error", SHAPE_TEXT, .doc = "What was wrong last; empty: nothing." },
	{ "latency", SHAPE_OBJECT, SHAPE_NULL, .doc = "null: none was taken.", .of = &latency },
	{ "next_daily_test_at", SHAPE_TIME, SHAPE_NULL, .doc = "null: it has no daily test." },
	{ .name = NULL },
};
const struct shape shape_receiver = {
	.name = "Receiver",
	.doc = "Somebody who is told, and how that fares.",
	.fields = receiver_fields,
};

static const struct shape_field escalation_fields[] = {
	{ "after", SHAPE_NUMBER, .doc = "Seconds without anybody at it." },
	{ "to", SHAPE_TEXT, SHAPE_LIST, .doc = "Who is told then." },
	{ .name = NULL },
};
static const struct shape escalation = {
	.name = "Escalation",
	.doc = "Who is told when nobody acknowledges.",
	.fields = escalation_fields,
};

static const struct shape_field route_fields[] = {
	{ "match", SHAPE_OBJECT, .doc = "What it takes.", .of = &match },
	{ "to", SHAPE_TEXT, SHAPE_LIST, .doc = "Who is told." },
	{ "escalate", SHAPE_OBJECT, SHAPE_LIST, .doc = "Who else, later.", .of = &escalation },
	{ "group_wait", SHAPE_NUMBER, .doc = "Seconds that a first message waits for others." },
	{ "repeat_interval", SHAPE_NUMBER, .doc = "Seconds between reminders." },
	{ "send_resolved", SHAPE_FLAG, .doc = "Ends are told, too." },
	{ "continue", SHAPE_FLAG, .doc = "The routes after it are looked at, too." },
	{ "resting", SHAPE_FLAG, .doc = "It is outside its hours." },
	{ "begins_at", SHAPE_TIME, SHAPE_OPTIONAL | SHAPE_NULL, .doc = "When its hours begin." },
	{ .name = NULL },
};
static const struct shape route_shape = {
	.name = "Route",
	.doc = "Who is told of what.",
	.fields = route_fields,
};

static const struct shape_field receivers_fields[] = {
	{ "receivers", SHAPE_OBJECT, SHAPE_LIST,
		.doc = "In the order of the settings, those that are off at the end.",
		.of = &shape_receiver },
	{ "routes", SHAPE_OBJECT, SHAPE_LIST,
		.doc = "In the order in which they are tried; empty: every receiver hears "
		       "everything.",
		.of = &route_shape },
	{ .name = NULL },
};
const struct shape shape_receivers = {
	.name = "Receivers",
	.doc = "All receivers.",
	.fields = receivers_fields,
};

static const char *const letter_states[] = { "waiting", "in flight", NULL };
static const struct shape_field letter_fields[] = {
	{ "receiver", SHAPE_TEXT, .doc = "Who is to be told." },
	{ "notice", SHAPE_TEXT, .doc = "Its id." },
	{ "type", SHAPE_TEXT, .doc = "What it tells." },
	{ "severity", SHAPE_TEXT, .doc = "How bad.", .words = shape_levels },
	{ "sequence", SHAPE_INTEGER, .doc = "Of the incident's events." },
	{ "created_at", SHAPE_TIME, SHAPE_NULL, .doc = "Since when it waits." },
	{ "next_try_at", SHAPE_TIME, SHAPE_NULL, .doc = "null: as soon as it may." },
	{ "tries", SHAPE_INTEGER, .doc = "So far." },
	{ "state", SHAPE_TEXT, .doc = "Where it is.", .words = letter_states },
	{ "events", SHAPE_INTEGER, .doc = "Events that it tells of." },
	{ "incident", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "The incident it is about." },
	{ "incidents", SHAPE_INTEGER, SHAPE_OPTIONAL, .doc = "Of a digest: how many." },
	{ .name = NULL },
};
static const struct shape letter = {
	.name = "WaitingNotice",
	.doc = "A notice that was not taken yet.",
	.fields = letter_fields,
};

static const struct shape_field told_fields[] = {
	{ "incident", SHAPE_TEXT, .doc = "Of which incident." },
	{ .name = NULL },
};
static const struct shape told = {
	.name = "LedgerEntry",
	.doc = "What a receiver was told of an incident.",
	.extends = &shape_delivery,
	.fields = told_fields,
};

static const struct shape_field receiver_whole_fields[] = {
	{ "queue", SHAPE_OBJECT, SHAPE_LIST, .doc = "The first 50 that wait.", .of = &letter },
	{ "queue_total", SHAPE_INTEGER, .doc = "All that wait." },
	{ "ledger", SHAPE_OBJECT, SHAPE_LIST, .doc = "What it was told, the latest first.",
		.of = &told },
	{ "ledger_total", SHAPE_INTEGER, .doc = "All that it was told." },
	{ .name = NULL },
};
const struct shape shape_receiver_whole = {
	.name = "ReceiverWhole",
	.doc = "A receiver with what waits for it and what it was told.",
	.extends = &shape_receiver,
	.fields = receiver_whole_fields,
};

static const struct shape_field test_fields[] = {
	{ "receiver", SHAPE_TEXT, .doc = "Its name." },
	{ "ok", SHAPE_FLAG, .doc = "The message was taken." },
	{ "text", SHAPE_TEXT, .doc = "What became of it." },
	{ "transcript", SHAPE_TEXT, .doc = "Lines `> sent` and `< answered`, secrets masked." },
	{ .name = NULL },
};
const struct shape shape_test = {
	.name = "TestResult",
	.doc = "What became of a test message.",
	.fields = test_fields,
};

/* ---- silences ---- */

static const char *const silence_states[] = { "pending", "active", "expired", NULL };
static const struct shape_field silence_fields[] = {
	{ "id", SHAPE_TEXT, .doc = "To end it by." },
	{ "match", SHAPE_OBJECT, .doc = "What is silenced.", .of = &match },
	{ "starts_at", SHAPE_TIME, SHAPE_NULL, .doc = "From when." },
	{ "ends_at", SHAPE_TIME, SHAPE_NULL, .doc = "Until when." },
	{ "made_at", SHAPE_TIME, SHAPE_NULL, .doc = "When it was made." },
	{ "by", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Who made it." },
	{ "comment", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Why." },
	{ "state", SHAPE_TEXT, .doc = "Whether it holds.", .words = silence_states },
	{ .name = NULL },
};
const struct shape shape_silence = {
	.name = "Silence",
	.doc = "For a while nobody is told of what fits.",
	.fields = silence_fields,
};

static const struct shape_field made_fields[] = {
	{ "warning", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "That no check fits it now." },
	{ .name = NULL },
};
const struct shape shape_silence_made = {
	.name = "SilenceMade",
	.doc = "A silence that was just made.",
	.extends = &shape_silence,
	.fields = made_fields,
};

static const struct shape_field work_fields[] = {
	{ "match", SHAPE_OBJECT, .doc = "What is quiet then.", .of = &match },
	{ "schedule", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "When, as configured." },
	{ "timezone", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Of the schedule." },
	{ "reason", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Why." },
	{ "active", SHAPE_FLAG, .doc = "It is going on." },
	{ "ends_at", SHAPE_TIME, SHAPE_OPTIONAL, .doc = "Of one that is going on." },
	{ "starts_at", SHAPE_TIME, SHAPE_OPTIONAL, .doc = "The next time; absent: none." },
	{ .name = NULL },
};
static const struct shape work = {
	.name = "Maintenance",
	.doc = "Planned work, as configured.",
	.fields = work_fields,
};

static const struct shape_field silences_fields[] = {
	{ "silences", SHAPE_OBJECT, SHAPE_LIST, .doc = "Made for the moment.",
		.of = &shape_silence },
	{ "maintenance", SHAPE_OBJECT, SHAPE_LIST, .doc = "Planned.", .of = &work },
	{ .name = NULL },
};
const struct shape shape_silences = {
	.name = "Silences",
	.doc = "Who is not told of what, and until when.",
	.fields = silences_fields,
};

static const struct shape_field ask_fields[] = {
	{ "match", SHAPE_OBJECT, .doc = "What is to be silenced.", .of = &match_ask },
	{ "for", SHAPE_DURATION, SHAPE_OPTIONAL, .doc = "How long; this or `ends_at`." },
	{ "ends_at", SHAPE_TIME, SHAPE_OPTIONAL, .doc = "Until when." },
	{ "starts_at", SHAPE_TIME, SHAPE_OPTIONAL, .doc = "From when; default: now." },
	{ "by", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Who." },
	{ "comment", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Why." },
	{ .name = NULL },
};
const struct shape shape_silence_ask = {
	.name = "SilenceAsk",
	.doc = "A silence that is wanted.",
	.fields = ask_fields,
};

static const struct shape_field ended_fields[] = {
	{ "ended", SHAPE_TEXT, .doc = "Its id." },
	{ .name = NULL },
};
const struct shape shape_ended = {
	.name = "Ended",
	.doc = "A silence that is over.",
	.fields = ended_fields,
};
