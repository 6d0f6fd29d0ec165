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

/* What fits a double's 53 bits, divided by a power of ten that it holds exactly: rounded once, as
 * strtod would.  False: it is not so simple. */
static bool
parse_short(const char *text, double *out)
{
	static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
		1e11, 1e12, 1e13, 1e14, 1e15 };
	int64_t digits = 0;
	size_t count = 0, point = 0; /* digits so far; of the first behind the point */

	for (; *text != '\0'; text++) {
		if (*text == '.' && point == 0 && count > 0) {
			point = count + 1;
			continue;
		}
		if (*text < '0' || *text > '9' || ++count == sizeof(powers) / sizeof(powers[0]))
			return false;
		digits = digits * 10 + (*text - '0');
	}
	if (count == 0 || point > count)
		return false;
	*out = (double)digits / powers[point > 0 ? count + 1 - point : 0];
	return true;
}

static bool
parse_number(const char *text, double *out)
{
	char *rest;

	if (str_eq(text, "t") || str_eq(text, "f")) {
		*out = text[0] == 't';
		return true;
	}
	if (parse_short(text, out))
		return true;
	*out = strtod(text, &rest);
	return rest != text && *rest == '\0' && isfinite(*out);
}

static const char *
value_at(const PGresult *res, int column)
{
	return PQgetisnull(res, 0, column) ? NULL : PQgetvalue(res, 0, column);
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
take_numbers(struct pg_numbers *numbers, const PGresult *res, int from)
{
	int count = PQnfields(res) < PG_COLUMNS_MAX ? PQnfields(res) : PG_COLUMNS_MAX;

	if (numbers->count != count)
		for (int i = 0; i < count; i++)
			numbers->metric[i] =
				i < from ? -1 : metric_index(pg_metrics, PQfname(res, i));
	numbers->count = count;
	for (int i = from; i < count; i++)
		numbers->values[i] = number_at(res, i);
}

/* The first six columns are always the same. */
static void
take_activity(struct probe_run *run, const PGresult *res)
{
	struct pg_watch *watch = watch_of(run);
	struct pg_run *state = probe_state(run);

	if (PQnfields(res) < 6)
		return;
	take_numbers(&watch->activity, res, 3);
	watch->about = (struct pg_about){
		.is_known = true,
		.has_right = str_eq(value_at(res, 0), "t"),
		.is_read_only = str_eq(value_at(res, 2), "on"),
		.is_standby = watch->activity.values[3] > 0,
		.connections = watch->activity.values[4],
		.percent = watch->activity.values[5],
		.waiting = number_at(res, PQfnumber(res, "waiting")),
	};
	state->is_fresh = true;
	if ((int)number_at(res, 1) != PQbackendPID(pg_link_conn(state->link)))
		watch->is_pooler = true;
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
		take_numbers(&watch_of(run)->upkeep, res, 0);
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
	const struct pg_about *about = &watch_of(run)->about;
	const char *where = watch_of(run)->where;
	int role = conf_of(run)->role;

	if (!about->is_known || role == PG_ROLE_ANY)
		return true;
	if (role == PG_ROLE_PRIMARY && about->is_standby)
		probe_fail(
			run, "pg.readonly", "%s is a standby (in_hot_standby): writes fail", where);
	else if (role == PG_ROLE_PRIMARY && about->is_read_only)
		probe_fail(run, "pg.readonly", "%s: default_transaction_read_only is on", where);
	else if (role == PG_ROLE_REPLICA && !about->is_standby)
		probe_fail(run, "pg.not-replica", "%s is a primary, wanted a replica", where);
	else
		return true;
	return false;
}

static bool
is_countable(double value)
{
	return value >= 0 && value < 1e9; /* and not NAN */
}

/* In words, until the next time that it is asked about. */
static const char *
describe(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_watch *watch = watch_of(run);
	const struct pg_about *about = &watch->about;
	const char *version;

	if (watch->words[0] != '\0' && state->is_kept && !state->is_fresh)
		return watch->words;
	version = PQparameterStatus(pg_link_conn(state->link), "server_version");
	if (version == NULL)
		version = "?";
	/* Whole numbers: printf takes its time over others. */
	if (!about->is_known || !is_countable(about->connections) || !is_countable(about->percent))
		snprintf(watch->words, sizeof(watch->words), "PostgreSQL %.*s",
			(int)strcspn(version, " "), version);
	else
		snprintf(watch->words, sizeof(watch->words),
			"PostgreSQL %.*s, %s, %ld connection%s (%ld %%)",
			(int)strcspn(version, " "), version,
			about->is_standby ? "standby" : "primary", lrint(about->connections),
			lrint(about->connections) == 1 ? "" : "s", lrint(about->percent));
	return watch->words;
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

static void
report_numbers(struct probe_run *run, const struct pg_numbers *numbers)
{
	for (int i = 0; i < numbers->count; i++)
		probe_value(run, numbers->metric[i], numbers->values[i]);
}

/* What the settings say, for rules to compare with. */
static void
report_wanted(struct probe_run *run)
{
	const struct pg_conf *conf = conf_of(run);
	const struct pg_pool *pool = &conf->pool;

	probe_value(run, PG_POOL, (double)((pool->size + pool->overflow) * pool->instances));
	probe_value(run, PG_REPLICAS_WANTED, (double)conf->replicas);
}

void
pg_conclude(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_watch *watch = watch_of(run);

	report_numbers(run, &watch->activity);
	report_numbers(run, &watch->upkeep);
	if (watch->about.is_known && !watch->about.has_right)
		probe_note(run, "pg.no-grant",
			"sessions of others are hidden: GRANT pg_monitor TO \"%s\"",
			PQuser(pg_link_conn(state->link)));
	probe_value(run, PG_ACCEPTING, 1);
	probe_value(run, PG_USABLE, 1);
	report_wanted(run);
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
	probe_ok(run, "%s", describe(run));
}
