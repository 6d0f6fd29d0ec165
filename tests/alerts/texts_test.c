/*
 * Every row of the receiver table is handed every text that may stand in an incident, and a
 * megabyte of evidence: what goes out is whole, valid and small enough.  A row that is not in
 * rows.h fails.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/child.h"
#include "model/digest.h"
#include "tests/alerts/matrix.h"

static const char *const texts[] = {
	"\"quoted\" \\ back\\slash\nnew\r\nline\ttab",
	"😀 🇨🇳 \xe2\x80\xae reversed \xe2\x80\xac \xe2\x80\x8b zero \xe2\x80\x8b width "
	"\xef\xbb\xbf ",
	"@everyone @here @all <!channel> <!here> <at id=all></at> <@U123> <users/all>",
	"<script>alert(1)</script> &amp; </b> *bold* _it_ `code` [x](http://x/) ~~~ > # |",
	"%s%n %0a${jndi:ldap://x} {{.}} '; drop table--",
	"",
};

static void
set_texts(struct notice *notice, const char *text, size_t evidence)
{
	struct incident *i = &notice->incident;
	char *long_text = xcalloc(1, evidence + strlen(text) + 1);

	memset(long_text, 'e', evidence);
	memcpy(long_text + evidence, text, strlen(text));
	xstrset(&i->title, text);
	xstrset(&i->summary, long_text);
	xstrset(&i->explanation, long_text);
	xstrset(&i->cause_title, text);
	xstrset(&i->target, text);
	xstrset(&i->host, text);
	for (unsigned n = 0; n < 30; n++) {
		incident_add_text(&i->facts, text[0] == '\0' ? "fact" : text,
			n == 0 ? long_text : long_text + evidence, DESK_WALL);
		incident_add_text(&i->remedy, text, text, DESK_WALL);
	}
	json_decref(i->labels);
	i->labels = json_object();
	json_object_set_new(i->labels, "team", json_string(text));
	free(long_text);
}

static void
set_digest(struct notice *notice, const char *text)
{
	xstrset(&notice->type, NOTICE_DIGEST);
	notice->digest = digest_new();
	for (unsigned n = 0; n < 2000; n++) {
		struct digest_item item = { .check = xstrdup("api"),
			.title = xstrdup(text),
			.cause = xstrdup(text),
			.severity = n % 2 ? SEVERITY_CRITICAL : SEVERITY_WARNING,
			.is_resolved = n % 3 == 0,
			.started_us = DESK_WALL,
			.sequence = 1,
			.events = 1 };

		snprintf(item.incident, sizeof(item.incident), "3f9c2a7d%04u", n);
		digest_add(notice->digest, &item);
		free(item.check);
		free(item.title);
		free(item.cause);
	}
	digest_sort(notice->digest);
}

/* Its head says how long it is and what it is; it is that. */
static void
check_request(const struct row *row, const char *heard, const char *what)
{
	const char *body = strstr(heard, "\r\n\r\n"), *type = strcasestr(heard, "content-type: ");
	const char *length = strcasestr(heard, "content-length: ");
	json_t *doc;
	size_t len;

	if (body == NULL || length == NULL)
		fail_msg("%s: %s: no whole request: %.200s", row->name, what, heard);
	body += 4;
	len = strlen(body);
	if (len != strtoul(length + 16, NULL, 10) || len > row->cap_bytes)
		fail_msg("%s: %s: a body of %zu bytes, may be %zu", row->name, what, len,
			row->cap_bytes);
	if (!str_is_utf8(body, len))
		fail_msg("%s: %s: not UTF-8", row->name, what);
	if (type == NULL || strncmp(type + 14, "application/json", 16) != 0)
		return;
	doc = json_loadb(body, len, 0, NULL);
	if (doc == NULL)
		fail_msg("%s: %s: no JSON: %.300s", row->name, what, body);
	json_decref(doc);
}

static void
write_case(struct desk *desk, size_t kind, const char *text)
{
	static const enum incident_event_type types[] = { INCIDENT_OPENED, INCIDENT_UPDATED,
		INCIDENT_ENDED, INCIDENT_REMINDER, INCIDENT_ACKED };
	size_t count = sizeof(types) / sizeof(types[0]);

	desk_write(desk, kind < count ? types[kind] : INCIDENT_OPENED);
	set_texts(&desk->notice, text, kind == 0 ? (size_t)1 << 20 : 100);
	if (kind == count)
		set_digest(&desk->notice, text);
	if (kind == count + 1)
		xstrset(&desk->notice.type, NOTICE_TEST);
}

#define CASES 7

static void
tell_url(struct desk *desk, const struct row *row, const char *what)
{
	char *heard = NULL;

	try_against(desk, row, row->taken_status, "", row->taken, &heard);
	expect(desk, row, what, SEND_OK);
	check_request(row, heard, what);
	free(heard);
}

static void
meet_texts(struct desk *desk, const struct row *row,
	void (*tell)(struct desk *desk, const struct row *row, const char *what))
{
	char what[100];

	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		for (size_t kind = 0; kind < CASES; kind++) {
			write_case(desk, kind, texts[t]);
			snprintf(what, sizeof(what), "text %zu of kind %zu", t, kind);
			tell(desk, row, what);
		}
	}
	desk_write(desk, INCIDENT_OPENED);
}

/* ---- the other kinds ---- */

static int
bind_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	str_copy(at.sun_path, sizeof(at.sun_path), path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* One datagram, small enough for /dev/log; of syslog one line. */
static void
tell_socket(struct desk *desk, const struct row *row, const char *what)
{
	char dir[] = "/tmp/triaged-matrix-XXXXXX", path[64], *got = xcalloc(1, 1 << 20);
	ssize_t len;
	char *yaml;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	fd = bind_socket(path);
	yaml = xasprintf("socket: %s\n", path);
	put_in_force(desk, row, yaml);
	send_it(desk);
	expect(desk, row, what, SEND_OK);
	len = recv(fd, got, (1 << 20) - 1, 0);
	assert_in_range(len, 1, row->cap_bytes);
	if (row->kind == ROW_SYSLOG && memchr(got, '\n', (size_t)len) != NULL)
		fail_msg("%s: %s: two lines", row->name, what);
	forget(desk);
	close(fd);
	unlink(path);
	rmdir(dir);
	free(yaml);
	free(got);
}

static void
tell_command(struct desk *desk, const struct row *row, const char *what)
{
	static const char *const yaml =
		"command: [/usr/bin/python3, -c, \"import json,sys; json.load(sys.stdin)\"]\n";

	put_in_force(desk, row, yaml);
	send_it(desk);
	expect(desk, row, what, SEND_OK);
	forget(desk);
}

#define MAIL                                                                                       \
	PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),                                             \
		PEER_SEND("250-mail.test\r\n250 AUTH PLAIN\r\n"), PEER_EXPECT("AUTH PLAIN "),      \
		PEER_SEND("235 ok\r\n"), PEER_EXPECT("MAIL "), PEER_SEND("250 ok\r\n"),            \
		PEER_EXPECT("RCPT "), PEER_SEND("250 ok\r\n"), PEER_EXPECT("DATA\r\n"),            \
		PEER_SEND("354 go\r\n"), PEER_EXPECT("\r\n.\r\n"), PEER_SEND("250 queued\r\n"),    \
		PEER_CLOSE

static void
tell_mail(struct desk *desk, const struct row *row, const char *what)
{
	static const struct peer_step script[] = { MAIL, PEER_END };
	struct peer *peer = peer_open(desk->loop, script);
	char *yaml = xasprintf("server: smtp://me:hidden-word@%s\nfrom: a@b.test\nto: c@d.test\n",
		peer_address(peer));
	const char *heard;

	put_in_force(desk, row, yaml);
	send_it(desk);
	expect(desk, row, what, SEND_OK);
	heard = peer_heard(peer, 0);
	assert_in_range(strlen(heard), 1, row->cap_bytes);
	for (const char *at = heard; at != NULL && *at != '\0';) {
		const char *end = strstr(at, "\r\n");

		if (end != NULL && end - at > 998)
			fail_msg(
				"%s: %s: a line of %zu bytes", row->name, what, (size_t)(end - at));
		at = end == NULL ? NULL : end + 2;
	}
	forget(desk);
	peer_free(peer);
	free(yaml);
}

/* ---- all of it ---- */

static void
every_row_stands_every_text(void **state)
{
	static void (*const tells[])(
		struct desk * desk, const struct row *row, const char *what) = {
		[ROW_URL] = tell_url,
		[ROW_SYSLOG] = tell_socket,
		[ROW_JOURNAL] = tell_socket,
		[ROW_EMAIL] = tell_mail,
		[ROW_COMMAND] = tell_command,
	};

	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		const struct row *row = row_find(receiver_table[i]);

		assert_non_null(row);
		meet_texts(*state, row, tells[row->kind]);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_row_stands_every_text, net_desk_setup, net_desk_teardown),
	};

	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
