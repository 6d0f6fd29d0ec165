/*
 * The way to a server: each host of the DSN in its order, each of its addresses, until one lets us
 * in.  A name is looked up by us; libpq is handed numbers.  One connection at a time.
 *
 *	host -> addresses -> link -> up            next address: it could not be reached
 *	  ^-----------------------'                next host: that, or it takes no sessions now
 *
 * What is told of a host is what the one of its addresses said that came furthest: `localhost` is
 * two, and a server on one of them that refuses the login is not "refused".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/net.h"
#include "probes/postgres_run.h"

enum reach { REACH_NO_FAMILY, REACH_NONE, REACH_SERVER }; /* how far: no such family here... */

/* Where we are on it.  Most runs find their connection kept and need none of this. */
struct pg_way {
	unsigned host, addr;
	struct resolve_call *call;
	struct resolve_answer answer;
	struct timer patience; /* with this address, while there are others */
	bool is_without_options;
	bool is_resolving, is_reached;
	usec_t begun_us;
	enum fault families[2]; /* of this host's IPv4 and IPv6 attempts */
	char where[ADDR_TEXT];
	/* of the first host that failed */
	struct pg_trouble told;
	enum reach told_reach;
	unsigned told_host;
	char told_where[ADDR_TEXT]; /* "": none has */
};

static void try_host(struct probe_run *run);
static void try_addr(struct probe_run *run);

static const struct pg_conf *
conf_of(const struct probe_run *run)
{
	return probe_conf(run);
}

static struct pg_watch *
watch_of(struct probe_run *run)
{
	return probe_watch_state(probe_watch(run));
}

unsigned
pg_timeout_ms(const struct probe_run *run)
{
	usec_t ms = probe_time_left(run) * 8 / 10 / USEC_PER_MSEC;

	return ms > 100 ? (unsigned)ms : 100;
}

void
pg_fail(struct probe_run *run, const struct pg_trouble *trouble, const char *where)
{
	const char *cause = pg_trouble_cause(trouble);
	const char *state = trouble->state;

	if (trouble->first_len > 0) {
		net_fail_protocol(run, "PostgreSQL", trouble->first, trouble->first_len);
		return;
	}
	if (trouble->fault != FAULT_NONE) {
		char text[PG_TEXT_MAX + ADDR_TEXT + 4];

		snprintf(text, sizeof(text), "%s: %s", where, trouble->text);
		net_fail_text(run, trouble->fault, text, where);
		return;
	}
	if (state[0] != '\0')
		probe_fact(run, "SQLSTATE", "%s", state);
	if (str_starts(cause, "self."))
		probe_error(run, cause, "%s", trouble->text);
	else if (state[0] != '\0')
		probe_fail(run, cause, "%s: %s (%s)", where, trouble->text, state);
	else
		probe_fail(run, cause, "%s: %s", where, trouble->text);
}

static void
report_phases(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	const struct pg_link_phases *phases;

	if (state->link == NULL)
		return;
	phases = pg_link_phases(state->link);
	probe_phase(run, PHASE_CONNECT, phases->connect_us);
	probe_phase(run, PHASE_TLS, phases->tls_us);
	if (phases->login_us >= 0)
		probe_value(run, PG_LOGIN_TIME, (double)phases->login_us / USEC_PER_SEC);
}

/* How far one came: the port answers, sessions are taken, this session works. */
static void
report_level(struct probe_run *run, const struct pg_trouble *trouble)
{
	if (trouble->state[0] == '\0' && !trouble->needs_password)
		return;
	probe_value(run, PG_ACCEPTING, !pg_trouble_is_not_accepting(trouble));
	probe_value(run, PG_USABLE, false);
}

static enum reach
reach_of(const struct pg_way *way, const struct pg_trouble *trouble)
{
	if (way->is_reached)
		return REACH_SERVER;
	return trouble->is_at_once && trouble->fault == FAULT_UNREACHABLE ? REACH_NO_FAMILY
									  : REACH_NONE;
}

static void
keep(struct pg_way *way, const struct pg_trouble *trouble)
{
	enum reach reach = reach_of(way, trouble);

	if (way->told_where[0] != '\0' &&
		(reach <= way->told_reach ||
			(way->told_host != way->host && way->told_reach != REACH_NO_FAMILY)))
		return;
	way->told = *trouble;
	way->told_reach = reach;
	way->told_host = way->host;
	str_copy(way->told_where, sizeof(way->told_where), way->where);
}

static void
fail_all(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	report_level(run, &state->way->told);
	pg_fail(run, &state->way->told, state->way->told_where);
}

static void
drop_link(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	timer_stop(&state->way->patience);
	report_phases(run);
	pg_link_close(state->link);
	state->link = NULL;
}

bool
pg_login_next_host(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	if (state->way->host + 1 >= conf_of(run)->dsn->host_count)
		return false;
	drop_link(run);
	state->way->host++;
	try_host(run);
	return true;
}

static void
next_addr(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	drop_link(run);
	if (state->way->addr + 1 < state->way->answer.count) {
		state->way->addr++;
		try_addr(run);
	} else if (!pg_login_next_host(run))
		fail_all(run);
}

static int
family_of(const struct pg_run *state)
{
	return state->way->addr < state->way->answer.count &&
	       addr_family(&state->way->answer.addrs[state->way->addr]) == AF_INET6;
}

static void
on_patience(void *arg)
{
	struct probe_run *run = arg;
	struct pg_run *state = probe_state(run);
	struct pg_trouble trouble = { .fault = FAULT_TIMEOUT };

	str_copy(trouble.text, sizeof(trouble.text), "no answer to the connect");
	state->way->families[family_of(state)] = FAULT_TIMEOUT;
	keep(state->way, &trouble);
	next_addr(run);
}

/* No address to come from looks like no port to come from. */
static void
name_lack(const struct pg_way *way, struct pg_trouble *trouble)
{
	if (trouble->fault == FAULT_PORT_EXHAUSTED && way->addr < way->answer.count)
		trouble->fault = fault_from_connect(EADDRNOTAVAIL, &way->answer.addrs[way->addr]);
}

static void
on_broken(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_trouble trouble = *pg_link_trouble(state->link);

	if (pg_trouble_is_pooler(&trouble) && !state->way->is_without_options) {
		state->way->is_without_options = watch_of(run)->is_pooler = true;
		drop_link(run);
		try_addr(run);
		return;
	}
	name_lack(state->way, &trouble);
	keep(state->way, &trouble);
	if (!state->way->is_reached && trouble.fault != FAULT_NONE) {
		if (reach_of(state->way, &trouble) != REACH_NO_FAMILY)
			state->way->families[family_of(state)] = trouble.fault;
		next_addr(run);
		return;
	}
	if ((trouble.fault != FAULT_NONE || pg_trouble_is_not_accepting(&trouble)) &&
		pg_login_next_host(run))
		return;
	report_phases(run);
	fail_all(run);
}

static void
note_family(struct probe_run *run)
{
	static const char *const names[] = { "IPv4", "IPv6" };
	struct pg_run *state = probe_state(run);
	enum fault other = state->way->families[!family_of(state)];

	if (other != FAULT_NONE)
		probe_note(run, "net.family", "%s answers, %s fails: %s", names[family_of(state)],
			names[!family_of(state)], fault_name(other));
}

/* What is remembered of a server is not true of another one. */
static void
meet(struct probe_run *run)
{
	const struct pg_run *state = probe_state(run);
	struct pg_watch *watch = watch_of(run);

	watch->is_prepared = false;
	watch->asked = 0;
	watch->logins++;
	if (str_eq(watch->where, state->way->where))
		return;
	str_copy(watch->where, sizeof(watch->where), state->way->where);
	watch->activity = watch->upkeep = (struct pg_numbers){ .count = 0 };
	watch->about = (struct pg_about){ .is_known = false };
}

static void
on_link(void *arg, enum pg_event event)
{
	struct probe_run *run = arg;
	struct pg_run *state = probe_state(run);

	switch (event) {
	case PG_REACHED:
		state->way->is_reached = true;
		timer_stop(&state->way->patience);
		break;
	case PG_UP:
		report_phases(run);
		note_family(run);
		meet(run);
		pg_ask_start(run);
		break;
	case PG_BROKEN:
		on_broken(run);
		break;
	case PG_RESULT:
	case PG_DONE:
		break;
	}
}

static void
open_link(struct probe_run *run, const struct addr *addr)
{
	const struct pg_conf *conf = conf_of(run);
	struct pg_run *state = probe_state(run);
	const struct dsn_host *host = &conf->dsn->hosts[state->way->host];
	struct pg_keys keys;

	state->way->is_reached = false;
	pg_keys_make(
		&keys, conf, host, addr, state->way->is_without_options ? 0 : pg_timeout_ms(run));
	state->link = pg_link_open(probe_env(run), keys.keys, keys.values, on_link, run);
}

/* Others wait behind this one: it gets its share of what time is left. */
static void
be_patient(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	usec_t others = (usec_t)(conf_of(run)->dsn->host_count - state->way->host - 1) +
			(state->way->answer.count > state->way->addr + 1
					? (usec_t)(state->way->answer.count - state->way->addr - 1)
					: 0);

	if (others > 0)
		timer_after(&state->way->patience, probe_time_left(run) / (others + 1));
}

static void
try_addr(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	const struct dsn_host *host = &conf_of(run)->dsn->hosts[state->way->host];
	struct addr *addr = NULL;

	be_patient(run);
	if (host->path[0] != '\0')
		str_copy(state->way->where, sizeof(state->way->where), host->path);
	else {
		addr = &state->way->answer.addrs[state->way->addr];
		addr_set_port(addr, host->port);
		addr_text(addr, state->way->where);
	}
	open_link(run, addr);
}

static void
on_resolved(void *arg, const struct resolve_answer *answer)
{
	struct probe_run *run = arg;
	struct pg_run *state = probe_state(run);
	const struct dsn_host *host = &conf_of(run)->dsn->hosts[state->way->host];
	struct pg_trouble trouble = { .fault = answer->fault };

	state->way->call = NULL;
	state->way->is_resolving = false;
	probe_phase(run, PHASE_DNS, loop_now(probe_env(run)->loop) - state->way->begun_us);
	if (answer->count > 0) {
		state->way->answer = *answer;
		state->way->addr = 0;
		try_addr(run);
		return;
	}
	snprintf(trouble.text, sizeof(trouble.text), "the name cannot be resolved");
	str_copy(state->way->where, sizeof(state->way->where), host->host);
	keep(state->way, &trouble);
	if (!pg_login_next_host(run))
		fail_all(run);
}

/* What of `hostaddr=` belongs to this host, or its name. */
static const char *
name_of(const struct dsn *dsn, unsigned index, char *out, size_t size)
{
	const char *list = dsn_param(dsn, "hostaddr");

	if (list == NULL)
		return dsn->hosts[index].host;
	for (; index > 0; index--) {
		list += strcspn(list, ",");
		if (*list == ',')
			list++;
	}
	snprintf(out, size, "%.*s", (int)strcspn(list, ","), list);
	return out[0] != '\0' ? out : dsn->hosts[index].host;
}

static void
try_host(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	const struct dsn *dsn = conf_of(run)->dsn;
	struct resolver *resolver = probe_env(run)->resolver;
	struct resolve_answer answer;
	char numeric[256];
	const char *name;

	state->way->families[0] = state->way->families[1] = FAULT_NONE;
	state->way->answer.count = state->way->addr = 0;
	state->way->is_reached = false;
	state->way->is_without_options = watch_of(run)->is_pooler;
	if (dsn->hosts[state->way->host].path[0] != '\0') {
		try_addr(run);
		return;
	}
	name = name_of(dsn, state->way->host, numeric, sizeof(numeric));
	state->way->begun_us = loop_now(probe_env(run)->loop);
	if (resolve_now(resolver, name, &answer)) {
		on_resolved(run, &answer);
		return;
	}
	state->way->is_resolving = true;
	state->way->call = resolve_start(resolver, name, on_resolved, run);
}

void
pg_login_start(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);

	if (state->way == NULL)
		state->way = xcalloc(1, sizeof(*state->way));
	timer_init(&state->way->patience, probe_env(run)->loop, on_patience, run);
	state->is_kept = false;
	state->way->host = 0;
	try_host(run);
}

void
pg_login_stop(struct probe_run *run)
{
	struct pg_run *state = probe_state(run);
	struct pg_way *way = state->way;

	if (way != NULL) {
		if (way->call != NULL)
			resolve_cancel(way->call);
		timer_stop(&way->patience);
		free(way);
		state->way = NULL;
	}
	pg_link_close(state->link);
	state->link = NULL;
}

const char *
pg_login_stuck(struct probe_run *run, char *text, size_t size)
{
	struct pg_run *state = probe_state(run);

	report_phases(run);
	if (state->way->is_resolving) {
		snprintf(text, size, "waiting for the name server");
		return "net.dns-fail";
	}
	if (!state->way->is_reached) {
		snprintf(text, size, "%s: no answer to the connect", state->way->where);
		return net_stuck_text(run, FAULT_TIMEOUT, state->way->where, text, size);
	}
	probe_value(run, PG_USABLE, false);
	if (!pg_link_has_answered(state->link)) {
		snprintf(text, size, "%s: connected, and the server says nothing",
			state->way->where);
		return "pg.frozen";
	}
	snprintf(text, size, "%s: the login was begun and is not finished", state->way->where);
	return "pg.frozen";
}
