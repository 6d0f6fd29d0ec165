/* The level machine: every cell, every time, and random histories against a slow reading of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/machine.h"

#define S USEC_PER_SEC

static void
test_every_cell_is_set(void **state)
{
	(void)state;
	for (int phase = 0; phase < LEVEL_PHASES; phase++)
		for (int word = 0; word < LEVEL_WORDS; word++) {
			const struct level_move *move = &level_moves[phase][word];
			assert_int_not_equal(move->act, 0);
			assert_in_range(move->next, 0, LEVEL_PHASES - 1);
			/* Only a word that holds or resets ends an alert, and only HELD begins one.
			 */
			if (phase >= LEVEL_FIRING && move->next < LEVEL_FIRING)
				assert_true(word == HEARD_HELD || word == HEARD_RESET);
			if (phase < LEVEL_FIRING && move->next >= LEVEL_FIRING)
				assert_int_equal(word, HEARD_HELD);
		}
}

static void
test_at_once(void **state)
{
	const struct level_times times = { 0 };
	struct level level = { 0 };
	(void)state;
	level_hear(&level, HEARD_UNKNOWN, &times, 1 * S);
	assert_int_equal(level.phase, LEVEL_QUIET);
	level_hear(&level, HEARD_TRUE, &times, 1 * S);
	assert_int_equal(level.phase, LEVEL_FIRING);
	level_hear(&level, HEARD_UNKNOWN, &times, 2 * S);
	assert_int_equal(level.phase, LEVEL_FIRING);
	level_hear(&level, HEARD_FALSE, &times, 3 * S);
	assert_int_equal(level.phase, LEVEL_QUIET);
}

static void
test_for(void **state)
{
	const struct level_times times = { .for_us = 60 * S, .keep_us = 30 * S };
	struct level level = { 0 };
	(void)state;
	level_hear(&level, HEARD_TRUE, &times, 0);
	assert_int_equal(level_due(&level, &times), INT64_MAX); /* one sample is no minute */
	level_tick(&level, &times, 100 * S);
	assert_int_equal(level.phase, LEVEL_PENDING);
	level_hear(&level, HEARD_FALSE, &times, 10 * S);
	assert_int_equal(level.phase, LEVEL_QUIET);

	level_hear(&level, HEARD_TRUE, &times, 100 * S);
	level_hear(&level, HEARD_TRUE, &times, 130 * S);
	assert_int_equal(level_due(&level, &times), 160 * S);
	level_tick(&level, &times, 159 * S);
	assert_int_equal(level.phase, LEVEL_PENDING);
	level_tick(&level, &times, 160 * S);
	assert_int_equal(level.phase, LEVEL_FIRING);

	level_hear(&level, HEARD_FALSE, &times, 170 * S);
	assert_int_equal(level.phase, LEVEL_CLEARING);
	assert_true(level_is_on(&level));
	level_hear(&level, HEARD_TRUE, &times, 180 * S);
	assert_int_equal(level.phase, LEVEL_FIRING);
	level_hear(&level, HEARD_FALSE, &times, 190 * S);
	assert_int_equal(level_due(&level, &times), 220 * S);
	level_tick(&level, &times, 220 * S);
	assert_int_equal(level.phase, LEVEL_QUIET);
}

static void
test_samples(void **state)
{
	const struct level_times times = { .for_samples = 3 };
	struct level level = { 0 };
	(void)state;
	level_hear(&level, HEARD_TRUE, &times, 1 * S);
	level_hear(&level, HEARD_TRUE, &times, 2 * S);
	level_hear(&level, HEARD_UNKNOWN, &times, 3 * S);
	level_tick(&level, &times, 1000 * S);
	assert_int_equal(level.phase, LEVEL_PENDING);
	level_hear(&level, HEARD_TRUE, &times, 4 * S);
	assert_int_equal(level.phase, LEVEL_FIRING);
}

static void
test_unknown_stops_the_clock(void **state)
{
	const struct level_times times = { .for_us = 60 * S, .keep_us = 60 * S };
	struct level level = { 0 };
	(void)state;
	level_hear(&level, HEARD_TRUE, &times, 0);
	level_hear(&level, HEARD_TRUE, &times, 30 * S);
	level_hear(&level, HEARD_UNKNOWN, &times, 40 * S);
	assert_int_equal(level_due(&level, &times), INT64_MAX);
	level_hear(&level, HEARD_UNKNOWN, &times, 50 * S);
	assert_int_equal(level_elapsed(&level, 5000 * S), 40 * S);
	level_hear(&level, HEARD_TRUE, &times, 1000 * S);
	assert_int_equal(level.phase, LEVEL_PENDING);
	assert_int_equal(level_due(&level, &times), 1020 * S);
	level_tick(&level, &times, 1020 * S);
	assert_int_equal(level.phase, LEVEL_FIRING);
	level_hear(&level, HEARD_FALSE, &times, 1100 * S);
	level_hear(&level, HEARD_UNKNOWN, &times, 1110 * S);
	level_tick(&level, &times, 9000 * S);
	assert_int_equal(level.phase, LEVEL_CLEARING);
	level_hear(&level, HEARD_FALSE, &times, 9000 * S);
	assert_int_equal(level_due(&level, &times), 9050 * S);
	level_hear(&level, HEARD_RESET, &times, 9001 * S);
	assert_int_equal(level.phase, LEVEL_QUIET);
}

/* The same said slowly: walk back over the whole history at each step. */
struct heard {
	usec_t at_us;
	enum level_word word;
};

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* How long the run of `word` that ends now has lasted, without the times that were unknown. */
static usec_t
run_length(const struct heard *history, size_t count, enum level_word word, unsigned *samples)
{
	usec_t length = 0, end = history[count - 1].at_us;

	*samples = 0;
	for (size_t i = count; i-- > 0;) {
		if (history[i].word == HEARD_UNKNOWN) {
			end = history[i].at_us;
			continue;
		}
		if (history[i].word != word)
			break;
		length += end - history[i].at_us;
		end = history[i].at_us;
		(*samples)++;
	}
	return length;
}

static void
test_random_histories(void **state)
{
	enum { STEPS = 300, ROUNDS = 300 };
	uint32_t seed = 7;
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		const struct level_times times = { .for_us = (usec_t)(next_random(&seed) % 5) * 10 *
							     S,
			.for_samples = 0,
			.keep_us = (usec_t)(next_random(&seed) % 5) * 10 * S };
		struct heard history[STEPS];
		struct level level = { 0 };
		bool is_on = false;
		usec_t now = 0;
		for (size_t i = 0; i < STEPS; i++) {
			now += (usec_t)(next_random(&seed) % 3) * 5 * S;
			uint32_t dice = next_random(&seed) % 10;
			history[i].at_us = now;
			history[i].word = dice < 4   ? HEARD_TRUE
					  : dice < 8 ? HEARD_FALSE
						     : HEARD_UNKNOWN;
			level_hear(&level, history[i].word, &times, now);
			unsigned samples;
			usec_t length = run_length(history, i + 1, history[i].word, &samples);
			if (history[i].word == HEARD_TRUE && !is_on)
				is_on = length >= times.for_us &&
					samples >= (times.for_us ? 2u : 1u);
			else if (history[i].word == HEARD_FALSE && is_on)
				is_on = length < times.keep_us;
			if (level_is_on(&level) != is_on)
				fail_msg("round %d step %zu: %d, wanted %d", round, i,
					level_is_on(&level), is_on);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell_is_set),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_for),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_unknown_stops_the_clock),
		cmocka_unit_test(test_random_histories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
