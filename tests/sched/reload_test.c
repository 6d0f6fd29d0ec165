/* Reload as a diff; children that come and go. */
#include "tests/sched/toy.h"

static void
test_reload_keeps_what_is_the_same(void **state)
{
	struct world *w = *state;
	struct check_spec *a = make_spec("a", 0, 30 * SECOND), *b = make_spec("b", 1, 30 * SECOND);
	struct check_spec *a2 = make_spec("a", 0, 30 * SECOND),
			  *b2 = make_spec("b", 2, 30 * SECOND);
	const struct check_spec *old[] = { a, b }, *fresh[] = { a2, b2 };
	const struct sched_owner owner = { w, on_release };
	usec_t next;

	toys[0].answer_us = 5 * SECOND;
	toys[1].mood = FAIL;
	sched_apply(w->sched, old, 2, &owner);
	loop_advance(w->env.loop, SECOND);
	next = view(w, "a").next_us;
	assert_true(view(w, "a").is_running);
	sched_apply(w->sched, fresh, 2, &owner);
	assert_int_equal(w->released, 0); /* a's run still uses the old settings */
	assert_true(view(w, "a").is_running);
	assert_int_equal(view(w, "a").next_us, next);
	assert_int_equal(view(w, "b").failures, 1); /* changed, but its counters stay */
	loop_advance(w->env.loop, 10 * SECOND);
	assert_int_equal(w->released, 1);
	assert_int_equal(toys[0].starts, 1);
	assert_true(toys[2].starts >= 1);
	sched_free(w->sched);
	w->sched = NULL;
	assert_int_equal(w->released, 2);
	free_spec(a);
	free_spec(b);
	free_spec(a2);
	free_spec(b2);
}

static void
test_reload_removes_and_adds(void **state)
{
	struct world *w = *state;
	struct check_spec *a = make_spec("a", 0, SECOND), *b = make_spec("b", 1, SECOND);
	struct check_view v;

	toys[0].mood = SILENT;
	apply_one(w, a);
	loop_advance(w->env.loop, SECOND / 2);
	apply_one(w, b);
	assert_int_equal(w->released, 1);
	assert_false(sched_view_name(w->sched, "a", &v));
	assert_int_equal(toys[0].stops, 1);
	assert_int_equal(sched_count(w->sched), 1);
	loop_advance(w->env.loop, 3 * SECOND);
	assert_true(toys[1].starts >= 2);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(a);
	free_spec(b);
}

static void
test_children_come_and_go(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("disks", 7, SECOND);
	struct check_spec *same = make_spec("disks", 7, SECOND);

	toys[7].mood = PARENT;
	instances[0] = "/";
	instances[1] = "/var";
	apply_one(w, spec);
	loop_advance(w->env.loop, 5 * SECOND);
	assert_int_equal(w->children_added, 2);
	assert_int_equal(sched_count(w->sched), 3);
	assert_string_equal(view(w, "disks[/var]").spec->instance, "/var");
	assert_string_equal(view(w, "disks[/var]").spec->target, "toy /var");
	assert_int_equal(view(w, "disks[/var]").state, CHECK_UP);
	apply_one(w, same); /* a reload with the same settings keeps them */
	assert_int_equal(w->children_removed, 0);
	assert_int_equal(sched_count(w->sched), 3);
	instances[1] = NULL;
	loop_advance(w->env.loop, 3 * SECOND);
	assert_int_equal(w->children_removed, 1);
	assert_int_equal(sched_count(w->sched), 2);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
	free_spec(same);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reload_keeps_what_is_the_same),
		T(test_reload_removes_and_adds),
		T(test_children_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
