/*
 * The clock of this host: what the kernel thinks of it, and what time servers think of it.
 *
 *	kernel's state -> ask all servers at once -> each answered, refused or silent -> vote ->
 *		verdict
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "base/buf.h"
#include "base/rand.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/udp.h"
#include "probes/clock_vote.h"
#include "probes/probe.h"
#include "probes/reveal.h"
#include "probes/sntp.h"

#define NTP_PORT     123
#define PATIENCE_US  (2 * USEC_PER_SEC) /* for one server, once its name is known */
#define REMARK_SIZE  160
#define SPLIT_MIN_US (USEC_PER_SEC / 10) /* servers nearer than this never disagree */

struct clock_conf {
	struct conf_strings servers;
	usec_t max_offset_us;
	/* made by check */
	struct place places[CLOCK_SERVERS_MAX];
};

#define ROW struct clock_conf

static const struct conf_field fields[] = {
	{ .name = "servers",
		STRINGS_AT(ROW, servers),
		.doc = "NTP servers to compare with (`host` or `host:port`, eight at most). With "
		       "several, those that agree decide. Default: none, and only the kernel's "
		       "state is read.",
		.example = "[ntp1.example.com, ntp2.example.com, 10.0.0.1]" },
	{ .name = "max_offset",
		DURATION_AT(ROW, max_offset_us),
		.dflt = "2s",
		.min = "1ms",
		.max = "1d",
		.doc = "The check fails (`clock.skewed`) when the clock is further off than this. "
		       "What is worse than bad is a rule's to say: `abs(time.offset_time) > "
		       "60s`." },
	{ .type = CONF_END },
};

enum row {
	ROW_TOTAL_TIME,
	ROW_OFFSET,
	ROW_SYNCHRONISED,
	ROW_MAX_ERROR,
	ROW_SERVERS,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "offset_time", METRIC_GAUGE, UNIT_SECONDS,
		"This host's clock less the servers': positive when it is ahead." },
	{ "synchronised", METRIC_FLAG, UNIT_NONE,
		"1 when a time service keeps the kernel's clock (the kernel's own flag)." },
	{ "max_error_time", METRIC_GAUGE, UNIT_SECONDS,
		"How far off the kernel thinks it may be; absent when not synchronised." },
	{ "servers_good", METRIC_GAUGE, UNIT_NONE, "Servers whose answer could be believed." },
	{ .name = NULL },
};

/* One server in one run. */
struct asked {
	struct probe_run *run;
	struct udp *udp;
	uint64_t nonce;
	bool is_done, is_good;
	struct sntp_answer answer;
	char remark[REMARK_SIZE]; /* why not, where it is not good */
};

struct clock_run {
	struct asked asked[CLOCK_SERVERS_MAX];
	unsigned count, done;
	bool is_synchronised, is_kernel_known;
};

static void
look_at_kernel(struct probe_run *run)
{
	struct clock_run *state = probe_state(run);
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) < 0)
		return; /* a sandbox forbids even to look */
	state->is_kernel_known = true;
	state->is_synchronised = (t.status & STA_UNSYNC) == 0;
	probe_value(run, ROW_SYNCHRONISED, state->is_synchronised ? 1 : 0);
	if (state->is_synchronised)
		probe_value(run, ROW_MAX_ERROR, (double)t.maxerror / USEC_PER_SEC);
}

static void
note_unsynchronised(struct probe_run *run)
{
	const struct clock_run *state = probe_state(run);

	if (state->is_kernel_known && !state->is_synchronised)
		probe_note(run, "clock.unsynchronised",
			"the kernel says that no time service keeps this clock");
}

/* --- verdicts --- */

static void
show_offset(usec_t offset_us, char *out, size_t size)
{
	char shown[32];

	clock_format_duration(llabs(offset_us), shown, sizeof(shown));
	snprintf(out, size, "%s %s", shown, offset_us >= 0 ? "ahead" : "behind");
}

/* "10.0.0.1: 312s behind (stratum 2); 10.0.0.2: no answer" */
static void
show_servers(struct probe_run *run)
{
	const struct clock_conf *conf = probe_conf(run);
	const struct clock_run *state = probe_state(run);
	struct buf text;
	char offset[48];

	buf_init(&text, 1024);
	for (unsigned i = 0; i < state->count; i++) {
		const struct asked *a = &state->asked[i];

		buf_addf(&text, "%s%s: ", i > 0 ? "; " : "", conf->servers.all[i]);
		show_offset(-a->answer.offset_us, offset, sizeof(offset));
		if (a->is_good)
			buf_addf(&text, "%s (stratum %u)", offset, a->answer.stratum);
		else
			buf_addf(&text, "%s", a->is_done ? a->remark : "no answer");
	}
	probe_fact(run, "servers", "%s", buf_text(&text));
	buf_fini(&text);
}

static void
judge_offset(struct probe_run *run, const struct clock_vote *vote, unsigned good)
{
	const struct clock_conf *conf = probe_conf(run);
	usec_t offset_us = -vote->offset_us; /* ours less theirs */
	char shown[48], zone[32], hint[96] = "";

	probe_value(run, ROW_OFFSET, (double)offset_us / USEC_PER_SEC);
	show_offset(offset_us, shown, sizeof(shown));
	if (vote->is_split)
		probe_note(run, "clock.servers-disagree",
			"%u servers, and no majority of them agrees within %lld ms", good,
			(long long)(conf->max_offset_us / USEC_PER_MSEC));
	clock_zone_hint(offset_us, zone, sizeof(zone));
	if (zone[0] != '\0')
		snprintf(hint, sizeof(hint),
			"; %s is a time zone's width: was local time taken for UTC?", zone);
	if (llabs(offset_us) > conf->max_offset_us) {
		probe_fail(run, "clock.skewed", "this clock is %s, say %u of %u servers%s", shown,
			vote->agree, good, hint);
		return;
	}
	probe_ok(run, "%s of %u server%s", shown, good, good == 1 ? "" : "s");
}

/* Everybody has spoken, or the time is up. */
static void
conclude(struct probe_run *run)
{
	const struct clock_conf *conf = probe_conf(run);
	const struct clock_run *state = probe_state(run);
	usec_t offsets[CLOCK_SERVERS_MAX], tolerance = conf->max_offset_us;
	struct clock_vote vote;
	const struct asked *first = &state->asked[0];
	unsigned good = 0;

	for (unsigned i = 0; i < state->count; i++)
		if (state->asked[i].is_good)
			offsets[good++] = state->asked[i].answer.offset_us;
	probe_value(run, ROW_SERVERS, good);
	show_servers(run);
	if (good == 0) {
		/* Says nothing of the clock: it cannot be compared. */
		probe_error(run, "clock.no-server", "%s%s: %s",
			state->count > 1 ? "no time server can be believed; " : "",
			conf->servers.all[0], first->is_done ? first->remark : "no answer");
		return;
	}
	if (tolerance < SPLIT_MIN_US)
		tolerance = SPLIT_MIN_US;
	vote = clock_vote(offsets, good, tolerance);
	judge_offset(run, &vote, good);
}

/* --- asking --- */

static void
finish(struct asked *a, const char *remark)
{
	struct clock_run *state = probe_state(a->run);

	if (a->is_done)
		return;
	a->is_done = true;
	str_copy(a->remark, sizeof(a->remark), remark);
	state->done++;
	if (state->done == state->count)
		conclude(a->run);
}

static void
take_answer(struct asked *a)
{
	static const char *const remarks[] = {
		[SNTP_GOOD] = "",
		[SNTP_NOT_OURS] = "it answers something that is no answer of an NTP server",
		[SNTP_UNSYNCHRONISED] = "it is not synchronised itself",
		[SNTP_NONSENSE] = "its times contradict each other",
	};
	const struct loop *loop = probe_env(a->run)->loop;
	usec_t took = loop_now(loop) - udp_sent_us(a->udp);
	char kiss[64];
	enum sntp_verdict verdict;
	size_t len;
	const void *data = udp_data(a->udp, &len);

	verdict = sntp_parse(&a->answer, data, len, a->nonce, loop_wall(loop) - took, took);
	a->is_good = verdict == SNTP_GOOD;
	if (verdict == SNTP_KISS) {
		snprintf(kiss, sizeof(kiss), "it refuses us (kiss of death %s)", a->answer.kiss);
		finish(a, kiss);
	} else {
		finish(a, remarks[verdict]);
	}
}

static void
on_server(void *arg, enum udp_event event)
{
	struct asked *a = arg;

	if (a->is_done)
		return;
	switch (event) {
	case UDP_DATA:
		take_answer(a);
		break;
	case UDP_QUIET:
		finish(a, "no answer");
		break;
	case UDP_FAILED:
		finish(a, udp_reason(a->udp));
		break;
	}
}

static void
ask(struct probe_run *run, struct asked *a, const struct place *place)
{
	const struct io_env *env = probe_env(run);
	usec_t patience = probe_time_left(run) / 2;
	unsigned char question[SNTP_SIZE];

	a->run = run;
	rand_bytes(&a->nonce, sizeof(a->nonce));
	sntp_question(question, a->nonce);
	a->udp = udp_open(
		&(struct udp_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = place,
			.data = question,
			.len = sizeof(question),
			.quiet_us = patience < PATIENCE_US ? patience : PATIENCE_US,
		},
		on_server, a);
}

static void
start(struct probe_run *run)
{
	const struct clock_conf *conf = probe_conf(run);
	struct clock_run *state = probe_state(run);

	look_at_kernel(run);
	note_unsynchronised(run);
	state->count = (unsigned)conf->servers.count;
	for (unsigned i = 0; i < state->count; i++)
		ask(run, &state->asked[i], &conf->places[i]);
	if (state->count > 0)
		return;
	if (!state->is_kernel_known)
		probe_error(run, "self.local",
			"to ask the kernel is not allowed here (ProtectClock= of the unit), and no "
			"`servers` are given to compare with");
	else
		probe_ok(run, state->is_synchronised ? "synchronised, says the kernel"
						     : "not synchronised, says the kernel");
}

static void
stop(struct probe_run *run)
{
	struct clock_run *state = probe_state(run);

	for (unsigned i = 0; i < state->count; i++) {
		udp_close(state->asked[i].udp);
		state->asked[i].udp = NULL;
	}
}

/* One silent server of three is no reason to learn nothing from the others. */
static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	conclude(run);
	probe_error(run, "clock.no-server", "no time server answered");
	str_copy(text, size, "no time server answered");
	return "clock.no-server";
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct clock_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "servers");
	struct err e;

	(void)setup;
	if (conf->servers.count > CLOCK_SERVERS_MAX)
		complain(complaints, &pos, "servers: %d at most", CLOCK_SERVERS_MAX);
	for (size_t i = 0; i < conf->servers.count && i < CLOCK_SERVERS_MAX; i++) {
		struct place *place = &conf->places[i];

		if (place_parse(place, conf->servers.all[i], &e) < 0)
			complain(complaints, &pos, "servers: %s", e.text);
		else if (place->path[0] != '\0' || place->host[0] == '\0')
			complain(complaints, &pos, "servers: \"%s\" is no host or host:port",
				conf->servers.all[i]);
		if (place->port == 0)
			place->port = NTP_PORT;
	}
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct clock_conf *conf = conf_;
	size_t more = conf->servers.count;

	(void)instance;
	if (more == 0)
		str_copy(out, size, "clock of this host");
	else if (more == 1)
		snprintf(out, size, "clock of this host, against %s", conf->servers.all[0]);
	else
		snprintf(out, size, "clock of this host, against %s and %zu more",
			conf->servers.all[0], more - 1);
}

const struct probe_type probe_type_clock = {
	.name = "clock",
	.summary = "Compares this host's clock with time servers, and asks the kernel whether a "
		   "time service keeps it.",
	.manual =
		"Without `servers` it reports the kernel's own state (`synchronised`), which needs "
		"no right and no network; a clock that nobody keeps is said once as "
		"`clock.unsynchronised` and does not fail the check. With `servers`, one SNTP "
		"question goes to each of them; a server that is not synchronised itself, or "
		"refuses, is not believed, and of several the ones that agree decide. Silence of "
		"all of them is an error, `clock.no-server`: the clock may be right.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct clock_conf),
	.run_size = sizeof(struct clock_run),
	.check = check,
	.target = target,
	.reveal = reveal_this_host,
	.start = start,
	.stop = stop,
	.stuck = stuck,
};
