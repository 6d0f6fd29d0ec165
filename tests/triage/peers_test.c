/* The census of many checks: who shares a place is kept for a while, how they fare is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "triage/inside.h"

#define CHECKS 100
#define HOSTS  10 /* ten checks each; nine hosts are elsewhere */

static struct bed {
	struct triage *triage;
	struct triage_moment at;
	struct check_spec specs[CHECKS];
	char names[CHECKS][16], hosts[CHECKS][16];
	struct subject subjects[CHECKS];
} bed;

static const struct subject *
subject_of(void *arg, const char *check)
{
	(void)arg;
	return &bed.subjects[strtoul(check + 1, NULL, 10)];
}

static void
place(unsigned n, unsigned host)
{
	snprintf(bed.hosts[n], sizeof(bed.hosts[n]), "10.0.0.%u", host);
	bed.subjects[n] = (struct subject){
		.host = bed.hosts[n],
		.port = (uint16_t)(80 + n / HOSTS % 2),
		.is_local = host == 0,
	};
}

static void
apply(void)
{
	const struct check_spec *list[CHECKS];

	for (unsigned n = 0; n < CHECKS; n++)
		list[n] = &bed.specs[n];
	triage_apply(bed.triage, list, CHECKS, NULL, &bed.at);
}

static int
set_up(void **state)
{
	const struct triage_options options = { .asks = { .subject = subject_of } };

	(void)state;
	bed.at = (struct triage_moment){ 1000 * USEC_PER_SEC, 2000 * USEC_PER_SEC };
	bed.triage = triage_new(&options);
	for (unsigned n = 0; n < CHECKS; n++) {
		snprintf(bed.names[n], sizeof(bed.names[n]), "c%u", n);
		bed.specs[n] = (struct check_spec){ .name = bed.names[n],
			.type = "tcp",
			.target = bed.names[n],
			.common = { .enabled = true } };
		place(n, n % HOSTS);
	}
	apply();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	triage_free(bed.triage);
	return 0;
}

static void
break_one(unsigned n)
{
	struct node *node = graph_find(&bed.triage->graph, bed.names[n]);

	node->fail_us = bed.at.now_us;
	node->state = CHECK_DOWN;
	node->outcome = OUTCOME_FAIL;
}

static struct playbook_peers
count(unsigned n)
{
	struct playbook_peers peers = { 0 };

	bed.triage->at = bed.at;
	peers_count(bed.triage, graph_find(&bed.triage->graph, bed.names[n]), &peers);
	return peers;
}

static void
advance(usec_t by_us)
{
	bed.at.now_us += by_us;
	bed.at.wall_us += by_us;
}

/* All but itself. */
static void
they_are_counted(void **state)
{
	(void)state;
	break_one(1);
	break_one(11);
	break_one(21);
	break_one(2);
	const struct playbook_peers peers = count(1);
	assert_int_equal(peers.same_host, 9);
	assert_int_equal(peers.same_host_failing, 2);
	assert_int_equal(peers.same_address, 4);
	assert_int_equal(peers.same_address_failing, 1);
	assert_int_equal(peers.remote, 89);
	assert_int_equal(peers.remote_failing, 3);
	assert_int_equal(count(0).remote, 90);
}

static void
how_they_fare_is_counted_anew(void **state)
{
	(void)state;
	break_one(1);
	assert_int_equal(count(1).same_host_failing, 0);
	break_one(11);
	break_one(0);
	advance(200 * USEC_PER_MSEC);
	assert_int_equal(count(1).same_host_failing, 1);
	assert_int_equal(count(1).remote_failing, 1);
	break_one(21);
	advance(200 * USEC_PER_MSEC);
	assert_int_equal(count(1).same_host_failing, 2);
	assert_int_equal(count(1).same_address_failing, 1);
	graph_find(&bed.triage->graph, "c11")->fail_us = 0;
	graph_find(&bed.triage->graph, "c11")->state = CHECK_UP;
	advance(200 * USEC_PER_MSEC);
	assert_int_equal(count(1).same_host_failing, 1);
}

/* What is learned of a place meanwhile is known after a while; what a reload says, at once. */
static void
who_shares_a_place_is_known_again(void **state)
{
	(void)state;
	break_one(1);
	assert_int_equal(count(1).same_host, 9);
	place(2, 1);
	advance(10 * USEC_PER_SEC);
	assert_int_equal(count(1).same_host, 10);
	place(3, 1);
	apply();
	assert_int_equal(count(1).same_host, 11);
}

/* Its name has another address now: it is not among those that it was counted with. */
static void
who_moved_is_not_counted_with_itself(void **state)
{
	(void)state;
	break_one(1);
	break_one(2);
	break_one(10);
	assert_int_equal(count(1).same_host, 9);
	place(1, 2);
	assert_int_equal(count(1).same_host, 10);
	assert_int_equal(count(1).same_host_failing, 1);
	place(1, 0);
	assert_int_equal(count(1).remote, 89);
	assert_int_equal(count(1).remote_failing, 1);
	assert_int_equal(count(1).same_host, 10);
	assert_int_equal(count(1).same_host_failing, 1);
}

/* All of them have just been learned to look at the same place. */
static void
who_moves_finds_who_moved_with_it(void **state)
{
	(void)state;
	break_one(1);
	assert_int_equal(count(1).same_host, 9);
	for (unsigned n = 0; n < CHECKS; n++)
		place(n, HOSTS + n % 2);
	advance(200 * USEC_PER_MSEC);
	assert_int_equal(count(1).same_host, CHECKS / 2 - 1);
	assert_int_equal(count(1).same_host_failing, 0);
}

static void
who_went_is_not_counted(void **state)
{
	const struct check_spec *list[CHECKS];

	(void)state;
	break_one(1);
	break_one(11);
	assert_int_equal(count(1).same_host_failing, 1);
	for (unsigned n = 0; n < CHECKS; n++)
		list[n] = &bed.specs[n == 11 ? 12 : n];
	triage_apply(bed.triage, list, CHECKS, NULL, &bed.at);
	assert_int_equal(count(1).same_host, 8);
	assert_int_equal(count(1).same_host_failing, 0);
}

int
main(void)
{
#define IN_BED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_BED(they_are_counted),
		IN_BED(how_they_fare_is_counted_anew),
		IN_BED(who_shares_a_place_is_known_again),
		IN_BED(who_moved_is_not_counted_with_itself),
		IN_BED(who_moves_finds_who_moved_with_it),
		IN_BED(who_went_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
