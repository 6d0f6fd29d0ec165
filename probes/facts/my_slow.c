/*
 * my-slow: which statements of the last minutes were slow.  From the slow log where it is a table;
 * else from the digests of performance_schema; else from what runs right now.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/facts/my_ask.h"

#define SINCE        "10"
#define SLOW_AFTER_S "5"
#define TABLE_MAX    80

enum key { COUNT, WORST, ROWS_EXAMINED, ROWS_SENT, QUERY, TABLE, LOCK_TIME, SOURCE };

static const struct metric_desc keys[] = {
	{ "count", METRIC_GAUGE, UNIT_NONE, "Slow statements in the last 10 min, or running now." },
	{ "worst", METRIC_GAUGE, UNIT_SECONDS, "The slowest." },
	{ "rows_examined", METRIC_GAUGE, UNIT_NONE, "Rows that one looked at." },
	{ "rows_sent", METRIC_GAUGE, UNIT_NONE, "Rows that it gave back." },
	{ "query", METRIC_GAUGE, UNIT_TEXT, "The statement, values hidden." },
	{ "table", METRIC_GAUGE, UNIT_TEXT, "The first table it names." },
	{ "lock_time", METRIC_GAUGE, UNIT_SECONDS, "How much of it was waiting for locks." },
	{ "source", METRIC_GAUGE, UNIT_TEXT, "\"slow log\", \"digests\" or \"running\"." },
	{ .name = NULL },
};

struct my_slow {
	struct my_ask ask;
	bool is_told;     /* a source had something to say */
	bool has_table;   /* log_output has TABLE */
	bool has_digests; /* performance_schema is on */
};

/* --- what there is to look at --- */

static bool
ask_sources(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size,
		"SELECT @@global.slow_query_log,@@global.log_output,@@global.performance_schema");
	return true;
}

static void
take_sources(struct fact_run *run, const struct mysql_result *r)
{
	struct my_slow *state = fact_state(run);
	bool is_on = str_eq(my_cell_text(mysql_cell(r, 0, 0)), "1");

	state->has_table = is_on && strstr(my_cell_text(mysql_cell(r, 0, 1)), "TABLE") != NULL;
	state->has_digests = str_eq(my_cell_text(mysql_cell(r, 0, 2)), "1");
	if (!is_on)
		fact_line(run, "the slow log is off");
	else if (!state->has_table)
		fact_line(run, "the slow log is a file of the server (log_output=%s)",
			my_cell_text(mysql_cell(r, 0, 1)));
}

/* --- the answers have the same columns --- */

enum column { C_COUNT, C_TOTAL, C_WORST, C_EXAMINED, C_SENT, C_LOCK, C_SQL };

/* The word behind FROM, UPDATE, INTO or JOIN; a subquery has none there. */
static void
first_table(const char *sql, char *out, size_t size)
{
	static const char *const words[] = { "FROM ", "UPDATE ", "INTO ", "JOIN " };

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && out[0] == '\0'; i++) {
		const char *at = strcasestr(sql, words[i]);
		size_t len;

		if (at == NULL)
			continue;
		at += strlen(words[i]);
		len = strcspn(at, " (),;?");
		snprintf(out, size, "%.*s", (int)(len < TABLE_MAX ? len : TABLE_MAX), at);
	}
}

static void
take_statements(struct fact_run *run, const struct mysql_result *r, const char *source)
{
	struct my_slow *state = fact_state(run);
	char sql[400], table[TABLE_MAX + 1];
	double count = 0;

	for (unsigned i = 0; i < r->row_count; i++) {
		my_mask(my_cell_text(mysql_cell(r, i, C_SQL)), sql, sizeof(sql));
		count += my_cell_zero(mysql_cell(r, i, C_COUNT));
		fact_line(run, "%s x, worst %.1f s, %s rows examined, %s sent: %s",
			my_cell_text(mysql_cell(r, i, C_COUNT)),
			my_cell_zero(mysql_cell(r, i, C_WORST)),
			my_cell_text(mysql_cell(r, i, C_EXAMINED)),
			my_cell_text(mysql_cell(r, i, C_SENT)), sql);
		if (i > 0)
			continue;
		first_table(sql, table, sizeof(table));
		my_fact_number(run, WORST, mysql_cell(r, i, C_WORST));
		my_fact_number(run, ROWS_EXAMINED, mysql_cell(r, i, C_EXAMINED));
		my_fact_number(run, ROWS_SENT, mysql_cell(r, i, C_SENT));
		my_fact_number(run, LOCK_TIME, mysql_cell(r, i, C_LOCK));
		my_fact_text(run, QUERY, sql);
		my_fact_text(run, TABLE, table);
		fact_text(run, SOURCE, "%s", source);
	}
	if (r->row_count == 0)
		return;
	state->is_told = true;
	fact_number(run, COUNT, count);
}

static bool
ask_log(struct fact_run *run, char *out, size_t size)
{
	const struct my_slow *state = fact_state(run);

	bool is_mariadb = my_ask_server(run)->is_mariadb;

	/* The table has no index and may be large: it is not read for long. */
	snprintf(out, size,
		"%sSELECT %sCOUNT(*),SUM(TIME_TO_SEC(query_time)),"
		"MAX(TIME_TO_SEC(query_time)+MICROSECOND(query_time)/1000000),"
		"MAX(rows_examined),MAX(rows_sent),MAX(TIME_TO_SEC(lock_time)),"
		"LEFT(CONVERT(sql_text USING utf8mb4)," MY_SHOWN_SQL ") AS t FROM mysql.slow_log "
		"WHERE start_time>NOW()-INTERVAL " SINCE " MINUTE GROUP BY t "
		"ORDER BY 3 DESC LIMIT 5",
		is_mariadb ? "SET STATEMENT max_statement_time=1.2 FOR " : "",
		is_mariadb ? "" : "/*+ MAX_EXECUTION_TIME(1200) */ ");
	return state->has_table;
}

static void
take_log(struct fact_run *run, const struct mysql_result *r)
{
	take_statements(run, r, "slow log");
}

static bool
ask_digests(struct fact_run *run, char *out, size_t size)
{
	const struct my_slow *state = fact_state(run);

	/* counts are since the server's start: what was seen lately, worst first */
	str_copy(out, size,
		"SELECT count_star,sum_timer_wait/1000000000000,max_timer_wait/1000000000000,"
		"ROUND(sum_rows_examined/count_star),ROUND(sum_rows_sent/count_star),"
		"sum_lock_time/1000000000000/count_star,"
		"LEFT(digest_text," MY_SHOWN_SQL ") "
		"FROM performance_schema.events_statements_summary_by_digest "
		"WHERE last_seen>NOW()-INTERVAL " SINCE " MINUTE AND max_timer_wait>1000000000000 "
		"AND digest_text IS NOT NULL ORDER BY max_timer_wait DESC LIMIT 5");
	return !state->is_told && state->has_digests;
}

static void
take_digests(struct fact_run *run, const struct mysql_result *r)
{
	take_statements(run, r, "digests");
}

/* MariaDB counts the rows of what runs. */
static bool
ask_running(struct fact_run *run, char *out, size_t size)
{
	const struct my_slow *state = fact_state(run);

	snprintf(out, size,
		"SELECT 1,time,time,%s,NULL,NULL,LEFT(info," MY_SHOWN_SQL
		") FROM information_schema.processlist WHERE command<>'Sleep' AND info IS NOT NULL "
		"AND time>=" SLOW_AFTER_S " AND " MY_IS_CLIENT " ORDER BY time DESC LIMIT 5",
		my_ask_server(run)->is_mariadb ? "examined_rows" : "NULL");
	return !state->is_told;
}

static void
take_running(struct fact_run *run, const struct mysql_result *r)
{
	take_statements(run, r, "running");
}

static const struct my_step steps[] = {
	{ .ask = ask_sources, .take = take_sources },
	{ .ask = ask_log, .take = take_log, .is_optional = true },
	{ .ask = ask_digests, .take = take_digests, .is_optional = true },
	{ .ask = ask_running, .take = take_running, .is_optional = true },
	{ .ask = NULL },
};

static void
end(struct fact_run *run)
{
	const struct my_slow *state = fact_state(run);

	if (!state->is_told) {
		fact_number(run, COUNT, 0);
		fact_line(run, "no slow statement can be seen%s",
			state->has_table ? " (the account may need SELECT ON mysql.slow_log)" : "");
	}
	fact_had(run);
}

static void
start(struct fact_run *run)
{
	my_ask_start(run, steps, end);
}

const struct fact_type fact_type_my_slow = {
	.name = "my-slow",
	.summary = "Slow statements of the last ten minutes in MySQL or MariaDB.",
	.rights = "`SELECT ON mysql.slow_log`, or `SELECT ON performance_schema.*`; `PROCESS` for "
		  "what runs now.",
	.keys = keys,
	.types = MY_TYPES,
	.run_size = sizeof(struct my_slow),
	.start = start,
	.stop = my_ask_stop,
};
