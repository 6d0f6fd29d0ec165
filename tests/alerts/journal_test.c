/* The journal's own protocol, taken apart by a strict reader of our own; journald itself reads it
 * in the end-to-end test. */
#include <endian.h>
#include <errno.h>

#include "alerts/table.h"
#include "tests/alerts/dgram_desk.h"

static int
setup(void **state)
{
	*state = dgram_desk_open(&receiver_type_journal);
	return 0;
}

static void
hear(struct dgram_desk *f)
{
	ssize_t len = recv(f->fd, f->entry, sizeof(f->entry), 0);

	assert_true(len > 0);
	f->len = (size_t)len;
}

/* One field; the end of it.  What is not exactly the protocol fails the test. */
static const char *
read_field(const char *at, const char *end, char name[128], char **value)
{
	size_t len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	uint64_t size;

	assert_in_range(len, 1, 64);
	assert_true(at[0] != '_' && (at[0] < '0' || at[0] > '9'));
	memcpy(name, at, len);
	name[len] = '\0';
	at += len;
	if (*at == '=') {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		at++;
		assert_non_null(stop);
		*value = xstrndup(at, (size_t)(stop - at));
		return stop + 1;
	}
	assert_int_equal(*at, '\n');
	memcpy(&size, at + 1, sizeof(size));
	size = le64toh(size);
	at += 1 + sizeof(size);
	assert_true(size < (uint64_t)(end - at));
	*value = xstrndup(at, size);
	assert_int_equal(at[size], '\n');
	return at + size + 1;
}

/* The value of a field; "" when there is none, or it is there twice. */
static const char *
value_of(const struct dgram_desk *f, const char *wanted)
{
	static char found[65536];
	const char *at = f->entry, *end = f->entry + f->len;

	found[0] = '\0';
	while (at < end) {
		char name[128], *value;

		at = read_field(at, end, name, &value);
		if (str_eq(name, wanted)) {
			assert_int_equal(found[0], '\0');
			str_copy(found, sizeof(found), value);
		}
		free(value);
	}
	return found;
}

static void
an_event_has_fields(void **state)
{
	static const char *const wanted[][2] = {
		{ "MESSAGE", "OPENED critical api: api refuses connections: 127.0.0.1:3000 refused "
			     "(net.refused)" },
		{ "PRIORITY", "2" },
		{ "SYSLOG_FACILITY", "3" },
		{ "SYSLOG_IDENTIFIER", "triaged" },
		{ "EVENT", "opened" },
		{ "EVENT_TIME", "2026-01-02T03:04:05.000Z" },
		{ "REASON", "first" },
		{ "NOTICE_ID", "msg_0123456789abcdefghijABCDEF" },
		{ "INCIDENT_ID", "3f9c2a7d41b8" },
		{ "SEVERITY", "critical" },
		{ "STATUS", "open" },
		{ "CHECK", "api" },
		{ "CHECK_TYPE", "http" },
		{ "RULE", "check-down" },
		{ "CAUSE", "net.refused" },
		{ "TITLE", "api refuses connections" },
		{ "SUMMARY", "127.0.0.1:3000 refused" },
		{ "EXPLANATION", "" },
		{ "LABEL_TEAM_A", "core" },
		{ "REMEDY", "look: ls\n(loses data or work) throw it away: rm x" },
		{ "EVIDENCE", "body: one\ntwo" },
	};
	struct dgram_desk *f = *state;
	struct incident *incident = &f->desk.notice.incident;

	incident->labels = json_pack("{s:s}", "team-a", "core");
	incident_add_text(&incident->remedy, "ls", "look", 0);
	incident_add_text(&incident->remedy, "rm x", "throw it away", 0);
	incident->remedy.all[1].is_destructive = true;
	incident_add_text(&incident->facts, "body", "one\ntwo", 0);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	hear(f);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(value_of(f, wanted[i][0]), wanted[i][1]);
	assert_int_equal(strlen(value_of(f, "MESSAGE_ID")), 32);
}

static void
every_kind_of_event_has_its_own_id(void **state)
{
	struct dgram_desk *f = *state;
	char seen[INCIDENT_EVENT_TYPES + 1][33];

	for (int i = 0; i <= INCIDENT_EVENT_TYPES; i++) {
		if (i < INCIDENT_EVENT_TYPES)
			desk_write(&f->desk, (enum incident_event_type)i);
		else
			xstrset(&f->desk.notice.type, NOTICE_TEST);
		assert_int_equal(dgram_desk_try(f), SEND_OK);
		hear(f);
		str_copy(seen[i], sizeof(seen[i]), value_of(f, "MESSAGE_ID"));
		assert_int_equal(strlen(seen[i]), 32);
		assert_int_equal(strspn(seen[i], "0123456789abcdef"), 32);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
	}
	desk_write(&f->desk, INCIDENT_ENDED);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	hear(f);
	assert_string_equal(value_of(f, "PRIORITY"), "5");
	assert_string_equal(value_of(f, "STATUS"), "resolved");
}

static void
nothing_forges_a_field(void **state)
{
	struct dgram_desk *f = *state;
	struct incident *incident = &f->desk.notice.incident;

	xstrset(&incident->summary, "x\nPRIORITY=7\nMESSAGE=all is well\n");
	xstrset(&incident->target, "=\n\n=");
	incident->labels = json_pack("{s:s, s:s}", "a=b\nc", "1", "\xc3\xbc", "2");
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	hear(f);
	assert_string_equal(value_of(f, "PRIORITY"), "2");
	assert_string_equal(value_of(f, "SUMMARY"), "x\nPRIORITY=7\nMESSAGE=all is well\n");
	assert_string_equal(value_of(f, "TARGET"), "=\n\n=");
	assert_string_equal(value_of(f, "LABEL_A_B_C"), "1");
	assert_null(strchr(value_of(f, "MESSAGE"), '\n'));
}

static void
an_entry_has_a_size(void **state)
{
	struct dgram_desk *f = *state;
	struct incident *incident = &f->desk.notice.incident;
	char *much = xmalloc(1 << 20);

	memset(much, 'x', 1 << 20);
	much[(1 << 20) - 1] = '\0';
	xstrset(&incident->title, much);
	xstrset(&incident->target, much);
	xstrset(&incident->explanation, much);
	for (int i = 0; i < 60; i++)
		incident_add_text(&incident->facts, "body", much, 0);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
	hear(f);
	assert_true(f->len < 32768);
	assert_int_equal(strlen(value_of(f, "TARGET")), 4096);
	assert_string_equal(value_of(f, "INCIDENT_ID"), "3f9c2a7d41b8");
	free(much);
}

static void
a_socket_without_a_reader_is_later(void **state)
{
	struct dgram_desk *f = *state;
	int sent = 0;

	while (dgram_desk_try(f) == SEND_OK && sent < 100000)
		sent++;
	assert_int_equal(f->desk.result, SEND_LATER);
	assert_int_equal(f->desk.retry_after_us, USEC_PER_SEC);
	assert_int_equal(f->desk.class, SEND_CLASS_LOCAL);
	close(f->fd);
	assert_int_equal(dgram_desk_try(f), SEND_LATER);
	assert_non_null(strstr(f->desk.text, "no journal listens"));
	unlink(f->path);
	assert_int_equal(dgram_desk_try(f), SEND_LATER);
	assert_non_null(strstr(f->desk.text, "no journal listens"));
	dgram_desk_listen(f);
	assert_int_equal(dgram_desk_try(f), SEND_OK);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, dgram_desk_close)
	const struct CMUnitTest tests[] = {
		T(an_event_has_fields),
		T(every_kind_of_event_has_its_own_id),
		T(nothing_forges_a_field),
		T(an_entry_has_a_size),
		T(a_socket_without_a_reader_is_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
