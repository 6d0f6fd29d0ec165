/*
 * This host's own network and resolver as things that fail.  When checks of other hosts fail
 * together as if cut off, and the ladder of the network says where it is broken, they have one
 * root: a check of nobody's, `host.network` or `host.resolver`.  Where one of those other hosts
 * still answers, nothing is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/inside.h"

#define LADDER   "net-ladder"
#define FRESH_US (60 * USEC_PER_SEC) /* what a ladder said holds so long */
#define RUNS_MAX 64                  /* other hosts' checks run at once to make sure */

static const struct {
	const char *code;
	bool is_name;
} lost_causes[] = {
	{ "net.unreachable", false },
	{ "net.timeout", false },
	{ "net.dns-fail", true },
	{ "dns.timeout", true },
	{ "ping.loss", false },
};

static const struct host_thing {
	const char *rule, *cause;
} network_thing = { "host-network", "host.network-lost" },
  resolver_thing = { "host-resolver", "host.resolver-lost" };

static bool
is_cut_off(const struct node *node, bool *is_name)
{
	for (size_t n = 0; node->cause && n < sizeof(lost_causes) / sizeof(lost_causes[0]); n++)
		if (str_eq(lost_causes[n].code, node->cause->code)) {
			*is_name = lost_causes[n].is_name;
			return true;
		}
	return false;
}

static bool
is_remote(const struct triage *t, const struct node *node)
{
	const struct subject *s = graph_subject(t, node);
	return s && subject_is_elsewhere(s);
}

static void
lose(struct triage *t, struct node *thing, usec_t since_us, usec_t since_wall_us)
{
	bool is_network = thing == &t->graph.network;
	bool *is_lost = is_network ? &t->graph.is_network_lost : &t->graph.is_resolver_lost;
	if (*is_lost)
		return;
	*is_lost = true;
	thing->fail_us = since_us > 0 ? since_us : 1;
	thing->fail_wall_us = since_wall_us;
	thing->state = CHECK_DOWN;
	thing->outcome = OUTCOME_FAIL;
	thing->cause = cause_find(is_network ? network_thing.cause : resolver_thing.cause);
	t->graph.failing++;
	t->is_stale = true;
}

static void
find_again(struct triage *t, struct node *thing)
{
	bool *is_lost =
		thing == &t->graph.network ? &t->graph.is_network_lost : &t->graph.is_resolver_lost;
	size_t at = 0;
	const char *name;
	void *value;
	if (!*is_lost)
		return;
	*is_lost = false;
	thing->fail_us = thing->fail_wall_us = 0;
	thing->state = CHECK_UP;
	thing->outcome = OUTCOME_OK;
	thing->well_us = t->at.now_us;
	t->graph.failing--;
	t->graph.broken = NULL;
	while (map_next(t->graph.nodes, &at, &name, &value))
		if (((struct node *)value)->lost == thing)
			((struct node *)value)->lost = NULL;
	t->is_stale = true;
}

const char *
host_rule(const struct node *node)
{
	return str_eq(node->name, "host.network") ? network_thing.rule : resolver_thing.rule;
}

void
host_restore(struct triage *t, const char *check)
{
	struct node *node = graph_find(&t->graph, check);
	if (node && !node->spec)
		lose(t, node, t->at.now_us, t->at.wall_us);
}

void
host_forget(struct triage *t, const char *check)
{
	struct node *node = graph_find(&t->graph, check);
	if (node && !node->spec)
		find_again(t, node);
}

void
host_hear(struct triage *t, struct node *node, const struct sample *sample)
{
	bool is_name = false;
	bool is_cut = sample->outcome == OUTCOME_FAIL && is_cut_off(node, &is_name);
	if (!is_cut && !t->graph.is_network_lost && !t->graph.is_resolver_lost)
		return;
	if (!is_remote(t, node))
		return;
	if (is_cut && t->graph.is_network_lost)
		node->lost = &t->graph.network;
	else if (is_cut && is_name && t->graph.is_resolver_lost)
		node->lost = &t->graph.resolver;
	else if (is_cut)
		asked_add(t, node, LADDER);
	else if (sample->started_us > t->graph.network.fail_us && t->graph.is_network_lost)
		find_again(t, &t->graph.network); /* it answers, well or not */
	else if (node->lost == &t->graph.resolver)
		find_again(t, &t->graph.resolver);
}

void
host_take_ladder(struct triage *t, const struct fact *fact)
{
	const char *at = str_eq(fact->name, LADDER) ? fact_text_of(fact, "broken_at") : NULL;
	if (!at)
		return;
	t->graph.broken = NULL;
	if (!*at)
		return;
	t->graph.broken = str_eq(at, "resolver") ? &t->graph.resolver : &t->graph.network;
	t->graph.broken_us = t->at.now_us;
	if (!t->graph.broken->fail_us)
		xstrset(&t->graph.broken->text, fact->text);
}

struct census {
	size_t remote, cut_off, well, unheard, runs;
	usec_t first_us, first_wall_us;
	const char *address; /* of the first one cut off */
	bool are_many;       /* addresses */
};

static void
count_cut_off(const struct triage *t, const struct node *node, struct census *c)
{
	const struct subject *s = graph_subject(t, node);
	const char *address = s->address ? s->address : s->host;
	c->cut_off++;
	if (!c->address)
		c->address = address;
	c->are_many = c->are_many || !str_eq(c->address, address);
	if (c->first_us == 0 || node->fail_us < c->first_us) {
		c->first_us = node->fail_us;
		c->first_wall_us = node->fail_wall_us;
	}
}

static bool
is_cut_off_by(const struct node *node, const struct node *thing, const struct triage *t)
{
	bool is_name = false;
	return node->fail_us && is_cut_off(node, &is_name) &&
	       (is_name || thing == &t->graph.network);
}

static bool
asks_names(const struct triage *t, const struct node *node)
{
	const struct subject *s = graph_subject(t, node);
	return s->host[strspn(s->host, "0123456789.")] && !strchr(s->host, ':');
}

/* Who of the other hosts' checks is cut off, who answers, who has not been heard since. */
static void
count(struct triage *t, const struct node *thing, struct census *c)
{
	size_t at = 0;
	const char *name;
	void *value;
	while (map_next(t->graph.nodes, &at, &name, &value)) {
		struct node *node = value;
		if (is_remote(t, node) && is_cut_off_by(node, thing, t))
			count_cut_off(t, node, c);
	}
	at = 0;
	while (map_next(t->graph.nodes, &at, &name, &value)) {
		struct node *node = value;
		if (!is_remote(t, node) || (thing == &t->graph.resolver && !asks_names(t, node)))
			continue;
		c->remote++;
		if (is_cut_off_by(node, thing, t))
			continue;
		const struct sample *sample =
			t->options.asks.sample ? t->options.asks.sample(t->options.arg, node->name)
					       : NULL;
		if (sample && sample->started_us >= c->first_us)
			c->well++;
		else
			c->unheard++;
	}
}

static void
run_unheard(struct triage *t, const struct census *c)
{
	size_t at = 0, runs = 0;
	const char *name;
	void *value;
	while (map_next(t->graph.nodes, &at, &name, &value) && runs < RUNS_MAX) {
		struct node *node = value;
		if (!is_remote(t, node) || node->fail_us)
			continue;
		const struct sample *sample =
			t->options.asks.sample ? t->options.asks.sample(t->options.arg, node->name)
					       : NULL;
		if (sample && sample->started_us >= c->first_us)
			continue;
		chase_run(t, node);
		runs++;
	}
}

static void
mark_lost(struct triage *t, struct node *thing)
{
	size_t at = 0;
	const char *name;
	void *value;
	while (map_next(t->graph.nodes, &at, &name, &value)) {
		struct node *node = value;
		if (is_remote(t, node) && is_cut_off_by(node, thing, t))
			node->lost = thing;
	}
}

void
host_review(struct triage *t)
{
	struct node *thing = t->graph.broken;
	struct census c = { 0 };
	if (!thing || thing->fail_us)
		return;
	count(t, thing, &c);
	/* Names that are still remembered go on to work without a resolver. */
	bool is_refuted = c.well > 0 && thing == &t->graph.network;
	if (c.cut_off == 0 || is_refuted || t->at.now_us - t->graph.broken_us > FRESH_US) {
		t->graph.broken = NULL;
		return;
	}
	bool is_time_up = t->at.now_us >= t->graph.broken_us + t->options.triage_wait_us;
	if (c.unheard > 0 && !is_time_up) {
		run_unheard(t, &c);
		life_want(t, t->graph.broken_us + t->options.triage_wait_us);
		return;
	}
	if (!c.are_many && c.remote > 1)
		return;
	lose(t, thing, c.first_us, c.first_wall_us);
	mark_lost(t, thing);
}

bool
host_is_waiting(const struct triage *t, const struct node *node)
{
	const struct node *thing = t->graph.broken;
	return thing && !thing->fail_us && node->fail_us && is_cut_off_by(node, thing, t) &&
	       t->at.now_us < t->graph.broken_us + t->options.triage_wait_us && is_remote(t, node);
}
