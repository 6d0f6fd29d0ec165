/*
 * Projects of tests/init, and the configurations that are made of them: tests/init/expected has
 * each as it was read and found good.  INIT_GOLDEN=write writes them anew, to be read again.  Runs
 * in the folder of the sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/init.h"

enum { ON_HOST, BESIDE, WITH_DOCKER, MODES };

static const char *const mode_names[] = { "host", "sidecar", "docker" };

static struct init_host
host_of(int mode)
{
	struct init_host host = {
		.cpus = 2, .memory_bytes = 4e9, .mounts = 2, .has_systemd = true
	};
	const struct init_listener listeners[] = {
		{ "127.0.0.1", 22, "sshd" },
		{ "127.0.0.1", 3000, "docker-proxy" },
		{ "10.0.0.4", 9100, "" },
		{ "127.0.0.1", 11211, "" },
	};
	memcpy(host.listeners, listeners, sizeof(listeners));
	host.listener_count = sizeof(listeners) / sizeof(*listeners);
	if (mode == WITH_DOCKER) {
		str_copy(host.docker_socket, sizeof(host.docker_socket), "/var/run/docker.sock");
		host.is_docker_open = true;
	}
	return host;
}

static void
add_words(struct buf *out, const char *title, const struct compose_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		buf_addf(out, "#%s %s\n", title, words->all[i]);
}

/* The folder's own place on this disk is not the test's business. */
static char *
without_folder(const char *text, const char *folder)
{
	struct buf out;
	size_t len = strlen(folder);
	buf_init(&out, 0);
	while (*text != '\0') {
		if (strncmp(text, folder, len) == 0) {
			buf_add_text(&out, "/srv/project");
			text += len;
			continue;
		}
		buf_add(&out, text++, 1);
	}
	return buf_take_text(&out);
}

/* The configuration, and behind it what people are told. */
static char *
made_of(const char *folder, int mode, struct complaints *complaints)
{
	struct compose *compose = compose_load(folder, complaints);
	struct init_host host = host_of(mode);
	const struct init_options options = {
		.is_sidecar = mode == BESIDE,
		.has_fills = mode != WITH_DOCKER,
		.fills = "triaged.env",
		.out_folder = compose->folder,
	};
	struct init_plan *plan = init_plan_new(compose, &host, &options);
	struct buf out;
	buf_init(&out, 0);
	init_write(plan, &out);
	buf_add_text(&out, "\n");
	for (size_t i = 0; i < plan->fill_count; i++)
		buf_addf(
			&out, "#fill in: %s as in %s\n", plan->fills[i].name, plan->fills[i].where);
	add_words(&out, "guessed:", &plan->guesses);
	add_words(&out, "not carried over:", &compose->notes);
	char *text = without_folder(buf_text(&out), compose->folder);
	buf_fini(&out);
	init_plan_free(plan);
	compose_free(compose);
	return text;
}

static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = xcalloc(1, 65536);
	if (file != NULL) {
		size_t len = fread(text, 1, 65535, file);
		text[len] = '\0';
		fclose(file);
	}
	return text;
}

static void
compare(const char *name, int mode)
{
	struct complaints *complaints = complaints_new();
	char *folder = xasprintf("tests/init/%s", name);
	char *path = xasprintf("tests/init/expected/%s.%s.yaml", name, mode_names[mode]);
	char *made = made_of(folder, mode, complaints);
	assert_int_equal(complaints_errors(complaints), 0);
	if (str_eq(getenv("INIT_GOLDEN"), "write")) {
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		fputs(made, file);
		fclose(file);
	}
	char *expected = read_file(path);
	if (strcmp(made, expected) != 0)
		fprintf(stderr, "%s differs:\n%s\n", path, made);
	assert_string_equal(made, expected);
	complaints_free(complaints);
	free(expected);
	free(made);
	free(path);
	free(folder);
}

/* Where a password stands in a fixture it never stands in what is made of it. */
static void
assert_no_secret(const char *name, int mode)
{
	static const char *const secrets[] = { "123456", "gateway-root-1", "cache@side", "dragons",
		"figures-42", "root-of-kpi", "openIM123", "shop-pass", "merge-me", "p@ss",
		"queue-pass", "only-reading", "\"quoted", "sk-not-one", "T000/B000" };
	struct complaints *complaints = complaints_new();
	char *folder = xasprintf("tests/init/%s", name);
	char *made = made_of(folder, mode, complaints);
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		assert_null(strstr(made, secrets[i]));
	complaints_free(complaints);
	free(made);
	free(folder);
}

static const char *const projects[] = { "new-api", "new-api-mysql", "game-server", "kpi", "openim",
	"first-form", "merge", "everything", NULL };

static void
test_projects(void **state)
{
	(void)state;
	for (const char *const *name = projects; *name != NULL; name++)
		compare(*name, ON_HOST);
}

static void
test_beside_the_services(void **state)
{
	(void)state;
	compare("new-api-mysql", BESIDE);
	compare("kpi", BESIDE);
	compare("openim", BESIDE);
}

static void
test_with_containers(void **state)
{
	(void)state;
	compare("new-api", WITH_DOCKER);
	compare("kpi", WITH_DOCKER);
}

static void
test_no_password_is_copied(void **state)
{
	(void)state;
	for (const char *const *name = projects; *name != NULL; name++)
		for (int mode = 0; mode < MODES; mode++)
			assert_no_secret(*name, mode);
}

static void
test_bare_host(void **state)
{
	struct complaints *complaints = complaints_new();
	(void)state;
	char *made = made_of("tests/init/expected", ON_HOST, complaints);
	assert_int_equal(complaints_errors(complaints), 0);
	assert_non_null(strstr(made, "disks:\n    type: disk\n    all: true\n"));
	assert_non_null(strstr(made, "sshd:\n    type: tcp\n"));
	assert_non_null(strstr(made, "units:\n    type: systemd\n"));
	assert_non_null(strstr(made, "Memcached on this host, by its port"));
	assert_null(strstr(made, "env_file"));
	free(made);
	complaints_free(complaints);
}

/* --- values --- */

static char *
plan_of(const char *yaml, struct init_plan **plan, struct compose **compose)
{
	static const struct init_options options = { .has_fills = true, .fills = "triaged.env" };
	static struct init_host host;
	struct complaints *complaints = complaints_new();
	struct buf out;
	*compose = compose_parse(yaml, strlen(yaml), complaints);
	assert_int_equal(complaints_errors(complaints), 0);
	*plan = init_plan_new(*compose, &host, &options);
	buf_init(&out, 0);
	init_write(*plan, &out);
	complaints_free(complaints);
	return buf_take_text(&out);
}

static void
assert_line(const char *yaml, const char *line)
{
	struct init_plan *plan;
	struct compose *compose;
	char *text = plan_of(yaml, &plan, &compose);
	if (strstr(text, line) == NULL)
		fprintf(stderr, "no \"%s\" in\n%s\n", line, text);
	assert_non_null(strstr(text, line));
	free(text);
	init_plan_free(plan);
	compose_free(compose);
}

static void
test_healthchecks(void **state)
{
	static const char *const rows[][2] = {
		{ "curl -f http://localhost:80/ping || exit 1",
			"url: http://127.0.0.1:8080/ping\n" },
		{ "curl -fsS 127.0.0.1/a/b?c=d", "url: \"http://127.0.0.1:8080/a/b?c=d\"\n" },
		{ "curl -f http://localhost/h?token=s3cret",
			"url: \"http://127.0.0.1:8080/h?token=${HEALTHCHECK_TOKEN}\"\n" },
		{ "wget --spider -q http://[::1]:80/x", "url: http://127.0.0.1:8080/x\n" },
		{ "curl -k https://localhost:80/", "verify: false\n" },
		{ "wget -qO- http://localhost/s | grep '\\\"up\\\" *: *true'",
			"expect: { json: up == true }\n" },
		{ "wget -qO- http://elsewhere:80/s", "type: tcp\n" },
		{ "curl http://localhost:99999/", "type: tcp\n" },
		{ "curl", "type: tcp\n" },
		{ "true", "type: tcp\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *yaml = xasprintf("services:\n  a:\n    image: own/thing\n    ports: "
				       "['8080:80']\n    healthcheck: { test: \"%s\" }\n",
			rows[i][0]);
		assert_line(yaml, rows[i][1]);
		free(yaml);
	}
}

/* What is told beside the configuration. */
static void
assert_guess(const char *yaml, const char *words, bool is_checked)
{
	struct init_plan *plan;
	struct compose *compose;
	bool is_said = false;
	char *text = plan_of(yaml, &plan, &compose);
	for (size_t i = 0; i < plan->guesses.count; i++)
		is_said |= strstr(plan->guesses.all[i], words) != NULL;
	assert_true(is_said);
	assert_int_equal(strstr(text, "\n  a:\n") != NULL, is_checked);
	free(text);
	init_plan_free(plan);
	compose_free(compose);
}

/* A migration that has ended is no trouble. */
static void
test_what_runs_once_has_no_check(void **state)
{
	(void)state;
	assert_guess("services: { a: { build: ., command: python manage.py migrate, restart: 'no' "
		     "} }\n",
		"not started again", false);
	assert_guess("services: { a: { build: ., command: python manage.py migrate, restart: no } "
		     "}\n",
		"not started again", false);
	assert_guess("services: { a: { build: ., command: python queue.py, restart: always } }\n",
		"found by its command line", true);
}

static void
test_web_applications(void **state)
{
	(void)state;
	assert_line("services: { a: { image: 'wordpress:6', ports: ['8080:80'] } }\n",
		"url: http://127.0.0.1:8080/\n");
	assert_line("services: { a: { image: gitea/gitea, ports: ['3001:3000', '222:22'] } }\n",
		"url: http://127.0.0.1:3001/api/healthz\n");
	/* Its pages are behind a proxy: the port for SSH is not asked for them. */
	assert_line("services: { a: { image: gitea/gitea, ports: ['222:22'] } }\n",
		"  a-22:\n    type: tcp\n    address: 127.0.0.1:222\n");
}

static void
test_needs_never_go_in_a_circle(void **state)
{
	(void)state;
	assert_line("services:\n"
		    "  a: { image: x, ports: ['1:1'], depends_on: [b] }\n"
		    "  b: { image: x, ports: ['2:2'], depends_on: [c] }\n"
		    "  c: { image: x, ports: ['3:3'], depends_on: [a, a, nobody] }\n",
		"address: 127.0.0.1:2\n    needs: [c]\n\n  # Service c, image x.\n"
		"  # That its port 3 accepts connections is all that is seen.  If it speaks HTTP,\n"
		"  # `type: http` with a `url:` sees more.\n"
		"  c:\n    type: tcp\n    address: 127.0.0.1:3\n\n");
}

static void
test_filled_values(void **state)
{
	struct init_plan *plan;
	struct compose *compose;
	struct buf out;
	(void)state;
	char *text = plan_of("services:\n"
			     "  a: { image: postgres, ports: ['1:5432'], environment: { "
			     "POSTGRES_PASSWORD: one } }\n"
			     "  b: { image: postgres, ports: ['2:5432'], environment: { "
			     "POSTGRES_PASSWORD: 'a \"b\" $$' } }\n"
			     "  c: { image: postgres, ports: ['3:5432'], environment: { "
			     "POSTGRES_PASSWORD: one } }\n",
		&plan, &compose);
	assert_int_equal(plan->fill_count, 2);
	buf_init(&out, 0);
	init_write_fills(plan, true, &out);
	assert_non_null(strstr(buf_text(&out), "\nPOSTGRES_PASSWORD='one'\n"));
	assert_non_null(strstr(buf_text(&out), "\nPOSTGRES_PASSWORD_2='a \"b\" $'\n"));
	buf_reset(&out);
	init_write_fills(plan, false, &out);
	assert_null(strstr(buf_text(&out), "one'"));
	assert_non_null(strstr(text, "password='${POSTGRES_PASSWORD_2}'"));
	buf_fini(&out);
	free(text);
	init_plan_free(plan);
	compose_free(compose);
}

/* Neither form of a data source name can hold this password as it is. */
static void
test_passwords_that_no_form_holds(void **state)
{
	struct init_plan *plan;
	struct compose *compose;
	struct buf out;
	(void)state;
	char *text = plan_of("services:\n"
			     "  a: { image: postgres, ports: ['1:5432'], environment: { "
			     "POSTGRES_PASSWORD: \"it's %41 \\\"\" } }\n"
			     "  b: { image: redis, ports: ['2:6379'], command: redis-server "
			     "--requirepass per%25cent }\n",
		&plan, &compose);
	buf_init(&out, 0);
	init_write_fills(plan, true, &out);
	assert_non_null(strstr(buf_text(&out), "\nPOSTGRES_PASSWORD='it%27s%20%2541%20%22'\n"));
	assert_non_null(strstr(buf_text(&out), "\nREDIS_PASSWORD='per%2525cent'\n"));
	assert_int_equal(plan->fill_count, 2);
	assert_non_null(strstr(text, "postgresql://postgres:${POSTGRES_PASSWORD}@127.0.0.1:1"));
	buf_fini(&out);
	free(text);
	init_plan_free(plan);
	compose_free(compose);
}

static bool
is_guessed(const struct init_plan *plan, const char *part)
{
	for (size_t i = 0; i < plan->guesses.count; i++)
		if (strstr(plan->guesses.all[i], part) != NULL)
			return true;
	return false;
}

/* What init leaves out it says, but never a secret of it; a link to a page is no database. */
static void
test_what_cannot_be_read_is_said(void **state)
{
	struct init_plan *plan;
	struct compose *compose;
	(void)state;
	char *text = plan_of("services:\n"
			     "  a:\n"
			     "    image: x\n"
			     "    environment:\n"
			     "      PORT_URL: postgresql://u:hush@host-1:99999/d\n"
			     "      PAGE_URL: https://u:hush@host-2:99999/d\n"
			     "      NO_URL: redis is not used\n",
		&plan, &compose);
	assert_true(is_guessed(plan, "nothing was made of PORT_URL of a: "));
	assert_true(is_guessed(plan, "1 to 65535"));
	assert_false(is_guessed(plan, "hush"));
	assert_false(is_guessed(plan, "PAGE_URL"));
	assert_false(is_guessed(plan, "NO_URL"));
	free(text);
	init_plan_free(plan);
	compose_free(compose);
}

/* What is made is YAML, whatever the escapes of a data source name stand for. */
static void
test_names_that_are_no_text(void **state)
{
	struct init_plan *plan;
	struct compose *compose;
	(void)state;
	char *text = plan_of("services:\n"
			     "  a:\n"
			     "    image: x\n"
			     "    environment:\n"
			     "      ONE_URL: postgresql://u:pw@ho%dest/d\n"
			     "      TWO_URL: mysql://u%deser:pw@host-2/d\n"
			     "      THREE_URL: mysql://u:pw@host-3/d%de\n"
			     "      FOUR_URL: postgresql://u:%de@host-4/d\n"
			     "      FIVE_URL: mysql://%C3%A9:pw@host-5/d\n",
		&plan, &compose);
	assert_true(str_is_utf8(text, strlen(text)));
	assert_null(strstr(text, "host-2"));
	assert_null(strstr(text, "host-3"));
	assert_null(strstr(text, "host-4"));
	assert_non_null(strstr(text, "@tcp(host-5:3306)/d"));
	assert_true(is_guessed(plan, "nothing was made of TWO_URL of a: "));
	assert_true(is_guessed(plan, "nothing was made of THREE_URL of a: "));
	assert_true(is_guessed(plan, "nothing was made of FOUR_URL of a: "));
	assert_false(is_guessed(plan, "FIVE_URL"));
	free(text);
	init_plan_free(plan);
	compose_free(compose);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_projects),
		cmocka_unit_test(test_beside_the_services),
		cmocka_unit_test(test_with_containers),
		cmocka_unit_test(test_no_password_is_copied),
		cmocka_unit_test(test_bare_host),
		cmocka_unit_test(test_healthchecks),
		cmocka_unit_test(test_what_runs_once_has_no_check),
		cmocka_unit_test(test_web_applications),
		cmocka_unit_test(test_needs_never_go_in_a_circle),
		cmocka_unit_test(test_filled_values),
		cmocka_unit_test(test_passwords_that_no_form_holds),
		cmocka_unit_test(test_what_cannot_be_read_is_said),
		cmocka_unit_test(test_names_that_are_no_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
