/* One service of the project: which checks it becomes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/value.h"
#include "setup/init.h"
#include "setup/init_health.h"
#include "setup/init_kinds.h"

#define PORTS_PER_SERVICE 8 /* more are counted, and not written */
#define COMMAND_MAX       80
#define SSH_PORT          22

struct work {
	struct init_plan *plan;
	const struct compose_service *service;
	const struct init_kind *kind; /* NULL: not known */
};

/* --- what all of them have --- */

/* Its image without the digest, which tells people nothing. */
static char *
origin(const struct compose_service *service)
{
	if (service->image == NULL)
		return xstrdup("built here");
	return xstrndup(service->image, strcspn(service->image, "@"));
}

static bool
is_in_range(const char *duration, usec_t least, usec_t most)
{
	usec_t us;
	return duration != NULL && value_duration(duration, &us, NULL) == 0 && us >= least &&
	       us <= most;
}

/* The healthcheck's own numbers; what it does not say stays ours. */
static void
add_times(struct init_check *check, const struct compose_health *health)
{
	if (health->is_disabled)
		return;
	if (is_in_range(health->interval, 100 * USEC_PER_MSEC, 7 * USEC_PER_DAY))
		init_key(check, "interval", health->interval);
	if (is_in_range(health->timeout, 10 * USEC_PER_MSEC, 10 * USEC_PER_MIN))
		init_key(check, "timeout", health->timeout);
	if (health->retries > 0)
		buf_addf(&check->keys, "retries: %u\n", health->retries);
	if (is_in_range(health->start_period, 1, 7 * USEC_PER_DAY))
		init_key(check, "start_period", health->start_period);
}

static struct init_check *
begin(const struct work *w, const char *name, const char *type)
{
	bool is_first = init_check_of(w->plan, w->service) == NULL;
	struct init_check *check = init_check_new(w->plan, name, type);
	check->service = w->service;
	check->from = origin(w->service);
	init_about(check, "Service %s, %s%s.", w->service->name,
		w->service->image != NULL ? "image " : "", check->from);
	if (is_first && w->kind != NULL && w->kind->note != NULL && str_eq(type, w->kind->type))
		init_about(check, "%s", w->kind->note);
	if (!str_eq(check->name, name) && str_eq(w->service->name, name))
		init_guess(w->plan, "%s is called %s here: a name must be a word of its own", name,
			check->name);
	return check;
}

static void
set_off(const struct work *w, struct init_check *check, unsigned port)
{
	check->is_off = true;
	init_about(check,
		"Not measured yet: its port %u is not published on this host.  Publish it in "
		"compose (\"127.0.0.1:%u:%u\"), remove `enabled: false` and name it under `needs` "
		"of what needs it, or run triaged as a service beside it: `triage init --sidecar`.",
		port, port, port);
	init_guess(w->plan,
		"%s: port %u is not published here, so its check is off: publish it for this host "
		"(\"127.0.0.1:%u:%u\"), or see `triage init --sidecar`",
		check->name, port, port, port);
}

/* One with profiles starts only when COMPOSE_PROFILES names one of them. */
static bool
is_inactive(const struct compose *compose, const struct compose_service *service)
{
	const char *active = compose_lookup(compose, "COMPOSE_PROFILES");
	if (service->profiles.count == 0)
		return false;
	while (active != NULL && *active != '\0') {
		size_t len = strcspn(active, ",");
		char *name = xstrndup(active, len);
		bool is_active = str_eq(name, "*") || compose_has_word(&service->profiles, name);
		free(name);
		if (is_active)
			return false;
		active += len + (active[len] == ',');
	}
	return true;
}

/* Ends a check: times, profiles, and whether it can be reached at all. */
static void
finish(const struct work *w, struct init_check *check, bool is_reached, unsigned port)
{
	const struct compose_service *service = w->service;
	add_times(check, &service->health);
	if (!is_reached)
		set_off(w, check, port);
	if (is_inactive(w->plan->compose, service)) {
		check->is_off = true;
		init_about(check,
			"Only started with the profile \"%s\": switch it on if you use it.",
			service->profiles.all[0]);
		init_guess(w->plan, "%s belongs to the profile %s, so its check is off",
			check->name, service->profiles.all[0]);
	}
	if (check->is_off)
		buf_add_text(&check->keys, "enabled: false\n");
}

/* The port of its kind, or else the first one that is in reach; the one for SSH of a program with
 * pages is not it. */
static unsigned
main_port(const struct work *w)
{
	const struct compose_service *service = w->service;
	char host[256];
	unsigned port;
	if (init_place(w->plan, service, w->kind->port, host, &port))
		return w->kind->port;
	for (size_t i = 0; i < service->port_count; i++)
		if (!service->ports[i].is_udp && service->ports[i].first != SSH_PORT &&
			init_place(w->plan, service, service->ports[i].first, host, &port))
			return service->ports[i].first;
	return w->kind->port;
}

/* --- databases --- */

static void
plan_login(const struct work *w)
{
	struct init_plan *plan = w->plan;
	struct init_login login = { 0 };
	char host[256];
	unsigned port;
	unsigned target = main_port(w);
	bool is_reached = init_place(plan, w->service, target, host, &port);
	struct init_check *check = begin(w, w->service->name, w->kind->type);
	size_t fills = plan->fill_count;
	init_login_find(plan, w->service, w->kind, &login);
	char *dsn = init_dsn(plan, w->kind->type, &login, host, port);
	for (size_t i = fills; i < plan->fill_count; i++)
		init_about_fill(plan, check, &plan->fills[i]);
	init_key(check, str_eq(w->kind->type, "redis") ? "url" : "dsn", dsn);
	check->db = login.database.value != NULL ? (unsigned)strtoul(login.database.value, NULL, 10)
						 : 0;
	check->target = xasprintf("%s:%u%s%s", host, port, login.database.value != NULL ? "/" : "",
		login.database.value != NULL ? login.database.value : "");
	free(dsn);
	init_login_fini(&login);
	finish(w, check, is_reached, target);
}

/* --- HTTP --- */

/* A path whose query has a token: by a name; owned. */
static char *
path_of(const struct work *w, struct init_check *check, const char *path)
{
	const struct compose_service *service = w->service;
	size_t fills = w->plan->fill_count, len;
	const char *value;
	struct buf out;
	buf_init(&out, 0);
	while ((value = secret_in_query(path, &len)) != NULL) {
		char *plain = xstrndup(value, len);
		struct init_text text = init_secret(
			w->plan, service, plain, "HEALTHCHECK_TOKEN", &service->health.pos);
		buf_add(&out, path, (size_t)(value - path));
		buf_add_text(&out, text.text);
		init_text_fini(&text);
		secret_wipe(plain, len);
		free(plain);
		path = value + len;
	}
	buf_add_text(&out, path);
	for (size_t i = fills; i < w->plan->fill_count; i++)
		init_about_fill(w->plan, check, &w->plan->fills[i]);
	return buf_take_text(&out);
}

static void
add_url(const struct work *w, struct init_check *check, const struct init_asked *asked,
	const char *host, unsigned port)
{
	char *path = path_of(w, check, asked->path);
	bool is_v6 = strchr(host, ':') != NULL;
	char *url = xasprintf("%s://%s%s%s:%u%s", asked->is_https ? "https" : "http",
		is_v6 ? "[" : "", host, is_v6 ? "]" : "", port, path);
	init_key(check, "url", url);
	check->target = xstrdup(url);
	free(url);
	free(path);
}

/* What its healthcheck asks for, from where the daemon is. */
static bool
plan_asked(const struct work *w)
{
	struct init_asked asked;
	char host[256];
	unsigned port;
	if (!init_asked_of(w->service, &asked) ||
		(!init_is_self(asked.host) &&
			compose_find(w->plan->compose, asked.host) != w->service))
		return false;
	bool is_reached = init_place(w->plan, w->service, asked.port, host, &port);
	struct init_check *check = begin(w, w->service->name, "http");
	init_about(check, "As its healthcheck asks.");
	add_url(w, check, &asked, host, port);
	if (*asked.json != '\0')
		buf_addf(&check->keys, "expect: { json: %s }\n", asked.json);
	else if (w->kind != NULL && w->kind->expect != NULL && str_eq(asked.path, w->kind->path))
		buf_addf(&check->keys, "expect: %s\n", w->kind->expect);
	if (asked.is_lax)
		buf_add_text(&check->keys, "verify: false\n");
	if (w->kind != NULL && w->kind->more != NULL && str_eq(asked.path, w->kind->path))
		buf_addf(&check->keys, "%s\n", w->kind->more);
	finish(w, check, is_reached, asked.port);
	return true;
}

/* A program whose path is known, or a web server that only has to answer. */
static void
plan_http(const struct work *w)
{
	struct init_asked asked = { .port = main_port(w) };
	char host[256];
	unsigned port;
	bool is_reached = init_place(w->plan, w->service, asked.port, host, &port);
	struct init_check *check = begin(w, w->service->name, "http");
	str_copy(asked.path, sizeof(asked.path), w->kind->path != NULL ? w->kind->path : "/");
	asked.is_https = asked.port == 443 || asked.port == 8443;
	add_url(w, check, &asked, host, port);
	if (w->kind->expect != NULL)
		buf_addf(&check->keys, "expect: %s\n", w->kind->expect);
	if (w->kind->more != NULL)
		buf_addf(&check->keys, "%s\n", w->kind->more);
	if (w->kind->path == NULL) {
		init_about(check,
			"Any answer below 500 will do; better is a path that says how it is.");
		buf_add_text(&check->keys, "follow: 0\nexpect: { status: 200-499 }\n");
		init_guess(w->plan, "%s: any answer below 500 to / is good enough", check->name);
	}
	finish(w, check, is_reached, asked.port);
}

/* --- ports --- */

static void
plan_tcp(const struct work *w, const char *name, unsigned target)
{
	char host[256];
	unsigned port;
	bool is_first = init_check_of(w->plan, w->service) == NULL;
	bool is_reached = init_place(w->plan, w->service, target, host, &port);
	struct init_check *check = begin(w, name, "tcp");
	bool is_v6 = strchr(host, ':') != NULL;
	if (w->kind == NULL || w->kind->note == NULL || !is_first)
		init_about(check, "That its port %u accepts connections is all that is seen.%s",
			target,
			target == 443
				? "  Its certificate is seen with `type: tls` and `server_name:`."
			: target == SSH_PORT ? ""
			: w->kind == NULL && is_first
				? "  If it speaks HTTP, `type: http` with a `url:` sees more."
				: "");
	check->target = xasprintf("%s%s%s:%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
	init_key(check, "address", check->target);
	if (w->kind != NULL && w->kind->more != NULL)
		buf_addf(&check->keys, "%s\n", w->kind->more);
	finish(w, check, is_reached, target);
}

static bool
is_port_covered(const struct init_plan *plan, const struct compose_service *service, unsigned host)
{
	char ending[16];
	snprintf(ending, sizeof(ending), ":%u", host);
	for (size_t i = 0; i < plan->count; i++) {
		const char *target = plan->checks[i]->target;
		const char *at = target != NULL ? strstr(target, ending) : NULL;
		if (plan->checks[i]->service == service && at != NULL &&
			(at[strlen(ending)] == '\0' || at[strlen(ending)] == '/'))
			return true;
	}
	return false;
}

static void
say_skipped(const struct work *w)
{
	const struct compose_service *service = w->service;
	for (size_t i = 0; i < service->port_count; i++) {
		const struct compose_port *p = &service->ports[i];
		char host[256];
		unsigned port;
		if (p->is_udp)
			init_guess(w->plan, "%s: port %u/udp has no check: most answer to nothing",
				service->name, p->first);
		else if (!init_place(w->plan, service, p->first, host, &port))
			init_guess(w->plan,
				"%s: port %u has no check: the engine chooses where it is "
				"published",
				service->name, p->first);
	}
}

/* Each published TCP port that no check of this service looks at yet. */
static void
plan_ports(const struct work *w)
{
	const struct compose_service *service = w->service;
	bool is_beside = w->plan->options->is_sidecar;
	unsigned written = 0, left_out = 0;
	for (size_t i = 0; i < service->port_count; i++) {
		const struct compose_port *p = &service->ports[i];
		for (unsigned k = 0;
			!p->is_udp && (p->host_first != 0 || is_beside) && k < p->count; k++) {
			char host[256];
			unsigned port;
			if (!init_place(w->plan, service, p->first + k, host, &port) ||
				is_port_covered(w->plan, service, port))
				continue;
			if (written >= PORTS_PER_SERVICE) {
				left_out++;
				continue;
			}
			bool is_first = init_check_of(w->plan, service) == NULL;
			char *name = is_first ? xstrdup(service->name)
					      : xasprintf("%s-%u", service->name, p->first + k);
			plan_tcp(w, name, p->first + k);
			free(name);
			written++;
		}
	}
	say_skipped(w);
	if (left_out > 0)
		init_guess(w->plan, "%s: %u more published ports have no check", service->name,
			left_out);
}

/* Beside it, every port that it says it has is in reach. */
static unsigned
inner_port(const struct compose_service *service)
{
	const char *port = compose_value(service, "PORT");
	for (size_t i = 0; i < service->port_count; i++)
		if (!service->ports[i].is_udp)
			return service->ports[i].first;
	if (service->expose.count > 0)
		return (unsigned)strtoul(service->expose.all[0], NULL, 10);
	return port != NULL ? (unsigned)strtoul(port, NULL, 10) : 0;
}

/* --- workers and jobs --- */

/* The command as a regular expression that finds it among the host's processes; "" : it cannot be
 * told. */
static void
command_pattern(const struct compose_service *service, char *out, size_t size)
{
	const char *command = service->command != NULL ? service->command : "";
	size_t len = 0;
	*out = '\0';
	if (strstr(command, "celery") != NULL && strstr(command, " worker") != NULL) {
		str_copy(out, size, "celery .*worker");
		return;
	}
	if (strpbrk(command, "'\"$;&|<>`\n") != NULL || strlen(command) > COMMAND_MAX ||
		strlen(command) < 4)
		return;
	for (; *command != '\0' && len + 3 < size; command++) {
		if (strchr("\\.[]*^+?(){}", *command) != NULL)
			out[len++] = '\\';
		out[len++] = *command;
	}
	out[len] = '\0';
}

/* Whoever wrote "no" wants it to end: a migration, an import. */
static bool
is_for_once(const struct compose_service *service)
{
	return service->restart != NULL &&
	       (str_eq(service->restart, "no") || str_eq(service->restart, "false"));
}

static void
plan_process(const struct work *w)
{
	char pattern[2 * COMMAND_MAX + 4];
	command_pattern(w->service, pattern, sizeof(pattern));
	if (*w->plan->host->docker_socket != '\0')
		return; /* its container is watched */
	if (is_for_once(w->service)) {
		init_guess(w->plan,
			"%s is not started again when it ends (restart: \"no\"), and so has no "
			"check",
			w->service->name);
		return;
	}
	if (*pattern == '\0') {
		init_guess(w->plan,
			"%s has no port, and so no check: one of type http can ask it through the "
			"proxy before it, one of type process can look for it",
			w->service->name);
		return;
	}
	struct init_check *check = begin(w, w->service->name, "process");
	init_about(check, "It has no port: its process is looked for among those of the host.");
	init_key(check, "cmdline", pattern);
	check->target = xasprintf("process %s", pattern);
	init_guess(w->plan, "%s: found by its command line, \"%s\"", check->name, pattern);
	finish(w, check, true, 0);
}

/* --- the choice --- */

static bool
has_login(const struct init_kind *kind)
{
	return str_eq(kind->type, "postgres") || str_eq(kind->type, "mysql") ||
	       str_eq(kind->type, "redis");
}

/* By its protocol where its image tells that, by a connection where only the port is known. */
static void
plan_reached(struct work *w)
{
	unsigned inner = inner_port(w->service);

	if (w->kind != NULL && str_eq(w->kind->type, "http"))
		plan_http(w);
	else if (w->kind != NULL)
		plan_tcp(w, w->service->name, main_port(w));
	else if (w->plan->options->is_sidecar && inner > 0 && inner < 65536)
		plan_tcp(w, w->service->name, inner);
}

void
init_plan_service(struct init_plan *plan, const struct compose_service *service)
{
	struct work w = { plan, service, init_kind_of(service) };
	if (compose_is_job(plan->compose, service))
		return;
	if (strstr(service->command != NULL ? service->command : "", "celery") != NULL)
		w.kind = NULL; /* whatever its image is */
	if (w.kind != NULL && has_login(w.kind))
		plan_login(&w);
	else if (!plan_asked(&w))
		plan_reached(&w);
	plan_ports(&w);
	if (init_check_of(plan, service) == NULL)
		plan_process(&w);
}
