/*
 * What all services stand on: their containers, this host, and the servers on it that belong to no
 * project.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/init.h"
#include "setup/init_kinds.h"

#define SERVICES_MAX 32    /* of the host, that get a check */
#define PASSING_PORT 32768 /* from here on ports are lent for a while */

/* --- containers --- */

static bool
has_jobs(const struct compose *compose)
{
	for (size_t s = 0; s < compose->service_count; s++)
		for (size_t n = 0; n < compose->services[s].need_count; n++)
			if (compose->services[s].needs[n].condition == COMPOSE_COMPLETED)
				return true;
	return false;
}

static struct init_check *
container_check(struct init_plan *plan, const char *name, const char *about)
{
	const char *socket = plan->host->docker_socket;
	struct init_check *check = init_check_new(plan, name, "container");
	init_about(check, "%s", about);
	if (!plan->host->is_docker_open) {
		check->is_off = true;
		init_about(check,
			"Off, because this user may not use %s: the group `docker` may,\n"
			"which is as good as root.",
			socket);
	}
	init_key(check, "project", plan->compose->project);
	if (!str_eq(socket, "/var/run/docker.sock"))
		init_key(check, "socket", socket);
	check->from = xstrdup(socket);
	return check;
}

static void
end_container(struct init_check *check)
{
	if (check->is_off)
		buf_add_text(&check->keys, "enabled: false\n");
}

void
init_plan_containers(struct init_plan *plan)
{
	const struct compose *compose = plan->compose;
	if (*plan->host->docker_socket == '\0' || compose->service_count == 0)
		return;
	if (!has_jobs(compose)) {
		struct init_check *check = container_check(plan, "containers",
			"Each container of this project: state, health, restarts, memory.");
		check->target = xasprintf("project %s", compose->project);
		end_container(check);
		return;
	}
	for (size_t s = 0; s < compose->service_count; s++) {
		const struct compose_service *service = &compose->services[s];
		bool is_for_once = compose_is_job(compose, service);
		char *name = xasprintf("%s-container", service->name);
		if (service->profiles.count == 0) {
			struct init_check *check = container_check(plan, name,
				is_for_once ? "A job: it may have ended, with 0."
					    : "State, health, restarts, memory.");
			init_key(check, "service", service->name);
			if (is_for_once)
				init_key(check, "state", "finished");
			check->target = xasprintf("service %s", service->name);
			end_container(check);
		}
		free(name);
	}
}

/* --- servers of this host --- */

/* "127.0.0.1:80" and "http://127.0.0.1:80/x" are of port 80. */
static bool
is_target_of(const struct init_check *check, unsigned port)
{
	char ending[16];
	snprintf(ending, sizeof(ending), ":%u", port);
	const char *at = check->target != NULL ? strstr(check->target, ending) : NULL;
	return at != NULL && (at[strlen(ending)] == '\0' || at[strlen(ending)] == '/');
}

static bool
is_published(const struct init_plan *plan, unsigned port)
{
	const struct compose *compose = plan->compose;
	for (size_t s = 0; s < compose->service_count; s++) {
		const struct compose_service *service = &compose->services[s];
		for (size_t i = 0; i < service->port_count; i++) {
			const struct compose_port *p = &service->ports[i];
			if (p->host_first != 0 && port >= p->host_first &&
				port < p->host_first + p->count)
				return true;
		}
	}
	for (size_t i = 0; i < plan->count; i++)
		if (is_target_of(plan->checks[i], port))
			return true;
	return false;
}

/* What a login would add, to be filled in by hand. */
static const struct {
	const char *type, *key, *example;
} richer[] = {
	{ "postgres", "dsn", "postgresql://triaged:${PG_PASSWORD}@%s:%u/postgres" },
	{ "mysql", "dsn", "triaged:${MYSQL_PASSWORD}@tcp(%s:%u)/" },
	{ "redis", "url", "redis://:${REDIS_PASSWORD}@%s:%u/0" },
};

static void
add_richer(struct init_check *check, const char *type, const struct init_listener *it)
{
	for (size_t i = 0; i < sizeof(richer) / sizeof(*richer); i++) {
		if (!str_eq(richer[i].type, type))
			continue;
		init_about(check,
			"With a login much more is seen; put in place of the two lines below:");
		init_about(check, "  type: %s", type);
		buf_addf(&check->about, "  %s: \"", richer[i].key);
		/* The formats are rows of a table of ours, each with a host and a port. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(&check->about, richer[i].example, it->address, it->port);
#pragma GCC diagnostic pop
		buf_add_text(&check->about, "\"\n");
	}
}

static void
plan_listener(struct init_plan *plan, const struct init_listener *it, const struct init_kind *kind)
{
	bool is_http = str_eq(kind->type, "http");
	bool is_v6 = strchr(it->address, ':') != NULL;
	const char *name = *it->owner != '\0' ? it->owner : kind->processes;
	char *first = xstrndup(name, strcspn(name, " "));
	struct init_check *check = init_check_new(plan, first, is_http ? "http" : "tcp");
	char *at =
		xasprintf("%s%s%s:%u", is_v6 ? "[" : "", it->address, is_v6 ? "]" : "", it->port);
	init_about(check, "%s on this host%s.", kind->name,
		*it->owner != '\0' ? "" : ", by its port: whose process it is is not shown to us");
	free(first);
	add_richer(check, kind->type, it);
	check->from = *it->owner != '\0' ? xasprintf("%s listens", it->owner)
					 : xasprintf("port %u", it->port);
	check->target = xstrdup(at);
	if (is_http) {
		bool is_https = it->port == 443 || it->port == 8443;
		char *url = xasprintf("http%s://%s%s", is_https ? "s" : "", at,
			kind->path != NULL ? kind->path : "/");
		init_key(check, "url", url);
		free(url);
		if (is_https)
			buf_add_text(&check->keys, "verify: false\n");
		if (kind->path == NULL)
			buf_add_text(&check->keys, "follow: 0\nexpect: { status: 200-499 }\n");
		else if (kind->expect != NULL)
			buf_addf(&check->keys, "expect: %s\n", kind->expect);
	} else {
		init_key(check, "address", at);
		if (kind->more != NULL)
			buf_addf(&check->keys, "%s\n", kind->more);
	}
	free(at);
}

static void
plan_listeners(struct init_plan *plan)
{
	size_t written = 0;
	for (size_t i = 0; i < plan->host->listener_count && written < SERVICES_MAX; i++) {
		const struct init_listener *it = &plan->host->listeners[i];
		const struct init_kind *kind = *it->owner != '\0' ? init_kind_of_process(it->owner)
								  : init_kind_of_port(it->port);
		if (kind == NULL || it->port >= PASSING_PORT || is_published(plan, it->port))
			continue;
		plan_listener(plan, it, kind);
		written++;
	}
}

/* --- the host itself --- */

static void
add_volumes(const struct init_plan *plan, struct init_check *check)
{
	struct buf names;
	size_t count = plan->compose->volumes.count;
	if (count == 0)
		return;
	buf_init(&names, 400);
	for (size_t i = 0; i < count && i < 8; i++)
		buf_addf(&names, "%s%s", i > 0 ? ", " : "", plan->compose->volumes.all[i]);
	init_about(check,
		"The named volumes (%s%s) lie below /var/lib/docker, or wherever the engine keeps "
		"them: the disk of that folder is theirs.",
		buf_text(&names), count > 8 ? ", ..." : "");
	buf_fini(&names);
}

void
init_plan_host(struct init_plan *plan)
{
	static const struct {
		const char *name, *type, *about, *target;
	} rows[] = {
		{ "disks", "disk", "Every disk: room, inodes, errors.", "all" },
		{ "memory", "memory", NULL, "this host" },
		{ "cpu", "cpu", NULL, "this host" },
		{ "network", "network", NULL, "this host" },
		{ "clock", "clock", "With `servers: [...]` it is compared with time servers.",
			"the kernel's" },
		{ "self", "self", "The daemon itself.", "triaged" },
	};
	if (!plan->options->is_sidecar)
		plan_listeners(plan);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char name[32];
		snprintf(name, sizeof(name), "%s%s",
			init_has_check(plan, rows[i].name) ? "host-" : "", rows[i].name);
		struct init_check *check = init_check_new(plan, name, rows[i].type);
		check->target = xstrdup(rows[i].target);
		check->from = xstrdup("this host");
		if (rows[i].about != NULL)
			init_about(check, "%s", rows[i].about);
		if (i == 0) {
			add_volumes(plan, check);
			buf_add_text(&check->keys, "all: true\n");
		}
	}
	if (plan->host->has_systemd && !plan->options->is_sidecar) {
		struct init_check *check = init_check_new(plan, "units", "systemd");
		init_about(check, "Every unit of systemd that failed.");
		buf_add_text(&check->keys, "failed: true\n");
		check->target = xstrdup("failed ones");
		check->from = xstrdup("systemd");
	}
}
