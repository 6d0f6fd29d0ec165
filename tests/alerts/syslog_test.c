/* The local syslog: the line as rsyslog reads it, and sockets that are full, gone, or were never.
 */
#include <errno.h>
#include <time.h>

#include "alerts/table.h"
#include "tests/alerts/dgram_desk.h"

static int
setup(void **state)
{
	setenv("TZ", "UTC", 1);
	tzset();
	*state = dgram_desk_open(&receiver_type_syslog);
	return 0;
}

/* What syslogd would read, the process id taken out; "" when nothing came. */
static const char *
heard(const struct dgram_desk *f)
{
	static char text[8192];
	ssize_t len = recv(f->fd, text, sizeof(text) - 1, 0);
	char pid[32], *at;

	if (len < 0) {
		assert_int_equal(errno, EAGAIN);
		return "";
	}
	text[len] = '\0';
	snprintf(pid, sizeof(pid), "triaged[%d]", (int)getpid());
	at = strstr(text, pid);
	assert_non_null(at);
	memmove(at + 8, at + strlen(pid) - 1, strlen(at + strlen(pid) - 1) + 1);
	return text;
}

static void
one_line_says_it_all(void **state)
{
	struct dgram_desk *f = *state;

	assert_int_equal(dgram_desk_try(f), SEND_OK);
	assert_string_equal(heard(f),
		"<26>Jan  2 03:04:05 triaged[]: OPENED critical api: api refuses connections: "
		"127.0.0.1:3000 refused (net.refused) [triaged@32473 incident=\"3f9c2a7d41b8\" "
		"severity=\"critical\" check=\"api\" cause=\"net.refused\"]");
	assert_string_equal(heard(f), "");
}

static void
nothing_is_said_twice(void **state)
{
	static const struct {
		const char *title, *summary, *line;
	} cases[] = {
		{ "api: 74 GiB left", "74 GiB left", "api: 74 GiB left (" },
		{ "api: 74 GiB left", "api: 74 GiB left", "api: 74 GiB left (" },
		{ "api: 74 GiB", "api: 74 GiB left", "api: 74 GiB left (" },
		{ "api: 74 GiB left", "no room", "api: 74 GiB left: no room (" },
		{ "api: 74 GiB left", "", "api: 74 GiB left (" },
		{ "api: 74 GiB left", NULL, "api: 74 GiB left (" },
		{ NULL, "api: 74 GiB left", "api: 74 GiB left (" },
	};
	struct dgram_desk *f = *state;
	char start[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xstrset(&f->desk.notice.incident.title, cases[i].title);
		xstrset(&f->desk.notice.incident.summary, cases[i].summary);
		assert_int_equal(dgram_desk_try(f), SEND_OK);
		snprintf(start, sizeof(start), "<26>Jan  2 03:04:05 triaged[]: OPENED critical %s",
			cases[i].line);
		if (!str_starts(heard(f), start))
			fail_msg("case %zu does not begin with %s", i, start);
	}
	xstrset(&f->desk.notice.incident.title, "api: 74 GiB left");
	desk_write(&f->desk, INCIDENT_ENDED);
	xstrset(&f->desk.notice.incident.title, "api: 74 GiB left");
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	assert_non_null(strstr(heard(f), "RESOLVED api: 74 GiB left, after 3m 12s"));
}

static void
an_end_says_how_long_it_took(void **state)
{
	struct dgram_desk *f = *state;
	const char *line;

	desk_write(&f->desk, INCIDENT_ENDED);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	line = heard(f);
	assert_true(str_starts(line, "<29>Jan  2 03:04:05 triaged[]: RESOLVED api: "
				     "api refuses connections, after 3m 12s"));
	assert_non_null(strstr(line, "cause=\"net.refused\"]"));
}

static void
levels_become_priorities(void **state)
{
	static const struct {
		enum severity severity;
		const char *start;
	} cases[] = {
		{ SEVERITY_CRITICAL, "<26>" },
		{ SEVERITY_WARNING, "<28>" },
		{ SEVERITY_INFO, "<29>" },
	};
	struct dgram_desk *f = *state;

	for (size_t i = 0; i < 3; i++) {
		f->desk.notice.severity = cases[i].severity;
		assert_int_equal(dgram_desk_try(f), SEND_OK);
		assert_true(str_starts(heard(f), cases[i].start));
	}
}

static void
line_ends_and_quotes_cannot_forge_a_line(void **state)
{
	struct dgram_desk *f = *state;
	const char *line;

	xstrset(&f->desk.notice.incident.summary, "first\n<26>second\x1b[31m\r\n\tthird \xff");
	xstrset(&f->desk.notice.incident.check, "a\"b\\c]d");
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	line = heard(f);
	assert_null(strpbrk(line, "\r\n\t\x1b"));
	assert_true(str_is_utf8(line, strlen(line)));
	assert_non_null(strstr(line, "first <26>second"));
	assert_non_null(strstr(line, "check=\"a\\\"b\\\\c\\]d\""));
}

static void
a_long_summary_gives_way_to_the_element(void **state)
{
	struct dgram_desk *f = *state;
	struct buf text;
	const char *line;

	/* Three bytes a character, so that some length cuts one in the middle. */
	for (int pad = 0; pad < 3; pad++) {
		buf_init(&text, 0);
		buf_add_text(&text, pad == 0 ? "" : pad == 1 ? "x" : "xx");
		for (int i = 0; i < 2000; i++)
			buf_add_text(&text, "\xe7\xa3\x81");
		xstrset(&f->desk.notice.incident.summary, buf_text(&text));
		buf_fini(&text);
		assert_int_equal(dgram_desk_try(f), SEND_OK);
		line = heard(f);
		assert_in_range(strlen(line), 1900, 2048);
		assert_true(str_is_utf8(line, strlen(line)));
		assert_true(str_ends(line, "cause=\"net.refused\"]"));
	}
}

static void
the_element_is_closed_whatever_the_names_are(void **state)
{
	struct dgram_desk *f = *state;
	char long_name[3001];

	memset(long_name, '"', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	xstrset(&f->desk.notice.incident.check, long_name);
	xstrset(&f->desk.notice.incident.cause_code, long_name);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	assert_true(str_ends(heard(f), "\\\"\"]"));
}

static void
what_is_not_known_is_left_out(void **state)
{
	struct dgram_desk *f = *state;
	struct incident *incident = &f->desk.notice.incident;

	xstrset(&incident->summary, NULL);
	xstrset(&incident->cause_code, NULL);
	xstrset(&incident->check, NULL);
	xstrset(&f->desk.notice.type, "test");
	f->desk.notice.severity = SEVERITY_INFO;
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	assert_string_equal(heard(f),
		"<29>Jan  2 03:04:05 triaged[]: TEST info -: api refuses connections "
		"[triaged@32473 incident=\"3f9c2a7d41b8\" severity=\"info\"]");
}

static void
a_full_socket_is_tried_again_soon(void **state)
{
	struct dgram_desk *f = *state;
	int sent = 0;

	while (dgram_desk_try(f) == SEND_OK && sent < 100000)
		sent++;
	assert_int_equal(f->desk.result, SEND_LATER);
	assert_int_equal(f->desk.retry_after_us, USEC_PER_SEC);
	assert_non_null(strstr(f->desk.text, "full"));
	while (heard(f)[0] != '\0')
		sent--;
	assert_int_equal(sent, 0);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
}

static void
a_vanished_socket_is_later(void **state)
{
	struct dgram_desk *f = *state;

	close(f->fd);
	assert_int_equal(dgram_desk_try(f), SEND_LATER);
	assert_non_null(strstr(f->desk.text, "no syslog daemon"));
	unlink(f->path);
	assert_int_equal(dgram_desk_try(f), SEND_LATER);
	assert_non_null(strstr(f->desk.text, "no syslog daemon"));
	/* It comes back at the same place. */
	dgram_desk_listen(f);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	assert_string_not_equal(heard(f), "");
}

static void
settings_have_a_default_and_refuse_the_rest(void **state)
{
	struct desk desk;
	char text[128];

	(void)state;
	desk_open(&desk, true);
	assert_int_equal(desk_configure(&desk, &receiver_type_syslog, "{}"), 0);
	receiver_type_syslog.target(desk.conf, text, sizeof(text));
	assert_string_equal(text, "/dev/log");
	desk_forget(&desk);
	assert_int_equal(desk_configure(&desk, &receiver_type_syslog, "address: udp:1.2.3.4"), 1);
	desk_forget(&desk);
	assert_int_equal(desk_configure(&desk, &receiver_type_syslog, "facility: local7"), 0);
	desk_close(&desk);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, dgram_desk_close)
	const struct CMUnitTest tests[] = {
		T(one_line_says_it_all),
		T(nothing_is_said_twice),
		T(an_end_says_how_long_it_took),
		T(levels_become_priorities),
		T(line_ends_and_quotes_cannot_forge_a_line),
		T(a_long_summary_gives_way_to_the_element),
		T(the_element_is_closed_whatever_the_names_are),
		T(what_is_not_known_is_left_out),
		T(a_full_socket_is_tried_again_soon),
		T(a_vanished_socket_is_later),
		cmocka_unit_test(settings_have_a_default_and_refuse_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
