/* Playbooks from texts at hand, over facts that exist for the tests only. */
#ifndef TESTS_PLAYBOOK_KIT_H
#define TESTS_PLAYBOOK_KIT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "probes/probe.h"
#include "triage/playbook_inside.h"

static const struct metric_desc owner_keys[] = {
	{ "listening", METRIC_FLAG, UNIT_BOOL, "Whether somebody listens." },
	{ "pid", METRIC_MOMENT, UNIT_NONE, "The process." },
	{ "comm", METRIC_MOMENT, UNIT_TEXT, "Its name." },
	{ "age", METRIC_MOMENT, UNIT_SECONDS, "Its age." },
	{ .name = NULL },
};

static const struct metric_desc kernel_keys[] = {
	{ "oom", METRIC_FLAG, UNIT_BOOL, "Whether it killed." },
	{ "oom_victim", METRIC_MOMENT, UNIT_TEXT, "Whom." },
	{ "oom_rss_bytes", METRIC_MOMENT, UNIT_BYTES, "How large it was." },
	{ .name = NULL },
};

static const struct metric_desc disk_keys[] = {
	{ "mount", METRIC_MOMENT, UNIT_TEXT, "Where." },
	{ "full", METRIC_FLAG, UNIT_BOOL, "Whether it is full." },
	{ .name = NULL },
};

static const struct fact_type owner_type = { .name = "port-owner", .keys = owner_keys };
static const struct fact_type kernel_type = { .name = "kernel-log", .keys = kernel_keys };
static struct fact_type disk_type = { .name = "disk", .keys = disk_keys };
static const struct fact_type *const kit_facts[] = { &disk_type, &kernel_type, &owner_type, NULL };

/* Loaded as shipped ones are: one text; complaints are the body's. */
static inline struct playbooks *
kit_load(const struct playbook_text *texts)
{
	struct complaints *complaints = complaints_new();
	struct playbooks *set = playbooks_load_from(
		&(struct playbook_sources){ .shipped = texts, .facts = kit_facts }, complaints);

	assert_int_equal(complaints_errors(complaints), 0);
	complaints_free(complaints);
	return set;
}

static inline void
kit_fact(struct fact *fact, const struct fact_type *type)
{
	fact_init(fact, type->name, type->keys);
	fact->end = FACT_HAD;
}

static inline void
kit_number(struct fact *fact, const char *key, double value)
{
	fact->numbers[metric_index(fact->keys, key)] = value;
}

static inline void
kit_text(struct fact *fact, const char *key, const char *text)
{
	xstrset(&fact->texts[metric_index(fact->keys, key)], text);
}

#endif
