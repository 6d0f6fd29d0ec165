/*
 * my-processlist: who has the connections of a MySQL server, who sleeps on them, what runs longest.
 * The KILL statements are shown for people to judge; nothing is killed.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/facts/my_ask.h"

#define GROUPS_SHOWN  "8"
#define QUERIES_SHOWN "3"
#define KILLS_SHOWN   "20"

enum key {
	CONNECTIONS,
	MAX,
	PERCENT,
	SLEEPING,
	SLEEPING_LONG,
	OLDEST_SLEEP,
	RUNNING,
	TOP_CLIENT,
	TOP_COUNT,
	TOP_SLEEPING,
	LONGEST_QUERY,
	LONGEST_QUERY_ID,
	LONGEST_QUERY_TEXT,
	WAIT_TIMEOUT,
	KILL,
};

static const struct metric_desc keys[] = {
	{ "connections", METRIC_GAUGE, UNIT_NONE, "Connections, ours included." },
	{ "max", METRIC_GAUGE, UNIT_NONE, "max_connections." },
	{ "percent", METRIC_GAUGE, UNIT_PERCENT, "Connections as a share of max." },
	{ "sleeping", METRIC_GAUGE, UNIT_NONE, "Connections that do nothing." },
	{ "sleeping_long", METRIC_GAUGE, UNIT_NONE,
		"Connections asleep for longer than the check's idle_after (300 s)." },
	{ "oldest_sleep", METRIC_GAUGE, UNIT_SECONDS, "The longest sleep." },
	{ "running", METRIC_GAUGE, UNIT_NONE, "Clients that are not asleep." },
	{ "top_client", METRIC_GAUGE, UNIT_TEXT, "Who has most of them: user from host." },
	{ "top_count", METRIC_GAUGE, UNIT_NONE, "How many that one has." },
	{ "top_sleeping", METRIC_GAUGE, UNIT_NONE, "How many of those are asleep." },
	{ "longest_query", METRIC_GAUGE, UNIT_SECONDS, "Age of the oldest running statement." },
	{ "longest_query_id", METRIC_GAUGE, UNIT_NONE, "Its thread." },
	{ "longest_query_text", METRIC_GAUGE, UNIT_TEXT, "The statement, values hidden." },
	{ "wait_timeout", METRIC_GAUGE, UNIT_SECONDS,
		"After so long the server closes a sleeper." },
	{ "kill", METRIC_GAUGE, UNIT_TEXT,
		"KILL statements for the longest sleepers, ready to be judged." },
	{ .name = NULL },
};

struct my_processlist {
	struct my_ask ask;
	double max, sleeping_long;
};

static unsigned
idle_after(struct fact_run *run)
{
	const struct mysql_conf *conf = fact_check(run)->conf;

	return (unsigned)(conf->idle_after_us / USEC_PER_SEC);
}

/* --- the server's own counts --- */

static bool
ask_limits(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size, "SELECT @@global.max_connections,@@global.wait_timeout");
	return true;
}

static void
take_limits(struct fact_run *run, const struct mysql_result *r)
{
	struct my_processlist *state = fact_state(run);

	state->max = mysql_number(mysql_cell(r, 0, 0));
	my_fact_number(run, MAX, mysql_cell(r, 0, 0));
	my_fact_number(run, WAIT_TIMEOUT, mysql_cell(r, 0, 1));
}

static bool
ask_connected(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size, "SHOW GLOBAL STATUS LIKE 'Threads_connected'");
	return true;
}

static void
take_connected(struct fact_run *run, const struct mysql_result *r)
{
	const struct my_processlist *state = fact_state(run);
	double connected = mysql_number(mysql_cell(r, 0, 1));

	if (!isfinite(connected))
		return;
	fact_number(run, CONNECTIONS, connected);
	if (!(state->max > 0))
		return;
	/* an administrator has one slot more than there are */
	fact_number(run, PERCENT, fmin(100, connected * 100 / state->max));
	fact_line(run, "%.0f of %.0f connections", connected, state->max);
}

/* --- whose they are: without PROCESS the list has our own only, and says nothing of it --- */

static bool
ask_right(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size, "SELECT COUNT(*) FROM information_schema.innodb_trx");
	return true;
}

static void
take_right(struct fact_run *run, const struct mysql_result *r)
{
	(void)run;
	(void)r;
}

static bool
ask_sums(struct fact_run *run, char *out, size_t size)
{
	snprintf(out, size,
		"SELECT SUM(command='Sleep'),SUM(command='Sleep' AND time>%u),"
		"MAX(IF(command='Sleep',time,0)),SUM(command<>'Sleep') "
		"FROM information_schema.processlist WHERE " MY_IS_CLIENT,
		idle_after(run));
	return true;
}

static void
take_sums(struct fact_run *run, const struct mysql_result *r)
{
	struct my_processlist *state = fact_state(run);

	state->sleeping_long = my_cell_zero(mysql_cell(r, 0, 1));
	fact_number(run, SLEEPING, my_cell_zero(mysql_cell(r, 0, 0)));
	fact_number(run, SLEEPING_LONG, state->sleeping_long);
	fact_number(run, OLDEST_SLEEP, my_cell_zero(mysql_cell(r, 0, 2)));
	fact_number(run, RUNNING, my_cell_zero(mysql_cell(r, 0, 3)));
	fact_line(run, "%.0f asleep, %.0f of them for more than %u s; %.0f running",
		my_cell_zero(mysql_cell(r, 0, 0)), state->sleeping_long, idle_after(run),
		my_cell_zero(mysql_cell(r, 0, 3)));
}

static bool
ask_groups(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size,
		"SELECT user,SUBSTRING_INDEX(host,':',1),COUNT(*),SUM(command='Sleep'),"
		"MAX(IF(command='Sleep',time,0)) FROM information_schema.processlist "
		"WHERE " MY_IS_CLIENT " GROUP BY 1,2 ORDER BY 3 DESC LIMIT " GROUPS_SHOWN);
	return true;
}

static void
take_groups(struct fact_run *run, const struct mysql_result *r)
{
	for (unsigned i = 0; i < r->row_count; i++) {
		const char *user = my_cell_text(mysql_cell(r, i, 0));
		const char *host = my_cell_text(mysql_cell(r, i, 1));

		if (i == 0) {
			fact_text(run, TOP_CLIENT, "%s from %s", user, host);
			my_fact_number(run, TOP_COUNT, mysql_cell(r, i, 2));
			my_fact_number(run, TOP_SLEEPING, mysql_cell(r, i, 3));
		}
		fact_line(run, "%s@%s: %s connections, %s asleep (longest %s s)", user, host,
			my_cell_text(mysql_cell(r, i, 2)), my_cell_text(mysql_cell(r, i, 3)),
			my_cell_text(mysql_cell(r, i, 4)));
	}
}

/* --- what runs --- */

static bool
ask_queries(struct fact_run *run, char *out, size_t size)
{
	(void)run;
	str_copy(out, size,
		"SELECT id,user,SUBSTRING_INDEX(host,':',1),time,state,LEFT(info," MY_SHOWN_SQL
		") FROM information_schema.processlist WHERE command<>'Sleep' AND " MY_IS_CLIENT
		" ORDER BY time DESC LIMIT " QUERIES_SHOWN);
	return true;
}

static void
take_queries(struct fact_run *run, const struct mysql_result *r)
{
	char sql[400];

	if (r->row_count == 0)
		fact_number(run, LONGEST_QUERY, 0);
	for (unsigned i = 0; i < r->row_count; i++) {
		my_mask(my_cell_text(mysql_cell(r, i, 5)), sql, sizeof(sql));
		if (i == 0) {
			my_fact_number(run, LONGEST_QUERY, mysql_cell(r, i, 3));
			my_fact_number(run, LONGEST_QUERY_ID, mysql_cell(r, i, 0));
			my_fact_text(run, LONGEST_QUERY_TEXT, sql);
		}
		fact_line(run, "thread %s, %s@%s, %s s, %s: %s", my_cell_text(mysql_cell(r, i, 0)),
			my_cell_text(mysql_cell(r, i, 1)), my_cell_text(mysql_cell(r, i, 2)),
			my_cell_text(mysql_cell(r, i, 3)), my_cell_text(mysql_cell(r, i, 4)), sql);
	}
}

static bool
ask_sleepers(struct fact_run *run, char *out, size_t size)
{
	const struct my_processlist *state = fact_state(run);

	snprintf(out, size,
		"SELECT id FROM information_schema.processlist WHERE command='Sleep' AND time>%u "
		"AND " MY_IS_CLIENT " ORDER BY time DESC LIMIT " KILLS_SHOWN,
		idle_after(run));
	return state->sleeping_long > 0;
}

static void
take_sleepers(struct fact_run *run, const struct mysql_result *r)
{
	char text[400] = "";
	size_t len = 0;

	for (unsigned i = 0; i < r->row_count && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%sKILL %.0f;",
			i > 0 ? " " : "", my_cell_zero(mysql_cell(r, i, 0)));
	my_fact_text(run, KILL, text);
	if (len > 0)
		fact_line(run, "prepared, not executed: %s", text);
}

static const struct my_step steps[] = {
	{ .ask = ask_limits, .take = take_limits },
	{ .ask = ask_connected, .take = take_connected },
	{ .ask = ask_right, .take = take_right, .rights = MYSQL_RIGHT_PROCESS },
	{ .ask = ask_sums, .take = take_sums },
	{ .ask = ask_groups, .take = take_groups },
	{ .ask = ask_queries, .take = take_queries },
	{ .ask = ask_sleepers, .take = take_sleepers },
	{ .ask = NULL },
};

static void
start(struct fact_run *run)
{
	struct my_processlist *state = fact_state(run);

	state->max = NAN;
	my_ask_start(run, steps, fact_had);
}

const struct fact_type fact_type_my_processlist = {
	.name = "my-processlist",
	.summary = "Who holds the connections of a MySQL or MariaDB server, and what runs on them.",
	.rights = "`PROCESS` for the account of the check.",
	.keys = keys,
	.types = MY_TYPES,
	.run_size = sizeof(struct my_processlist),
	.start = start,
	.stop = my_ask_stop,
};
