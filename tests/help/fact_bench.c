/* One fact on the bench: the probes' bench below, a check and a subject of the test's choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/mem.h"
#include "tests/help/fact_bench.h"

#define TURNS_MAX 2000

static int
set_up(void **state, bool has_tree)
{
	struct fact_bench *b = xcalloc(1, sizeof(*b));

	if (has_tree) {
		void *host;

		host_set_up(&host);
		b->host = host;
		b->probe = &b->host->bench;
	} else {
		bench_open(&b->own, BENCH_REAL);
		b->probe = &b->own;
	}
	b->check = (struct check_spec){ .name = xstrdup("it"), .type = "tcp" };
	b->check.probe_type = probe_find("tcp");
	subject_init(&b->subject, &(struct revealed){ .host = NULL });
	*state = b;
	return 0;
}

int
fact_bench_set_up(void **state)
{
	return set_up(state, false);
}

int
fact_bench_set_up_host(void **state)
{
	return set_up(state, true);
}

int
fact_bench_tear_down(void **state)
{
	struct fact_bench *b = *state;
	void *host = b->host;

	fact_run_abort(b->run);
	loop_turn(b->probe->loop, false);
	probe_keep_fini(&b->keep);
	fact_fini(&b->fact);
	subject_fini(&b->subject);
	free(b->check.name);
	if (host != NULL)
		host_tear_down(&host);
	else
		bench_close(&b->own);
	free(b);
	return 0;
}

void
fact_bench_check(struct fact_bench *b, const char *type, const char *yaml)
{
	struct revealed revealed = { .host = NULL };

	if (bench_configure(b->probe, type, yaml) == -1)
		fail_msg("%s", b->probe->complaint);
	b->check.type = b->probe->type->name;
	b->check.probe_type = b->probe->type;
	b->check.conf = b->probe->conf;
	if (b->probe->type->reveal != NULL)
		b->probe->type->reveal(b->probe->conf, NULL, &revealed);
	fact_bench_reveal(b, &revealed);
}

void
fact_bench_reveal(struct fact_bench *b, const struct revealed *revealed)
{
	subject_fini(&b->subject);
	subject_init(&b->subject, revealed);
}

static void
on_done(void *arg, const struct fact *fact)
{
	struct fact_bench *b = arg;

	b->run = NULL;
	b->answers++;
	fact_fini(&b->fact);
	fact_copy(&b->fact, fact);
}

void
fact_bench_start(struct fact_bench *b, const char *fact)
{
	const struct fact_job job = {
		.type = fact_find(fact),
		.check = &b->check,
		.subject = &b->subject,
		.sample = b->probe->verdicts > 0 ? &b->probe->sample : NULL,
		.watch = b->probe->watch,
		.keep = &b->keep,
		.env = &b->probe->env,
	};

	assert_non_null(job.type);
	assert_null(b->run);
	b->run = fact_run_start(&job, on_done, b);
}

static bool
is_done(void *arg)
{
	return ((struct fact_bench *)arg)->run == NULL;
}

void
fact_bench_await(struct fact_bench *b)
{
	if (!loop_turn_until(b->probe->loop, is_done, b, TURNS_MAX))
		fail_msg("no answer after %d turns", TURNS_MAX);
}

void
fact_bench_run(struct fact_bench *b, const char *fact)
{
	fact_bench_start(b, fact);
	fact_bench_await(b);
}

void
fact_bench_forget(struct fact_bench *b)
{
	probe_keep_fini(&b->keep);
}

const char *
fact_bench_own_name(void)
{
	static char name[16];

	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	return name;
}

double
fact_bench_number(const struct fact_bench *b, const char *key)
{
	return fact_number_of(&b->fact, key);
}

const char *
fact_bench_text(const struct fact_bench *b, const char *key)
{
	const char *text = fact_text_of(&b->fact, key);

	return text != NULL ? text : "";
}
