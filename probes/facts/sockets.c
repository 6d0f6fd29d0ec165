/* The TCP connections of the port that a check looks at: how many in which state, and whose. */
#include "io/proc_fds.h"
#include "probes/facts/fact_proc.h"

enum key {
	KEY_ESTABLISHED,
	KEY_TIME_WAIT,
	KEY_CLOSE_WAIT,
	KEY_PEERS,
	KEY_TOP_PEER,
	KEY_TOP_PEER_COUNT,
};

static const struct metric_desc keys[] = {
	{ "established", METRIC_GAUGE, UNIT_NONE, "Connections that are open." },
	{ "time_wait", METRIC_GAUGE, UNIT_NONE, "Connections in TIME_WAIT." },
	{ "close_wait", METRIC_GAUGE, UNIT_NONE,
		"Connections that the client has closed and the server has not." },
	{ "peers", METRIC_GAUGE, UNIT_NONE, "Addresses that they come from." },
	{ "top_peer", METRIC_GAUGE, UNIT_TEXT, "The address with most of them." },
	{ "top_peer_count", METRIC_GAUGE, UNIT_NONE, "How many it has." },
	{ .name = NULL },
};

struct sockets_run {
	struct proc_fds_call *call;
};

static void
on_peers(void *arg, const struct procs_trouble *trouble, const struct proc_peers *peers)
{
	struct fact_run *run = arg;
	struct sockets_run *state = fact_state(run);

	state->call = NULL;
	if (fact_proc_failed(run, trouble, "the table of connections"))
		return;
	fact_number(run, KEY_ESTABLISHED, peers->established);
	fact_number(run, KEY_TIME_WAIT, peers->time_wait);
	fact_number(run, KEY_CLOSE_WAIT, peers->close_wait);
	fact_number(run, KEY_PEERS, peers->peers);
	fact_line(run, "port %u: %u connections open, %u in CLOSE_WAIT, %u in TIME_WAIT",
		fact_subject(run)->port, peers->established, peers->close_wait, peers->time_wait);
	if (peers->top_count > 0) {
		fact_text(run, KEY_TOP_PEER, "%s", peers->top);
		fact_number(run, KEY_TOP_PEER_COUNT, peers->top_count);
		fact_line(run, "%u of them are of %s", peers->top_count, peers->top);
	}
	fact_had(run);
}

static void
start(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	struct sockets_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	if (s->port == 0 || s->is_udp)
		fact_none(run, "the check names no TCP port");
	else if (!s->is_local)
		fact_none(run, "%s is not known to be this host", s->host);
	else
		state->call = proc_peers_start(&r, (uint16_t)s->port, on_peers);
}

static void
stop(struct fact_run *run)
{
	struct sockets_run *state = fact_state(run);

	proc_fds_cancel(state->call);
}

const struct fact_type fact_type_sockets = {
	.name = "sockets",
	.summary = "The connections of the port that the check looks at, by state and by client.",
	.keys = keys,
	.run_size = sizeof(struct sockets_run),
	.start = start,
	.stop = stop,
};
