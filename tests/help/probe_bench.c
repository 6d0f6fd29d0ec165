/* One probe on the bench: everything of io that a probe may use, real, on one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/bus.h"
#include "io/fs.h"
#include "io/http.h"
#include "io/inbox.h"
#include "io/inotify.h"
#include "io/offload.h"
#include "io/resolve.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "tests/help/probe_bench.h"

#define TURNS_MAX   2000
#define QUIET_TURNS 20 /* more than a dialogue on loopback takes */

void
bench_open(struct bench *b, enum bench_time time)
{
	struct err e;

	memset(b, 0, sizeof(*b));
	signal(SIGPIPE, SIG_IGN);
	if (time == BENCH_FAKE)
		clock_init_fake(&b->clock, USEC_PER_HOUR, INT64_C(1700000000) * USEC_PER_SEC);
	else
		clock_init_real(&b->clock);
	b->loop = loop_new(&b->clock, &e);
	assert_non_null(b->loop);
	b->env.loop = b->loop;
	b->env.resolver = resolver_new(b->loop, NULL);
	b->env.tls = tls_pool_new();
	b->env.http = http_client_new(b->loop, b->env.resolver, b->env.tls);
	b->env.fs = fs_pool_new(b->loop, &b->stats);
	b->env.offload = offload_new(b->loop);
	b->env.inotify = inotify_new(b->loop);
	b->env.inbox = inbox_new();
	b->env.bus = bus_new(b->loop);
	b->env.stats = &b->stats;
	b->env.host_root = "/";
	b->env.version = TRIAGED_VERSION;
	b->judge = &expr_judge;
	b->timeout_us = 10 * USEC_PER_SEC;
	sample_init(&b->sample, NULL);
}

void
bench_restart(struct bench *b)
{
	bench_abort(b);
	probe_watch_close(b->watch);
	b->watch = NULL;
	probe_keep_fini(&b->keep);
}

static void
forget(struct bench *b)
{
	probe_watch_close(b->watch);
	b->watch = NULL;
	if (b->conf != NULL) {
		if (b->type->release != NULL)
			b->type->release(b->conf);
		conf_clear(b->type->fields, b->conf);
		free(b->conf);
	}
	b->conf = NULL;
	conf_tree_free(b->tree);
	b->tree = NULL;
	probe_keep_fini(&b->keep);
}

void
bench_close(struct bench *b)
{
	bench_abort(b);
	loop_turn(b->loop, false); /* what is retired lets go */
	forget(b);
	json_decref(b->kept);
	sample_fini(&b->sample);
	offload_free(b->env.offload);
	bus_free(b->env.bus);
	fs_pool_free(b->env.fs);
	inotify_free(b->env.inotify);
	inbox_free(b->env.inbox);
	http_client_free(b->env.http);
	resolver_free(b->env.resolver);
	tls_pool_free(b->env.tls);
	loop_free(b->loop);
}

static int
set_up(void **state, enum bench_time time)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	bench_open(b, time);
	*state = b;
	return 0;
}

int
bench_set_up(void **state)
{
	return set_up(state, BENCH_REAL);
}

int
bench_set_up_fake(void **state)
{
	return set_up(state, BENCH_FAKE);
}

int
bench_tear_down(void **state)
{
	struct bench *b = *state;

	bench_close(b);
	free(b);
	return 0;
}

int
bench_configure(struct bench *b, const char *type, const char *yaml)
{
	struct complaints *complaints = complaints_new();
	const struct probe_setup setup = {
		.tls = b->env.tls, .judge = b->judge, .host_root = b->env.host_root
	};
	struct conf_part part;
	int rc;

	forget(b);
	b->type = probe_find(type);
	assert_non_null(b->type);
	b->conf = xcalloc(1, b->type->conf_size + 1);
	b->tree = conf_tree_parse("test.yaml", yaml, strlen(yaml), complaints);
	part = (struct conf_part){ b->type->fields, b->conf };
	conf_fill(&part, 1, b->tree->root, type, NULL, complaints);
	if (b->type->check != NULL)
		b->type->check(b->conf, b->tree->root, &setup, complaints);
	complaints_first(complaints, b->complaint, sizeof(b->complaint));
	rc = complaints_errors(complaints) > 0 ? -1 : 0;
	complaints_free(complaints);
	return rc;
}

static void
on_done(void *arg, const struct sample *sample)
{
	struct bench *b = arg;

	b->run = NULL;
	b->verdicts++;
	sample_fini(&b->sample);
	sample_copy(&b->sample, sample);
}

static void
on_poke(void *arg)
{
	((struct bench *)arg)->pokes++;
}

static void
on_keep(void *arg, const json_t *state)
{
	struct bench *b = arg;

	json_decref(b->kept);
	b->kept = json_deep_copy(state);
}

void
bench_watch(struct bench *b, const char *instance)
{
	if (b->watch != NULL || !probe_has_watch(b->type, b->conf))
		return;
	b->watch = probe_watch_open(&(struct probe_watch_options){
		.type = b->type,
		.conf = b->conf,
		.instance = instance,
		.env = &b->env,
		.kept = b->kept,
		.on_poke = on_poke,
		.on_keep = on_keep,
		.arg = b,
	});
}

void
bench_start(struct bench *b, const char *instance)
{
	struct probe_job job = {
		.type = b->type,
		.conf = b->conf,
		.instance = instance,
		.timeout_us = b->timeout_us,
		.env = &b->env,
		.judge = b->judge,
		.keep = &b->keep,
	};

	assert_null(b->run);
	bench_watch(b, instance);
	job.watch = b->watch;
	b->run = probe_run_start(&job, on_done, b);
}

static bool
is_done(void *arg)
{
	const struct bench *b = arg;

	return b->run == NULL;
}

void
bench_await(struct bench *b)
{
	if (!loop_turn_until(b->loop, is_done, b, TURNS_MAX))
		fail_msg("no verdict after %d turns", TURNS_MAX);
}

void
bench_run(struct bench *b)
{
	bench_run_child(b, NULL);
}

void
bench_run_child(struct bench *b, const char *instance)
{
	bench_start(b, instance);
	bench_await(b);
}

void
bench_run_stuck(struct bench *b)
{
	bench_start(b, NULL);
	if (!loop_turn_until(b->loop, is_done, b, QUIET_TURNS))
		loop_advance(b->loop, b->timeout_us);
	bench_await(b);
}

void
bench_abort(struct bench *b)
{
	probe_run_abort(b->run);
	b->run = NULL;
}

const char *
bench_cause(const struct bench *b)
{
	return b->sample.cause != NULL ? b->sample.cause->code : "";
}

double
bench_value(const struct bench *b, const char *metric)
{
	return sample_value(&b->sample, metric);
}

const char *
bench_fact(const struct bench *b, const char *name)
{
	for (unsigned i = 0; i < b->sample.fact_count; i++)
		if (strcmp(b->sample.facts[i].name, name) == 0)
			return b->sample.facts[i].text;
	return "";
}

unsigned
bench_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}
