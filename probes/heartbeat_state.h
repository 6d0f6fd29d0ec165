/* What is known of a job from its pings, and what follows from it at a moment.  Pure. */
#ifndef PROBES_HEARTBEAT_STATE_H
#define PROBES_HEARTBEAT_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/cron.h"

#define HEARTBEAT_BODY_MAX 1200 /* as much of a ping's body is kept as evidence */

enum heartbeat_verb { HEARTBEAT_SUCCESS, HEARTBEAT_START, HEARTBEAT_FAIL };

/* When a job is due. */
struct heartbeat_plan {
	usec_t period_us, grace_us, max_runtime_us; /* period 0: by cron */
	const struct cron *cron;
	const struct zone *zone;
};

#define HEARTBEAT_AWAY_US (90 * USEC_PER_SEC) /* what is kept is never older while we live */

/* All moments are wall time; 0: never. */
struct heartbeat_state {
	usec_t added_us;
	usec_t base_us; /* what the next due time is reckoned from: the last success, or later */
	usec_t success_us, start_us, fail_us, ping_us;
	usec_t took_us; /* of the last run with a start; -1: not known */
	int exit_code;  /* of the last end; -1: not known */
	double pings, failures;
	usec_t alive_us; /* we could hear pings until then */
	char body[HEARTBEAT_BODY_MAX];
	char from[64];
};

struct heartbeat_ping {
	enum heartbeat_verb verb;
	int exit_code; /* -1: none was given */
	usec_t at_us;
};

enum heartbeat_finding {
	HEARTBEAT_WAITING, /* for the first ping; not overdue yet */
	HEARTBEAT_FINE,
	HEARTBEAT_RUNNING,
	HEARTBEAT_LATE, /* due, within the grace */
	HEARTBEAT_MISSED,
	HEARTBEAT_FAILED,
	HEARTBEAT_TOO_LONG, /* started and not ended within max_runtime */
};

struct heartbeat_look {
	enum heartbeat_finding finding;
	usec_t due_us;     /* the next ping is expected then */
	usec_t overdue_us; /* since when it would be missed: due + grace, or later for a started one
			    */
	usec_t next_us;    /* when the finding may change by itself; 0: not before a ping */
	bool is_running;
};

void heartbeat_take(struct heartbeat_state *s, const struct heartbeat_ping *ping);
void heartbeat_look(const struct heartbeat_state *s, const struct heartbeat_plan *plan,
	usec_t now_us, struct heartbeat_look *look);
/* We were away until now: what was due meanwhile may have been lost, and is not held against it. */
void heartbeat_wake(struct heartbeat_state *s, const struct heartbeat_plan *plan, usec_t now_us);

/* The wall clock was set back: moments that would be in the future go back with it.  False: there
 * are none. */
bool heartbeat_rewind(struct heartbeat_state *s, usec_t now_us);

/* "", "start", "fail" or the digits of an exit code (0..255); -1: none of them. */
int heartbeat_verb_parse(const char *verb, struct heartbeat_ping *ping);

json_t *heartbeat_json(const struct heartbeat_state *s);
void heartbeat_recall(struct heartbeat_state *s, const json_t *doc);

#endif
