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
	node->seat = 0;
	if (!address)
		return;
	struct seat *seat = &peers->seats[peers->seat_count++];
	node->seat = (uint32_t)peers->seat_count;
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

/* The place that it looks at now. */
struct spot {
	struct tally *host, *port; /* NULL: nobody was seated there */
	bool is_local;
};

static struct spot
spot_of(struct peers *peers, const struct subject *s)
{
	const char *address = address_of(s);
	return (struct spot){
		.host = address ? tally_at(peers, address, 0, false) : NULL,
		.port = address && s->port ? tally_at(peers, address, s->port, false) : NULL,
		.is_local = s->is_local,
	};
}

/* NULL: it has none. */
static const struct seat *
seat_of(const struct peers *peers, const struct node *node)
{
	return node->seat ? &peers->seats[node->seat - 1] : NULL;
}

static bool
has_moved(struct peers *peers, const struct node *node, const struct subject *s)
{
	const struct seat *seat = seat_of(peers, node);
	const struct spot spot = spot_of(peers, s);
	if (!seat)
		return address_of(s) != NULL;
	return spot.host != seat->host || spot.port != seat->port ||
	       spot.is_local != seat->is_local;
}

/* Where one that asks has moved, its name having another address, others will have, too. */
static void
take_census(struct triage *t, const struct node *node, const struct subject *s)
{
	struct peers *peers = &t->peers;
	usec_t age_us = t->at.now_us - peers->seated_us;
	bool has_seats = are_many(t) && age_us < SEATS_US &&
			 (age_us < KEPT_US || !has_moved(peers, node, s));
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
take_others(
	const struct tally *tally, bool is_in, bool was_failing, unsigned *count, unsigned *failing)
{
	if (!tally)
		return;
	*count = tally->count - is_in;
	*failing = tally->failing - (is_in && was_failing);
}

void
peers_count(struct triage *t, const struct node *node, struct playbook_peers *out)
{
	const struct subject *s = graph_subject(t, node);
	if (!s)
		return;
	take_census(t, node, s);
	const struct tally remote = { t->peers.remote, t->peers.remote_failing };
	const struct spot spot = spot_of(&t->peers, s);
	const struct seat *seat = seat_of(&t->peers, node);
	bool was_failing = node->was_failing;
	take_others(
		&remote, seat && !seat->is_local, was_failing, &out->remote, &out->remote_failing);
	take_others(spot.host, seat && seat->host == spot.host, was_failing, &out->same_host,
		&out->same_host_failing);
	take_others(spot.port, seat && seat->port == spot.port, was_failing, &out->same_address,
		&out->same_address_failing);
}
