/*
 * Is the answer what was asked for?  From the outside in: status, version, headers, completeness,
 * JSON, text, time; the first thing that is not so is the verdict.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/http_health.h"
#include "probes/http_run.h"

#define SHOWN_BODY_MAX 512
#define HEADER_MAX     1024
#define BLAME_MAX      300
#define BASIC          "\r\nAuthorization: Basic "

bool
http_answer_header(const struct http_answer *answer, const char *name, char *out, size_t size)
{
	const char *value;

	if (answer->full != NULL)
		return http_reply_header(answer->full, name, out, size);
	value = http1_header(answer->plain, name);
	if (value != NULL)
		str_copy(out, size, value);
	return value != NULL;
}

/* Applications in debugging mode show the request: what we logged in with must not be seen. */
static void
hide_secrets(struct probe_run *run, char *text)
{
	const struct http_conf *conf = probe_conf(run);
	const char *login = conf->request != NULL ? strstr(conf->request, BASIC) : NULL;
	struct secret_set *set;
	char *coded;

	if (probe_env(run)->secrets != NULL)
		secret_mask(probe_env(run)->secrets, text);
	if (login == NULL)
		return;
	login += strlen(BASIC);
	coded = xstrndup(login, strcspn(login, "\r"));
	set = secret_set_new();
	secret_set_add(set, coded);
	secret_mask(set, text);
	secret_set_free(set);
	secret_wipe(coded, strlen(coded));
	free(coded);
}

static void
show_evidence(struct probe_run *run, const struct http_answer *answer)
{
	char shown[2 * SHOWN_BODY_MAX + 1], server[128];
	size_t len = answer->body_len < sizeof(shown) - 1 ? answer->body_len : sizeof(shown) - 1;

	if (len > 0) {
		str_printable(shown, sizeof(shown), answer->body, len);
		hide_secrets(run, shown); /* before it is cut: half a secret is one, too */
		shown[SHOWN_BODY_MAX] = '\0';
		probe_fact(run, "body", "%s", shown);
	}
	if (http_answer_header(answer, "Server", server, sizeof(server)))
		probe_fact(run, "server", "%s", server);
	http_report(run, true);
}

#define FAIL(run, answer, cause, ...)                                                              \
	do {                                                                                       \
		show_evidence(run, answer);                                                        \
		probe_fail(run, cause, __VA_ARGS__);                                               \
	} while (0)

static bool
is_status_wanted(const struct http_wants *wants, int status)
{
	if (wants == NULL || wants->status_count == 0)
		return status >= 200 && status <= 299;
	for (size_t i = 0; i < wants->status_count; i++)
		if (status >= wants->status[i].low && status <= wants->status[i].high)
			return true;
	return false;
}

const char *
http_status_cause(int status)
{
	static const struct {
		int low, high;
		const char *cause;
	} rows[] = {
		{ 401, 401, "http.401" },
		{ 403, 403, "http.403" },
		{ 404, 404, "http.404" },
		{ 407, 407, "http.proxy" },
		{ 429, 429, "http.429" },
		{ 400, 499, "http.4xx" },
		{ 502, 502, "http.502" },
		{ 503, 503, "http.503" },
		{ 504, 504, "http.504" },
		{ 500, 599, "http.5xx" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (status >= rows[i].low && status <= rows[i].high)
			return rows[i].cause;
	return "http.status";
}

static void
wanted_statuses(const struct http_conf *conf, char *out, size_t size)
{
	const struct conf_strings *all = &conf->expect.status;
	struct buf text;

	buf_init(&text, 256);
	for (size_t i = 0; i < all->count; i++)
		buf_addf(&text, "%s%s",
			i == 0               ? ""
			: i + 1 < all->count ? ", "
					     : " or ",
			all->all[i]);
	str_copy(out, size, all->count > 0 ? buf_text(&text) : "200-299");
	buf_fini(&text);
}

/* The parts that the application itself blames: "; db is DOWN", or nothing. */
static void
blame(struct probe_run *run, const struct http_answer *answer, char *out, size_t size)
{
	char part[BLAME_MAX];

	out[0] = '\0';
	if (!http_health_read(answer->body, answer->body_len, part, sizeof(part)))
		return;
	snprintf(out, size, "; %s", part);
	probe_fact(run, "component", "%s", part);
}

/* A report of 200 may still name a part that is not well: said, but not down. */
static void
note_parts(struct probe_run *run, const struct http_answer *answer)
{
	char part[BLAME_MAX];

	if (http_health_read(answer->body, answer->body_len, part, sizeof(part)))
		probe_note(run, "http.component", "%s", part);
}

/* What web servers say to plain HTTP on a TLS port. */
static bool
is_plain_on_tls_port(const struct http_answer *answer)
{
	static const char *const words[] = { "plain HTTP request was sent to HTTPS port",
		"HTTP request to an HTTPS server", "speaking plain HTTP to an SSL-enabled" };

	if (answer->status != 400)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(answer->body, words[i]) != NULL)
			return true;
	return false;
}

static bool
status_is_good(struct probe_run *run, const struct http_answer *answer)
{
	const struct http_conf *conf = probe_conf(run);
	char wanted[200], retry[64], part[BLAME_MAX + 2];

	if (is_status_wanted(conf->wants, answer->status))
		return true;
	if (is_plain_on_tls_port(answer)) {
		FAIL(run, answer, "net.tls-required",
			"status 400: plain HTTP was sent to an HTTPS port");
		return false;
	}
	if (http_answer_header(answer, "Retry-After", retry, sizeof(retry)))
		probe_fact(run, "retry-after", "%s", retry);
	wanted_statuses(conf, wanted, sizeof(wanted));
	blame(run, answer, part, sizeof(part));
	FAIL(run, answer, http_status_cause(answer->status), "status %d%s, wanted %s%s",
		answer->status,
		answer->status == 407 ? " from the proxy: it wants a login"
		: conf->proxy != NULL ? " through the proxy, whose own word this may be"
				      : "",
		wanted, part);
	return false;
}

static bool
version_is_good(struct probe_run *run, const struct http_answer *answer)
{
	static const int numbers[] = { [HTTP_1_0] = 10, [HTTP_1_1] = 11, [HTTP_2] = 20 };
	const struct http_conf *conf = probe_conf(run);
	int wanted = conf->expect.version;

	if (wanted == HTTP_ANY || answer->version == numbers[wanted])
		return true;
	FAIL(run, answer, "http.version-mismatch", "HTTP/%d.%d answered, wanted HTTP/%s",
		answer->version / 10, answer->version % 10, http_version_names[wanted]);
	return false;
}

static bool
matches(const regex_t *re, const char *text, size_t len)
{
	regmatch_t span = { .rm_so = 0, .rm_eo = (regoff_t)len };

	return regexec(re, text, 1, &span, REG_STARTEND) == 0;
}

static bool
headers_are_good(struct probe_run *run, const struct http_answer *answer)
{
	const struct http_conf *conf = probe_conf(run);
	const struct conf_pair *pairs = conf->expect.header.all;
	char value[HEADER_MAX], shown[128];

	for (size_t i = 0; conf->wants != NULL && i < conf->wants->header_count; i++) {
		if (!http_answer_header(answer, pairs[i].name, value, sizeof(value))) {
			FAIL(run, answer, "http.header-mismatch", "no header %s, wanted %s",
				pairs[i].name, pairs[i].value);
			return false;
		}
		if (matches(&conf->wants->header[i], value, strlen(value)))
			continue;
		str_printable(shown, sizeof(shown), value, strlen(value));
		FAIL(run, answer, "http.header-mismatch", "%s is \"%s\", wanted %s", pairs[i].name,
			shown, pairs[i].value);
		return false;
	}
	return true;
}

static bool
is_html(const struct http_answer *answer)
{
	char type[128];
	const char *at = answer->body;

	if (http_answer_header(answer, "Content-Type", type, sizeof(type)) &&
		strcasestr(type, "html") != NULL)
		return true;
	while (isspace((unsigned char)*at))
		at++;
	return *at == '<';
}

/* What the application says about itself: ": <message>", or nothing. */
static void
message_of(const json_t *doc, char *out, size_t size)
{
	static const char *const keys[] = { "message", "msg", "errMsg", "error", "detail",
		"output" };

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text = json_string_value(json_object_get(doc, keys[i]));

		if (text == NULL || text[0] == '\0')
			continue;
		snprintf(out, size, ": ");
		str_copy(out + 2, size - 2, text);
		return;
	}
}

static bool
document_is_good(struct probe_run *run, const struct http_answer *answer, const json_t *doc)
{
	const struct http_conf *conf = probe_conf(run);
	const struct judge *judge = probe_judge(run);
	char found[160], message[128], part[BLAME_MAX + 2];

	for (size_t i = 0; i < conf->wants->json_count; i++) {
		found[0] = '\0';
		if (judge->look(conf->wants->json[i], doc, found, sizeof(found)) == VERDICT_TRUE)
			continue;
		message_of(doc, message, sizeof(message));
		blame(run, answer, part, sizeof(part));
		FAIL(run, answer, "http.json-false", "%s, wanted: %s%s%s",
			found[0] != '\0' ? found : "not so", conf->expect.json.all[i], message,
			part);
		return false;
	}
	return true;
}

static bool
json_is_good(struct probe_run *run, const struct http_answer *answer)
{
	const struct http_conf *conf = probe_conf(run);
	json_error_t why;
	json_t *doc;
	bool is_good;

	if (conf->wants == NULL || conf->wants->json_count == 0 || probe_judge(run) == NULL)
		return true;
	doc = json_loadb(answer->body, answer->body_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (doc != NULL) {
		is_good = document_is_good(run, answer, doc);
		json_decref(doc);
		return is_good;
	}
	if (is_html(answer))
		FAIL(run, answer, "http.content-type", "the answer is HTML, wanted JSON");
	else if (answer->is_cut)
		FAIL(run, answer, "http.json-invalid",
			"the body is longer than max_body (%lld bytes): not all of the JSON was "
			"read",
			(long long)conf->max_body);
	else if (answer->body_len == 0)
		FAIL(run, answer, "http.json-invalid", "the body is empty, wanted JSON");
	else
		FAIL(run, answer, "http.json-invalid",
			"the body is not JSON: line %d column %d: %s", why.line, why.column,
			why.text);
	return false;
}

/* Restarts are no failure: they are counted, and a rule tells of them. */
static void
note_restart(struct probe_run *run, const struct http_answer *answer)
{
	const struct http_conf *conf = probe_conf(run);
	char value[HTTP_TRACK_MAX];
	usec_t now;

	if (conf->track == NULL)
		return;
	now = loop_now(probe_env(run)->loop);
	struct http_track *track =
		&((struct http_memory *)probe_memory(run, sizeof(struct http_memory)))->track;
	json_t *doc = json_loadb(answer->body, answer->body_len, JSON_ALLOW_NUL, NULL);
	if (http_track_find(doc, conf->track, value, sizeof(value)))
		http_track_see(track, value, now);
	json_decref(doc);
	if (!track->is_known)
		return;
	probe_value(run, HTTP_RESTARTS, track->total);
	probe_value(run, HTTP_RESTARTS_HOUR, http_track_hour(track, now));
	if (track->at_us[0] == 0)
		return;
	probe_value(run, HTTP_RESTART_AGE, (double)(now - track->at_us[0]) / USEC_PER_SEC);
	if (now - track->at_us[0] < USEC_PER_HOUR)
		probe_fact(run, "restart", "%s was %s, is %s", conf->track, track->before,
			track->value);
}

static bool
body_is_good(struct probe_run *run, const struct http_answer *answer)
{
	const struct http_conf *conf = probe_conf(run);
	const struct http_wants *wants = conf->wants;

	if (wants == NULL)
		return true;
	if (wants->body != NULL && !matches(wants->body, answer->body, answer->body_len)) {
		if (answer->is_cut)
			FAIL(run, answer, "http.body-mismatch",
				"the first %lld bytes of the body (max_body) do not match /%s/",
				(long long)conf->max_body, conf->expect.body);
		else
			FAIL(run, answer, "http.body-mismatch", "the body does not match /%s/",
				conf->expect.body);
		return false;
	}
	if (wants->not_body != NULL && matches(wants->not_body, answer->body, answer->body_len)) {
		FAIL(run, answer, "http.body-mismatch", "the body matches /%s/, which it must not",
			conf->expect.not_body);
		return false;
	}
	return true;
}

static bool
time_is_good(struct probe_run *run, const struct http_answer *answer)
{
	static const struct {
		enum metric_phase phase;
		const char *name;
	} phases[] = {
		{ PHASE_DNS, "the name look-up" },
		{ PHASE_CONNECT, "connecting" },
		{ PHASE_TLS, "the TLS handshake" },
		{ PHASE_FIRST_BYTE, "waiting for the first byte" },
		{ PHASE_TRANSFER, "the transfer" },
	};
	const struct http_conf *conf = probe_conf(run);
	const struct http_run *state = probe_state(run);
	char shown[32], wanted[32], worst_time[32];
	size_t worst = 0;
	usec_t took;

	if (conf->expect.max_time_us == 0)
		return true;
	took = loop_now(probe_env(run)->loop) - state->started_us;
	if (took <= conf->expect.max_time_us)
		return true;
	for (size_t i = 1; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (state->phase_us[phases[i].phase] > state->phase_us[phases[worst].phase])
			worst = i;
	clock_format_duration(took, shown, sizeof(shown));
	clock_format_duration(conf->expect.max_time_us, wanted, sizeof(wanted));
	clock_format_duration(state->phase_us[phases[worst].phase], worst_time, sizeof(worst_time));
	FAIL(run, answer, "http.slow", "answered in %s, wanted within %s; %s took %s", shown,
		wanted, phases[worst].name, worst_time);
	return false;
}

void
http_judge(struct probe_run *run, const struct http_answer *answer)
{
	probe_value(run, HTTP_STATUS, answer->status);
	probe_value(run, HTTP_BODY_BYTES, answer->body_bytes);
	if (!status_is_good(run, answer) || !version_is_good(run, answer) ||
		!headers_are_good(run, answer))
		return;
	if (answer->is_truncated) {
		FAIL(run, answer, "http.truncated",
			"status %d, but the body broke off after %zu bytes", answer->status,
			answer->body_len);
		return;
	}
	if (!json_is_good(run, answer) || !body_is_good(run, answer) || !time_is_good(run, answer))
		return;
	http_report(run, false);
	note_restart(run, answer);
	note_parts(run, answer);
	((struct http_run *)probe_state(run))->is_good = true;
	probe_ok(run, "status %d", answer->status);
}
