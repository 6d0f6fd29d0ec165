/*
 * Beats.  Each place has its own state, all of them one clock.  A failure is logged when it begins
 * and when it ends; the next interval is the next try.
 */
#include "deliver/heartbeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "io/http.h"
#include "io/timer.h"
#include "io/url.h"

#define ROW           struct heartbeat_settings
#define LOOK_US       (5 * USEC_PER_SEC) /* how often it is looked whether it may beat again */
#define EAGER_US      USEC_PER_SEC       /* the same before the first beat */
#define TROUBLE_US    (10 * USEC_PER_MIN)
#define TROUBLE_FAILS 3
#define REPLY_MAX     4096
#define WHY_MAX       320 /* of why one failed */
#define KUMA_PATH     "/api/push/"
#define URLS_MAX      16

const struct conf_field heartbeat_fields[] = {
	{ "url", STRINGS_AT(ROW, url), .flags = CONF_MASKED,
		.doc = "What is asked for, by GET: one URL or a list. That of a healthchecks.io "
		       "check, of an Uptime Kuma push monitor (`status`, `msg` and `ping` are "
		       "filled in), or any other that answers 2xx. An empty one is left out.",
		.example = "\"${HC_URL}\"" },
	{ "interval", DURATION_AT(ROW, interval_us), .dflt = "60s", .min = "5s", .max = "1d",
		.doc = "How often; the outside should wait for two of them before it calls out." },
	{ "timeout", DURATION_AT(ROW, timeout_us), .dflt = "10s", .min = "1s", .max = "60s",
		.doc = "How long one try may take." },
	{ "stuck_after", DURATION_AT(ROW, stuck_after_us), .dflt = "10m", .min = "0", .max = "1d",
		.flags = CONF_ADVANCED,
		.doc = "It is silent when a notice has waited for so long and no receiver has "
		       "taken anything since; 0: never for that reason." },
	{ "ca", PATH_AT(ROW, ca), .flags = CONF_ADVANCED,
		.doc = "PEM file with the certificate authorities to trust, instead of the "
		       "system's." },
	{ "verify", BOOL_AT(ROW, verify), .dflt = "true", .flags = CONF_ADVANCED,
		.doc = "Whether the server's certificate is verified." },
	{ "proxy", URL_AT(ROW, proxy), .flags = CONF_ADVANCED,
		.doc = "HTTP or SOCKS5 proxy to go through.", .example = "http://proxy:3128" },
	{ .type = CONF_END },
};

/* ---- settings ---- */

static void
check_url(const struct heartbeat_settings *settings, const char *text, const struct conf_pos *pos,
	struct tls_pool *tls, struct complaints *complaints)
{
	const struct tls_options options = { .ca = settings->ca,
		.is_unverified = !settings->verify };
	struct url url;
	struct err e;

	if (url_parse(&url, text, &e) == -1) {
		complain(complaints, pos, "url: write https://host/path");
		return;
	}
	if (!str_eq(url.scheme, "http") && !str_eq(url.scheme, "https"))
		complain(complaints, pos, "url: must begin with https:// or http://");
	else if (str_eq(url.scheme, "https") && tls != NULL &&
		 tls_ctx_get(tls, &options, &e) == NULL)
		complain(complaints, pos, "%s: %s", settings->ca == NULL ? "url" : "ca", e.text);
	url_fini(&url);
}

void
heartbeat_check(const struct heartbeat_settings *settings, const struct conf_node *map,
	struct tls_pool *tls, struct complaints *complaints)
{
	const struct conf_node *url = map == NULL ? NULL : conf_get(map, "url");

	if (map == NULL || map->kind != CONF_MAP)
		return; /* none; or complained about already */
	if (url == NULL) {
		complain(complaints, &map->pos,
			"heartbeat: url is missing: what is to be asked for?");
		return;
	}
	if (settings->url.count > URLS_MAX)
		complain(complaints, &url->pos, "url: at most %d", URLS_MAX);
	for (size_t i = 0; i < settings->url.count; i++) {
		bool is_item = url->kind == CONF_LIST && url->count == settings->url.count;

		if (settings->url.all[i][0] != '\0')
			check_url(settings, settings->url.all[i],
				is_item ? &url->items[i]->pos : &url->pos, tls, complaints);
	}
}

void
heartbeat_secrets(const struct heartbeat_settings *settings, struct secret_set *set)
{
	for (size_t i = 0; i < settings->url.count; i++) {
		struct url url;
		char *last;

		if (url_parse(&url, settings->url.all[i], NULL) == -1)
			continue;
		url.target[strcspn(url.target, "?")] = '\0';
		secret_set_add(set, url.target);
		last = strrchr(url.target, '/');
		if (last != NULL && strlen(last) > 8)
			secret_set_add(set, last + 1);
		if (url.password != NULL)
			secret_set_add(set, url.password);
		url_fini(&url);
	}
}

/* ---- one place ---- */

struct beat {
	struct heartbeat *heartbeat;
	char *url; /* without the query of a push monitor, which is made for each beat */
	char *origin;
	struct url parsed;
	bool is_kuma;
	struct http_call *call; /* NULL: none is under way */
	usec_t last_ok_us;      /* wall */
	usec_t failing_us;      /* monotonic: the first failure in a row */
	unsigned fails;         /* in a row */
	uint64_t sent, failed;
	char last_error[200];
};

struct heartbeat {
	struct heartbeat_options options;
	struct loop *loop;
	const struct heartbeat_settings *settings; /* NULL: none yet */
	struct beat *beats;
	size_t count;
	struct timer timer;
	usec_t next_us; /* monotonic: the next beat; 0: as soon as it may */
	char withheld[200];
	uint64_t withheld_count;
	bool is_troubled, is_stopped;
};

static bool
is_in_trouble(const struct beat *beat)
{
	return beat->fails >= TROUBLE_FAILS &&
	       loop_now(beat->heartbeat->loop) - beat->failing_us >= TROUBLE_US;
}

/* Somebody outside believes us dead: people should know that it is only the way there. */
static void
tell_trouble(struct heartbeat *heartbeat)
{
	const struct beat *bad = NULL;
	char text[320];

	for (size_t i = 0; i < heartbeat->count && bad == NULL; i++)
		if (is_in_trouble(&heartbeat->beats[i]))
			bad = &heartbeat->beats[i];
	if ((bad != NULL) == heartbeat->is_troubled)
		return;
	heartbeat->is_troubled = bad != NULL;
	if (bad != NULL)
		snprintf(text, sizeof(text), "%s: %s", bad->origin, bad->last_error);
	heartbeat->options.on_trouble(heartbeat->options.arg, bad == NULL ? NULL : text);
}

static void
fare_well(struct beat *beat)
{
	if (beat->fails > 0)
		log_notice("heartbeat to %s: gets through again", beat->origin);
	beat->fails = 0;
	beat->sent++;
	beat->last_ok_us = loop_wall(beat->heartbeat->loop);
	beat->last_error[0] = '\0';
}

static void
fare_badly(struct beat *beat, const char *why)
{
	const struct heartbeat *heartbeat = beat->heartbeat;
	const struct io_env *env = heartbeat->options.env;
	char *text = xstrdup(why), every[32];

	if (env->secrets != NULL)
		secret_mask_cut(env->secrets, text, WHY_MAX);
	str_printable(beat->last_error, sizeof(beat->last_error), text, strlen(text));
	free(text);
	if (beat->fails++ == 0)
		beat->failing_us = loop_now(heartbeat->loop);
	beat->failed++;
	clock_format_duration(heartbeat->settings->interval_us, every, sizeof(every));
	log_write(beat->fails == 1 ? LOG_WARN : LOG_DEBUG,
		"heartbeat to %s: %s; tried again every %s", beat->origin, beat->last_error, every);
}

/* A push monitor says what it thinks in the body, whatever the status. */
static bool
is_refused(const struct http_reply *reply, char *why, size_t size)
{
	json_t *doc = json_loadb(
		buf_head(&reply->body), buf_left(&reply->body), JSON_REJECT_DUPLICATES, NULL);
	bool is_refused = json_is_false(json_object_get(doc, "ok"));
	const char *text = json_string_value(json_object_get(doc, "msg"));

	if (is_refused)
		snprintf(why, size, "it answers ok: false%s%s", text == NULL ? "" : ", ",
			text == NULL ? "" : text);
	json_decref(doc);
	return is_refused;
}

static void
on_reply(void *arg, const struct http_reply *reply)
{
	struct beat *beat = arg;
	char why[WHY_MAX];

	beat->call = NULL;
	if (reply->fault != FAULT_NONE)
		fare_badly(beat, reply->reason);
	else if (is_refused(reply, why, sizeof(why)))
		fare_badly(beat, why);
	else if (reply->status >= 200 && reply->status <= 299)
		fare_well(beat);
	else {
		snprintf(why, sizeof(why), "status %d%s", reply->status,
			reply->status >= 300 && reply->status <= 399
				? ": redirects are not followed; set url to the place it names"
				: "");
		fare_badly(beat, why);
	}
	tell_trouble(beat->heartbeat);
}

static char *
url_of(const struct beat *beat)
{
	const struct heartbeat_options *options = &beat->heartbeat->options;
	usec_t round_us;

	if (!beat->is_kuma)
		return xstrdup(beat->url);
	round_us = options->round_us == NULL ? 0 : options->round_us(options->arg);
	return xasprintf("%s?status=up&msg=OK&ping=%lld", beat->url,
		(long long)((round_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
}

static void
launch(struct beat *beat)
{
	const struct heartbeat_settings *settings = beat->heartbeat->settings;
	const struct io_env *env = beat->heartbeat->options.env;
	char agent[64], *url = url_of(beat);
	const struct http_header header = { "user-agent", agent };
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = &header,
		.header_count = 1,
		.auth = beat->parsed.user == NULL ? HTTP_AUTH_NONE : HTTP_AUTH_BASIC,
		.user = beat->parsed.user,
		.password = beat->parsed.password,
		.proxy = settings->proxy,
		.tls = { .ca = settings->ca, .is_unverified = !settings->verify },
		.body_max = REPLY_MAX,
		.timeout_us = settings->timeout_us,
	};

	/* The one before has not ended: the interval is shorter than the timeout. */
	http_call_cancel(beat->call);
	snprintf(agent, sizeof(agent), "triaged/%s", env->version);
	beat->call = http_call_start(env->http, &request, on_reply, beat);
	free(url);
}

/* ---- the clock ---- */

/* "" when it may beat. */
static void
find_doubt(struct heartbeat *heartbeat, char *why, size_t size)
{
	const struct heartbeat_options *options = &heartbeat->options;
	const char *doubt = options->doubt(options->arg);

	why[0] = '\0';
	if (doubt != NULL)
		str_copy(why, size, doubt);
	else if (heartbeat->settings->stuck_after_us > 0)
		deliver_is_stuck(options->deliver, heartbeat->settings->stuck_after_us, why, size);
}

static void
note_doubt(struct heartbeat *heartbeat, const char *why)
{
	if (str_eq(why, heartbeat->withheld))
		return;
	if (why[0] != '\0')
		log_write(heartbeat->next_us == 0 ? LOG_DEBUG : LOG_WARN, "heartbeat: silent: %s",
			why);
	else if (heartbeat->next_us != 0)
		log_notice("heartbeat: beats again");
	str_copy(heartbeat->withheld, sizeof(heartbeat->withheld), why);
}

static void
on_look(void *arg)
{
	struct heartbeat *heartbeat = arg;
	usec_t interval_us = heartbeat->settings->interval_us;
	usec_t now = loop_now(heartbeat->loop), pause_us = LOOK_US;
	bool is_due = now >= heartbeat->next_us;
	char why[200];

	find_doubt(heartbeat, why, sizeof(why));
	note_doubt(heartbeat, why);
	if (is_due && why[0] == '\0') {
		for (size_t i = 0; i < heartbeat->count; i++)
			launch(&heartbeat->beats[i]);
	} else if (is_due && heartbeat->next_us != 0) {
		heartbeat->withheld_count++;
	}
	if (is_due && (why[0] == '\0' || heartbeat->next_us != 0))
		heartbeat->next_us = now + interval_us;
	if (heartbeat->next_us == 0)
		pause_us = EAGER_US;
	else if (heartbeat->next_us - now < pause_us)
		pause_us = heartbeat->next_us - now;
	timer_after(&heartbeat->timer, pause_us);
}

/* ---- life ---- */

struct heartbeat *
heartbeat_new(const struct heartbeat_options *options)
{
	struct heartbeat *heartbeat = xcalloc(1, sizeof(*heartbeat));

	heartbeat->options = *options;
	heartbeat->loop = options->env->loop;
	timer_init(&heartbeat->timer, heartbeat->loop, on_look, heartbeat);
	return heartbeat;
}

static void
drop_beats(struct heartbeat *heartbeat)
{
	for (size_t i = 0; i < heartbeat->count; i++) {
		struct beat *beat = &heartbeat->beats[i];

		http_call_cancel(beat->call);
		url_fini(&beat->parsed);
		free(beat->origin);
		free(beat->url);
	}
	free(heartbeat->beats);
	heartbeat->beats = NULL;
	heartbeat->count = 0;
}

void
heartbeat_free(struct heartbeat *heartbeat)
{
	if (heartbeat == NULL)
		return;
	timer_stop(&heartbeat->timer);
	drop_beats(heartbeat);
	free(heartbeat);
}

static void
add_beat(struct heartbeat *heartbeat, const char *url)
{
	struct beat *beat = &heartbeat->beats[heartbeat->count];

	if (url[0] == '\0' || url_parse(&beat->parsed, url, NULL) == -1)
		return;
	beat->heartbeat = heartbeat;
	beat->origin = url_origin(&beat->parsed);
	beat->is_kuma = str_starts(beat->parsed.target, KUMA_PATH) ||
			strstr(beat->parsed.target, KUMA_PATH) != NULL;
	beat->url = xstrndup(url, beat->is_kuma ? strcspn(url, "?#") : strlen(url));
	heartbeat->count++;
}

void
heartbeat_apply(struct heartbeat *heartbeat, const struct heartbeat_settings *settings)
{
	const struct heartbeat_settings *old = heartbeat->settings;
	bool is_same = old != NULL && conf_same(heartbeat_fields, old, settings);

	heartbeat->settings = settings;
	if (is_same || heartbeat->is_stopped)
		return;
	timer_stop(&heartbeat->timer);
	drop_beats(heartbeat);
	heartbeat->beats = xcalloc(settings->url.count + 1, sizeof(*heartbeat->beats));
	for (size_t i = 0; i < settings->url.count; i++)
		add_beat(heartbeat, settings->url.all[i]);
	heartbeat->next_us = 0;
	heartbeat->withheld[0] = '\0';
	tell_trouble(heartbeat);
	if (heartbeat->count > 0)
		timer_after(&heartbeat->timer, EAGER_US);
}

void
heartbeat_stop(struct heartbeat *heartbeat)
{
	heartbeat->is_stopped = true;
	timer_stop(&heartbeat->timer);
	for (size_t i = 0; i < heartbeat->count; i++) {
		http_call_cancel(heartbeat->beats[i].call);
		heartbeat->beats[i].call = NULL;
	}
}

/* ---- views ---- */

size_t
heartbeat_count(const struct heartbeat *heartbeat)
{
	return heartbeat == NULL ? 0 : heartbeat->count;
}

bool
heartbeat_view(const struct heartbeat *heartbeat, size_t n, struct heartbeat_view *out)
{
	const struct beat *beat;

	if (n >= heartbeat_count(heartbeat))
		return false;
	beat = &heartbeat->beats[n];
	*out = (struct heartbeat_view){
		.origin = beat->origin,
		.form = beat->is_kuma ? "uptime-kuma" : "plain",
		.last_ok_us = beat->last_ok_us,
		.sent = beat->sent,
		.failed = beat->failed,
		.last_error = beat->last_error,
	};
	return true;
}

const char *
heartbeat_withheld(const struct heartbeat *heartbeat, uint64_t *count)
{
	*count = heartbeat->withheld_count;
	return heartbeat->withheld[0] == '\0' ? NULL : heartbeat->withheld;
}
