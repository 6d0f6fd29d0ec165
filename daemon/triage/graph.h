/*
 * The checks as triage sees them: what each needs and how it fares.  A check that is well costs a
 * place in a map; the rest is filled in while it fails.
 */
#ifndef TRIAGE_GRAPH_H
#define TRIAGE_GRAPH_H

#include "base/list.h"
#include "base/map.h"
#include "model/check.h"
#include "model/fact.h"
#include "model/sample.h"

/* A fact that was asked about a check. */
struct asked {
	char *name;
	usec_t asked_us; /* monotonic */
	bool is_had;
	bool is_old;    /* what is had is from before the trouble that it is asked for now */
	unsigned again; /* times that it was asked for another cause */
	unsigned tries; /* times that it was asked because it could not be had */
	struct fact fact;
};

struct node {
	const char *name;              /* behind it, and the map's key, too */
	const struct check_spec *spec; /* borrowed; NULL: a thing of this host */
	struct node *parent, **children;
	uint32_t child_count;
	uint32_t seat; /* in the census of peers.c, from 1; 0: none */
	/* As its latest failure has it. */
	enum check_state state : 8;
	enum outcome outcome : 8;          /* of the latest sample we looked at */
	bool is_child : 1, is_claimed : 1; /* is_claimed: during apply */
	bool is_awaited : 1;               /* the sample of the run that was asked for */
	bool is_tie : 1;                   /* facts tied something to it */
	bool was_failing : 1;              /* in that census, as it was taken */
	bool visit_found : 1;              /* by the walk that was here last */
	bool is_needer : 1;                /* it is in the list of graph_list_needers */
	uint8_t asked_count;
	unsigned visit;               /* the walk that was here last */
	usec_t fail_us, fail_wall_us; /* when the first of its failures in a row began; 0: well */
	usec_t last_fail_us;          /* monotonic: when the latest failed run began */
	const struct cause *cause;
	char *text;
	usec_t well_us;  /* monotonic: when it last recovered from being down; 0: never */
	usec_t tried_us; /* failures of runs that began since are counted */
	unsigned tries;
	/* What we asked. */
	unsigned facts_version;
	usec_t run_us; /* monotonic: a run was asked for; 0: never */
	struct asked *asked;
	/* What its facts tie it to; found once for each version of the facts. */
	struct node *tie;
	const char *tie_rule;
	unsigned tie_version, tie_edition;
	struct node *lost;   /* the thing of this host that it is cut off by; NULL: none */
	struct list firings; /* struct firing, by `sibling` */
};

/* A name in somebody's `needs`. */
struct edge {
	const char *by; /* whose; borrowed from the settings */
	size_t next;    /* the next one with this name; 0: this is the last */
};

struct graph {
	struct map *nodes;  /* name -> struct node */
	struct map *needed; /* name in somebody's `needs` -> number of its first edge, from 1 */
	struct edge *edges;
	size_t edge_count;
	struct node network, resolver;
	struct check_spec network_check, resolver_check; /* what they would be as checks */
	bool is_network_lost, is_resolver_lost;
	struct node *broken; /* what the latest ladder says is broken; not proved yet */
	usec_t broken_us;    /* monotonic: when it said so */
	size_t failing;      /* nodes that fail */
	unsigned visit;      /* the latest walk */
	unsigned edition;    /* rises when checks come and go */
};

void graph_init(struct graph *graph);
void graph_fini(struct graph *graph);
/* Takes the new specs in; nodes that are gone are handed to `on_gone` before they are freed. */
void graph_apply(struct graph *graph, const struct check_spec *const *specs, size_t count,
	void (*on_gone)(void *arg, struct node *node), void *arg);
void graph_add_child(struct graph *graph, const struct check_spec *child);
void graph_remove(struct graph *graph, struct node *node);

struct node *graph_find(const struct graph *graph, const char *name); /* the host's things too */
const struct check_spec *graph_check(const struct graph *graph, const struct node *node);
bool graph_is_needed(const struct graph *graph, const struct node *node); /* by anything */

/* Itself, and all that need it by name or as a child, directly or not; is_needer says so of each
 * until the list is forgotten.  What the host's things take down is not in it, nor what facts tie
 * to it. */
struct needers {
	struct node **all;
	size_t count, room;
};
void graph_list_needers(const struct graph *graph, struct node *node, struct needers *list);
void graph_forget_needers(struct needers *list);
/* What `node` needs, one after the other: begin with *at = 0; NULL ends. */
struct node *graph_next_need(struct graph *graph, const struct node *node, size_t *at);

#endif
