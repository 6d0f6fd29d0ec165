/* Which place each type's settings name, as triage and the facts read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "tests/help/probe_bench.h"

struct expected {
	const char *type, *yaml, *instance;
	struct revealed it;
};

static const struct expected rows[] = {
	{ "http", "url: https://shop.example/x", NULL, { .host = "shop.example", .port = 443 } },
	{ "http", "url: http://localhost/\nunix_socket: /run/api.sock", NULL,
		{ .socket = "/run/api.sock" } },
	{ "tcp", "address: 10.0.0.1:9000", NULL, { .host = "10.0.0.1", .port = 9000 } },
	{ "tcp", "address: unix:/run/x.sock", NULL, { .socket = "/run/x.sock" } },
	{ "tls", "address: shop.example:993", NULL, { .host = "shop.example", .port = 993 } },
	{ "udp", "address: 10.0.0.1:514", NULL,
		{ .host = "10.0.0.1", .port = 514, .is_udp = true } },
	{ "ping", "host: gw.example", NULL, { .host = "gw.example" } },
	{ "dns", "name: shop.example", NULL, { .host = "shop.example" } },
	{ "dns", "name: shop.example\nserver: 10.0.0.53", NULL,
		{ .host = "shop.example", .server = "10.0.0.53" } },
	{ "port", "listen: 8000\nowner: {name: nginx, unit: nginx.service}", NULL,
		{ .port = 8000, .process = "nginx", .unit = "nginx.service" } },
	{ "port", "listen: 127.0.0.1:53\nproto: udp", NULL,
		{ .host = "127.0.0.1", .port = 53, .is_udp = true } },
	{ "postgres", "dsn: postgresql://app:pw@db:5433/shop", NULL,
		{ .host = "db", .port = 5433, .user = "app", .database = "shop" } },
	{ "mysql", "dsn: app:pw@tcp(db:3306)/shop", NULL,
		{ .host = "db", .port = 3306, .user = "app", .database = "shop" } },
	{ "redis", "url: redis://:pw@cache:6380/2", NULL,
		{ .host = "cache", .port = 6380, .database = "2" } },
	{ "smtp", "address: mail.example:25", NULL, { .host = "mail.example", .port = 25 } },
	{ "sqlite", "path: /var/lib/app/one.db", NULL, { .path = "/var/lib/app/one.db" } },
	{ "disk", "path: /var", NULL, { .path = "/var" } },
	{ "disk", "all: true", "/srv", { .path = "/srv" } },
	{ "file", "path: /etc/app.conf\nwritable_by: app", NULL,
		{ .path = "/etc/app.conf", .user = "app" } },
	{ "log", "path: /var/log/app.log\npatterns: {e: ERROR}", NULL,
		{ .path = "/var/log/app.log" } },
	{ "log", "journal: nginx.service\npatterns: {e: ERROR}", NULL,
		{ .unit = "nginx.service" } },
	{ "systemd", "unit: nginx", NULL, { .unit = "nginx.service" } },
	{ "systemd", "failed: true", NULL, { .unit = NULL } },
	{ "systemd", "failed: true", "a.service", { .unit = "a.service" } },
	{ "container", "name: shop-api-1", NULL, { .container = "shop-api-1" } },
	{ "container", "service: api", "shop-api-2", { .container = "shop-api-2" } },
	{ "process", "name: nginx\nuser: '33'", NULL, { .process = "nginx", .user = "33" } },
	{ "memory", "{}", NULL, { .is_host = true } },
	{ "cpu", "{}", NULL, { .is_host = true } },
	{ "clock", "{}", NULL, { .is_host = true } },
	{ "network", "{}", NULL, { .is_host = true } },
};

static bool
is_same(const struct revealed *a, const struct revealed *b)
{
	return str_eq(a->host, b->host) && a->port == b->port && str_eq(a->socket, b->socket) &&
	       str_eq(a->path, b->path) && str_eq(a->unit, b->unit) &&
	       str_eq(a->container, b->container) && str_eq(a->process, b->process) &&
	       str_eq(a->user, b->user) && str_eq(a->database, b->database) &&
	       str_eq(a->server, b->server) && a->is_host == b->is_host && a->is_udp == b->is_udp;
}

static void
says_its_place(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct expected *row = &rows[i];
		struct revealed out = { .host = NULL };

		if (bench_configure(b, row->type, row->yaml) != 0)
			fail_msg("%s: %s", row->type, b->complaint);
		assert_non_null(b->type->reveal);
		b->type->reveal(b->conf, row->instance, &out);
		if (!is_same(&out, &row->it))
			fail_msg("row %zu: %s: %s: host %s, port %u, socket %s, path %s, unit %s, "
				 "user %s, database %s",
				i, row->type, row->yaml, out.host ? out.host : "-", out.port,
				out.socket ? out.socket : "-", out.path ? out.path : "-",
				out.unit ? out.unit : "-", out.user ? out.user : "-",
				out.database ? out.database : "-");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_its_place, bench_set_up, bench_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
