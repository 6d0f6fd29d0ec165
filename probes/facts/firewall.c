/*
 * Whether this host's own packet filter stops the port that a check looks at: the rules are listed
 * by nft, else by iptables, and searched.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/child.h"
#include "probes/facts/fact.h"
#include "probes/facts/filter_rules.h"

#define OUTPUT_MAX (1 << 20)

enum key { KEY_READABLE, KEY_RULE, KEY_VERDICT };

static const struct metric_desc keys[] = {
	{ "readable", METRIC_FLAG, UNIT_BOOL, "The rules could be listed." },
	{ "rule", METRIC_GAUGE, UNIT_TEXT, "The rule that decides about the port." },
	{ "verdict", METRIC_GAUGE, UNIT_TEXT,
		"\"drop\" or \"reject\"; \"\": no rule that was understood stops it." },
	{ .name = NULL },
};

static const char *const nft[] = { "nft", "-n", "list", "ruleset", NULL };
static const char *const iptables[] = { "iptables", "-w", "1", "-S", NULL };

/* In their order; the next is asked where one is not there or says nothing of the port. */
static const struct {
	const char *const *argv;
	void (*find)(struct filter_finding *out, const char *text, unsigned port, bool is_udp);
} listings[] = {
	{ nft, filter_rules_find_nft },
	{ iptables, filter_rules_find_iptables },
};

#define LISTINGS (sizeof(listings) / sizeof(listings[0]))

struct state {
	struct child *child;
	size_t at; /* of listings */
	bool is_read;
	char trouble[160];
};

static void list_next(struct fact_run *run);

static void
say(struct fact_run *run, const struct filter_finding *finding)
{
	unsigned port = fact_subject(run)->port;
	bool is_stop = finding->verdict[0] != '\0' && !str_eq(finding->verdict, "accept");

	fact_number(run, KEY_READABLE, 1);
	fact_text(run, KEY_VERDICT, "%s", is_stop ? finding->verdict : "");
	if (finding->verdict[0] != '\0') {
		fact_text(run, KEY_RULE, "%s", finding->rule);
		fact_line(
			run, "port %u: %s by the rule: %s", port, finding->verdict, finding->rule);
	} else {
		fact_line(run, "no rule of this host's packet filter is about port %u", port);
	}
	fact_had(run);
}

static void
on_listed(void *arg, const struct child_result *r)
{
	struct fact_run *run = arg;
	const struct subject *s = fact_subject(run);
	struct state *state = fact_state(run);
	struct filter_finding finding = { .verdict = "" };

	state->child = NULL;
	if (r->end == CHILD_EXITED && r->status == 0) {
		state->is_read = true;
		listings[state->at].find(&finding, r->out, s->port, s->is_udp);
	} else if (r->end != CHILD_NO_COMMAND) {
		snprintf(state->trouble, sizeof(state->trouble), "%s: %s",
			listings[state->at].argv[0], r->err_len > 0 ? r->err_out : r->reason);
	}
	if (finding.verdict[0] != '\0') {
		say(run, &finding);
		return;
	}
	state->at++;
	list_next(run);
}

static void
list_next(struct fact_run *run)
{
	static const struct filter_finding nothing = { .verdict = "" };
	struct state *state = fact_state(run);
	struct child_options o = { .output_max = OUTPUT_MAX };

	if (state->at < LISTINGS) {
		o.argv = listings[state->at].argv;
		o.timeout_us = fact_time_left(run) * 3 / 4;
		state->child = child_start(fact_env(run)->loop, &o, on_listed, run);
		return;
	}
	if (state->is_read) {
		say(run, &nothing);
		return;
	}
	fact_number(run, KEY_READABLE, 0);
	if (state->trouble[0] != '\0')
		fact_missed(run, "the packet filter's rules cannot be listed (CAP_NET_ADMIN): %s",
			state->trouble);
	else
		fact_missed(run, "neither nft nor iptables is here to list the rules");
}

static void
start(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	const char *root = fact_env(run)->host_root;

	if (s->port == 0)
		fact_none(run, "the check is about no port");
	else if (root != NULL && !str_eq(root, "/"))
		fact_missed(run, "the host's packet filter is not to be seen from this container");
	else
		list_next(run);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	child_cancel(state->child);
	state->child = NULL;
}

const struct fact_type fact_type_firewall = {
	.name = "firewall",
	.summary = "Whether a rule of this host's own packet filter stops the port.",
	.rights = "CAP_NET_ADMIN, and nft or iptables",
	.keys = keys,
	.run_size = sizeof(struct state),
	.start = start,
	.stop = stop,
};
