/*
 * A probe against a server that says what the fuzzer likes (talk.h): whatever it hears there is one
 * sample, its cause is of the list, and its words can be shown.  A target names its probes and
 * their settings; the first byte of an input chooses among them.
 */
#ifndef TESTS_FUZZ_PROBE_TALK_H
#define TESTS_FUZZ_PROBE_TALK_H

#include "conf/tree.h"
#include "probes/run.h"
#include "rules/expr.h"
#include "tests/fuzz/talk.h"

struct probe_talk {
	const char *type;
	const char *before, *after; /* settings, around where the server is */
	bool is_unix;               /* the server has a path; so have all of that target */
	/* made at the first use */
	const struct probe_type *probe;
	void *conf;
	struct conf_tree *tree;
};

struct probe_talk_seen {
	unsigned samples;
};

static inline void
probe_talk_configure(struct probe_talk *p, struct talk *t)
{
	struct complaints *complaints = complaints_new();
	const struct probe_setup setup = {
		.tls = t->env.tls, .judge = &expr_judge, .host_root = "/"
	};
	struct conf_part part;
	char yaml[1000], first[300];

	snprintf(yaml, sizeof(yaml), "%s%s%s", p->before, t->place, p->after);
	p->probe = probe_find(p->type);
	p->conf = xcalloc(1, p->probe->conf_size + 1);
	p->tree = conf_tree_parse("fuzz.yaml", yaml, strlen(yaml), complaints);
	part = (struct conf_part){ p->probe->fields, p->conf };
	conf_fill(&part, 1, p->tree->root, p->type, NULL, complaints);
	if (p->probe->check != NULL)
		p->probe->check(p->conf, p->tree->root, &setup, complaints);
	if (complaints_errors(complaints) > 0) {
		complaints_first(complaints, first, sizeof(first));
		fprintf(stderr, "%s: %s\n", p->type, first);
		abort();
	}
	complaints_free(complaints);
}

static inline void
probe_talk_take(void *arg, const struct sample *s)
{
	struct probe_talk_seen *seen = arg;

	seen->samples++;
	assert(s->outcome != OUTCOME_NONE);
	assert((s->outcome == OUTCOME_OK) == (s->cause == NULL));
	assert(s->cause == NULL || cause_find(s->cause->code) == s->cause);
	if (s->text[0] == '\0' || !str_is_utf8(s->text, strlen(s->text)))
		fprintf(stderr, "outcome %d, cause %s, text \"%s\"\n", (int)s->outcome,
			s->cause == NULL ? "" : s->cause->code, s->text);
	assert(s->text[0] != '\0' && str_is_utf8(s->text, strlen(s->text)));
	for (const char *p = s->text; *p != '\0'; p++)
		assert((unsigned char)*p >= ' ');
}

static inline bool
probe_talk_is_over(void *arg)
{
	return ((const struct probe_talk_seen *)arg)->samples > 0;
}

static inline void
probe_talk_nothing(void *arg)
{
	(void)arg;
}

static inline void
probe_talk_forget(void *arg, const json_t *state)
{
	(void)arg;
	(void)state;
}

/* Two runs: what was kept of the first (a connection, numbers to compare with) meets the second. */
static inline void
probe_talk_run(struct probe_talk *p, struct talk *t, unsigned runs)
{
	struct probe_keep keep = { 0 };
	struct probe_job job = { .type = p->probe,
		.conf = p->conf,
		.timeout_us = 10 * USEC_PER_SEC,
		.env = &t->env,
		.judge = &expr_judge,
		.keep = &keep };

	if (p->probe->open != NULL)
		job.watch = probe_watch_open(&(struct probe_watch_options){ .type = p->probe,
			.conf = p->conf,
			.env = &t->env,
			.on_poke = probe_talk_nothing,
			.on_keep = probe_talk_forget });
	for (unsigned i = 0; i < runs; i++) {
		struct probe_talk_seen seen = { 0 };

		probe_run_start(&job, probe_talk_take, &seen);
		talk_until(t, probe_talk_is_over, &seen);
		assert(seen.samples == 1);
		loop_advance(t->env.loop, USEC_PER_SEC);
	}
	probe_watch_close(job.watch);
	talk_hang_up(t);
	loop_turn(t->env.loop, false);
	probe_keep_fini(&keep);
}

/* A whole target: what LLVMFuzzerTestOneInput does where these are the probes. */
static inline int
probe_talk_target(struct probe_talk *all, size_t count, const uint8_t *data, size_t size)
{
	static struct talk talk;
	struct probe_talk *p;

	if (size < 1)
		return 0;
	p = &all[(data[0] & 0x7f) % count];
	if (talk.env.loop == NULL)
		talk_open(&talk, p->is_unix);
	if (p->conf == NULL)
		probe_talk_configure(p, &talk);
	talk_say(&talk, data + 1, size - 1);
	probe_talk_run(p, &talk, data[0] >= 0x80 ? 2 : 1);
	return 0;
}

#endif
