/*
 * What the answers of a PostgreSQL server become: metrics, facts, and the verdict when all is
 * asked. Columns of our own statements are named like the metrics they fill.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "probes/postgres_run.h"

#define EVIDENCE_MAX 3

static struct pg_watch *
watch_of(struct probe_run *run)
{
	return probe_watch_state(probe_watch(run));
}

static const struct pg_conf *
conf_of(const struct probe_run *run)
{
	return probe_conf(run);
}

static bool
parse_number(const char *text, double *out)
{
	char *rest;

	if (str_eq(text, "t") || str_eq(text, "f")) {
		*out = text[0] == 't';
		return true;
	}
	*out = strtod(text, &rest);
	return rest != text && *rest == '\0' && isfinite(*out);
}

static const char *
value_at(const PGresult *res, int column)
{
	return PQgetisnull(res, 0, column) ? NULL : PQgetvalue(res, 0, column);
}

static void
learn_columns(struct pg_columns *columns, const PGresult *res)
{
	int count = PQnfields(res);

	columns->count = count < PG_COLUMNS_MAX ? count : PG_COLUMNS_MAX;
	for (int i = 0; i < columns->count; i++)
		columns->metric[i] = metric_index(pg_metrics, PQfname(res, i));
}

/* Columns that are named like metrics; what is NULL or no number stays absent. */
static double
number_at(const PGresult *res, int column)
{
	const char *text = value_at(res, column);
	double value;

	return text != NULL && parse_number(text, &value) ? value : NAN;
}

static void
take_activity(struct probe_run *run, const PGresult *res)
{
	struct pg_watch *watch = watch_of(run);
	struct pg_run *state = probe_state(run);
	struct pg_columns *columns = &watch->activity;
	PGconn *conn = pg_link_conn(state->link);

	if (PQnfields(res) < 6)
		return;
	if (columns->count == 0)
		learn_columns(columns, res);
	for (int i = 3; i < columns->count && i < PQnfields(res); i++)
		probe_value(run, columns->metric[i], number_at(res, i));
	if (!str_eq(value_at(res, 0), "t"))
		probe_note(run, "pg.no-grant",
			"sessions of others are hidden: GRANT pg_monitor TO \"%s\"", PQuser(conn));
	if ((int)number_at(res, 1) != PQbackendPID(conn))
		watch->is_pooler = true;
	state->is_read_only = str_eq(value_at(res, 2), "on");
	state->is_standby = number_at(res, 3) > 0;
	state->has_role = true;
	state->connections = number_at(res, 4);
	state->percent = number_at(res, 5);
	state->waiting = number_at(res, PQfnumber(res, "waiting"));
}

static void
take_upkeep(struct probe_run *run, const PGresult *res)
{
	struct pg_watch *watch = watch_of(run);

	learn_columns(&watch->upkeep, res);
	if (watch->upkeep.count > PG_UPKEEP_MAX)
		watch->upkeep.count = PG_UPKEEP_MAX;
	for (int i = 0; i < watch->upkeep.count; i++)
		watch->upkeep_values[i] = number_at(res, i);
}

static void
append(char *list, size_t size, const char *word)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", word);
}

static void
take_tables(struct probe_run *run, const PGresult *res)
{
	struct pg_run *state = probe_state(run);

	for (int i = 0; i < PQntuples(res) && PQnfields(res) >= 3; i++) {
		const char *name = PQgetvalue(res, i, 0);

		if (PQgetvalue(res, i, 1)[0] != 't')
			append(state->missing, sizeof(state->missing), name);
		else if (PQgetvalue(res, i, 2)[0] != 't')
			append(state->unreadable, sizeof(state->unreadable), name);
	}
}

static void
take_evidence(struct probe_run *run, const PGresult *res, const char *word)
{
	for (int i = 0; i < PQntuples(res) && i < EVIDENCE_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s %d", word, i + 1);
		probe_fact(run, name, "%s", PQgetvalue(res, i, 0));
	}
}

static void
take_row(struct probe_run *run, const PGresult *res)
{
	struct pg_run *state = probe_state(run);
	const char *value;

	if (state->has_row || PQntuples(res) < 1 || PQnfields(res) < 1)
		return;
	value = value_at(res, 0);
	state->has_row = true;
	str_copy(state->row, sizeof(state->row), value != NULL ? value : "");
}

void
pg_take_rows(struct probe_run *run, const PGresult *res)
{
	const struct pg_run *state = probe_state(run);

	switch (state->step) {
	case PG_STEP_ACTIVITY:
		take_activity(run, res);
		break;
	case PG_STEP_UPKEEP:
		take_upkeep(run, res);
		break;
	case PG_STEP_TABLES:
		take_tables(run, res);
		break;
	case PG_STEP_BLOCKERS:
		take_evidence(run, res, "blocked");
		break;
	case PG_STEP_CROWD:
		take_evidence(run, res, "sessions");
		break;
	case PG_STEP_QUERIES:
		take_row(run, res);
		break;
	case PG_STEP_PLAIN:
	case PG_STEP_END:
		break;
	}
}

void
pg_take_value(struct probe_run *run)
{
	const struct pg_run *state = probe_state(run);
	const char *name = conf_of(run)->queries.all[state->query].name;
	double value;

	if (!state->has_row || state->row[0] == '\0')
		return;
	if (parse_number(state->row, &value))
		probe_value(run, (int)metric_count(pg_metrics) + (int)state->query, value);
	else
		probe_note(run, "pg.query", "%s: \"%s\" is not a number", name, state->row);
}

/* --- the verdict --- */

static bool
judge_role(struct probe_run *run)
{
	const struct pg_run *state = probe_state(run);
	const char *where = watch_of(run)->where;
	int role = conf_of(run)->role;

	if (!state->has_role || role == PG_ROLE_ANY)
		return true;
	if (role == PG_ROLE_PRIMARY && state->is_standby)
		probe_fail(
			run, "pg.readonly", "%s is a standby (in_hot_standby): writes fail", where);
	else if (role == PG_ROLE_PRIMARY && state->is_read_only)
		probe_fail(run, "pg.readonly", "%s: default_transaction_read_only is on", where);
	else if (role == PG_ROLE_STANDBY && !state->is_standby)
		probe_fail(run, "pg.not-standby", "%s is a primary, wanted a standby", where);
	else
		return true;
	return false;
}

static void
describe(struct probe_run *run, char *out, size_t size)
{
	struct pg_run *state = probe_state(run);
	PGconn *conn = pg_link_conn(state->link);
	const char *version = PQparameterStatus(conn, "server_version");
	int len;

	len = snprintf(out, size, "PostgreSQL %.*s",
		version != NULL ? (int)strcspn(version, " ") : 1, version != NULL ? version : "?");
	if (!state->has_role || len < 0 || (size_t)len >= size)
		return;
	snprintf(out + len, size - (size_t)len, ", %s, %.0f connections (%.0f %%)",
		state->is_standby ? "standby" : "primary", state->connections, state->percent);
}

static void
report_tls(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	PGconn *conn = pg_link_conn(state->link);

	if (state->is_kept || !PQsslInUse(conn))
		return;
	probe_fact(run, "tls", "%s%s", PQsslAttribute(conn, "protocol"),
		conf_of(run)->dsn->tls >= DSN_TLS_VERIFY_CA
			? ""
			: ", the certificate is not verified (sslmode)");
}

void
pg_conclude(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_watch *watch = watch_of(run);
	char text[200];

	for (int i = 0; i < watch->upkeep.count; i++)
		probe_value(run, watch->upkeep.metric[i], watch->upkeep_values[i]);
	probe_value(run, metric_index(pg_metrics, "accepting"), 1);
	probe_value(run, metric_index(pg_metrics, "usable"), 1);
	report_tls(run);
	watch->asked++;
	if (state->unreadable[0] != '\0')
		probe_note(run, "pg.no-grant", "not readable: %s: GRANT SELECT ON them TO \"%s\"",
			state->unreadable, PQuser(pg_link_conn(state->link)));
	if (!judge_role(run))
		return;
	if (state->missing[0] != '\0') {
		probe_fail(run, "pg.no-table", "missing in database %s: %s",
			PQdb(pg_link_conn(state->link)), state->missing);
		return;
	}
	describe(run, text, sizeof(text));
	probe_ok(run, "%s", text);
}
