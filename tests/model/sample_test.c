/* Samples own what they hold; a copy shares nothing; what is not known is NAN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/sample.h"

static const struct metric_desc table[] = {
	METRIC_TOTAL_ROW,
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT, "Used." },
	{ .name = NULL },
};

static void
begins_unknown(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, table);
	assert_int_equal(s.outcome, OUTCOME_NONE);
	assert_int_equal(s.metric_count, 2);
	assert_true(isnan(sample_value(&s, "total_time")));
	assert_true(isnan(sample_value(&s, "nonsense")));
	s.values[1] = 12.5;
	assert_true(sample_value(&s, "used_percent") == 12.5);
	sample_fini(&s);
	sample_fini(&s); /* harmless */
}

static void
copies_share_nothing(void **state)
{
	struct sample a, b;

	(void)state;
	sample_init(&a, table);
	a.outcome = OUTCOME_FAIL;
	a.cause = cause_get("fs.enospc");
	xstrset(&a.text, "full");
	a.values[0] = 3;
	a.facts = xcalloc(1, sizeof(*a.facts));
	a.notes = xcalloc(1, sizeof(*a.notes));
	strcpy(a.facts[0].name, "body");
	a.facts[0].text = xstrdup("first bytes");
	a.fact_count = 1;
	a.notes[0].cause = cause_get("net.family");
	a.notes[0].text = xstrdup("IPv6 fails");
	a.note_count = 1;
	a.children = xcalloc(2, sizeof(*a.children));
	a.children[0] = xstrdup("/");
	a.children[1] = xstrdup("/var");
	a.child_count = 2;
	sample_copy(&b, &a);
	sample_fini(&a);
	assert_int_equal(b.outcome, OUTCOME_FAIL);
	assert_string_equal(b.cause->code, "fs.enospc");
	assert_string_equal(b.text, "full");
	assert_true(sample_value(&b, "total_time") == 3);
	assert_string_equal(b.facts[0].text, "first bytes");
	assert_string_equal(b.notes[0].text, "IPv6 fails");
	assert_string_equal(b.children[1], "/var");
	sample_fini(&b);
}

static void
replaces_what_changed(void **state)
{
	struct sample a, b;
	const double *values;
	const char *text;

	(void)state;
	sample_init(&a, table);
	xstrset(&a.text, "fine");
	a.facts = xcalloc(1, sizeof(*a.facts));
	a.facts[0].text = xstrdup("first bytes");
	a.fact_count = 1;
	sample_copy(&b, &a);
	values = b.values;
	text = b.text;
	a.values[0] = 4;
	sample_replace(&b, &a);
	assert_ptr_equal(b.values, values);
	assert_ptr_equal(b.text, text);
	assert_ptr_not_equal(b.facts, a.facts);
	assert_true(sample_value(&b, "total_time") == 4);
	xstrset(&a.text, "full");
	a.outcome = OUTCOME_FAIL;
	free(a.values);
	a.values = NULL;
	a.metric_count = 0;
	sample_replace(&b, &a);
	assert_null(b.values);
	assert_string_equal(b.text, "full");
	assert_ptr_not_equal(b.text, a.text);
	assert_int_equal(b.outcome, OUTCOME_FAIL);
	sample_fini(&a);
	assert_string_equal(b.facts[0].text, "first bytes");
	sample_fini(&b);
}

/* What is said not to be known need not be copied; what was known before is. */
static void
replaces_tails(void **state)
{
	static const uint16_t tails[] = { 0, 1, 2, 1, 0, 2 };
	const size_t count = metric_count(table);
	struct sample a, b;

	(void)state;
	sample_init(&a, table);
	sample_copy(&b, &a);
	assert_true(count >= 2);
	for (size_t n = 0; n < sizeof(tails) / sizeof(tails[0]); n++) {
		a.unknown_tail = tails[n];
		for (size_t i = 0; i < count; i++)
			a.values[i] = i + tails[n] < count ? (double)n : (double)NAN;
		sample_replace(&b, &a);
		assert_memory_equal(b.values, a.values, count * sizeof(*a.values));
	}
	sample_fini(&a);
	sample_fini(&b);
}

static void
an_empty_parent_stays_a_parent(void **state)
{
	struct sample a, b;

	(void)state;
	sample_init(&a, table);
	a.children = xcalloc(1, sizeof(*a.children));
	sample_copy(&b, &a);
	assert_non_null(b.children);
	assert_int_equal(b.child_count, 0);
	sample_fini(&a);
	sample_copy(&a, &b);
	sample_fini(&b);
	sample_fini(&a);
}

static void
names_its_words(void **state)
{
	(void)state;
	assert_string_equal(outcome_name(OUTCOME_ERROR), "error");
	assert_string_equal(outcome_name((enum outcome)9), "none");
	assert_string_equal(check_state_name(CHECK_STARTING), "starting");
	assert_string_equal(check_state_name((enum check_state)9), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_unknown),
		cmocka_unit_test(copies_share_nothing),
		cmocka_unit_test(replaces_what_changed),
		cmocka_unit_test(replaces_tails),
		cmocka_unit_test(an_empty_parent_stays_a_parent),
		cmocka_unit_test(names_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
