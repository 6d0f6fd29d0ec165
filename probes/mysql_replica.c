/*
 * Replication as the replica sees it.  Several channels are one answer: all of them must run, and
 * the slowest counts.  A delay that somebody asked for (SQL_Delay) is no lag.
 */
#include "probes/mysql_replica.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/mysql_run.h"
#include "probes/sql_mask.h"

const char *
mysql_replica_sql(const struct mysql_greeting *g)
{
	if (g->is_mariadb)
		return "SHOW ALL SLAVES STATUS";
	return g->number >= 80022 ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

/* Errors quote a statement at their end ("Query: '...'"), and rows ("Duplicate entry '...' for").
 */
void
mysql_replica_error(const char *raw, char *out, size_t size)
{
	const char *query = strstr(raw, "Query: '");
	char sent[300];
	const char *entry = strstr(raw, "entry '");
	const char *end = entry != NULL ? strstr(entry, "' for") : NULL;
	char sql[300] = "";

	if (query != NULL) { /* the quote at its end is not the statement's */
		str_copy(sent, sizeof(sent), query + strlen("Query: '"));
		if (str_ends(sent, "'"))
			sent[strlen(sent) - 1] = '\0';
		sql_mask(SQL_MYSQL, sent, sql, sizeof(sql));
	}
	if (entry != NULL && (query == NULL || entry < query))
		snprintf(out, size, "%.*s ?%.*s%s", (int)(entry - raw) + 5, raw,
			end != NULL ? (int)strcspn(end + 1, ";") : 0, end != NULL ? end + 1 : "",
			sql);
	else if (query != NULL)
		snprintf(out, size, "%.*sQuery: %s", (int)(query - raw), raw, sql);
	else
		str_copy(out, size, raw);
}

struct channel {
	const char *io, *sql, *source, *error;
	double behind, delay;
};

static const char *
cell(const struct mysql_result *r, unsigned row, const char *name, const char *old)
{
	const char *text = mysql_cell_of(r, row, name, old);

	return text != NULL ? text : "";
}

static struct channel
read_channel(const struct mysql_result *r, unsigned row)
{
	struct channel c = {
		.io = cell(r, row, "Replica_IO_Running", "Slave_IO_Running"),
		.sql = cell(r, row, "Replica_SQL_Running", "Slave_SQL_Running"),
		.source = cell(r, row, "Source_Host", "Master_Host"),
		.error = cell(r, row, "Last_SQL_Error", NULL),
		.behind = mysql_number(
			mysql_cell_of(r, row, "Seconds_Behind_Source", "Seconds_Behind_Master")),
		.delay = mysql_number(mysql_cell_of(r, row, "SQL_Delay", NULL)),
	};

	if (c.error[0] == '\0')
		c.error = cell(r, row, "Last_IO_Error", NULL);
	return c;
}

static size_t
describe(const struct channel *c, char *out, size_t size)
{
	char error[200];
	int len = snprintf(out, size, "from %s: IO %s, SQL %s", c->source, c->io, c->sql);

	if (isfinite(c->behind) && len > 0 && (size_t)len < size)
		len += snprintf(out + len, size - (size_t)len, ", %.0f s behind", c->behind);
	if (c->delay > 0 && len > 0 && (size_t)len < size)
		len += snprintf(out + len, size - (size_t)len, " (%.0f s wanted)", c->delay);
	if (c->error[0] != '\0' && len > 0 && (size_t)len < size) {
		mysql_replica_error(c->error, error, sizeof(error));
		len += snprintf(out + len, size - (size_t)len, ", %s", error);
	}
	return len > 0 ? (size_t)len : 0;
}

void
mysql_replica_take(struct probe_run *run, const struct mysql_result *r)
{
	struct mysql_run *state = probe_state(run);
	bool is_running = true, is_lag_known = true;
	char text[800] = "";
	size_t len = 0;
	double lag = 0;

	state->is_replica_known = true;
	state->is_replica = r->row_count > 0;
	for (unsigned i = 0; i < r->row_count; i++) {
		struct channel c = read_channel(r, i);
		double wanted = isfinite(c.delay) ? c.delay : 0;

		is_running = is_running && str_eq(c.io, "Yes") && str_eq(c.sql, "Yes");
		is_lag_known = is_lag_known && isfinite(c.behind);
		lag = fmax(lag, c.behind - wanted);
		if (len + 2 < sizeof(text)) {
			if (i > 0)
				len += (size_t)snprintf(text + len, sizeof(text) - len, "; ");
			len += describe(&c, text + len, sizeof(text) - len);
		}
	}
	if (!state->is_replica)
		return;
	probe_value(run, MYSQL_REPLICA_RUNNING, is_running);
	if (is_lag_known)
		probe_value(run, MYSQL_REPLICA_LAG_TIME, lag);
	probe_fact(run, "replica", "%s", text);
}
