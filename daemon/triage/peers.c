/*
 * Who else looks at the same place, and how they fare: for playbooks, which tell a broken server
 * from a broken host by it.  The census of a few checks is taken for each question; that of many is
 * kept for a moment, because in a large outage thousands ask at once.  Then only how they fare is
 * counted anew: who has which seat is asked again after a while.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/inside.h"

#define FEW      64
#define KEPT_US  (100 * USEC_PER_MSEC)
#define SEATS_US (5 * USEC_PER_SEC)
#define KEY_MAX  400

struct tally {
	unsigned count, failing;
};

/* One check, and where it counts. */
struct seat {
	struct node *node;
	struct tally *host, *port; /* port NULL: it has none */
	bool is_local;
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
seat_node(struct peers *peers, struct node *node, const struct subject *s)
{
	const char *address = s ? address_of(s) : NULL;
	node->is_counted = address != NULL;
	if (!address)
		return;
	struct seat *seat = &peers->seats[peers->seat_count++];
	*seat = (struct seat){
		.node = node,
		.host = tally_at(peers, address, 0, true),
		.port = s->port ? tally_at(peers, address, s->port, true) : NULL,
		.is_local = s->is_local,
	};
	seat->host->count++;
	if (seat->port)
		seat->port->count++;
	peers->remote += !s->is_local;
}

static void
seat_all(struct triage *t)
{
	size_t at = 0;
	const char *name;
	void *value;
	peers_forget(t);
	t->peers = (struct peers){
		.places = map_new(),
		.seats = xcalloc(map_count(t->graph.nodes) + 1, sizeof(struct seat)),
		.seated_us = t->at.now_us,
		.edition = t->graph.edition,
	};
	while (map_next(t->graph.nodes, &at, &name, &value))
		seat_node(&t->peers, value, graph_subject(t, value));
}

static void
count_failing(struct peers *peers)
{
	peers->remote_failing = 0;
	for (size_t n = 0; n < peers->seat_count; n++) {
		const struct seat *seat = &peers->seats[n];
		seat->host->failing = 0;
		if (seat->port)
			seat->port->failing = 0;
	}
	for (size_t n = 0; n < peers->seat_count; n++) {
		const struct seat *seat = &peers->seats[n];
		bool is_failing = root_is_failing(seat->node);
		seat->node->was_failing = is_failing;
		seat->host->failing += is_failing;
		if (seat->port)
			seat->port->failing += is_failing;
		peers->remote_failing += is_failing && !seat->is_local;
	}
}

static bool
are_many(const struct triage *t)
{
	return t->peers.places && map_count(t->graph.nodes) > FEW &&
	       t->peers.edition == t->graph.edition;
}

static void
take_census(struct triage *t)
{
	struct peers *peers = &t->peers;
	bool has_seats = are_many(t) && t->at.now_us < peers->seated_us + SEATS_US;
	if (has_seats && t->at.now_us < peers->taken_us + KEPT_US)
		return;
	if (!has_seats)
		seat_all(t);
	count_failing(peers);
	peers->taken_us = t->at.now_us;
}

void
peers_forget(struct triage *t)
{
	if (t->peers.places)
		map_free(t->peers.places, free);
	free(t->peers.seats);
	t->peers = (struct peers){ 0 };
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
