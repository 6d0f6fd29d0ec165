/*
 * A backtest: alerts of one or more rules replayed over what the history kept, one after the other.
 * Readings and replays go on off the loop; after some seconds the answer says where to go on.
 */
#ifndef API_BACKTEST_H
#define API_BACKTEST_H

#include "api/call.h"
#include "rules/replay.h"

#define BACKTEST_PROPOSED "proposed" /* what a rule is called that has no name yet */

struct complaints;

/* One alert: a rule for a check. */
struct backtest_job {
	const char *rule; /* the set's */
	size_t check;     /* index in checks */
};

struct backtest_check {
	struct replay_check is;
	struct check_spec spec; /* a copy that outlives the check */
};

/* What is asked. */
struct backtest_ask {
	const struct api_world *world;
	struct settings *settings;     /* a reference: what the set and the tables rest on */
	char rule[100], check[300];    /* "": any */
	char *text;                    /* of proposed rules; NULL: those in force are asked about */
	bool is_file;                  /* it was written by somebody, with lines */
	struct complaints *complaints; /* about the text */
	struct conf_tree *tree;
	struct rule_set *own_set;
	struct backtest_check *checks;
	size_t check_count;
	struct map *by_name; /* struct backtest_check */
	struct backtest_job *jobs;
	size_t job_count, first; /* first: where to go on */
	usec_t since_us, until_us;
	bool wants_peaks;
};

/* --- backtest_ask.c --- */

/* Reads the call; -1 after a problem reply.  Either way backtest_ask_fini. */
int backtest_ask_read(struct backtest_ask *ask, struct api_call *call);
/* Once a text is compiled: makes the jobs; -1 after a problem reply. */
int backtest_ask_choose(struct backtest_ask *ask, struct api_call *call);
void backtest_ask_fini(struct backtest_ask *ask);
const struct rule_set *backtest_set(const struct backtest_ask *ask);

/* --- backtest_rules.c --- */

/* On any thread: ask->text into ask->own_set, or ask->complaints. */
void backtest_rules_compile(struct backtest_ask *ask);
int backtest_rules_check(struct backtest_ask *ask, struct api_call *call); /* -1: it said why */
void backtest_rules_fini(struct backtest_ask *ask);

/* --- backtest_show.c --- */

json_t *backtest_result(const struct backtest_ask *ask, const struct backtest_job *job,
	const struct replay *replay);
json_t *backtest_error(
	const struct backtest_ask *ask, const struct backtest_job *job, const char *text);

#endif
