/*
 * Services that are told, and answer anything: each try has one verdict whose words can be shown
 * and hold none of our secrets.  The first byte chooses the service.
 */
#include "alerts/receiver.h"
#include "conf/tree.h"
#include "tests/fuzz/talk.h"

#define SECRET    "h1ddenSecret"
#define PLAIN_URL .before = "url: http://", .after = "/services/" SECRET "\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct service {
	const char *type, *before, *after; /* settings around the address */
	const struct receiver_type *receiver;
	void *conf;
	struct conf_tree *tree;
} services[] = {
	{ .type = "webhook", PLAIN_URL },
	{ .type = "slack", PLAIN_URL },
	{ .type = "discord", PLAIN_URL },
	{ .type = "teams", PLAIN_URL },
	{ .type = "mattermost", PLAIN_URL },
	{ .type = "telegram",
		.before = "url: http://",
		.after = "/\nchat_id: 42\n"
			 "token: \"123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw\"\n" },
	{ .type = "ntfy", PLAIN_URL "topic: alerts-for-us\n" },
	{ .type = "pagerduty", PLAIN_URL "routing_key: 0123456789abcdef0123456789abcdef\n" },
	{ .type = "alertmanager", PLAIN_URL },
	{ .type = "dingtalk", PLAIN_URL },
	{ .type = "feishu", PLAIN_URL },
	{ .type = "wecom", PLAIN_URL },
	{ .type = "email",
		.before = "server: smtp://a:" SECRET "@",
		.after = "\nfrom: a@shop.test\n"
			 "to: [b@shop.test, c@shop.test]\nstarttls: off\n" },
	{ .type = "email",
		.before = "server: smtp://",
		.after = "\nfrom: a@shop.test\nto: b@shop.test\n" },
};

static struct secret_set *secrets;

static void
configure(struct service *s, struct talk *t)
{
	struct complaints *complaints = complaints_new();
	struct conf_part part;
	char yaml[600], first[300];

	snprintf(yaml, sizeof(yaml), "%s%s%s", s->before, t->place, s->after);
	s->receiver = receiver_find(s->type);
	s->conf = xcalloc(1, s->receiver->conf_size);
	s->tree = conf_tree_parse("fuzz.yaml", yaml, strlen(yaml), complaints);
	part = (struct conf_part){ s->receiver->fields, s->conf };
	conf_fill(&part, 1, s->tree->root, s->type, NULL, complaints);
	if (s->receiver->check != NULL)
		s->receiver->check(s->conf, s->tree->root, t->env.tls, complaints);
	if (complaints_errors(complaints) > 0) {
		complaints_first(complaints, first, sizeof(first));
		fprintf(stderr, "%s: %s\n", s->type, first);
		abort();
	}
	complaints_free(complaints);
	if (secrets == NULL)
		t->env.secrets = secrets = secret_set_new();
	conf_secrets(s->receiver->fields, s->conf, secrets);
}

static const struct notice *
make_notice(void)
{
	static struct notice notice;
	struct incident *incident = &notice.incident;

	if (notice.type != NULL)
		return &notice;
	str_copy(notice.id, sizeof(notice.id), "msg_0123456789abcdefghijABCDEF");
	notice.type = xstrdup(incident_event_name(INCIDENT_OPENED));
	notice.reason = xstrdup("first");
	notice.at_us = INT64_C(1767323045) * USEC_PER_SEC;
	notice.sequence = 1;
	notice.severity = SEVERITY_CRITICAL;
	incident_init(incident);
	str_copy(incident->id, sizeof(incident->id), "3f9c2a7d41b8");
	incident->severity = SEVERITY_CRITICAL;
	xstrset(&incident->host, "web-1");
	xstrset(&incident->title, "api refuses connections");
	xstrset(&incident->check, "api");
	xstrset(&incident->rule, "check-down");
	incident->started_us = incident->detected_us = notice.at_us;
	return &notice;
}

static void
on_done(void *arg, const struct send_outcome *outcome)
{
	unsigned *verdicts = arg;

	++*verdicts;
	assert(outcome->result > SEND_NONE && outcome->result <= SEND_DISABLE);
	assert(outcome->text != NULL && str_is_utf8(outcome->text, strlen(outcome->text)));
	assert(strstr(outcome->text, SECRET) == NULL);
	assert(strstr(outcome->transcript, SECRET) == NULL);
	assert(outcome->retry_after_us >= 0);
}

static bool
is_over(void *arg)
{
	return *(const unsigned *)arg > 0;
}

static void
send_one(struct service *s, struct talk *t, json_t *memory)
{
	const struct send_job job = { .type = s->receiver,
		.conf = s->conf,
		.notice = make_notice(),
		.memory = memory,
		.env = &t->env,
		.daemon_name = "web-1",
		.receiver = "hook",
		.is_shown = true };
	unsigned verdicts = 0;

	send_run_start(&job, on_done, &verdicts);
	talk_until(t, is_over, &verdicts);
	assert(verdicts == 1);
	talk_hang_up(t);
	loop_turn(t->env.loop, false);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct talk talk;
	struct service *s;

	if (size < 1)
		return 0;
	if (talk.env.loop == NULL)
		talk_open(&talk, false);
	s = &services[data[0] % (sizeof(services) / sizeof(services[0]))];
	if (s->conf == NULL)
		configure(s, &talk);
	talk_say(&talk, data + 1, size - 1);
	send_one(s, &talk, NULL);
	return 0;
}
