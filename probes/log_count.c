/* What the pieces add up to: the run's numbers, the counters that outlive it, the evidence. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/log_conf.h"

#define FACTS_MAX 5 /* patterns that get a fact; the sample holds eight facts */

static struct log_watch *
seen_of(struct probe_run *run)
{
	return probe_watch_state(probe_watch(run));
}

/* --- a piece --- */

static void
take_values(struct log_watch *seen, size_t field, const struct log_scan *scan, usec_t now_us)
{
	size_t all = (size_t)scan->field_counts[field];
	size_t have = all < LOG_VALUES ? all : LOG_VALUES;
	struct log_values *values = seen->values[field];

	if (values == NULL)
		values = seen->values[field] = xcalloc(1, sizeof(*values));
	for (size_t i = all - have; i < all; i++) {
		size_t to = values->count++ % LOG_WINDOW_MAX;

		values->all[to].at_us = now_us;
		values->all[to].value = scan->values[field][i % LOG_VALUES];
	}
}

static int
compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* What 95 of 100 of the last five minutes do not exceed; NAN: there was none. */
static double
p95_of(const struct log_values *values, usec_t now_us)
{
	double recent[LOG_WINDOW_MAX];
	size_t count = 0;

	for (size_t i = 0; values != NULL && i < values->count && i < LOG_WINDOW_MAX; i++)
		if (now_us - values->all[i].at_us <= LOG_WINDOW_US)
			recent[count++] = values->all[i].value;
	if (count == 0)
		return NAN;
	qsort(recent, count, sizeof(recent[0]), compare_numbers);
	return recent[(count * 95 + 99) / 100 - 1];
}

static void
take_fields(
	struct log_run *state, struct log_watch *seen, const struct log_scan *scan, usec_t now_us)
{
	for (size_t i = 0; i < scan->rules->field_count; i++) {
		if (scan->field_counts[i] == 0)
			continue;
		if (state->field_counts[i] == 0 || scan->field_most[i] > state->field_most[i]) {
			state->field_most[i] = scan->field_most[i];
			state->slowest[i] = scan->slowest[i];
		}
		take_values(seen, i, scan, now_us);
		state->field_counts[i] += scan->field_counts[i];
		state->field_sums[i] += scan->field_sums[i];
	}
}

static void
take_recent(struct log_watch *seen, const struct log_scan *scan)
{
	size_t have = scan->recent_count < LOG_RECENT ? scan->recent_count : LOG_RECENT;

	for (size_t i = scan->recent_count - have; i < scan->recent_count; i++)
		seen->recent[seen->recent_count++ % LOG_RECENT] = scan->recent[i % LOG_RECENT];
}

void
log_take(struct probe_run *run, const struct log_scan *scan)
{
	struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);
	const struct secret_set *secrets = probe_env(run)->secrets;
	usec_t wall = loop_wall(probe_env(run)->loop);

	if (scan->consumed == 0)
		return;
	seen->is_dirty = true;
	state->lines += scan->lines;
	state->bytes += (double)scan->consumed;
	seen->lines += scan->lines;
	seen->bytes += (double)scan->consumed;
	seen->matches += scan->matches;
	if (scan->lines > 0)
		seen->last_line_us = wall;
	if (scan->final_line.text[0] != '\0')
		seen->final_line = scan->final_line;
	for (size_t i = 0; i < scan->rules->pattern_count; i++) {
		if (scan->counts[i] == 0)
			continue;
		state->counts[i] += scan->counts[i];
		seen->counts[i] += scan->counts[i];
		seen->last[i] = scan->last[i];
		if (secrets != NULL) /* it is written down, too */
			secret_mask(secrets, seen->last[i].text);
		seen->last_at[i] = wall;
	}
	take_recent(seen, scan);
	take_fields(state, seen, scan, loop_now(probe_env(run)->loop));
	seen->errors += scan->errors;
	seen->panics += scan->panics;
	for (size_t i = 0; i < scan->top.count; i++)
		log_top_add(&seen->top, scan->top.all[i].text, scan->top.all[i].times);
}

/* --- what outlives the process --- */

static json_t *
place_json(const struct log_place *place)
{
	char hash[24];

	snprintf(hash, sizeof(hash), "%" PRIx64, place->head_hash);
	return json_pack("{s:b, s:b, s:b, s:I, s:I, s:I, s:s, s:i, s:b, s:b}", "known",
		place->is_known, "finished", place->is_finished, "missing", place->was_missing,
		"dev", (json_int_t)place->dev, "ino", (json_int_t)place->ino, "offset",
		(json_int_t)place->offset, "head", hash, "head_len", (int)place->head_len,
		"skipping", place->carry.is_skipping, "continuing", place->carry.is_continuing);
}

static bool
flag_of(const json_t *doc, const char *key)
{
	return json_is_true(json_object_get(doc, key));
}

static uint64_t
number_of(const json_t *doc, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(doc, key));
}

static void
recall_place(struct log_place *place, const json_t *doc)
{
	const char *hash = json_string_value(json_object_get(doc, "head"));
	uint64_t len = number_of(doc, "head_len");

	place->is_known = flag_of(doc, "known");
	place->is_finished = flag_of(doc, "finished");
	place->was_missing = flag_of(doc, "missing");
	place->dev = number_of(doc, "dev");
	place->ino = number_of(doc, "ino");
	place->offset = number_of(doc, "offset") & INT64_MAX;
	place->head_hash = hash != NULL ? strtoull(hash, NULL, 16) : 0;
	place->head_len = hash != NULL && len <= FS_HEAD_MAX ? (uint32_t)len : 0;
	place->carry.is_skipping = flag_of(doc, "skipping");
	place->carry.is_continuing = flag_of(doc, "continuing");
}

static const char *
source_of(const struct log_conf *conf)
{
	return conf->journal != NULL ? conf->journal : conf->path;
}

static struct {
	const char *key;
	size_t offset;
} const sums[] = {
	{ "lines", offsetof(struct log_watch, lines) },
	{ "bytes", offsetof(struct log_watch, bytes) },
	{ "matches", offsetof(struct log_watch, matches) },
	{ "rotations", offsetof(struct log_watch, rotations) },
	{ "skipped", offsetof(struct log_watch, skipped) },
	{ "errors", offsetof(struct log_watch, errors) },
	{ "panics", offsetof(struct log_watch, panics) },
};

static double *
sum_at(struct log_watch *seen, size_t i)
{
	return (double *)(void *)((char *)seen + sums[i].offset);
}

void
log_keep(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	struct log_watch *seen = seen_of(run);
	json_t *doc, *counts = json_object();

	if (!seen->is_dirty) {
		json_decref(counts);
		return;
	}
	seen->is_dirty = false;
	for (size_t i = 0; i < conf->rules->pattern_count; i++)
		json_object_set_new(counts, conf->rules->patterns[i].name,
			json_pack("[f, I, s]", seen->counts[i], (json_int_t)seen->last_at[i],
				seen->last[i].text));
	doc = json_pack("{s:s, s:o, s:I, s:o}", "source", source_of(conf), "place",
		place_json(&seen->place), "last_line", (json_int_t)seen->last_line_us, "counts",
		counts);
	if (seen->old.is_known) {
		json_object_set_new(doc, "old", place_json(&seen->old));
		json_object_set_new(doc, "old_copied", json_boolean(seen->is_old_copied));
	}
	if (seen->cursor != NULL)
		json_object_set_new(doc, "cursor", json_string(seen->cursor));
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		json_object_set_new(doc, sums[i].key, json_real(*sum_at(seen, i)));
	probe_watch_keep(probe_watch(run), doc);
	json_decref(doc);
}

void
log_recall(struct log_watch *seen, const struct log_conf *conf, const json_t *kept)
{
	const json_t *counts = json_object_get(kept, "counts");
	const char *source = json_string_value(json_object_get(kept, "source"));

	if (source == NULL || !str_eq(source, source_of(conf)))
		return;
	recall_place(&seen->place, json_object_get(kept, "place"));
	recall_place(&seen->old, json_object_get(kept, "old"));
	seen->is_old_copied = flag_of(kept, "old_copied");
	xstrset(&seen->cursor, json_string_value(json_object_get(kept, "cursor")));
	seen->last_line_us = json_integer_value(json_object_get(kept, "last_line"));
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		*sum_at(seen, i) = json_number_value(json_object_get(kept, sums[i].key));
	for (size_t i = 0; i < conf->rules->pattern_count; i++) {
		const json_t *one = json_object_get(counts, conf->rules->patterns[i].name);
		const char *text = json_string_value(json_array_get(one, 2));

		seen->counts[i] = json_number_value(json_array_get(one, 0));
		seen->last_at[i] = json_integer_value(json_array_get(one, 1));
		str_copy(seen->last[i].text, sizeof(seen->last[i].text), text != NULL ? text : "");
	}
}

/* --- the end of a run --- */

static void
set_values(struct probe_run *run, usec_t since_us)
{
	const struct log_conf *conf = probe_conf(run);
	const struct log_run *state = probe_state(run);
	const struct log_watch *seen = seen_of(run);
	const struct log_rules *rules = conf->rules;
	double seconds = (double)since_us / USEC_PER_SEC, slow = NAN;
	usec_t now_us = loop_now(probe_env(run)->loop);
	int row = LOG_ROWS;

	probe_value(run, LOG_LINES, seen->lines);
	probe_value(run, LOG_BYTES, seen->bytes);
	probe_value(run, LOG_MATCHES, seen->matches);
	probe_value(run, LOG_ROTATIONS, seen->rotations);
	probe_value(run, LOG_SKIPPED, seen->skipped);
	probe_value(run, LOG_ERRORS, seen->errors);
	probe_value(run, LOG_PANICS, seen->panics);
	if (conf->silent_after_us > 0)
		probe_value(run, LOG_SILENT_AFTER, (double)conf->silent_after_us / USEC_PER_SEC);
	if (conf->path != NULL && !seen->place.was_missing && state->has_size)
		probe_value(run, LOG_SIZE, (double)state->size);
	if (seen->last_line_us > 0)
		probe_value(run, LOG_AGE,
			fmax(0, (double)(loop_wall(probe_env(run)->loop) - seen->last_line_us) /
					USEC_PER_SEC));
	for (size_t i = 0; i < rules->pattern_count; i++) {
		probe_value(run, row++, seen->counts[i]);
		probe_value(run, row++, since_us > 0 ? state->counts[i] / seconds : (double)NAN);
	}
	for (size_t i = 0; i < rules->field_count; i++) {
		bool is_any = state->field_counts[i] > 0;
		double p95 = p95_of(seen->values[i], now_us);

		if (isnan(slow) && log_rules_is_time(&rules->fields[i]))
			slow = p95;

		probe_value(run, row++,
			is_any ? state->field_sums[i] / state->field_counts[i] : (double)NAN);
		probe_value(run, row++, is_any ? state->field_most[i] : (double)NAN);
		probe_value(run, row++, p95);
	}
	probe_value(run, LOG_SLOW, slow);
}

static void
tell_pattern(struct probe_run *run, size_t i)
{
	const struct log_conf *conf = probe_conf(run);
	const struct log_watch *seen = seen_of(run);
	char since[32];

	clock_format_duration(
		loop_wall(probe_env(run)->loop) - seen->last_at[i], since, sizeof(since));
	probe_fact(run, conf->rules->patterns[i].name, "%.0f in all, the last %s ago: %s",
		seen->counts[i], since, seen->last[i].text);
}

/* The most frequent of the last minutes; what is older counts less and less. */
static void
tell_top(struct probe_run *run, struct log_watch *seen)
{
	usec_t now_us = loop_now(probe_env(run)->loop);
	struct buf text;

	if (now_us - seen->faded_us >= LOG_WINDOW_US) {
		if (seen->faded_us > 0)
			log_top_fade(&seen->top);
		seen->faded_us = now_us;
	}
	if (seen->top.count == 0)
		return;
	log_top_sort(&seen->top);
	buf_init(&text, 0);
	for (size_t i = 0; i < seen->top.count && i < 5; i++)
		buf_addf(&text, "%s%.0f x %s", i > 0 ? " | " : "", seen->top.all[i].times,
			seen->top.all[i].text);
	probe_fact(run, "top errors", "%s", buf_text(&text));
	buf_fini(&text);
}

/* Also when this run saw nothing: a rule over five minutes may speak now. */
static void
tell_evidence(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	const struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);
	size_t have = seen->recent_count < LOG_RECENT ? seen->recent_count : LOG_RECENT;
	unsigned told = 0;
	struct buf lines;

	tell_top(run, seen);
	for (size_t i = 0; i < conf->rules->pattern_count && told < FACTS_MAX; i++) {
		if (seen->last_at[i] == 0)
			continue;
		tell_pattern(run, i);
		told++;
	}
	buf_init(&lines, 0);
	for (size_t i = seen->recent_count - have; i < seen->recent_count; i++)
		buf_addf(&lines, "%s%s", buf_left(&lines) > 0 ? " | " : "",
			seen->recent[i % LOG_RECENT].text);
	if (have > 0)
		probe_fact(run, "last matches", "%s", buf_text(&lines));
	else if (seen->final_line.text[0] != '\0')
		probe_fact(run, "last line", "%s", seen->final_line.text);
	buf_fini(&lines);
	for (size_t i = 0; i < conf->rules->field_count && told < FACTS_MAX; i++, told++)
		if (state->field_counts[i] > 0)
			probe_fact(run, conf->rules->fields[i].name, "the highest: %s",
				state->slowest[i].text);
	if (state->note[0] != '\0')
		probe_fact(run, "file", "%s", state->note);
}

void
log_finish(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	const struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);
	usec_t now = loop_now(probe_env(run)->loop);
	double matches = 0;

	set_values(run, seen->run_at_us > 0 ? now - seen->run_at_us : 0);
	seen->run_at_us = now;
	tell_evidence(run);
	log_keep(run);
	for (size_t i = 0; i < conf->rules->pattern_count; i++) {
		matches += state->counts[i];
		if (!conf->rules->patterns[i].fails || state->counts[i] == 0)
			continue;
		probe_fail(run, "log.matched", "%.0f x %s: %s", state->counts[i],
			conf->rules->patterns[i].name, seen->last[i].text);
		return;
	}
	if (seen->place.was_missing && conf->path != NULL)
		probe_ok(run, "it is not there now");
	else
		probe_ok(run, "%.0f new line%s, %.0f match%s", state->lines,
			state->lines == 1 ? "" : "s", matches, matches == 1 ? "" : "es");
}
