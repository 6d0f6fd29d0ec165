/* The shipped playbooks do not lie: what is true for another reason, of another object or of
 * another host is not claimed.  Each row is a world and the finding that may be told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/playbook_inside.h"

#define FACTS_MAX 12

struct world {
	const char *playbook, *type, *cause;
	const char *facts; /* "fact.key=value|fact.key=value" */
	const char *finding, *confidence;
	const char *title; /* a part of it; NULL: any */
	bool is_remote;
	long pid; /* that was learned of the listener */
};

static const struct world worlds[] = {
	/* the kernel killed somebody, but not this one */
	{ "postgres-stopped", "postgres", "net.refused",
		"kernel-log.oom=1|kernel-log.oom_victim=postgres|kernel-log.oom_pid=77|kernel-log."
		"oom_"
		"age=30|port-owner.listening=0",
		"not-listening", "likely", NULL, false, 12 },
	{ "postgres-stopped", "postgres", "net.refused",
		"kernel-log.oom=1|kernel-log.oom_victim=postgres|kernel-log.oom_pid=12|kernel-log."
		"oom_"
		"age=30|port-owner.listening=0",
		"oom-killed", "certain", NULL, false, 12 },
	{ "mysql-stopped", "mysql", "net.refused",
		"kernel-log.oom=1|kernel-log.oom_victim=mysqld|kernel-log.oom_pid=77|kernel-log."
		"oom_"
		"age=30",
		"not-listening", "possible", NULL, true, 0 },
	{ "mysql-stopped", "mysql", "net.refused",
		"kernel-log.oom=1|kernel-log.oom_victim=mysqld|kernel-log.oom_pid=77|unit.by_"
		"operator="
		"1|unit.name=mariadb.service|unit.active=inactive",
		"stopped", "certain", "mariadb.service was stopped", false, 12 },
	{ "api-down", "http", "net.refused",
		"kernel-log.oom=1|kernel-log.oom_victim=java|kernel-log.oom_pid=77|port-owner."
		"listening=0",
		"not-listening", "likely", NULL, false, 12 },
	{ "net-refused", "tcp", "net.refused", "container.oom_killed=1|container.state=running",
		"refused", "possible", NULL, true, 0 },
	{ "port-not-listening", "port", "port.nobody",
		"kernel-log.oom=1|kernel-log.oom_victim=server|kernel-log.oom_pid=77",
		"not-running", "possible", NULL, false, 12 },
	{ "service-crash-loop", "process", "proc.crashloop", "kernel-log.segfault=php-fpm",
		"unknown", "possible", NULL, false, 0 },
	/* a full disk that is not the server's, or that nobody has seen */
	{ "mysql-stopped", "mysql", "net.refused", "disk.full=1|disk.mount=/", "not-listening",
		"possible", NULL, true, 0 },
	{ "mysql-stopped", "mysql", "net.refused",
		"log-tail.class=disk-full|log-tail.match=errno 28|disk.mount=/var|disk.full=0|disk."
		"inodes_full=0|disk.free_bytes=9000000000",
		"disk-full-in-log", "possible", NULL, false, 0 },
	{ "postgres-stopped", "postgres", "net.refused",
		"disk.full=1|disk.mount=/var|unit.by_operator=1|unit.active=inactive|unit.name=pg",
		"stopped", "certain", NULL, false, 0 },
	{ "api-5xx", "http", "http.5xx",
		"log-tail.class=disk-full|log-tail.match=ENOSPC|disks.worst_mount=/"
		"boot|disks.worst_"
		"percent=40",
		"disk-full", "likely", "a disk is full", false, 0 },
	{ "api-5xx", "http", "http.5xx", "disks.full_mount=/snap", "application-error", "possible",
		NULL, true, 0 },
	{ "service-crash-loop", "process", "proc.crashloop",
		"disk.full=1|disk.mount=/|log-tail.class=config|log-tail.match=bad", "disk-full",
		"possible", NULL, false, 0 },
	/* an old log of a server that was stopped on purpose */
	{ "postgres-stopped", "postgres", "net.refused",
		"log-tail.class=port-in-use|unit.by_operator=1|unit.active=inactive|unit.name=pg",
		"stopped", "certain", NULL, false, 0 },
	{ "redis-stopped", "redis", "net.refused",
		"log-tail.class=port-in-use|unit.by_operator=1|unit.name=redis.service|port-owner."
		"listening=0",
		"stopped-by-hand", "certain", NULL, false, 0 },
	{ "api-down", "http", "net.refused",
		"log-tail.class=db-connect|log-tail.match=refused|unit.by_operator=1|unit.name=web|"
		"port-owner.listening=0",
		"stopped", "certain", "web ended without an error", false, 0 },
	{ "unit-failed", "systemd", "unit.masked", "log-tail.class=port-in-use|unit.name=web",
		"masked", "certain", NULL, false, 0 },
	/* restarts are no firewalls and no crashes */
	{ "postgres-stopped", "postgres", "net.refused",
		"port-owner.listening=1|port-owner.covers=1|port-owner.age=4|port-owner.loopback_"
		"only="
		"0",
		"back-again", "likely", NULL, false, 0 },
	{ "net-reset", "tcp", "net.reset", "port-owner.age=4|port-owner.pid=13|port-owner.comm=app",
		"restarted", "likely", "was restarted", false, 12 },
	/* rules that are there and stop nothing, or nothing of this */
	{ "firewall-blocking", "tcp", "net.refused-filtered",
		"firewall.rule=-A INPUT -p tcp --dport 80 -j ACCEPT|firewall.verdict=", "rejected",
		"likely", NULL, false, 0 },
	{ "net-timeout", "tcp", "net.timeout", "firewall.verdict=drop|firewall.rule=INPUT",
		"no-answer", "possible", NULL, true, 0 },
	{ "mysql-unreachable", "mysql", "net.noreply", "firewall.verdict=drop|firewall.rule=INPUT",
		"hung", "likely", NULL, false, 0 },
	{ "redis-unreachable", "redis", "net.timeout", "firewall.verdict=drop|firewall.rule=INPUT",
		"host-silent", "possible", NULL, true, 0 },
	/* a broken resolver explains no address; a network that is well with others is not lost */
	{ "mysql-unreachable", "mysql", "net.timeout", "net-ladder.broken_at=resolver", "no-answer",
		"possible", NULL, true, 0 },
	/* errors of some disk, upgrades of some package */
	{ "cannot-tell", "container", "container.cannot-ask",
		"kernel-log.io_error=1|kernel-log.io_device=sdb", "right-missing", "certain", NULL,
		false, 0 },
	{ "mysql-shutting-down", "mysql", "my.shutting-down",
		"changes.package=vim|changes.package_age=60", "going-down", "possible", NULL, false,
		0 },
	{ "api-restarted", "http", "x", "changes.any=1|changes.package=vim", "restarted", NULL,
		NULL, true, 0 },
	{ "disk-io-saturated", "disk", "x",
		"kernel-log.io_error=1|kernel-log.io_device=sdb|disk.device=/dev/sda1|disk.mount=/",
		"busy", "possible", NULL, false, 0 },
	/* a disk that was full, a fork of last night */
	{ "redis-persistence-failing", "redis", "redis.misconf",
		"log-tail.class=disk-full|log-tail.match=No space "
		"left|disk.full=0|disk.inodes_full=0",
		"disk-was-full", "likely", NULL, false, 0 },
	{ "redis-latency", "redis", "x", "redis-info.fork_time=2|redis-info.last_save_age=40000",
		"slow-fork", "possible", NULL, false, 0 },
	/* a name that is not there, asked of the second name server */
	{ "dns-resolution-failed", "http", "net.dns-nxdomain",
		"name.rcode=NXDOMAIN|net-ladder.broken_at=interface|net-ladder.resolver_answers=1",
		"no-such-name", "certain", NULL, true, 0 },
	{ "dns-resolution-failed", "http", "net.dns-nxdomain",
		"name.rcode=NXDOMAIN|net-ladder.resolver_answers=0", "no-such-name", "certain",
		NULL, true, 0 },
	{ "sqlite-path-not-writable", "sqlite", "sqlite.full",
		"disk.full=0|disk.inodes_full=0|disk.mount=/data|disk.free_bytes=5000000000",
		"disk-full", "likely", NULL, false, 0 },
	{ "sqlite-path-not-writable", "sqlite", "sqlite.cantopen", "access.exists=1",
		"not-openable", "likely", "is there", false, 0 },
	{ "container-not-running", "container", "container.exited",
		"container.exit_code=143|container.name=web|log-tail.class=db-connect", "stopped",
		"likely", NULL, false, 0 },
	{ "data-dir-not-writable", "file", "fs.enospc",
		"disk.full=0|disk.inodes_full=0|disk.reserved_only=0|disk.mount=/data", "full",
		"likely", NULL, false, 0 },
	{ "pg-frozen", "postgres", "pg.frozen", "kernel-log.io_error=1|process.state=S",
		"disk-stuck", "possible", NULL, false, 0 },
};

struct facts {
	struct fact all[FACTS_MAX];
	const struct fact *list[FACTS_MAX];
	size_t count;
};

static struct fact *
fact_named(struct facts *facts, const char *name)
{
	const struct fact_type *type = fact_find(name);

	for (size_t i = 0; i < facts->count; i++)
		if (str_eq(facts->all[i].name, name))
			return &facts->all[i];
	if (!type)
		fail_msg("no fact %s", name);
	assert_true(facts->count < FACTS_MAX);
	struct fact *fact = &facts->all[facts->count];
	fact_init(fact, type->name, type->keys);
	fact->end = FACT_HAD;
	facts->list[facts->count++] = fact;
	return fact;
}

/* "fact.key=value|..." */
static void
know(struct facts *facts, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *one;

	while ((one = strsep(&rest, "|")) && *one) {
		char *name = strsep(&one, "."), *key = strsep(&one, "=");
		struct fact *fact = fact_named(facts, name);
		int at = metric_index(fact->keys, key);
		if (at < 0)
			fail_msg("%s has no key %s", name, key);
		if (fact->keys[at].unit == UNIT_TEXT)
			xstrset(&fact->texts[at], one);
		else
			fact->numbers[at] = strtod(one, NULL);
	}
	free(copy);
}

static void
tell(const struct playbooks *set, const struct world *row)
{
	static char name[] = "x", host[] = "10.9.9.9", comm[] = "java";
	const struct check_spec check = { .name = name, .type = row->type };
	struct subject subject = { .host = host,
		.port = 8080,
		.is_local = !row->is_remote,
		.pid = row->pid,
		.comm = row->pid > 0 ? comm : NULL };
	struct facts facts = { .count = 0 };
	struct diagnosis diagnosis;
	struct incident incident;
	char finding[120];

	know(&facts, row->facts);
	const struct playbook_world world = { .check = &check,
		.target = "x://10.9.9.9:8080",
		.text = "it failed",
		.cause = row->cause,
		.subject = &subject,
		.facts = facts.list,
		.fact_count = facts.count };
	incident_init(&incident);
	if (!playbook_judge(playbooks_named(set, row->playbook), &world, &diagnosis))
		fail_msg("%s says nothing of %s", row->playbook, row->facts);
	playbook_write(&diagnosis, &world, LANG_EN, &incident);
	snprintf(finding, sizeof(finding), "%s.%s", row->playbook, row->finding);
	if (!str_eq(incident.finding, finding) ||
		(row->confidence && !str_eq(incident.confidence, row->confidence)) ||
		(row->title && !strstr(incident.title, row->title)))
		fail_msg("%s (%s): \"%s\", not %s (%s), of %s", incident.finding,
			incident.confidence, incident.title, finding, row->confidence, row->facts);
	assert_null(strchr(incident.title, '?'));
	incident_fini(&incident);
	for (size_t i = 0; i < facts.count; i++)
		fact_fini(&facts.all[i]);
}

static void
nothing_else_is_claimed(void **state)
{
	struct complaints *complaints = complaints_new();
	struct playbooks *set = playbooks_load(NULL, complaints);

	(void)state;
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
		tell(set, &worlds[i]);
	playbooks_free(set);
	complaints_free(complaints);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_else_is_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
