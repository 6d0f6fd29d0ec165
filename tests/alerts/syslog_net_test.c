/* Syslog over the network: lines as RFC 5424 wants them, and what is known about their arrival. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alerts/syslog_line.h"
#include "alerts/table.h"
#include "tests/alerts/net_desk.h"

#define BOM "\xef\xbb\xbf"

/* Reads to the end, and closes then. */
static const struct peer_step reader[] = { PEER_EXPECT("what never comes"), PEER_END };

/* The process id taken out. */
static const char *
bare(const char *line)
{
	static char text[16384];
	char pid[32], *at;

	str_copy(text, sizeof(text), line);
	snprintf(pid, sizeof(pid), " triaged %d ", (int)getpid());
	at = strstr(text, pid);
	assert_non_null(at);
	memmove(at + 8, at + strlen(pid) - 1, strlen(at + strlen(pid) - 1) + 1);
	return text;
}

static void
configure(struct desk *desk, const char *scheme, const struct peer *peer, const char *more)
{
	char *yaml = xasprintf("server: %s://%s\n%s", scheme, peer_address(peer), more);

	assert_int_equal(desk_configure(desk, &receiver_type_syslog, yaml), 0);
	free(yaml);
}

static const char line_start[] = "<26>1 2026-01-02T03:04:05.000Z web-1 triaged OPENED "
				 "[triaged@32473 incident=\"3f9c2a7d41b8\" severity=\"critical\" "
				 "check=\"api\" cause=\"net.refused\"] " BOM
				 "OPENED critical api: api refuses connections: 127.0.0.1:3000 "
				 "refused (net.refused)";

static void
tcp_lines_have_their_length_before_them(void **state)
{
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, reader);
	const char *heard;
	long len;
	char *end;

	configure(desk, "tcp", peer, "");
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_non_null(strstr(desk->text, "closed in order"));
	heard = peer_heard(peer, 0);
	len = strtol(heard, &end, 10);
	assert_int_equal(len, strlen(end + 1));
	assert_string_equal(bare(end + 1), line_start);
	assert_non_null(strstr(desk->transcript, "OPENED critical api"));
	peer_free(peer);
}

static void
lines_may_end_with_a_line_feed(void **state)
{
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, reader);
	const char *heard;

	configure(desk, "tcp", peer, "framing: lines\nfacility: local0\n");
	xstrset(&desk->notice.incident.summary, "one\ntwo");
	assert_int_equal(desk_send(desk), SEND_OK);
	heard = peer_heard(peer, 0);
	assert_true(str_starts(heard, "<130>1 "));
	assert_ptr_equal(strchr(heard, '\n'), heard + strlen(heard) - 1);
	peer_free(peer);
}

static void
what_was_not_read_is_sent_again(void **state)
{
	static const struct peer_step closes[] = { PEER_CLOSE, PEER_END };
	static const struct peer_step resets[] = { PEER_RESET, PEER_END };
	static const struct peer_step late[] = { PEER_EXPECT_BYTES(5), PEER_RESET, PEER_END };
	static const struct peer_step *const scripts[] = { closes, resets, late };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct peer *peer = peer_open(desk->loop, scripts[i]);

		configure(desk, "tcp", peer, "timeout: 1s\n");
		desk_send(desk);
		/* Who closes at once may have had the line, if it came with the connection. */
		if (desk->result != SEND_LATER && !(i == 0 && desk->result == SEND_OK))
			fail_msg("script %zu: result %d, %s", i, desk->result, desk->text);
		if (desk->result == SEND_OK)
			assert_int_equal(peer_accepted(peer), 1);
		desk_forget(desk);
		peer_free(peer);
	}
}

static void
nobody_there_is_later(void **state)
{
	struct desk *desk = *state;
	char *yaml = xasprintf("server: tcp://127.0.0.1:%u", peer_dead_port());

	assert_int_equal(desk_configure(desk, &receiver_type_syslog, yaml), 0);
	assert_int_equal(desk_send(desk), SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_NETWORK);
	assert_non_null(strstr(desk->text, "refused"));
	free(yaml);
}

static bool
is_quiet(void *arg)
{
	return ((const struct desk *)arg)->verdicts > 0;
}

/* A world whose time is turned by hand. */
static void
open_fake(struct desk *desk)
{
	desk_open(desk, true);
	desk->env.resolver = resolver_new(desk->loop, NULL);
	desk->env.tls = tls_pool_new();
	desk_write(desk, INCIDENT_OPENED);
}

/* Milliseconds of its time; a tenth of them really, in which the kernel acknowledges. */
static void
pass(struct desk *desk, int ms)
{
	for (; ms > 0; ms -= 10) {
		poll(NULL, 0, 1);
		loop_turn(desk->loop, false);
		loop_advance(desk->loop, 10 * USEC_PER_MSEC);
	}
}

static void
close_fake(struct desk *desk)
{
	desk_forget(desk);
	resolver_free(desk->env.resolver);
	loop_turn(desk->loop, false);
	tls_pool_free(desk->env.tls);
	desk_close(desk);
}

static void
an_open_connection_needs_the_kernels_receipt(void **state)
{
	static const struct peer_step stall[] = { PEER_STALL, PEER_END };
	struct desk desk;
	struct peer *peer;

	(void)state;
	open_fake(&desk);
	peer = peer_open(desk.loop, stall);
	configure(&desk, "tcp", peer, "");
	desk_start(&desk);
	assert_int_equal(desk.verdicts, 0);
	pass(&desk, 1900);
	assert_int_equal(desk.verdicts, 0);
	pass(&desk, 200);
	assert_int_equal(desk.verdicts, 1);
	assert_int_equal(desk.result, SEND_OK);
	assert_non_null(strstr(desk.text, "keeps the connection open"));
	peer_free(peer);
	close_fake(&desk);
}

static void
a_handshake_that_does_not_end_is_later(void **state)
{
	static const struct peer_step stall[] = { PEER_STALL, PEER_END };
	struct desk desk;
	struct peer *peer;

	(void)state;
	open_fake(&desk);
	peer = peer_open(desk.loop, stall);
	configure(&desk, "tls", peer, "verify: false\n");
	desk_start(&desk);
	for (int i = 0; i < 100; i++)
		loop_turn(desk.loop, false);
	loop_advance(desk.loop, 11 * USEC_PER_SEC);
	assert_true(loop_turn_until(desk.loop, is_quiet, &desk, 50));
	assert_int_equal(desk.result, SEND_LATER);
	assert_int_equal(desk.class, SEND_CLASS_TLS);
	peer_free(peer);
	close_fake(&desk);
}

/* ---- TLS ---- */

static void
certificates_are_verified(void **state)
{
	const struct peer_options options = { .script = reader, .is_tls = 1 };
	struct desk *desk = *state;
	struct peer *peer = peer_open_with(desk->loop, &options);
	char *trusting = xasprintf("ca: %s\n", peer_ca_path());

	configure(desk, "tls", peer, "");
	assert_int_equal(desk_send(desk), SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_TLS);
	assert_string_equal(peer_heard(peer, 0), "");
	desk_forget(desk);
	configure(desk, "tls", peer, trusting);
	assert_int_equal(desk_send(desk), SEND_OK);
	assert_non_null(strstr(peer_heard(peer, 1), "3f9c2a7d41b8"));
	desk_forget(desk);
	configure(desk, "tls", peer, "verify: false\n");
	assert_int_equal(desk_send(desk), SEND_OK);
	free(trusting);
	peer_free(peer);
}

static void
a_client_certificate_is_shown(void **state)
{
	const struct peer_options options = {
		.script = reader, .is_tls = 1, .client_ca = peer_ca_path()
	};
	struct desk *desk = *state;
	struct peer *peer = peer_open_with(desk->loop, &options);
	char *with = xasprintf("ca: %s\ncert: %s\n", peer_ca_path(), peer_client_pem());
	char *without = xasprintf("ca: %s\n", peer_ca_path());

	configure(desk, "tls", peer, without);
	assert_int_equal(desk_send(desk), SEND_LATER);
	desk_forget(desk);
	configure(desk, "tls", peer, with);
	assert_int_equal(desk_send(desk), SEND_OK);
	free(with);
	free(without);
	peer_free(peer);
}

static void
plain_servers_get_nothing(void **state)
{
	static const struct peer_step plain[] = { PEER_SEND("220 hello\r\n"), PEER_END };
	struct desk *desk = *state;
	struct peer *peer = peer_open(desk->loop, plain);

	configure(desk, "tls", peer, "verify: false\n");
	assert_int_equal(desk_send(desk), SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_TLS);
	assert_null(strstr(peer_heard(peer, 0), "incident"));
	peer_free(peer);
}

/* ---- UDP ---- */

static void
one_datagram_for_each_line(void **state)
{
	struct desk *desk = *state;
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char *yaml, text[8192];
	ssize_t got;

	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	yaml = xasprintf("server: udp://127.0.0.1:%u\n", ntohs(at.sin_port));
	assert_int_equal(desk_configure(desk, &receiver_type_syslog, yaml), 0);
	assert_int_equal(desk_send(desk), SEND_OK);
	got = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(got > 0);
	text[got] = '\0';
	assert_string_equal(bare(text), line_start);
	assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
	/* The kernel of the other side says that nobody is there any more. */
	close(fd);
	assert_int_equal(desk_send(desk), SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_NETWORK);
	free(yaml);
}

/* ---- lines ---- */

static void
a_line_never_exceeds_its_size(void **state)
{
	static const size_t sizes[] = { 480, 481, 482, 1024, 2048, 8192 };
	struct desk *desk = *state;
	struct incident *incident = &desk->notice.incident;
	char quotes[3001], wide[3001];

	memset(quotes, ']', sizeof(quotes) - 1);
	quotes[sizeof(quotes) - 1] = '\0';
	for (size_t i = 0; i < sizeof(wide) - 1; i++)
		wide[i] = "\xe7\xa3\x81"[i % 3];
	wide[sizeof(wide) - 1] = '\0';
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct syslog_form form = { .is_network = i % 2 == 0,
			.facility = SYSLOG_DAEMON,
			.host = i % 2 == 0 ? wide : "web 1",
			.max = sizes[i / 2] };
		struct buf line;

		xstrset(&incident->check, i % 2 == 0 ? wide : quotes);
		xstrset(&incident->cause_code, i % 2 == 0 ? quotes : wide);
		xstrset(&incident->summary, wide);
		buf_init(&line, 0);
		syslog_line(&line, &form, &desk->notice);
		assert_in_range(buf_left(&line), form.max > 4096 ? 3000 : form.max - 3, form.max);
		assert_true(str_is_utf8(buf_text(&line), buf_left(&line)));
		assert_non_null(strstr(buf_text(&line), "cause=\""));
		assert_non_null(strstr(buf_text(&line), "\"]"));
		buf_fini(&line);
	}
	xstrset(&incident->check, "api");
}

static void
a_host_name_is_one_word(void **state)
{
	struct desk *desk = *state;
	struct syslog_form form = { true, SYSLOG_DAEMON, "b\xc3\xbcro 1", 2048 };
	struct buf line;

	buf_init(&line, 0);
	syslog_line(&line, &form, &desk->notice);
	assert_non_null(strstr(buf_text(&line), "Z b--ro-1 triaged "));
	buf_reset(&line);
	form.host = "";
	syslog_line(&line, &form, &desk->notice);
	assert_non_null(strstr(buf_text(&line), "Z - triaged "));
	buf_fini(&line);
}

/* ---- settings ---- */

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "server: http://h/", "udp://, tcp:// or tls://" },
		{ "server: h:514", "scheme" },
		{ "server: tcp://h:601/path", "behind the port" },
		{ "server: tcp://me:pass@h", "no users" },
		{ "{ server: tcp://h, socket: /dev/log }", "take one of them out" },
		{ "{ server: tcp://h, ca: /etc/ca.pem }", "tls://" },
		{ "{ server: udp://h, framing: lines }", "tcp://" },
		{ "framing: lines", "tcp://" },
		{ "{ server: tls://h, ca: /nonexistent/ca.pem }", "/nonexistent/ca.pem" },
		{ "{ server: tls://h, key: /nonexistent/key.pem }", "needs `cert`" },
		{ "facility: local8", "local7" },
		{ "max_size: 100B", "480" },
		{ "{ server: tcp://h, timeout: 2h }", "timeout" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned errors = desk_configure(desk, &receiver_type_syslog, cases[i][0]);
		struct buf text;

		buf_init(&text, 0);
		complaints_print(desk->complaints, &text);
		if (errors < 1 || strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		desk_forget(desk);
	}
}

static void
ports_may_be_left_out(void **state)
{
	struct desk *desk = *state;
	char text[128];

	assert_int_equal(desk_configure(desk, &receiver_type_syslog, "server: tls://logs.lab"), 0);
	receiver_type_syslog.target(desk->conf, text, sizeof(text));
	assert_string_equal(text, "tls://logs.lab:6514");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(tcp_lines_have_their_length_before_them),
		T(lines_may_end_with_a_line_feed),
		T(what_was_not_read_is_sent_again),
		T(nobody_there_is_later),
		cmocka_unit_test(an_open_connection_needs_the_kernels_receipt),
		cmocka_unit_test(a_handshake_that_does_not_end_is_later),
		T(certificates_are_verified),
		T(a_client_certificate_is_shown),
		T(plain_servers_get_nothing),
		T(one_datagram_for_each_line),
		T(a_line_never_exceeds_its_size),
		T(a_host_name_is_one_word),
		T(mistakes_are_named),
		T(ports_may_be_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
