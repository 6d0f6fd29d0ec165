/*
 * CLIENT LIST, counted: who holds the connections, who has been idle for long, who waits for work,
 * and whose buffers eat the memory.  A list that would be too long is not asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/facts/redis_visit.h"

#define CLIENTS_MAX 20000
#define REPLY_MAX   ((size_t)16 * 1024 * 1024)
#define GROUPS_MAX  256
#define SHOWN_MAX   5
#define IDLE_S      300

enum {
	KEY_COUNT,
	KEY_TOP_ADDRESS,
	KEY_TOP_COUNT,
	KEY_IDLE,
	KEY_OLDEST_IDLE,
	KEY_TOP_NAME,
	KEY_TOP_IDLE,
	KEY_CONSUMERS,
	KEY_OUTPUT,
	KEY_OUTPUT_ADDRESS,
};

static const struct metric_desc keys[] = {
	{ "count", METRIC_GAUGE, UNIT_NONE, "Connected clients, without this question's own." },
	{ "top_address", METRIC_GAUGE, UNIT_TEXT, "The address with most of them." },
	{ "top_count", METRIC_GAUGE, UNIT_NONE, "How many it has." },
	{ "idle", METRIC_GAUGE, UNIT_NONE, "Clients that said nothing for over 300 s." },
	{ "oldest_idle", METRIC_GAUGE, UNIT_SECONDS, "For how long the most silent one did." },
	{ "top_name", METRIC_GAUGE, UNIT_TEXT,
		"What the clients of that address call themselves." },
	{ "top_idle", METRIC_GAUGE, UNIT_NONE, "Of that address, those idle for over 300 s." },
	{ "consumers", METRIC_GAUGE, UNIT_NONE,
		"Clients whose last command took work from a queue (`BRPOP`, `XREADGROUP`...)." },
	{ "output_bytes", METRIC_GAUGE, UNIT_BYTES, "The largest output buffer of a client." },
	{ "output_address", METRIC_GAUGE, UNIT_TEXT, "Whose it is." },
	{ .name = NULL },
};

enum { WANT_INFO, WANT_LIST };

struct group {
	char address[64], name[48];
	unsigned count, idle;
};

struct state {
	struct redis_visit visit;
	double connected; /* NAN or 0: INFO does not tell */
	bool is_counted;
	unsigned count, idle, consumers, group_count;
	double oldest_idle, output;
	char output_address[64];
	struct group *groups; /* GROUPS_MAX */
};

static const char *const consuming[] = { "blmove", "blmpop", "blpop", "brpop", "brpoplpush",
	"bzmpop", "bzpopmax", "bzpopmin", "lpop", "rpop", "rpoplpush", "xread", "xreadgroup",
	"zpopmin", NULL };

static void
ask(struct fact_run *run)
{
	REDIS_VISIT_ASK(run, WANT_INFO, "INFO", "clients");
}

/* "key=" of a line of CLIENT LIST; the value ends at a space. */
static void
read_field(const char *line, const char *key, char *out, size_t size)
{
	size_t len = strlen(key), n = 0;
	const char *p = line;

	out[0] = '\0';
	for (; p != NULL; p = strchr(p, ' '), p = p != NULL ? p + 1 : NULL) {
		if (strncmp(p, key, len) != 0 || p[len] != '=')
			continue;
		n = strcspn(p + len + 1, " ");
		str_printable(out, size, p + len + 1, n);
		return;
	}
}

static double
read_count(const char *line, const char *key)
{
	char text[24];

	read_field(line, key, text, sizeof(text));
	return strtod(text, NULL);
}

/* "127.0.0.1:40123" -> "127.0.0.1"; a unix socket's is its path with ":0". */
static void
cut_port(char *address)
{
	char *colon = strrchr(address, ':');

	if (colon != NULL)
		*colon = '\0';
}

static struct group *
group_of(struct state *st, const char *address, const char *name)
{
	struct group *g;

	for (unsigned i = 0; i < st->group_count; i++)
		if (str_eq(st->groups[i].address, address) && str_eq(st->groups[i].name, name))
			return &st->groups[i];
	if (st->group_count == GROUPS_MAX)
		return NULL;
	g = &st->groups[st->group_count++];
	str_copy(g->address, sizeof(g->address), address);
	str_copy(g->name, sizeof(g->name), name);
	return g;
}

static void
take_line(struct state *st, const char *line)
{
	char address[64], name[48], command[32];
	double idle = read_count(line, "idle"), output = read_count(line, "omem");
	struct group *g;

	read_field(line, "cmd", command, sizeof(command));
	if (str_starts(command, "client"))
		return; /* ourselves, or somebody who looks as we do */
	read_field(line, "addr", address, sizeof(address));
	if (address[0] == '\0')
		return;
	cut_port(address);
	read_field(line, "name", name, sizeof(name));
	g = group_of(st, address, name);
	st->count++;
	st->idle += idle > IDLE_S;
	if (g != NULL) {
		g->count++;
		g->idle += idle > IDLE_S;
	}
	if (idle > st->oldest_idle)
		st->oldest_idle = idle;
	for (const char *const *c = consuming; *c != NULL; c++)
		st->consumers += str_eq(*c, command);
	if (output > st->output) {
		st->output = output;
		str_copy(st->output_address, sizeof(st->output_address), address);
	}
}

static int
by_count(const void *a, const void *b)
{
	unsigned left = ((const struct group *)a)->count, right = ((const struct group *)b)->count;

	return left < right ? 1 : left > right ? -1 : 0;
}

static void
tell(struct fact_run *run, struct state *st)
{
	const struct group *top = &st->groups[0];

	qsort(st->groups, st->group_count, sizeof(*st->groups), by_count);
	fact_number(run, KEY_COUNT, st->count);
	fact_number(run, KEY_IDLE, st->idle);
	fact_number(run, KEY_CONSUMERS, st->consumers);
	fact_number(run, KEY_OUTPUT, st->output);
	if (st->output > 0)
		fact_text(run, KEY_OUTPUT_ADDRESS, "%s", st->output_address);
	if (st->count > 0)
		fact_number(run, KEY_OLDEST_IDLE, st->oldest_idle);
	if (st->group_count == 0)
		return;
	fact_text(run, KEY_TOP_ADDRESS, "%s", top->address);
	fact_number(run, KEY_TOP_COUNT, top->count);
	fact_number(run, KEY_TOP_IDLE, top->idle);
	if (top->name[0] != '\0')
		fact_text(run, KEY_TOP_NAME, "%s", top->name);
}

static void
show(struct fact_run *run, const struct state *st)
{
	fact_line(run, "%u client%s, %u of them idle for over %d s", st->count,
		st->count == 1 ? "" : "s", st->idle, IDLE_S);
	for (unsigned i = 0; i < st->group_count && i < SHOWN_MAX; i++) {
		const struct group *g = &st->groups[i];

		fact_line(run, "%s%s%s%s: %u, %u idle", g->address, g->name[0] != '\0' ? " (" : "",
			g->name, g->name[0] != '\0' ? ")" : "", g->count, g->idle);
	}
	if (st->output > 1024 * 1024)
		fact_line(run, "largest output buffer: %.0f MiB, of %s", st->output / 1048576,
			st->output_address);
}

/* Lines "id=3 addr=127.0.0.1:52555 ... idle=0 ... cmd=get ..." */
static void
take_list(struct fact_run *run, struct state *st, const struct redisReply *reply)
{
	char line[1024];
	const char *at = reply->str, *stop;

	st->groups = xcalloc(GROUPS_MAX, sizeof(*st->groups));
	for (; *at != '\0'; at = *stop == '\n' ? stop + 1 : stop) {
		size_t len = strcspn(at, "\n");

		stop = at + len;
		snprintf(line, sizeof(line), "%.*s",
			(int)(len < sizeof(line) ? len : sizeof(line) - 1), at);
		take_line(st, line);
	}
	tell(run, st);
	show(run, st);
}

static void
take(struct fact_run *run, unsigned which, const struct redisReply *reply)
{
	struct state *st = fact_state(run);
	struct redis_info info;

	if (which == WANT_INFO) {
		if (reply->type != REDIS_REPLY_STRING)
			return;
		redis_info_parse(&info, reply->str, (size_t)reply->len, 0);
		st->connected = info.n[INFO_CONNECTED_CLIENTS];
	} else if (redis_is_error(reply)) {
		redis_visit_refused(run, "client|list", reply);
	} else if (reply->type == REDIS_REPLY_STRING) {
		take_list(run, st, reply);
	}
}

static void
end(struct fact_run *run)
{
	struct state *st = fact_state(run);

	if (!st->is_counted && st->connected > CLIENTS_MAX) {
		fact_number(run, KEY_COUNT, st->connected);
		fact_line(run, "%.0f clients: too many to list them", st->connected);
	} else if (!st->is_counted) {
		st->is_counted = true;
		REDIS_VISIT_ASK(run, WANT_LIST, "CLIENT", "LIST");
		return;
	}
	redis_visit_had(run);
}

static void
start(struct fact_run *run)
{
	static const struct redis_script script = {
		.ask = ask,
		.take = take,
		.end = end,
		.reply_max = REPLY_MAX,
	};

	redis_visit_start(run, &script);
}

static void
stop(struct fact_run *run)
{
	struct state *st = fact_state(run);

	redis_visit_stop(run);
	free(st->groups);
	st->groups = NULL;
}

static const char *const types[] = { "redis", NULL };

const struct fact_type fact_type_redis_clients = {
	.name = "redis-clients",
	.summary = "Who is connected to a Redis server: by address, idle time and buffers.",
	.rights = "`+client|list` (and `+info`, for not asking a long list)",
	.keys = keys,
	.types = types,
	.run_size = sizeof(struct state),
	.start = start,
	.stop = stop,
};
