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
	const struct sched_owner owner = { .owner = w, .release = on_release };
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

#define CROWD 6000

/* The last of thousands is changed: it does not wait for those before it, which run on. */
static void
test_reload_delays_nobody(void **state)
{
	struct world *w = *state;
	struct check_spec **specs[2];
	usec_t next;
	char name[16];

	for (size_t s = 0; s < 2; s++) {
		specs[s] = xcalloc(CROWD, sizeof(struct check_spec *));
		for (size_t i = 0; i < CROWD; i++) {
			snprintf(name, sizeof(name), "c%zu", i);
			specs[s][i] = make_spec(name, s == 1 && i == CROWD - 1, 30 * SECOND);
		}
	}
	sched_apply(w->sched, (const struct check_spec *const *)specs[0], CROWD, NULL);
	loop_advance(w->env.loop, 45 * SECOND);
	next = view(w, name).next_us;
	sched_apply(w->sched, (const struct check_spec *const *)specs[1], CROWD, NULL);
	assert_true(view(w, name).next_us <= next);
	assert_true(view(w, name).next_us <= loop_wall(w->env.loop) + 3 * SECOND);
	/* And it goes on where it was due. */
	loop_advance(w->env.loop, next - loop_wall(w->env.loop) + 30 * SECOND);
	assert_true(toys[1].starts >= 2);
	sched_free(w->sched);
	w->sched = NULL;
	for (size_t s = 0; s < 2; s++) {
		for (size_t i = 0; i < CROWD; i++)
			free_spec(specs[s][i]);
		free(specs[s]);
	}
}

/* Changed at any moment of its interval: it runs soon, and never later than it would have. */
static void
test_what_changes_keeps_its_place(void **state)
{
	struct world *w = *state;
	struct check_spec *specs[] = { make_spec("c", 0, 10 * SECOND),
		make_spec("c", 1, 10 * SECOND) };

	apply_one(w, specs[0]);
	loop_advance(w->env.loop, 15 * SECOND);
	for (unsigned n = 0; n < 60; n++) {
		unsigned to = (n + 1) % 2, before = toys[to].starts;
		usec_t soon;

		apply_one(w, specs[to]);
		soon = loop_now(w->env.loop) + 2 * SECOND + SECOND / 10;
		for (unsigned step = 0; step < 377; step++) {
			usec_t last = toys[0].last_start_us > toys[1].last_start_us
					      ? toys[0].last_start_us
					      : toys[1].last_start_us;

			assert_true(loop_now(w->env.loop) - last <= 10 * SECOND + SECOND / 10);
			if (loop_now(w->env.loop) >= soon)
				assert_true(toys[to].starts > before);
			loop_advance(w->env.loop, SECOND / 10);
		}
	}
	sched_free(w->sched);
	w->sched = NULL;
	for (size_t i = 0; i < 2; i++)
		free_spec(specs[i]);
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

/* Whoever is told of children knows each by its type: rules are attached when it is added. */
static void
test_children_of_another_type_are_others(void **state)
{
	struct world *w = *state;
	struct probe_type other_type = toy_type;
	struct check_spec *spec = make_spec("disks", 7, SECOND);
	struct check_spec *other = make_spec("disks", 7, SECOND);

	other_type.name = other->type = "other";
	other->probe_type = &other_type;
	toys[7].mood = PARENT;
	instances[0] = "/";
	instances[1] = "/var";
	apply_one(w, spec);
	loop_advance(w->env.loop, 5 * SECOND);
	assert_int_equal(w->children_added, 2);
	apply_one(w, other);
	assert_int_equal(w->children_removed, 2);
	assert_int_equal(sched_count(w->sched), 1);
	loop_advance(w->env.loop, 3 * SECOND);
	assert_int_equal(w->children_added, 4);
	assert_string_equal(view(w, "disks[/]").spec->type, "other");
	assert_int_equal(view(w, "disks[/]").state, CHECK_UP);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
	free_spec(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reload_keeps_what_is_the_same),
		T(test_reload_delays_nobody),
		T(test_what_changes_keeps_its_place),
		T(test_reload_removes_and_adds),
		T(test_children_come_and_go),
		T(test_children_of_another_type_are_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
