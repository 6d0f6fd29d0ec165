/*
 * The same misbehaviours for every row of the receiver table.  A receiver with a `url` meets the
 * HTTP ones without being named here; another kind needs a part of its own, and a row that has none
 * fails this test.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/child.h"
#include "tests/alerts/net_desk.h"
#include "tests/alerts/rows.h"

#define SECRET_PATH "/services/T000/B000/hidden"

static const struct conf_field *
field_of(const struct receiver_type *type, const char *name)
{
	for (const struct conf_field *f = type->fields; f->type != CONF_END; f++) {
		if (str_eq(f->name, name))
			return f;
	}
	return NULL;
}

/* ---- receivers with a url ---- */

#define REPLY(head, body) PEER_EXPECT("\r\n\r\n"), PEER_SEND("HTTP/1.1 " head "\r\n\r\n" body)

static const struct peer_step ok[] = { REPLY("200 OK\r\nContent-Length: 2", "ok"), PEER_END };
static const struct peer_step bad_request[] = {
	REPLY("400 Bad Request\r\nContent-Length: 3", "no\n"), PEER_END
};
static const struct peer_step not_found[] = {
	REPLY("404 Not Found\r\nContent-Length: 10", "no_service"), PEER_END
};
static const struct peer_step moved[] = {
	REPLY("302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0", ""), PEER_END
};
static const struct peer_step broken[] = { REPLY("500 Oops\r\nContent-Length: 0", ""), PEER_END };
static const struct peer_step unavailable[] = {
	REPLY("503 Away\r\nRetry-After: 7\r\nContent-Length: 0", ""), PEER_END
};
static const struct peer_step too_many[] = {
	REPLY("429 Slow down\r\nRetry-After: 7\r\nContent-Length: 0", ""), PEER_END
};
static const struct peer_step foolish[] = {
	REPLY("429 Slow down\r\nRetry-After: -99999999999999999999\r\nContent-Length: 0", ""),
	PEER_END
};
static const struct peer_step no_status[] = { PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/21 .100 OK\r\nContent-Length: 2\r\n\r\nno"), PEER_CLOSE, PEER_END };
static const struct peer_step stall[] = { PEER_STALL, PEER_END };
static const struct peer_step half[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND("HTTP/1.1 200 O"),
	PEER_STALL, PEER_END };
static const struct peer_step closes[] = { PEER_CLOSE, PEER_END };
static const struct peer_step closes_late[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
static const struct peer_step resets[] = { PEER_EXPECT("\r\n\r\n"), PEER_RESET, PEER_END };
static const struct peer_step garbage[] = { PEER_EXPECT("\r\n\r\n"), PEER_GARBAGE, PEER_CLOSE,
	PEER_END };
static const struct peer_step endless[] = { PEER_EXPECT("\r\n\r\n"), PEER_ENDLESS_LINE, PEER_END };

static const struct misery {
	const char *name;
	const struct peer_step *script;
	enum send_result result;
	int retry_after; /* seconds that must be passed on */
} miseries[] = {
	{ "200", ok, SEND_OK, 0 },
	{ "400", bad_request, SEND_NEVER, 0 },
	{ "404", not_found, SEND_NEVER, 0 },
	{ "302", moved, SEND_NEVER, 0 },
	{ "500", broken, SEND_LATER, 0 },
	{ "503 with Retry-After", unavailable, SEND_LATER, 7 },
	{ "429 with Retry-After", too_many, SEND_LATER, 7 },
	{ "429 with a foolish Retry-After", foolish, SEND_LATER, 0 },
	{ "a status that is none", no_status, SEND_LATER, 0 },
	{ "stalls", stall, SEND_LATER, 0 },
	{ "stalls in the status line", half, SEND_LATER, 0 },
	{ "closes at once", closes, SEND_LATER, 0 },
	{ "closes without an answer", closes_late, SEND_LATER, 0 },
	{ "resets", resets, SEND_LATER, 0 },
	{ "sends garbage", garbage, SEND_LATER, 0 },
	{ "never ends a line", endless, SEND_LATER, 0 },
};

static void
configure(struct desk *desk, const struct receiver_type *type, const char *origin)
{
	const char *quick = field_of(type, "timeout") == NULL ? "" : "timeout: 1s\n";
	char *yaml =
		xasprintf("url: %s" SECRET_PATH "\n%s%s", origin, row_find(type)->settings, quick);

	if (desk_configure(desk, type, yaml) != 0)
		fail_msg("%s: cannot be configured with a url alone", type->name);
	free(yaml);
}

static void
expect(const struct desk *desk, const char *what, enum send_result result)
{
	if (desk->result != result || strstr(desk->text, "hidden") != NULL || desk->text[0] == '\0')
		fail_msg("%s: %s: result %d, \"%s\"", desk->type->name, what, desk->result,
			desk->text);
}

static void
meet(struct desk *desk, const struct receiver_type *type, const struct misery *misery)
{
	const char *words = row_find(type)->taken;
	char *taken =
		xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(words), words);
	const struct peer_step takes[] = {
		PEER_EXPECT("\r\n\r\n"),
		PEER_SEND_BYTES(taken, strlen(taken)),
		PEER_END,
	};
	struct peer *peer = peer_open(desk->loop, misery->script == ok ? takes : misery->script);
	char *origin = xasprintf("http://%s", peer_address(peer));

	configure(desk, type, origin);
	desk_send(desk);
	expect(desk, misery->name, misery->result);
	assert_int_equal(desk->retry_after_us, misery->retry_after * USEC_PER_SEC);
	assert_in_range(peer_accepted(peer), 1, 2);
	desk_forget(desk);
	peer_free(peer);
	free(origin);
	free(taken);
}

/* A certificate that nobody here trusts, and a server that speaks no TLS at all. */
static void
meet_tls(struct desk *desk, const struct receiver_type *type)
{
	const struct peer_options options = { .script = ok, .is_tls = 1 };
	struct peer *peers[] = { peer_open_with(desk->loop, &options),
		peer_open(desk->loop, garbage) };

	for (size_t i = 0; i < 2; i++) {
		char *origin = xasprintf("https://%s", peer_address(peers[i]));

		configure(desk, type, origin);
		desk_send(desk);
		expect(desk, i == 0 ? "foreign certificate" : "no TLS there", SEND_LATER);
		assert_null(strstr(peer_heard(peers[i], 0), "incident"));
		desk_forget(desk);
		peer_free(peers[i]);
		free(origin);
	}
}

static void
meet_nobody(struct desk *desk, const struct receiver_type *type)
{
	char *origin = xasprintf("http://127.0.0.1:%u", peer_dead_port());

	configure(desk, type, origin);
	desk_send(desk);
	expect(desk, "nobody listens", SEND_LATER);
	desk_forget(desk);
	free(origin);
}

static void
run_url(struct desk *desk, const struct receiver_type *type)
{
	for (size_t i = 0; i < sizeof(miseries) / sizeof(miseries[0]); i++)
		meet(desk, type, &miseries[i]);
	meet_tls(desk, type);
	meet_nobody(desk, type);
}

/* ---- receivers with a mail server ---- */

#define MAIL_UP_TO_DOT                                                                             \
	PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),                                             \
		PEER_SEND("250-mail.test\r\n250 AUTH PLAIN\r\n"), PEER_EXPECT("AUTH PLAIN "),      \
		PEER_SEND("235 ok\r\n"), PEER_EXPECT("MAIL "), PEER_SEND("250 ok\r\n"),            \
		PEER_EXPECT("RCPT "), PEER_SEND("250 ok\r\n"), PEER_EXPECT("DATA\r\n"),            \
		PEER_SEND("354 go\r\n"), PEER_EXPECT("\r\n.\r\n")

static const struct peer_step mail_taken[] = { MAIL_UP_TO_DOT, PEER_SEND("250 queued\r\n"),
	PEER_CLOSE, PEER_END };
static const struct peer_step mail_refused[] = { MAIL_UP_TO_DOT, PEER_SEND("554 5.7.1 no\r\n"),
	PEER_CLOSE, PEER_END };
static const struct peer_step mail_deferred[] = { MAIL_UP_TO_DOT, PEER_SEND("451 4.3.0 wait\r\n"),
	PEER_CLOSE, PEER_END };
static const struct peer_step mail_lost[] = { MAIL_UP_TO_DOT, PEER_RESET, PEER_END };
static const struct peer_step mail_away[] = { PEER_SEND("421 busy\r\n"), PEER_CLOSE, PEER_END };
static const struct peer_step mail_garbage[] = { PEER_GARBAGE, PEER_CLOSE, PEER_END };
static const struct peer_step mail_endless[] = { PEER_ENDLESS_LINE, PEER_END };

static const struct misery mail_miseries[] = {
	{ "taken", mail_taken, SEND_OK, 0 },
	{ "refused for good", mail_refused, SEND_NEVER, 0 },
	{ "deferred", mail_deferred, SEND_LATER, 0 },
	{ "lost after the dot", mail_lost, SEND_LATER, 0 },
	{ "421", mail_away, SEND_LATER, 0 },
	{ "stalls", stall, SEND_LATER, 0 },
	{ "closes at once", closes, SEND_LATER, 0 },
	{ "sends garbage", mail_garbage, SEND_LATER, 0 },
	{ "never ends a line", mail_endless, SEND_LATER, 0 },
};

static void
meet_mail(struct desk *desk, const struct receiver_type *type, const char *address,
	const struct misery *misery)
{
	char *yaml = xasprintf("server: smtp://me:hidden-word@%s\nfrom: a@b.test\nto: c@d.test\n"
			       "timeout: 1s\n",
		address);

	assert_int_equal(desk_configure(desk, type, yaml), 0);
	free(yaml);
	desk_send(desk);
	expect(desk, misery->name, misery->result);
	desk_forget(desk);
}

static void
run_mail(struct desk *desk, const struct receiver_type *type)
{
	static const struct misery nobody = { "nobody listens", NULL, SEND_LATER, 0 };
	char address[40];

	for (size_t i = 0; i < sizeof(mail_miseries) / sizeof(mail_miseries[0]); i++) {
		struct peer *peer = peer_open(desk->loop, mail_miseries[i].script);

		meet_mail(desk, type, peer_address(peer), &mail_miseries[i]);
		peer_free(peer);
	}
	snprintf(address, sizeof(address), "127.0.0.1:%u", peer_dead_port());
	meet_mail(desk, type, address, &nobody);
}

/* ---- receivers with a local datagram socket ---- */

static int
bind_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	str_copy(at.sun_path, sizeof(at.sun_path), path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void
run_socket(struct desk *desk, const struct receiver_type *type)
{
	char dir[] = "/tmp/triaged-gauntlet-XXXXXX", path[64];
	char *yaml;
	int fd, sent = 0;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	yaml = xasprintf("socket: %s\n", path);
	assert_int_equal(desk_configure(desk, type, yaml), 0);
	free(yaml);
	desk_send(desk);
	expect(desk, "never was there", SEND_LATER);
	fd = bind_socket(path);
	while (desk_send(desk) == SEND_OK && sent < 100000)
		sent++;
	expect(desk, "full", SEND_LATER);
	assert_true(sent > 0);
	close(fd);
	desk_send(desk);
	expect(desk, "vanished", SEND_LATER);
	unlink(path);
	fd = bind_socket(path);
	desk_send(desk);
	expect(desk, "back again", SEND_OK);
	close(fd);
	unlink(path);
	rmdir(dir);
	desk_forget(desk);
}

/* ---- receivers that run a command ---- */

static void
run_command(struct desk *desk, const struct receiver_type *type)
{
	static const struct {
		const char *name, *command;
		enum send_result result;
	} ends[] = {
		{ "a good end", "[/bin/sh, -c, cat >/dev/null]", SEND_OK },
		{ "a bad end", "[/bin/sh, -c, exit 1]", SEND_LATER },
		{ "a refusal", "[/bin/sh, -c, exit 65]", SEND_NEVER },
		{ "a crash", "[/bin/sh, -c, kill -SEGV $$]", SEND_LATER },
		{ "a hang", "[/bin/sh, -c, sleep 100]", SEND_LATER },
		{ "loud", "[/bin/sh, -c, head -c 5000000 /dev/urandom; exit 1]", SEND_LATER },
		{ "no program", "/nonexistent/program", SEND_LATER },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *yaml = xasprintf("command: %s\ntimeout: 1s\n", ends[i].command);

		assert_int_equal(desk_configure(desk, type, yaml), 0);
		desk_start(desk);
		assert_true(loop_turn_until(desk->loop, desk_has_verdict, desk, 100000));
		expect(desk, ends[i].name, ends[i].result);
		desk_forget(desk);
		free(yaml);
	}
}

static void
every_receiver_stands_every_misbehaviour(void **state)
{
	struct desk *desk = *state;

	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		const struct receiver_type *type = receiver_table[i];

		if (field_of(type, "url") != NULL)
			run_url(desk, type);
		else if (field_of(type, "socket") != NULL)
			run_socket(desk, type);
		else if (field_of(type, "from") != NULL)
			run_mail(desk, type);
		else if (field_of(type, "command") != NULL)
			run_command(desk, type);
		else
			fail_msg("%s: give it a part in this test", type->name);
	}
}

static void
the_table_is_whole(void **state)
{
	(void)state;
	assert_null(receiver_find("no-such-receiver"));
	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		const struct receiver_type *type = receiver_table[i];

		assert_ptr_equal(receiver_find(type->name), type);
		assert_non_null(type->summary);
		assert_non_null(type->fields);
		assert_non_null(type->start);
		assert_non_null(type->target);
		assert_true(type->timeout_us > 0 && type->timeout_us <= 2 * USEC_PER_MIN);
		if (i > 0)
			assert_true(strcmp(receiver_table[i - 1]->name, type->name) < 0);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test_setup_teardown(every_receiver_stands_every_misbehaviour,
			net_desk_setup, net_desk_teardown),
	};

	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
