/* Who else looks at the same place, and how they fare. */
#ifndef TRIAGE_PEERS_H
#define TRIAGE_PEERS_H

#include <stddef.h>

#include "base/clock.h"

struct node;
struct triage;
struct playbook_peers;

/* The checks by the place that they look at. */
struct peers {
	struct map *places; /* "address port", port 0: any; NULL: no census was taken */
	struct seat *seats;
	size_t seat_count;
	unsigned remote, remote_failing;
	usec_t seated_us, taken_us;
	unsigned edition; /* of the graph, then */
};

void peers_count(struct triage *t, const struct node *node, struct playbook_peers *out);
void peers_forget(struct triage *t);

#endif
