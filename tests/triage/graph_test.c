/* The graph of checks: who needs what, also through others and children; who needs nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "triage/graph.h"

#define CHAIN 1000

/*
 *	web -> api -> cache -> host      disks -> disks[/var]
 *	       api -> db -----> host     batch -> disks      disks[/var] -> host
 */
static char web[] = "web", api[] = "api", cache[] = "cache", db[] = "db", host[] = "host",
	    alone[] = "alone", disks[] = "disks", var[] = "disks[/var]", batch[] = "batch",
	    off[] = "off";
static char *on_api[] = { api }, *on_both[] = { cache, db }, *on_host[] = { host },
	    *on_disks[] = { disks };

static struct check_spec specs[] = {
	{ .name = web, .common = { .enabled = true, .needs = { on_api, 1 } } },
	{ .name = api, .common = { .enabled = true, .needs = { on_both, 2 } } },
	{ .name = cache, .common = { .enabled = true, .needs = { on_host, 1 } } },
	{ .name = db, .common = { .enabled = true, .needs = { on_host, 1 } } },
	{ .name = host, .common = { .enabled = true } },
	{ .name = alone, .common = { .enabled = true } },
	{ .name = disks, .common = { .enabled = true, .needs = { on_host, 1 } } },
	{ .name = batch, .common = { .enabled = true, .needs = { on_disks, 1 } } },
	{ .name = off, .common = { .enabled = false, .needs = { on_host, 1 } } },
};

#define SPECS (sizeof(specs) / sizeof(specs[0]))

static struct check_spec disk = { .name = var,
	.common = { .enabled = true, .needs = { on_host, 1 } } };

static void
on_gone(void *arg, struct node *node)
{
	(void)arg;
	(void)node;
}

static void
apply(struct graph *graph, size_t count)
{
	const struct check_spec *list[SPECS];

	for (size_t n = 0; n < count; n++)
		list[n] = &specs[n];
	graph_apply(graph, list, count, on_gone, NULL);
}

/* `wanted` in any order. */
static void
expect(struct graph *graph, const char *name, const char *const *wanted)
{
	struct needers needers;
	size_t count = 0;

	graph_list_needers(graph, graph_find(graph, name), &needers);
	for (; wanted[count]; count++) {
		struct node *node = graph_find(graph, wanted[count]);
		bool is_there = false;

		assert_non_null(node);
		assert_true(node->is_needer);
		for (size_t n = 0; n < needers.count; n++)
			is_there = is_there || needers.all[n] == node;
		assert_true(is_there);
	}
	assert_int_equal(needers.count, count);
	graph_forget_needers(&needers);
	for (size_t n = 0; n < count; n++)
		assert_false(graph_find(graph, wanted[n])->is_needer);
}

#define EXPECT(name, ...) expect(&graph, name, (const char *const[]){ __VA_ARGS__, NULL })

static void
needers_are_found_through_others(void **state)
{
	struct graph graph;

	(void)state;
	graph_init(&graph);
	apply(&graph, SPECS);
	graph_add_child(&graph, &disk);
	EXPECT("alone", "alone");
	EXPECT("web", "web");
	EXPECT("cache", "cache", "api", "web");
	EXPECT("disks[/var]", "disks[/var]", "disks", "batch");
	EXPECT("host", "host", "cache", "db", "api", "web", "disks", "disks[/var]", "batch");
	graph_fini(&graph);
}

static void
needs_of_a_reload_are_the_new_ones(void **state)
{
	struct graph graph;

	(void)state;
	graph_init(&graph);
	apply(&graph, SPECS);
	apply(&graph, 5);
	EXPECT("host", "host", "cache", "db", "api", "web");
	specs[3].common.needs = (struct conf_strings){ on_disks, 1 };
	apply(&graph, SPECS);
	specs[3].common.needs = (struct conf_strings){ on_host, 1 };
	EXPECT("disks", "disks", "batch", "db", "api", "web");
	graph_fini(&graph);
}

static void
a_circle_and_a_long_chain_end(void **state)
{
	static struct check_spec chain[CHAIN];
	static char names[CHAIN][16], *needs[CHAIN];
	const struct check_spec *list[CHAIN];
	struct graph graph;
	struct needers needers;

	(void)state;
	for (unsigned n = 0; n < CHAIN; n++) {
		snprintf(names[n], sizeof(names[n]), "c%u", n);
		needs[n] = names[(n + 1) % CHAIN];
		chain[n] = (struct check_spec){ .name = names[n],
			.common = { .enabled = true, .needs = { &needs[n], 1 } } };
		list[n] = &chain[n];
	}
	graph_init(&graph);
	graph_apply(&graph, list, CHAIN, on_gone, NULL);
	graph_list_needers(&graph, graph_find(&graph, "c7"), &needers);
	assert_int_equal(needers.count, CHAIN);
	assert_string_equal(needers.all[1]->name, "c6");
	graph_forget_needers(&needers);
	graph_fini(&graph);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needers_are_found_through_others),
		cmocka_unit_test(needs_of_a_reload_are_the_new_ones),
		cmocka_unit_test(a_circle_and_a_long_chain_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
