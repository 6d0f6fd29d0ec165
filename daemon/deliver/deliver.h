/*
 * Told, and provably: routes an incident's events to receivers, writes each notice down before it
 * is tried, retries until taken or 24 h old.  One queue per receiver; one dead receiver delays
 * nobody else.  Who was told of what is in the ledger, and who was told "firing" hears "resolved".
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include "alerts/receiver.h"
#include "base/hist.h"
#include "conf/schema.h"
#include "deliver/daily.h"
#include "deliver/hours.h"
#include "io/env.h"
#include "model/incident.h"
#include "model/notice.h"

struct deliver;

/* Keys of every receiver, filled by receiver_fields. */
struct receiver_common {
	bool enabled;
	char *description, *daily_test;
	struct daily_time daily_time; /* of daily_test */
};

extern const struct conf_field receiver_fields[];
void receiver_common_check(
	struct receiver_common *common, const struct conf_node *map, struct complaints *complaints);
void receiver_common_release(struct receiver_common *common);

struct receiver_spec {
	char *name;
	const void *type; /* const struct receiver_type * */
	void *conf;
	struct receiver_common common;
	struct conf_pos pos;
};

/* One `routes:` entry. */
struct route_match {
	struct conf_strings severity, check, type, rule, cause;
	int min_severity; /* enum severity; SEVERITY_OK: not given */
	struct conf_pairs labels;
};

struct escalation {
	usec_t after_us; /* since it was detected, unacknowledged */
	struct conf_strings to;
};

struct route_spec {
	struct route_match match;
	struct conf_strings to;
	const struct conf_node *active; /* as written */
	struct hours active_hours;
	const struct conf_node *escalate; /* as written */
	struct escalation *steps;
	size_t step_count;
	usec_t group_wait_us, repeat_interval_us;
	bool send_resolved, does_continue;
};

extern const struct conf_field route_fields[];
/* Compiles its steps, and complains about what cannot be meant. */
void route_check(struct route_spec *route, const struct conf_node *node,
	const struct receiver_spec *receivers, size_t count, struct complaints *complaints);
void route_release(struct route_spec *route); /* its insides */
/* Warns at `pos` (the `routes:` key) when something may match no route and go to syslog. */
void route_check_all(const struct route_spec *const *routes, size_t count,
	const struct conf_pos *pos, struct complaints *complaints);

/* Persist or forget a document of kind "outbox", "ledger", "trouble", "silence" or "muted". */
typedef void (*deliver_read_fn)(void *arg, const char *key, const json_t *doc);

struct deliver_options {
	const struct io_env *env;
	const char *daemon_name; /* copied */
	void (*on_keep)(void *arg, const char *kind, const char *key, const json_t *doc);
	/* Calls fn(arg2, durable) when all that on_keep was told is on disk.  arg2 is the deliver:
	 * who frees it first makes the store forget that waiter. */
	void (*when_durable)(void *arg, void (*fn)(void *arg2, bool is_durable), void *arg2);
	/* Reads a document back: fn(arg2, key, doc) in a later turn, doc NULL: there is none, JSON
	 * null: it cannot be read now.  Who frees arg2 first makes the store forget it.  NULL: what
	 * waits stays in memory. */
	void (*read)(void *arg, const char *kind, const char *key, deliver_read_fn fn, void *arg2);
	/* A receiver gave something up (cause self.delivery-failed); text NULL: none is in trouble
	 * any more.  While another one still is, its name and text come instead. */
	void (*on_trouble)(void *arg, const char *receiver, const char *text);
	void *arg;
};

struct deliver *deliver_new(const struct deliver_options *options);
void deliver_free(struct deliver *deliver); /* what waits stays in the store */

void deliver_restore(struct deliver *deliver, const char *kind, const char *key, const json_t *doc);
/* Settings in force, borrowed until the next apply has returned (it compares the two).  After all
 * restores; starts sending. */
void deliver_apply(struct deliver *deliver, const struct receiver_spec *const *receivers,
	size_t receiver_count, const struct route_spec *const *routes, size_t route_count);

/* Of the words that receivers add around an incident's own. */
void deliver_set_language(struct deliver *deliver, enum language language);

/* Planned work, in force until the next call; borrowed like the settings of deliver_apply. */
struct maintenance_spec;
void deliver_maintain(
	struct deliver *deliver, const struct maintenance_spec *const *specs, size_t count);

/*
 * Silences decide who is told, never what is true: what is muted is not told of, endings are.  Once
 * nothing mutes an open incident any more, those who should know of it are told.
 */
json_t *deliver_silences(const struct deliver *deliver); /* {"silences": […], "maintenance": […]} */
/* Makes one (see silence.h for what is asked): its JSON, or NULL and e. */
json_t *deliver_silence(struct deliver *deliver, const json_t *ask, struct err *e);
/* Could that silence be about this check? */
bool deliver_silence_concerns(
	const struct deliver *deliver, const char *id, const char *check, const char *type);
int deliver_silence_end(struct deliver *deliver, const char *id, struct err *e);
/* Why nobody is told of this incident at present: true, the words and until when. */
bool deliver_is_muted(const struct deliver *deliver, const struct incident *incident, char *why,
	size_t size, usec_t *until_us);
/* How many of either are in force now. */
void deliver_count_mutes(const struct deliver *deliver, size_t *silences, size_t *maintenance);
/*
 * For `triage why`: who was told of an incident, what waits, when the next reminder comes, one
 * object each: {"what": "muted|queued|told|reminder|resting|escalation|not-routed", "receiver" (not
 * of muted), "text", "until"?, "tries"? and "error"? of what is queued}.
 */
json_t *deliver_why(struct deliver *deliver, const struct incident *incident);
/* The same of a check that has no incident of its own to be muted: the silences and the maintenance
 * that it falls under now. */
json_t *deliver_why_check(const struct deliver *deliver, const char *check, const char *type);

struct delivery_event {
	enum incident_event_type type;
	const char *reason;
	const struct incident *incident;
	usec_t at_us;
};
void deliver_incident(struct deliver *deliver, const struct delivery_event *event);
/* Reminders: an incident that is still open after its route's repeat_interval. */
void deliver_tick(struct deliver *deliver, const struct incident *const *open, size_t count);
/* Sends a test notice to one receiver now, besides the queue; done gets the verdict. */
typedef void (*deliver_tested_fn)(void *arg, bool is_ok, const char *text, const char *transcript);
int deliver_test(struct deliver *deliver, const char *receiver, deliver_tested_fn done, void *arg);
/* Queues a test notice as any other, for its time `at_us` (wall); false: one waits already. */
bool deliver_test_queued(struct deliver *deliver, const char *receiver, usec_t at_us);
/* True when nothing is being sent right now (shutdown may go on). */
bool deliver_is_idle(const struct deliver *deliver);
/* Stops starting new tries. */
void deliver_drain(struct deliver *deliver);
/* A notice has waited for so long, and no receiver took anything since: why, in words. */
bool deliver_is_stuck(const struct deliver *deliver, usec_t after_us, char *why, size_t size);

struct receiver_view {
	const char *name, *type;
	char target[256];
	const char *state;         /* "ok" "retrying" "failing" "disabled" "idle" */
	size_t queued;             /* letters, those in flight among them */
	size_t in_flight, on_disk; /* of these: on their way; with their words on disk only */
	usec_t last_success_us, next_try_us, oldest_us; /* wall; 0: none */
	/* Why what waits does not go: "rate" "backing off after 3 failures" "asked to wait"
	 * "waiting for the disk" "group_wait" "in flight" "disabled"; "": nothing waits. */
	char waits_for[64];
	char last_error[256];
	unsigned fails; /* in a row */
	uint64_t sent, failed, given_up;
	uint64_t failed_by[SEND_CLASSES];
	const struct hist *latency; /* from the event to its being taken; borrowed */
};
size_t deliver_receivers(const struct deliver *deliver);
bool deliver_view(const struct deliver *deliver, size_t n, struct receiver_view *out);
/* What receivers were told, the latest first; of one incident or receiver, or all (NULL):
 * {"ledger": [{"receiver", "incident", "state" "open"|"ended", "told" (its type), "reason",
 * "notice", "sequence", "first_told_at", "told_at", "waiting": letters}], "total": n} */
json_t *deliver_ledger(
	const struct deliver *deliver, const char *incident, const char *receiver, size_t limit);
/*
 * The routes in force, in their order: [{"match", "to", "escalate": [{"after": seconds, "to"}],
 * "group_wait", "repeat_interval": seconds, "send_resolved", "continue", "resting": outside its
 * hours, "begins_at": of them}].
 */
json_t *deliver_routes(const struct deliver *deliver);
/* What waits, the worst and oldest first: {"queue": [{"receiver", "notice", "type", "incident",
 * "severity", "sequence", "created_at", "next_try_at", "tries", "state" "in flight"|"waiting",
 * "incidents": of a digest, "events": merged}], "total": n} */
json_t *deliver_queue(const struct deliver *deliver, const char *receiver, size_t limit);

#endif
