/*
 * Facts that ask a server, and one that says anything: each ends, with texts that can be shown. The
 * first byte chooses the fact.
 */
#include "probes/facts/fact_run.h"
#include "probes/reveal.h"
#include "tests/fuzz/probe_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct probe_talk servers[] = {
	{ .type = "redis", .before = "url: \"redis://:secret@", .after = "/0\"\n" },
	{ .type = "mysql", .before = "dsn: \"mysql://a:secret@", .after = "/shop\"\n" },
	{ .type = "postgres",
		.before = "dsn: \"postgres://a:secret@",
		.after = "/shop?sslmode=disable\"\n" },
};

static const struct {
	const char *fact;
	unsigned server;
} facts[] = {
	{ "redis-clients", 0 },
	{ "redis-info", 0 },
	{ "redis-keys", 0 },
	{ "redis-slowlog", 0 },
	{ "my-locks", 1 },
	{ "my-processlist", 1 },
	{ "my-replication", 1 },
	{ "my-server", 1 },
	{ "my-slow", 1 },
	{ "pg-activity", 2 },
	{ "pg-blockers", 2 },
	{ "pg-replication", 2 },
	{ "pg-server", 2 },
};

static void
on_fact(void *arg, const struct fact *fact)
{
	struct probe_talk_seen *seen = arg;

	seen->samples++;
	assert(fact->text != NULL && str_is_utf8(fact->text, strlen(fact->text)));
	for (const char *p = fact->text; *p != '\0'; p++)
		assert((unsigned char)*p >= ' ' || *p == '\n');
}

static void
ask(struct talk *t, struct probe_talk *server, const char *name)
{
	struct revealed revealed = { .host = NULL };
	struct probe_talk_seen seen = { 0 };
	struct probe_keep keep = { 0 };
	struct check_spec check = { .name = xstrdup("it"), .type = server->type };
	struct subject subject;
	struct fact_job job = { .type = fact_find(name),
		.check = &check,
		.subject = &subject,
		.keep = &keep,
		.env = &t->env };

	check.probe_type = server->probe;
	check.conf = server->conf;
	server->probe->reveal(server->conf, NULL, &revealed);
	subject_init(&subject, &revealed);
	assert(job.type != NULL);
	fact_run_start(&job, on_fact, &seen);
	talk_until(t, probe_talk_is_over, &seen);
	assert(seen.samples == 1);
	talk_hang_up(t);
	loop_turn(t->env.loop, false);
	subject_fini(&subject);
	probe_keep_fini(&keep);
	free(check.name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct talk talk;
	struct probe_talk *server;
	size_t which;

	if (size < 1)
		return 0;
	if (talk.env.loop == NULL)
		talk_open(&talk, false);
	which = data[0] % (sizeof(facts) / sizeof(facts[0]));
	server = &servers[facts[which].server];
	if (server->conf == NULL)
		probe_talk_configure(server, &talk);
	talk_say(&talk, data + 1, size - 1);
	ask(&talk, server, facts[which].fact);
	return 0;
}
