/*
 * Who else looks at the same place, and how they fare: for playbooks, which tell a broken server
 * from a broken host by it.  The census of a few checks is taken for each question; that of many is
 * kept for a moment, because in a large outage thousands ask at once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/inside.h"

#define FEW     64
#define KEPT_US (100 * USEC_PER_MSEC)
#define KEY_MAX 400

struct tally {
	unsigned count, failing;
};

static const char *
address_of(const struct subject *s)
{
	return s->address ? s->address : s->host;
}

static struct tally *
tally_at(struct peers *peers, const char *address, unsigned port, bool is_new_fine)
{
	char key[KEY_MAX];
	snprintf(key, sizeof(key), "%s %u", address, port);
	struct tally *tally = map_get(peers->places, key);
	if (tally || !is_new_fine)
		return tally;
	tally = xcalloc(1, sizeof(*tally));
	map_put(peers->places, key, tally);
	return tally;
}

static void
add(struct tally *tally, bool is_failing)
{
	tally->count++;
	tally->failing += is_failing;
}

static void
count_node(struct peers *peers, struct node *node, const struct subject *s)
{
	const char *address = s ? address_of(s) : NULL;
	node->is_counted = address != NULL;
	if (!address)
		return;
	node->was_failing = root_is_failing(node);
	if (!s->is_local) {
		peers->remote++;
		peers->remote_failing += node->was_failing;
	}
	add(tally_at(peers, address, 0, true), node->was_failing);
	if (s->port)
		add(tally_at(peers, address, s->port, true), node->was_failing);
}

static bool
is_fresh(const struct triage *t)
{
	return t->peers.places && map_count(t->graph.nodes) > FEW &&
	       t->peers.edition == t->graph.edition && t->at.now_us < t->peers.taken_us + KEPT_US;
}

static void
take_census(struct triage *t)
{
	size_t at = 0;
	const char *name;
	void *value;
	peers_forget(t);
	t->peers = (struct peers){
		.places = map_new(),
		.taken_us = t->at.now_us,
		.edition = t->graph.edition,
	};
	while (map_next(t->graph.nodes, &at, &name, &value))
		count_node(&t->peers, value, graph_subject(t, value));
}

void
peers_forget(struct triage *t)
{
	if (t->peers.places)
		map_free(t->peers.places, free);
	t->peers.places = NULL;
}

/* All but itself, where it is among them. */
static void
take_others(const struct tally *tally, const struct node *self, unsigned *count, unsigned *failing)
{
	bool is_in = self && self->is_counted;
	if (!tally)
		return;
	*count = tally->count - is_in;
	*failing = tally->failing - (is_in && self->was_failing);
}

void
peers_count(struct triage *t, const struct node *node, struct playbook_peers *out)
{
	const struct subject *s = graph_subject(t, node);
	const char *address = s ? address_of(s) : NULL;
	if (!s)
		return;
	if (!is_fresh(t))
		take_census(t);
	const struct tally remote = { t->peers.remote, t->peers.remote_failing };
	take_others(&remote, s->is_local ? NULL : node, &out->remote, &out->remote_failing);
	if (!address)
		return;
	take_others(tally_at(&t->peers, address, 0, false), node, &out->same_host,
		&out->same_host_failing);
	if (s->port)
		take_others(tally_at(&t->peers, address, s->port, false), node, &out->same_address,
			&out->same_address_failing);
}
