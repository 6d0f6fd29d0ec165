/* Names against a DNS server that we own: cache, both families, silence, search, hosts file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/resolve.h"
#include "tests/help/dns.h"
#include "tests/help/shortage.h"

#define TURNS 3000

struct world {
	struct clock clock;
	struct loop *loop;
	struct dns *dns;
	struct resolver *resolver;
	char hosts[64];
};

struct seen {
	bool is_done, is_inside_call;
	struct resolve_answer answer;
};

static const struct dns_row names[] = {
	{ .name = "both.test", .v4 = "10.0.0.1 10.0.0.2", .v6 = "2001:db8::1", .ttl_s = 60 },
	{ .name = "four.test", .v4 = "10.0.0.4", .ttl_s = 60 },
	{ .name = "brief.test", .v4 = "10.0.0.5", .ttl_s = 1 },
	{ .name = "long.test", .v4 = "10.0.0.6", .ttl_s = 86400 },
	{ .name = "many.test",
		.v4 = "10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.4 10.0.1.5 10.0.1.6",
		.v6 = "::a ::b ::c ::d ::e ::f",
		.ttl_s = 60 },
	{ .name = "alias.test", .cname = "real.test", .v4 = "10.0.0.7", .ttl_s = 60 },
	{ .name = "half.test", .v4 = "10.0.0.8", .ttl_s = 60, .v6_does = DNS_SILENT },
	{ .name = "sick.test", .v4 = "10.0.0.9", .ttl_s = 60, .v6_does = DNS_SERVFAIL },
	{ .name = "empty.test", .ttl_s = 60 },
	{ .name = "silent.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
	{ .name = "fails.test", .v4_does = DNS_SERVFAIL, .v6_does = DNS_SERVFAIL },
	{ .name = "refuses.test", .v4_does = DNS_REFUSED, .v6_does = DNS_REFUSED },
	{ .name = "garbage.test", .v4_does = DNS_GARBAGE, .v6_does = DNS_GARBAGE },
	{ .name = "big.test", .v4 = "10.0.0.10", .ttl_s = 60, .v4_does = DNS_TRUNCATE },
	{ .name = NULL },
};

static int
set_up(void **state, bool is_fake)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct resolve_options o = { .timeout_us = 150000, .tries = 2 };
	FILE *out;

	if (is_fake)
		clock_init_fake(&w->clock, USEC_PER_HOUR, 1700000000 * USEC_PER_SEC);
	else
		clock_init_real(&w->clock);
	w->loop = loop_new(&w->clock, NULL);
	w->dns = dns_open(w->loop, names);
	snprintf(w->hosts, sizeof(w->hosts), "/tmp/hosts-test-%d", getpid());
	out = fopen(w->hosts, "w");
	fputs("# a comment\n10.9.9.9\tListed.test other # more\n::9 listed.test\nnot-an-address "
	      "x\n",
		out);
	fclose(out);
	o.servers = dns_address(w->dns);
	o.hosts_path = w->hosts;
	w->resolver = resolver_new(w->loop, &o);
	*state = w;
	return 0;
}

static int
set_up_real(void **state)
{
	return set_up(state, false);
}

static int
set_up_fake(void **state)
{
	return set_up(state, true);
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	resolver_free(w->resolver);
	dns_free(w->dns);
	loop_free(w->loop);
	unlink(w->hosts);
	free(w);
	return 0;
}

static void
on_answer(void *arg, const struct resolve_answer *answer)
{
	struct seen *seen = arg;

	assert_false(seen->is_inside_call);
	assert_false(seen->is_done);
	seen->is_done = true;
	seen->answer = *answer;
}

static bool
is_done(void *arg)
{
	return ((struct seen *)arg)->is_done;
}

static struct resolve_call *
start(struct world *w, const char *name, struct seen *seen)
{
	struct resolve_call *call;

	memset(seen, 0, sizeof(*seen));
	seen->is_inside_call = true;
	call = resolve_start(w->resolver, name, on_answer, seen);
	seen->is_inside_call = false;
	return call;
}

static const struct resolve_answer *
ask(struct world *w, const char *name)
{
	static struct seen seen;

	start(w, name, &seen);
	assert_true(loop_turn_until(w->loop, is_done, &seen, TURNS));
	return &seen.answer;
}

static void
addr_is(const struct addr *addr, const char *wanted)
{
	char text[ADDR_TEXT];

	addr_text(addr, text);
	assert_string_equal(text, wanted);
}

static void
test_both_families(void **state)
{
	const struct resolve_answer *a = ask(*state, "Both.TEST.");

	assert_int_equal(a->count, 3);
	addr_is(&a->addrs[0], "2001:db8::1");
	addr_is(&a->addrs[1], "10.0.0.1");
	addr_is(&a->addrs[2], "10.0.0.2");
	assert_int_equal(a->fault, FAULT_NONE);
	assert_int_equal(a->v4, FAULT_NONE);
	assert_int_equal(a->v6, FAULT_NONE);
	assert_false(a->is_stale);
	a = ask(*state, "four.test.");
	assert_int_equal(a->count, 1);
	assert_int_equal(a->v6, FAULT_NONE);
	a = ask(*state, "many.test.");
	assert_int_equal(a->count, 8);
	addr_is(&a->addrs[3], "::d");
	addr_is(&a->addrs[4], "10.0.1.1");
	a = ask(*state, "alias.test.");
	addr_is(&a->addrs[0], "10.0.0.7");
	a = ask(*state, "big.test.");
	addr_is(&a->addrs[0], "10.0.0.10");
}

static void
test_failures(void **state)
{
	static const struct {
		const char *name;
		enum fault fault;
	} rows[] = { { "nobody.test.", FAULT_DNS_NXDOMAIN }, { "empty.test.", FAULT_DNS_NXDOMAIN },
		{ "fails.test.", FAULT_DNS_FAIL }, { "refuses.test.", FAULT_DNS_FAIL },
		{ "garbage.test.", FAULT_DNS_FAIL }, { "silent.test.", FAULT_DNS_FAIL } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct resolve_answer *a = ask(*state, rows[i].name);

		assert_int_equal(a->count, 0);
		if (a->fault != rows[i].fault)
			fail_msg("%s: %s", rows[i].name, fault_name(a->fault));
	}
}

/* Without a socket to ask by, nothing is known of the name. */
static void
test_out_of_descriptors(void **state)
{
	struct world *w = *state;
	const struct resolve_answer *a;
	struct shortage shortage;

	shortage_begin(&shortage);
	a = ask(w, "both.test");
	shortage_end(&shortage);
	assert_int_equal(a->count, 0);
	assert_int_equal(a->fault, FAULT_FD_LIMIT);
}

static void
test_one_family_fails(void **state)
{
	const struct resolve_answer *a = ask(*state, "sick.test.");

	assert_int_equal(a->count, 1);
	assert_int_equal(a->v6, FAULT_DNS_FAIL);
	assert_int_equal(a->v4, FAULT_NONE);
	assert_int_equal(a->fault, FAULT_NONE);
	a = ask(*state, "half.test."); /* does not wait for the silent one */
	assert_int_equal(a->count, 1);
	addr_is(&a->addrs[0], "10.0.0.8");
}

static void
test_at_hand(void **state)
{
	struct world *w = *state;
	struct resolve_answer a;

	assert_true(resolve_now(w->resolver, "10.1.1.1", &a));
	addr_is(&a.addrs[0], "10.1.1.1");
	assert_true(resolve_now(w->resolver, "::1", &a));
	assert_true(resolve_now(w->resolver, "LISTED.test", &a));
	assert_int_equal(a.count, 2);
	addr_is(&a.addrs[0], "::9");
	assert_true(resolve_now(w->resolver, "other", &a));
	assert_int_equal(a.count, 1);
	assert_true(resolve_now(w->resolver, "localhost", &a));
	assert_int_equal(a.count, 2);
	assert_true(resolve_now(w->resolver, "x.localhost.", &a));
	addr_is(&a.addrs[1], "127.0.0.1");
	assert_true(resolve_now(w->resolver, "", &a));
	assert_int_equal(a.fault, FAULT_DNS_NXDOMAIN);
	assert_false(resolve_now(w->resolver, "four.test.", &a));
	assert_int_equal(dns_asked(w->dns), 0);
	assert_int_equal(ask(w, "listed.test")->count, 2);
	assert_int_equal(dns_asked(w->dns), 0);
}

static void
test_hosts_file_changes(void **state)
{
	struct world *w = *state;
	struct resolve_answer a;
	FILE *out;

	assert_true(resolve_now(w->resolver, "listed.test", &a));
	out = fopen(w->hosts, "w");
	fputs("10.8.8.8 listed.test\n", out);
	fclose(out);
	loop_advance(w->loop, 2 * USEC_PER_SEC);
	assert_true(resolve_now(w->resolver, "listed.test", &a));
	assert_int_equal(a.count, 1);
	addr_is(&a.addrs[0], "10.8.8.8");
}

static void
test_cache(void **state)
{
	struct world *w = *state;
	struct resolve_answer a;

	ask(w, "four.test.");
	ask(w, "brief.test.");
	ask(w, "long.test.");
	ask(w, "nobody.test.");
	assert_true(resolve_now(w->resolver, "four.test.", &a));
	assert_int_equal(a.ttl_s, 60);
	assert_true(resolve_now(w->resolver, "brief.test.", &a));
	assert_int_equal(a.ttl_s, 5);
	assert_true(resolve_now(w->resolver, "long.test.", &a));
	assert_int_equal(a.ttl_s, 300);
	assert_true(resolve_now(w->resolver, "nobody.test.", &a));
	assert_int_equal(a.fault, FAULT_DNS_NXDOMAIN);
	loop_advance(w->loop, 6 * USEC_PER_SEC);
	assert_true(resolve_now(w->resolver, "four.test.", &a));
	assert_int_equal(a.ttl_s, 54);
	assert_false(resolve_now(w->resolver, "brief.test.", &a));
	assert_false(resolve_now(w->resolver, "nobody.test.", &a));
	loop_advance(w->loop, 295 * USEC_PER_SEC);
	assert_false(resolve_now(w->resolver, "long.test.", &a));
	assert_int_equal(dns_asked_of(w->dns, "four.test"), 2);
}

static void
turns(struct world *w, int count)
{
	for (int i = 0; i < count; i++)
		loop_turn(w->loop, w->clock.is_fake);
}

static void
test_stale(void **state)
{
	static const struct dns_row silent[] = {
		{ .name = "four.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
		{ .name = NULL },
	};
	static const struct dns_row gone[] = { { .name = NULL } };
	struct world *w = *state;
	struct resolve_answer a;
	struct seen seen;

	ask(w, "four.test.");
	dns_set(w->dns, silent);
	loop_advance(w->loop, 61 * USEC_PER_SEC);
	start(w, "four.test.", &seen);
	turns(w, 10);
	assert_false(seen.is_done);
	loop_advance(w->loop, 401 * USEC_PER_MSEC);
	assert_true(seen.is_done);
	assert_true(seen.answer.is_stale);
	addr_is(&seen.answer.addrs[0], "10.0.0.4");
	assert_true(resolve_now(w->resolver, "four.test.", &a));
	assert_true(a.is_stale);
	loop_advance(w->loop, 2 * USEC_PER_HOUR);
	start(w, "four.test.", &seen);
	loop_advance(w->loop, USEC_PER_SEC);
	assert_true(seen.is_done);
	assert_int_equal(seen.answer.fault, FAULT_DNS_FAIL);
	loop_advance(w->loop, 10 * USEC_PER_SEC);
	dns_set(w->dns, gone); /* a name that does not exist is believed at once */
	assert_int_equal(ask(w, "four.test.")->fault, FAULT_DNS_NXDOMAIN);
}

static void
test_one_question_for_all(void **state)
{
	struct world *w = *state;
	struct seen seen[5];

	for (int i = 0; i < 5; i++)
		start(w, i % 2 ? "four.test." : "FOUR.test.", &seen[i]);
	for (int i = 0; i < 5; i++)
		assert_true(loop_turn_until(w->loop, is_done, &seen[i], TURNS));
	assert_int_equal(dns_asked_of(w->dns, "four.test"), 2);
}

static void
test_cancel(void **state)
{
	struct world *w = *state;
	struct seen seen[3];
	struct resolve_call *calls[3];

	for (int i = 0; i < 3; i++)
		calls[i] = start(w, "four.test.", &seen[i]);
	resolve_cancel(calls[1]);
	resolve_cancel(NULL);
	assert_true(loop_turn_until(w->loop, is_done, &seen[2], TURNS));
	assert_true(seen[0].is_done);
	assert_false(seen[1].is_done);
	calls[0] = start(w, "10.0.0.1", &seen[0]);
	resolve_cancel(calls[0]);
	turns(w, 3);
	assert_false(seen[0].is_done);
}

static void
test_freed_while_asking(void **state)
{
	struct world *w = *state;
	struct resolve_options o = { .servers = dns_address(w->dns) };
	struct resolver *r = resolver_new(w->loop, &o);
	struct seen seen = { .is_done = false };

	resolve_start(r, "silent.test.", on_answer, &seen);
	resolve_start(r, "10.0.0.1", on_answer, &seen);
	resolver_free(r);
	turns(w, 3);
	assert_false(seen.is_done);
}

/* A name that hangs holds up no other. */
static void
test_no_head_of_line(void **state)
{
	struct world *w = *state;
	struct seen hang[200];

	for (int i = 0; i < 200; i++)
		start(w, "silent.test.", &hang[i]);
	assert_int_equal(ask(w, "four.test.")->count, 1);
	assert_false(hang[0].is_done);
	assert_true(loop_turn_until(w->loop, is_done, &hang[199], TURNS));
}

#define REAL(name) cmocka_unit_test_setup_teardown(name, set_up_real, tear_down)
#define FAKE(name) cmocka_unit_test_setup_teardown(name, set_up_fake, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REAL(test_both_families),
		REAL(test_failures),
		REAL(test_out_of_descriptors),
		REAL(test_one_family_fails),
		REAL(test_at_hand),
		FAKE(test_hosts_file_changes),
		FAKE(test_cache),
		FAKE(test_stale),
		REAL(test_one_question_for_all),
		REAL(test_cancel),
		REAL(test_freed_while_asking),
		REAL(test_no_head_of_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
