/*
 * Prometheus Alertmanager, API v2: every member of a cluster is told by itself, because they share
 * what they sent and not what they were told.
 *
 *	POST {url}/api/v2/alerts, a JSON array of alerts (alertmanager_body.h)
 *
 * Alertmanager keeps alerts in memory and lets them end when nobody repeats them: what is open is
 * told again every `refresh`, what ended for five minutes.  So one member that takes an alert is
 * enough for this try; the next refresh reaches the others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alertmanager_body.h"
#include "alerts/post.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"

#define MEMBERS_MAX 8
#define HOLDS       4 /* refreshes that may fail until an alert ends by itself */
#define LINGER_US   (5 * USEC_PER_MIN)
#define REFRESH_US  USEC_PER_MIN
#define PATH        "/api/v2/alerts"
#define REPLY_MAX   (16 * 1024)

struct alertmanager_conf {
	struct post_conf post; /* ca, verify, proxy, timeout: the same for all members */
	struct conf_strings urls;
	char *user, *password, *token;
	usec_t refresh_us;
	/* Made by check(). */
	struct post_conf members[MEMBERS_MAX];
	char *endpoints[MEMBERS_MAX];
	size_t member_count;
};

struct member {
	struct send_run *run;
	struct http_call *call;
	struct post_verdict verdict; /* result SEND_NONE: it has not answered */
	int status;
};

struct alertmanager_run {
	struct member members[MEMBERS_MAX];
	char *body; /* lent to all calls */
};

static const struct conf_field fields[] = {
	{ "url", STRINGS_AT(struct alertmanager_conf, urls), .flags = CONF_REQUIRED,
		.doc = "Base URL of Alertmanager.  Of a cluster: a list of all members (at most "
		       "8), not a load balancer.",
		.example = "[http://am-1:9093, http://am-2:9093]" },
	{ "user", STRING_AT(struct alertmanager_conf, user), .doc = "HTTP basic authentication." },
	{ "password", SECRET_AT(struct alertmanager_conf, password), .doc = "Password of `user`." },
	{ "token", SECRET_AT(struct alertmanager_conf, token),
		.doc = "Sent as `Authorization: Bearer`." },
	{ "refresh", DURATION_AT(struct alertmanager_conf, refresh_us), .dflt = "60s", .min = "1s",
		.max = "10m", .flags = CONF_ADVANCED,
		.doc = "How often open alerts are told again.  Four refreshes that fail, or the "
		       "death of this daemon, end them on the other side." },
	POST_ROWS(struct alertmanager_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"Every incident is one alert with the labels `alertname` (the rule), `severity`, `check`, "
	"`type`, `host`, `incident` and those of check and rule; the annotations are `summary`, "
	"`description`, `cause`, `cause_code`, `impact`, `remedy`, `facts`, `note` and "
	"`runbook_url`.  Open alerts are told again every minute, ended ones for five, so a "
	"restart of Alertmanager loses none.\n\n"
	"1. Give `url` every member of a cluster.  One that takes an alert is enough; the result "
	"names those that did not, and the next refresh tells them.\n"
	"2. Route by labels there, such as `severity=\"critical\"`.  When the severity changes, "
	"the alert with the old one ends.\n"
	"3. In a silence made there, take the matcher `incident` out: with it, the silence ends "
	"with this incident.\n"
	"4. `repeat_interval` of triaged's own route says nothing here: Alertmanager has its own.";

/* ---- settings ---- */

static char *
endpoint(const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len >= strlen(PATH) && strncmp(url + len - strlen(PATH), PATH, strlen(PATH)) == 0)
		len -= strlen(PATH);
	return xasprintf("%.*s" PATH, (int)len, url);
}

static void
check_member(struct alertmanager_conf *conf, char *url, const struct conf_node *map,
	struct tls_pool *tls, struct complaints *complaints)
{
	struct post_conf *member = &conf->members[conf->member_count];
	struct conf_pos at = conf_pos_of(map, "url");

	*member = conf->post;
	member->url = url;
	post_check(member, map, tls, complaints);
	conf->endpoints[conf->member_count++] = endpoint(url);
	if (member->parsed.user != NULL || member->parsed.password != NULL)
		complain(complaints, &at,
			"url: write the user and the password under `user` and `password`");
	else if (strpbrk(url, "?#") != NULL)
		complain(complaints, &at, "url: give the base, without a query");
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct alertmanager_conf *conf = arg;
	struct conf_pos url = conf_pos_of(map, "url"), user = conf_pos_of(map, "user");

	if (conf->urls.count == 0 && conf_get(map, "url") != NULL)
		complain(complaints, &url, "url: no member is named");
	if (conf->urls.count > MEMBERS_MAX)
		complain(complaints, &url, "url: at most %d members", MEMBERS_MAX);
	for (size_t i = 0; i < conf->urls.count && i < MEMBERS_MAX; i++)
		check_member(conf, conf->urls.all[i], map, tls, complaints);
	if (conf->token != NULL && conf->user != NULL)
		complain(complaints, &user, "user: there is a token already; one of the two");
	if (conf->password != NULL && conf->user == NULL)
		complain(complaints, &user, "password: there is no `user` to it");
}

static void
release(void *arg)
{
	struct alertmanager_conf *conf = arg;

	for (size_t i = 0; i < conf->member_count; i++) {
		post_release(&conf->members[i]);
		free(conf->endpoints[i]);
	}
	conf->member_count = 0;
}

static void
target(const void *arg, char *out, size_t size)
{
	const struct alertmanager_conf *conf = arg;
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < conf->member_count && len < size; i++) {
		const char *origin = conf->members[i].origin;

		snprintf(out + len, size - len, "%s%s", i == 0 ? "" : ", ",
			origin == NULL ? "?" : origin);
		len = strlen(out);
	}
}

static usec_t
refresh(const void *arg)
{
	const struct alertmanager_conf *conf = arg;

	return conf->refresh_us;
}

/* ---- what it comes to ---- */

/* One that took it is enough; else any that may take it later; else what the first one says. */
static const struct member *
decisive(const struct alertmanager_run *state, size_t count)
{
	const struct member *best = &state->members[0];

	for (size_t i = 1; i < count; i++) {
		const struct member *member = &state->members[i];
		enum send_result result = member->verdict.result;

		if (best->verdict.result == SEND_OK)
			break;
		if (result == SEND_OK ||
			(result == SEND_LATER && best->verdict.result != SEND_LATER) ||
			(result == SEND_NEVER && best->verdict.result == SEND_DISABLE))
			best = member;
	}
	return best;
}

/* What was asked for by all that may take it later: the first that is ready is enough. */
static usec_t
shortest_wait(const struct alertmanager_run *state, size_t count)
{
	usec_t wait = INT64_MAX;

	for (size_t i = 0; i < count; i++) {
		const struct post_verdict *verdict = &state->members[i].verdict;

		if (verdict->result == SEND_LATER && verdict->retry_after_us < wait)
			wait = verdict->retry_after_us;
	}
	return wait == INT64_MAX ? 0 : wait;
}

static void
say_failures(
	const struct send_run *run, const struct alertmanager_run *state, char *out, size_t size)
{
	const struct alertmanager_conf *conf = send_conf(run);
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < conf->member_count && len < size; i++) {
		const struct member *member = &state->members[i];
		char status[24] = "";

		if (member->verdict.result == SEND_OK)
			continue;
		if (member->status > 0)
			snprintf(status, sizeof(status), "status %d%s", member->status,
				member->verdict.words[0] != '\0' ? ": " : "");
		snprintf(out + len, size - len, "%s%s: %s%s", len == 0 ? "" : "; ",
			conf->members[i].origin, status, member->verdict.words);
		len = strlen(out);
	}
}

/* Under which labels it was told: when they change, these end.  A refresh changes none. */
static void
remember(struct send_run *run)
{
	const struct notice *notice = send_notice(run);
	json_t *memory;
	size_t count;

	send_notices(run, &count);
	if (count != 1 || notice->incident.id[0] == '\0')
		return;
	memory = json_object();
	json_object_set_new(memory, "labels", alertmanager_labels(notice));
	send_remember(run, memory);
}

static void
conclude(struct send_run *run)
{
	const struct alertmanager_conf *conf = send_conf(run);
	const struct alertmanager_run *state = send_state(run);
	const struct member *best = decisive(state, conf->member_count);
	size_t took = 0;
	char failures[400];

	for (size_t i = 0; i < conf->member_count; i++) {
		if (state->members[i].verdict.result == SEND_NONE)
			return;
		took += state->members[i].verdict.result == SEND_OK;
	}
	say_failures(run, state, failures, sizeof(failures));
	if (took == 0) {
		send_blame(run, best->verdict.why);
		send_done(run, best->verdict.result, shortest_wait(state, conf->member_count), "%s",
			failures);
		return;
	}
	remember(run);
	if (took < conf->member_count)
		send_done(run, SEND_OK, 0, "taken by %zu of %zu members; %s", took,
			conf->member_count, failures);
	else if (took > 1)
		send_done(run, SEND_OK, 0, "taken by all %zu members", took);
	else
		send_done(run, SEND_OK, 0, "%s: status %d", conf->members[0].origin, best->status);
}

/* ---- one try ---- */

static void
on_reply(void *arg, const struct http_reply *reply)
{
	struct member *member = arg;

	member->call = NULL;
	member->status = reply->fault == FAULT_NONE ? reply->status : 0;
	post_judge_reply(member->run, reply, &member->verdict);
	if (member->verdict.result == SEND_OK && post_is_page(reply)) {
		member->verdict = (struct post_verdict){ SEND_LATER, SEND_CLASS_SERVER, 0,
			"a page, and no answer of Alertmanager; is url right, or does something "
			"stand in between?" };
	}
	conclude(member->run);
}

static char *
make_body(struct send_run *run)
{
	const struct alertmanager_conf *conf = send_conf(run);
	const struct alertmanager_letter letter = {
		.daemon_name = send_daemon_name(run),
		.language = send_language(run),
		.now_us = loop_wall(send_env(run)->loop),
		.hold_us = HOLDS * conf->refresh_us,
	};
	size_t count;
	const struct notice *const *notices = send_notices(run, &count);
	const json_t *told = count == 1 ? json_object_get(send_memory(run), "labels") : NULL;
	json_t *alerts = json_array();
	char *body;

	for (size_t i = 0; i < count; i++)
		alertmanager_add(alerts, &letter, notices[i], told);
	body = json_dumps(alerts, JSON_COMPACT);
	json_decref(alerts);
	return body;
}

static void
ask(struct send_run *run, size_t which)
{
	const struct alertmanager_conf *conf = send_conf(run);
	const struct post_conf *to = &conf->members[which];
	struct alertmanager_run *state = send_state(run);
	struct member *member = &state->members[which];
	char agent[64], line[320];
	const struct http_header headers[] = {
		{ "content-type", "application/json" },
		{ "user-agent", agent },
	};
	const struct http_request request = {
		.method = "POST",
		.url = conf->endpoints[which],
		.headers = headers,
		.header_count = sizeof(headers) / sizeof(headers[0]),
		.body = state->body,
		.body_len = strlen(state->body),
		.auth = conf->token != NULL  ? HTTP_AUTH_BEARER
			: conf->user != NULL ? HTTP_AUTH_BASIC
					     : HTTP_AUTH_NONE,
		.user = conf->user,
		.password = conf->token != NULL ? conf->token : conf->password,
		.proxy = to->proxy,
		.tls = { .ca = to->ca, .is_unverified = !to->verify },
		.body_max = REPLY_MAX,
		.timeout_us = to->timeout_us,
	};

	snprintf(agent, sizeof(agent), "triaged/%s", send_env(run)->version);
	snprintf(line, sizeof(line), "POST %s" PATH ", %zu bytes", to->origin, strlen(state->body));
	send_show(run, '>', line, strlen(line));
	member->run = run;
	member->call = http_call_start(send_env(run)->http, &request, on_reply, member);
}

static void
start(struct send_run *run)
{
	const struct alertmanager_conf *conf = send_conf(run);
	struct alertmanager_run *state = send_state(run);

	post_hide_login(run, conf->user, conf->password);
	state->body = make_body(run);
	for (size_t i = 0; i < conf->member_count; i++)
		ask(run, i);
	send_show(run, '>', state->body, strlen(state->body));
}

static void
stop(struct send_run *run)
{
	struct alertmanager_run *state = send_state(run);

	for (size_t i = 0; i < MEMBERS_MAX; i++) {
		http_call_cancel(state->members[i].call);
		state->members[i].call = NULL;
	}
	free(state->body);
	state->body = NULL;
}

const struct receiver_type receiver_type_alertmanager = {
	.name = "alertmanager",
	.summary = "Prometheus Alertmanager, all members of a cluster.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct alertmanager_conf),
	.run_size = sizeof(struct alertmanager_run),
	.rate_per_second = 10,
	.burst = 20,
	.timeout_us = POST_TIMEOUT_US,
	.refresh_us = REFRESH_US,
	.linger_us = LINGER_US,
	.refresh = refresh,
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.stop = stop,
};
