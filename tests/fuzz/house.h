/*
 * A daemon without its loop's own life: settings in force and the rooms that the pipeline goes
 * through, on a clock that is turned by hand; nothing is written down, nothing is sent.
 */
#ifndef TESTS_FUZZ_HOUSE_H
#define TESTS_FUZZ_HOUSE_H

#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "deliver/daily.h"
#include "io/http.h"
#include "io/inbox.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/resolve.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "sched/sched.h"
#include "setup/settings.h"
#include "triage/triage.h"

#define HOUSE_WALL (INT64_C(1767323045) * USEC_PER_SEC)

/* For replay.c. */
const int fuzz_is_slow = 1;

struct house {
	struct clock clock;
	struct stats stats;
	struct io_env env;
	struct settings *settings;
	struct sched *sched;
	struct rules *rules;
	struct triage *triage;
	struct deliver *deliver;
	struct daily *daily;
};

static const char house_settings[] =
	"daemon: {name: web-1}\n"
	"checks:\n"
	"  api: {type: http, url: \"http://127.0.0.1:1/\", interval: 1h, needs: [db]}\n"
	"  db: {type: postgres, dsn: \"postgres://a:secret@127.0.0.1:1/shop\", interval: 1h}\n"
	"  job: {type: heartbeat, token: \"0123456789abcdef0123456789abcdef\", period: 1h}\n"
	"rules:\n"
	"  slow: {warning: \"avg(api.total_time, 5m) > 500ms\", for: 2m}\n"
	"  usual: {each: http, warning: \"this.total_time > baseline(this.total_time, 7d)\"}\n"
	"receivers:\n"
	"  hook: {type: webhook, url: \"http://127.0.0.1:1/hook\"}\n"
	"routes: [{to: hook, escalate: [{after: 5m, to: hook}]}]\n";

static inline struct settings *
house_load(struct house *h)
{
	const struct settings_context context = { .tls = h->env.tls, .judge = &expr_judge };
	struct complaints *complaints = complaints_new();
	int fd = memfd_create("settings", MFD_CLOEXEC);
	struct settings *settings;
	char path[40], first[300];

	if (fd == -1 || write(fd, house_settings, strlen(house_settings)) == -1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	settings = settings_load(path, &context, complaints);
	close(fd);
	if (settings == NULL) {
		complaints_first(complaints, first, sizeof(first));
		fprintf(stderr, "%s\n", first);
		abort();
	}
	complaints_free(complaints);
	return settings;
}

/* Once in the life of a process. */
static inline void
house_open(struct house *h)
{
	struct err e;

	memset(h, 0, sizeof(*h));
	signal(SIGPIPE, SIG_IGN);
	clock_init_fake(&h->clock, 1000 * USEC_PER_SEC, HOUSE_WALL);
	h->env.loop = loop_new(&h->clock, &e);
	if (h->env.loop == NULL)
		abort();
	h->env.resolver = resolver_new(h->env.loop, NULL);
	h->env.tls = tls_pool_new();
	h->env.http = http_client_new(h->env.loop, h->env.resolver, h->env.tls);
	h->env.inbox = inbox_new();
	h->env.offload = offload_new(h->env.loop);
	h->env.stats = &h->stats;
	h->env.host_root = "/";
	h->env.version = "1.2.3";
	h->settings = house_load(h);
	h->env.secrets = h->settings->secrets;
}

static inline void
house_on_sample(void *arg, const struct check_spec *check, const struct sample *sample,
	struct check_ties *ties)
{
	(void)ties;
	(void)arg;
	(void)check;
	(void)sample;
}

static inline void
house_on_child(void *arg, const struct check_spec *child, bool is_added)
{
	(void)arg;
	(void)child;
	(void)is_added;
}

/* What is kept can be written down. */
static inline void
house_keep(void *arg, const char *key, const json_t *doc)
{
	(void)arg;
	assert(key != NULL && key[0] != '\0');
	if (doc != NULL)
		free(json_dumps(doc, JSON_COMPACT));
}

static inline void
house_keep_kind(void *arg, const char *kind, const char *key, const json_t *doc)
{
	assert(kind[0] != '\0');
	house_keep(arg, key, doc);
}

static inline void
house_durable(void *arg, void (*fn)(void *arg2, bool is_durable), void *arg2)
{
	(void)arg;
	fn(arg2, true);
}

static inline void
house_on_trouble(void *arg, const char *receiver, const char *text)
{
	(void)arg;
	(void)receiver;
	(void)text;
}

static inline struct triage_moment
house_moment(const struct house *h)
{
	return (struct triage_moment){ loop_now(h->env.loop), loop_wall(h->env.loop) };
}

static inline void
house_on_incident(void *arg, const struct incident_event *event)
{
	const struct house *h = arg;
	const struct delivery_event delivery = { .type = event->type,
		.reason = event->reason,
		.incident = event->incident,
		.at_us = event->at_us };

	deliver_incident(h->deliver, &delivery);
}

static inline void
house_on_alert(void *arg, const struct alert_event *event)
{
	const struct house *h = arg;

	triage_alert(h->triage, event, loop_now(h->env.loop));
}

/* The rooms, empty: what was kept may be given back to them now. */
static inline void
house_begin(struct house *h)
{
	h->sched = sched_new(&(struct sched_options){ .env = &h->env,
		.judge = &expr_judge,
		.on_sample = house_on_sample,
		.on_child = house_on_child,
		.on_keep = house_keep,
		.arg = h });
	h->rules = rules_new(&(struct rules_options){
		.on_alert = house_on_alert, .on_keep = house_keep, .arg = h });
	h->triage = triage_new(&(struct triage_options){ .on_incident = house_on_incident,
		.on_keep = house_keep,
		.host = "web-1",
		.link_prefix = "http://127.0.0.1:8421/#/incidents/",
		.reopen_within_us = 10 * USEC_PER_MIN,
		.triage_wait_us = 5 * USEC_PER_SEC,
		.facts_wait_us = 5 * USEC_PER_SEC,
		.arg = h });
	h->deliver = deliver_new(&(struct deliver_options){ .env = &h->env,
		.daemon_name = "web-1",
		.on_keep = house_keep_kind,
		.when_durable = house_durable,
		.on_trouble = house_on_trouble,
		.arg = h });
	h->daily = daily_new(&(struct daily_options){
		.loop = h->env.loop, .deliver = h->deliver, .on_keep = house_keep_kind, .arg = h });
}

/* Settings come into force, as app_apply does it. */
static inline void
house_apply(struct house *h)
{
	const struct settings *s = h->settings;
	const struct check_spec *const *specs = (const struct check_spec *const *)s->checks;
	const struct receiver_spec *const *receivers =
		(const struct receiver_spec *const *)s->receivers;
	struct triage_moment at = house_moment(h);

	deliver_apply(h->deliver, receivers, s->receiver_count,
		(const struct route_spec *const *)s->routes, s->route_count);
	daily_apply(h->daily, receivers, s->receiver_count);
	triage_apply(h->triage, specs, s->check_count, s->playbooks, &at);
	sched_apply(h->sched, specs, s->check_count, NULL);
	sched_stop(h->sched); /* it shows them, and starts none */
	rules_apply(h->rules, s->rules, specs, s->check_count, at.now_us, at.wall_us);
}

static inline void
house_end(struct house *h)
{
	daily_free(h->daily);
	deliver_free(h->deliver);
	triage_free(h->triage);
	rules_free(h->rules);
	sched_free(h->sched);
	loop_turn(h->env.loop, false);
}

#endif
