/* Tests of daemon/setup/compose*.c: what a compose file says, in each of its forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "setup/compose.h"

static struct compose *
read_text(const char *yaml, char **said)
{
	struct complaints *complaints = complaints_new();
	struct compose *compose = compose_parse(yaml, strlen(yaml), complaints);
	struct buf out;
	buf_init(&out, 0);
	complaints_print(complaints, &out);
	*said = buf_take_text(&out);
	complaints_free(complaints);
	return compose;
}

static struct compose *
read_well(const char *yaml)
{
	char *said;
	struct compose *compose = read_text(yaml, &said);
	assert_string_equal(said, "");
	free(said);
	return compose;
}

static void
assert_says(const char *yaml, const char *words)
{
	char *said;
	struct compose *compose = read_text(yaml, &said);
	if (strstr(said, words) == NULL)
		fprintf(stderr, "\"%s\" is not in:\n%s\n", words, said);
	assert_non_null(strstr(said, words));
	free(said);
	compose_free(compose);
}

/* --- variables --- */

static void
test_expansion(void **state)
{
	static const char *const rows[][2] = {
		{ "plain", "plain" },
		{ "$ONE", "1" },
		{ "${ONE}x", "1x" },
		{ "a${NONE}b", "ab" },
		{ "${NONE:-dflt}", "dflt" },
		{ "${EMPTY:-dflt}", "dflt" },
		{ "${EMPTY-dflt}", "" },
		{ "${NONE-dflt}", "dflt" },
		{ "${ONE:-dflt}", "1" },
		{ "${ONE:?why}", "1" },
		{ "${NONE:?why not}", "" },
		{ "${ONE:+yes}", "yes" },
		{ "${NONE:+yes}", "" },
		{ "${EMPTY+yes}", "yes" },
		{ "${NONE:-${ALSO:-deep}}", "deep" },
		{ "$$ONE", "$ONE" },
		{ "$${ONE}", "${ONE}" },
		{ "100$", "100$" },
		{ "$1", "$1" },
		{ "${ONE", "1" },
		{ "${", "" },
		{ "${}", "" },
		{ "$ONE$ONE", "11" },
	};
	struct compose *compose = read_well("services: {}\n");
	(void)state;
	map_put(compose->env, "ONE", xstrdup("1"));
	map_put(compose->env, "EMPTY", xstrdup(""));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = compose_expand(compose, rows[i][0]);
		assert_string_equal(text, rows[i][1]);
		free(text);
	}
	compose_free(compose);
}

static void
test_defaults_in_defaults_end(void **state)
{
	struct compose *compose = read_well("services: {}\n");
	char deep[2048] = "";
	(void)state;
	for (unsigned i = 0; i < 400; i++)
		strcat(deep, "${X:-");
	char *text = compose_expand(compose, deep);
	assert_true(strlen(text) < sizeof(deep));
	free(text);
	compose_free(compose);
}

/* --- services --- */

static void
test_environment(void **state)
{
	struct compose *compose =
		read_well("services:\n"
			  "  a:\n"
			  "    environment:\n"
			  "      - ONE=1\n"
			  "      - EMPTY=\n"
			  "      - EQUALS=a=b\n"
			  "      - COMPOSE_TEST_UNSET\n"
			  "      - ONE=2\n"
			  "  b:\n"
			  "    environment: { ONE: 1, YES: true, NULLED: , SUM: $$x }\n");
	(void)state;
	const struct compose_service *a = compose_find(compose, "a"),
				     *b = compose_find(compose, "b");
	assert_string_equal(compose_value(a, "ONE"), "2");
	assert_null(compose_value(a, "EMPTY"));
	assert_non_null(compose_var(a, "EMPTY"));
	assert_string_equal(compose_value(a, "EQUALS"), "a=b");
	assert_null(compose_var(a, "COMPOSE_TEST_UNSET")->value);
	assert_int_equal(compose_var(a, "ONE")->pos.line, 8);
	assert_string_equal(compose_value(b, "YES"), "true");
	assert_null(compose_value(b, "NULLED"));
	assert_string_equal(compose_value(b, "SUM"), "$x");
	compose_free(compose);
}

static void
assert_port(const char *text, const char *ip, unsigned host, unsigned first, unsigned count)
{
	char *yaml = xasprintf("services: { a: { ports: [\"%s\"] } }\n", text);
	struct compose *compose = read_well(yaml);
	const struct compose_port *port = &compose->services[0].ports[0];
	assert_int_equal(compose->services[0].port_count, 1);
	assert_int_equal(port->host_first, host);
	assert_int_equal(port->first, first);
	assert_int_equal(port->count, count);
	if (ip == NULL)
		assert_null(port->host_ip);
	else
		assert_string_equal(port->host_ip, ip);
	compose_free(compose);
	free(yaml);
}

static void
test_ports(void **state)
{
	(void)state;
	assert_port("3000", NULL, 0, 3000, 1);
	assert_port("8080:80", NULL, 8080, 80, 1);
	assert_port("0.0.0.0:8080:80/tcp", NULL, 8080, 80, 1);
	assert_port("127.0.0.1:8080:80", "127.0.0.1", 8080, 80, 1);
	assert_port("127.0.0.1::80", "127.0.0.1", 0, 80, 1);
	assert_port("[::1]:8080:80", "::1", 8080, 80, 1);
	assert_port("[::]:8080:80", NULL, 8080, 80, 1);
	assert_port("9000-9009:8000-8009", NULL, 9000, 8000, 10);
	assert_port("9000-9009:80", NULL, 0, 80, 1);
	assert_port("53:53/udp", NULL, 53, 53, 1);
	assert_says(
		"services: { a: { ports: [\"http\"] } }\n", "ports: \"http\" is not understood");
	assert_says("services: { a: { ports: [\"1:70000\"] } }\n", "is not understood");
	assert_says("services: { a: { ports: [\"9:5-2\"] } }\n", "is not understood");
	assert_says("services: { a: { ports: [{ published: 1 }] } }\n", "is not understood");
}

static void
test_first_form(void **state)
{
	struct compose *compose = read_well("web: { build: ., links: [\"db:sql\", cache] }\n"
					    "db: { image: postgres }\n"
					    "cache: { image: redis }\n");
	(void)state;
	assert_int_equal(compose->service_count, 3);
	const struct compose_service *web = compose_find(compose, "web");
	assert_true(web->is_built);
	assert_int_equal(web->need_count, 2);
	assert_ptr_equal(compose_find(compose, "sql"), compose_find(compose, "db"));
	compose_free(compose);
}

static void
test_a_service_may_be_called_version(void **state)
{
	struct compose *compose = read_well("version: { image: own/version }\n");
	(void)state;
	assert_non_null(compose_find(compose, "version"));
	compose_free(compose);
}

static void
test_healthchecks(void **state)
{
	struct compose *compose = read_well(
		"services:\n"
		"  a: { healthcheck: { test: [CMD, curl, -f, http://localhost], retries: 7 } }\n"
		"  b: { healthcheck: { test: [CMD-SHELL, \"x | y\"], interval: 1m30s } }\n"
		"  c: { healthcheck: { test: plain text } }\n"
		"  d: { healthcheck: { test: [NONE], interval: 5s } }\n"
		"  e: { healthcheck: { disable: true } }\n");
	(void)state;
	const struct compose_service *s = compose->services;
	assert_string_equal(s[0].health.test, "curl -f http://localhost");
	assert_int_equal(s[0].health.retries, 7);
	assert_string_equal(s[1].health.test, "x | y");
	assert_string_equal(s[1].health.interval, "1m30s");
	assert_string_equal(s[2].health.test, "plain text");
	assert_true(s[3].health.is_disabled);
	assert_null(s[3].health.test);
	assert_true(s[4].health.is_disabled);
	compose_free(compose);
}

static void
test_needs(void **state)
{
	struct compose *compose = read_well(
		"services:\n"
		"  a: { depends_on: [b, c] }\n"
		"  b: { depends_on: { c: { condition: service_completed_successfully }, a: } }\n"
		"  c: { container_name: see, networks: { net: { aliases: [sea] } } }\n");
	(void)state;
	const struct compose_service *s = compose->services;
	assert_int_equal(s[0].need_count, 2);
	assert_int_equal(s[0].needs[0].condition, COMPOSE_STARTED);
	assert_int_equal(s[1].needs[0].condition, COMPOSE_COMPLETED);
	assert_string_equal(s[1].needs[1].service, "a");
	assert_ptr_equal(compose_find(compose, "see"), &s[2]);
	assert_ptr_equal(compose_find(compose, "sea"), &s[2]);
	assert_null(compose_find(compose, "nobody"));
	compose_free(compose);
}

static void
test_volumes(void **state)
{
	struct compose *compose = read_well(
		"services:\n"
		"  a: { volumes: [\"data:/data\", ./here:/x, /abs:/y, ~/home:/z, /anonymous, "
		"{ type: volume, source: more, target: /m }] }\n"
		"volumes: { data: , more: { driver: local } }\n");
	(void)state;
	assert_int_equal(compose->services[0].volumes.count, 2);
	assert_string_equal(compose->services[0].volumes.all[0], "data");
	assert_string_equal(compose->services[0].volumes.all[1], "more");
	assert_int_equal(compose->volumes.count, 2);
	compose_free(compose);
}

/* --- what is wrong --- */

static void
test_mistakes_have_a_place(void **state)
{
	(void)state;
	assert_says("services: [a]\n", "compose.yaml:1:11: error: services: is a list");
	assert_says("services:\n  a: text\n", "compose.yaml:2:6: error: service \"a\" is text");
	assert_says("services:\n\ta: {}\n", "compose.yaml:2:");
	assert_says("", "the file is empty");
	assert_says("- a\n", "compose.yaml:1:1: error");
	assert_says("services:\n  a: { environment: text }\n", "expected a list or a map");
	assert_says("services:\n  a: { image: [x] , container_name: {} }\n", "container_name:");
	assert_says("services:\n  a: { healthcheck: { interval: soon } }\n", "interval: \"soon\"");
	assert_says("services:\n  a: { image: one }\n  a: { image: two }\n", "already written");
	assert_says("services:\n  a: &x { b: *x }\n", "error");
}

/* As compose refuses them: beside the services they would become addresses. */
static void
test_names_of_services(void **state)
{
	(void)state;
	assert_says("services:\n  'a b: c': { image: x }\n",
		"compose.yaml:2:3: error: service \"a b: c\": compose takes letters");
	assert_says("services:\n  '${HOST}': { image: x }\n", "compose takes letters");
	assert_says("services:\n  '': { image: x }\n", "error");
}

static void
test_too_much_is_refused(void **state)
{
	struct buf yaml;
	(void)state;
	buf_init(&yaml, 0);
	buf_add_text(&yaml, "services:\n");
	for (unsigned i = 0; i <= COMPOSE_SERVICES_MAX; i++)
		buf_addf(&yaml, "  s%u: { image: x }\n", i);
	assert_says(buf_text(&yaml), "compose.yaml:502:3: error: more than 500 services");
	buf_reset(&yaml);
	buf_add_text(&yaml, "services:\n  a:\n    environment:\n");
	for (unsigned i = 0; i <= COMPOSE_ITEMS_MAX; i++)
		buf_addf(&yaml, "      V%u: 1\n", i);
	assert_says(buf_text(&yaml), "more than 500 of these");
	buf_reset(&yaml);
	buf_add_text(&yaml, "a: &a [x,x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c < 'j'; c++)
		buf_addf(&yaml, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1,
			c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	assert_says(buf_text(&yaml), "too large");
	buf_fini(&yaml);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_defaults_in_defaults_end),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_first_form),
		cmocka_unit_test(test_a_service_may_be_called_version),
		cmocka_unit_test(test_healthchecks),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_mistakes_have_a_place),
		cmocka_unit_test(test_names_of_services),
		cmocka_unit_test(test_too_much_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
