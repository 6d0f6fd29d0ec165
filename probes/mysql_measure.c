/*
 * The statements of a run, one after the other: our own (mysql_look.c), then those that the
 * settings name; and at the end the rights that were missing, said once, with the GRANT.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/mysql_cause.h"
#include "probes/mysql_run.h"

/* --- what the settings name --- */

/* One note tells all of them: a right that is missing rarely is the only one. */
void
mysql_note_denied(
	struct probe_run *run, const char *what, const char *name, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);
	size_t len = strlen(state->denied);

	snprintf(state->denied + len, sizeof(state->denied) - len, "; %s %s: %s (%u)", what, name,
		error->text, error->number);
}

static void
remember(struct probe_run *run, const char *what, const char *name, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);
	const char *cause = mysql_cause(error);

	if (mysql_is_denied(error)) {
		mysql_note_denied(run, what, name, error);
		return;
	}
	if (state->cause != NULL)
		return;
	state->cause = str_eq(cause, "my.error") ? "my.query" : cause;
	snprintf(state->why, sizeof(state->why), "%s %s: %s (%u)", what, name, error->text,
		error->number);
}

/* `name` or `db`.`name` */
static bool
ask_table(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);
	size_t len;

	if (state->item >= conf->tables.count)
		return false;
	len = (size_t)snprintf(out, size, "SELECT 1 FROM `");
	for (const char *p = conf->tables.all[state->item]; *p != '\0'; p++) {
		const char own[] = { *p, '\0' };
		const char *add = *p == '.' ? "`.`" : *p == '`' ? "``" : own;

		len += (size_t)snprintf(out + len, size - len, "%s", add);
	}
	snprintf(out + len, size - len, "` LIMIT 0");
	return true;
}

static void
refused_table(struct probe_run *run, const struct mysql_error *error)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);

	remember(run, "table", conf->tables.all[state->item], error);
}

/* A table that cannot be seen has no index that could. */
static bool
ask_index(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);
	const char *name, *dot, *table, *db = NULL;
	char where[500];

	if (state->item >= conf->indexes.count)
		return false;
	name = table = conf->indexes.all[state->item];
	dot = strrchr(name, '.');
	if (memchr(name, '.', (size_t)(dot - name)) != NULL) {
		db = name;
		table = strchr(name, '.') + 1;
	}
	snprintf(where, sizeof(where), "table_schema=%s%.*s%s AND table_name='%.*s'",
		db != NULL ? "'" : "DATABASE()", db != NULL ? (int)(table - 1 - db) : 0,
		db != NULL ? db : "", db != NULL ? "'" : "", (int)(dot - table), table);
	snprintf(out, size,
		"SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE %s),"
		"(SELECT COUNT(*) FROM information_schema.statistics WHERE %s AND index_name='%s')",
		where, where, dot + 1);
	return true;
}

/* All that are missing are told at once. */
static void
take_index(struct probe_run *run, const struct mysql_result *r)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);
	const char *name = conf->indexes.all[state->item], *dot = strrchr(name, '.');
	size_t len = strlen(state->why);

	if (!(mysql_number(mysql_cell(r, 0, 0)) > 0)) {
		probe_note(run, "my.no-grant", "index %s: the table cannot be seen", name);
		return;
	}
	if (mysql_number(mysql_cell(r, 0, 1)) > 0)
		return;
	if (state->cause == NULL)
		state->cause = "my.no-index";
	else if (!str_eq(state->cause, "my.no-index"))
		return;
	snprintf(state->why + len, sizeof(state->why) - len, "%stable %.*s has no index %s",
		len > 0 ? "; " : "", (int)(dot - name), name, dot + 1);
}

static void
refused_index(struct probe_run *run, const struct mysql_error *error)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);

	remember(run, "index", conf->indexes.all[state->item], error);
}

static bool
ask_query(struct probe_run *run, char *out, size_t size)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);

	if (state->item >= conf->queries.count)
		return false;
	str_copy(out, size, conf->queries.all[state->item].value);
	return true;
}

static void
take_query(struct probe_run *run, const struct mysql_result *r)
{
	const struct mysql_conf *conf = probe_conf(run);
	struct mysql_run *state = probe_state(run);
	const char *cell = mysql_cell(r, 0, 0);
	double value = mysql_number(cell);

	probe_value(run, MYSQL_ROW_COUNT + (int)state->item, value);
	if (cell == NULL || isfinite(value) || state->cause != NULL)
		return;
	state->cause = "my.query";
	snprintf(state->why, sizeof(state->why), "query %s gives \"%.40s\", which is no number",
		conf->queries.all[state->item].name, cell);
}

static void
refused_query(struct probe_run *run, const struct mysql_error *error)
{
	const struct mysql_conf *conf = probe_conf(run);
	const struct mysql_run *state = probe_state(run);

	remember(run, "query", conf->queries.all[state->item].name, error);
}

static void
take_nothing(struct probe_run *run, const struct mysql_result *r)
{
	(void)run;
	(void)r;
}

/* --- one after the other --- */

static const struct mysql_step named[] = {
	{ ask_table, take_nothing, refused_table, true },
	{ ask_index, take_index, refused_index, true },
	{ ask_query, take_query, refused_query, true },
};

#define NAMED (sizeof(named) / sizeof(named[0]))

/* NULL: there is no such step. */
static const struct mysql_step *
step_of(const struct mysql_run *state)
{
	if (state->step < mysql_look_count)
		return &mysql_look[state->step];
	return state->step - mysql_look_count < NAMED ? &named[state->step - mysql_look_count]
						      : NULL;
}

bool
mysql_measure_next(struct probe_run *run, char *out, size_t size)
{
	struct mysql_run *state = probe_state(run);
	const struct mysql_step *step;

	for (; (step = step_of(state)) != NULL; state->step++, state->item = 0)
		if (step->ask(run, out, size))
			return true;
	return false;
}

static void
advance(struct mysql_run *state)
{
	if (step_of(state)->is_list)
		state->item++;
	else
		state->step++;
}

void
mysql_measure_take(struct probe_run *run, const struct mysql_result *result)
{
	struct mysql_run *state = probe_state(run);

	step_of(state)->take(run, result);
	advance(state);
}

void
mysql_measure_refused(struct probe_run *run, const struct mysql_error *error)
{
	struct mysql_run *state = probe_state(run);

	step_of(state)->refused(run, error);
	advance(state);
}

void
mysql_measure_end(struct probe_run *run)
{
	const struct mysql_run *state = probe_state(run);
	char rights[400];

	probe_value(run, MYSQL_RIGHTS_MISSING, __builtin_popcount(state->lacks));
	if (state->lacks == 0 && state->denied[0] == '\0')
		return;
	mysql_session_grant(mysql_client_greeting(state->client), state->user, state->lacks, rights,
		sizeof(rights));
	if (state->lacks == 0)
		probe_note(run, "my.no-grant", "%s", state->denied + 2);
	else
		probe_note(run, "my.no-grant", "missing rights: %s%s", rights, state->denied);
}
