/*
 * A try that is given up after each turn of the loop, at every step of its dialogue, by a reload:
 * its settings go at once.  What is read or freed afterwards is the sanitizers' and valgrind's to
 * find; here it is that nothing is said any more, and that the next try works.
 */
#include "tests/alerts/net_desk.h"

#define MANY_TURNS (1 << 24)

struct dialogue {
	const char *type;
	const char *before, *behind; /* the address */
	const char *settings;        /* besides */
	const char *memory;          /* or NULL */
	const char *answer;          /* to each request; NULL: `steps` */
	const struct peer_step *steps;
};

#define OK(body)                                                                                   \
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" body

static const struct peer_step mail[] = { PEER_SEND("220 mail.test\r\n"), PEER_EXPECT("EHLO"),
	PEER_SEND("250 mail.test\r\n"), PEER_EXPECT("MAIL"), PEER_SEND("250 ok\r\n"),
	PEER_EXPECT("RCPT"), PEER_SEND("250 ok\r\n"), PEER_EXPECT("RCPT"),
	PEER_SEND("452 too many\r\n"), PEER_EXPECT("DATA"), PEER_SEND("354 go on\r\n"),
	PEER_EXPECT("\r\n.\r\n"), PEER_SEND("250 queued\r\n"), PEER_EXPECT("MAIL"),
	PEER_SEND("250 ok\r\n"), PEER_EXPECT("RCPT"), PEER_SEND("250 ok\r\n"), PEER_EXPECT("DATA"),
	PEER_SEND("354 go on\r\n"), PEER_EXPECT("\r\n.\r\n"), PEER_SEND("250 queued\r\n"),
	PEER_EXPECT("QUIT"), PEER_SEND("221 bye\r\n"), PEER_CLOSE, PEER_END };

static const struct peer_step line[] = { PEER_EXPECT("triaged"), PEER_CLOSE, PEER_END };

static const struct dialogue dialogues[] = {
	{ "webhook", "url: http://", "/x\n", "", NULL, OK(""), NULL },
	{ "slack", "url: http://", "/api\n", "token: xoxb-1-2-x\nchannel: ops\n",
		"{\"to\":\"ops\",\"channel\":\"C1\",\"ts\":\"1.2\"}",
		OK("{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1.2\"}"), NULL },
	{ "slack", "url: http://", "/api\n", "token: xoxb-1-2-x\nchannel: ops\n",
		"{\"to\":\"ops\",\"channel\":\"C1\",\"ts\":\"1.2\"}",
		OK("{\"ok\":false,\"error\":\"message_not_found\"}"), NULL },
	{ "discord", "url: http://", "/x\n", "", "{\"message\":\"1029384756102938475\"}",
		OK("{\"id\":\"1029384756102938475\"}"), NULL },
	{ "telegram", "url: http://", "\n", "token: \"1:abc\"\nchat_id: 42\n",
		"{\"chat\":\"42\",\"message\":7}",
		OK("{\"ok\":true,\"result\":{\"message_id\":7}}"), NULL },
	{ "telegram", "url: http://", "\n", "token: \"1:abc\"\nchat_id: 42\n",
		"{\"chat\":\"42\",\"message\":7}",
		"HTTP/1.1 400 No\r\nConnection: close\r\n\r\n{\"ok\":false,\"description\":\"Bad "
		"Request: upgraded\",\"parameters\":{\"migrate_to_chat_id\":-100}}",
		NULL },
	{ "feishu", "url: http://", "/x\n", "mention: all\n", NULL,
		OK("{\"code\":19999,\"msg\":\"no\"}"), NULL },
	{ "alertmanager", "url: [\"http://", "/\", \"http://127.0.0.1:1/\"]\n", "", NULL, OK(""),
		NULL },
	{ "email", "server: smtp://", "\n", "from: a@b.example\nto: [c@d.example, e@f.example]\n",
		NULL, NULL, mail },
	{ "syslog", "server: tcp://", "\n", "", NULL, NULL, line },
};

static void
configure(struct desk *desk, const struct dialogue *d, const struct peer *peer)
{
	char *yaml = xasprintf("%s%s%s%s", d->before, peer_address(peer), d->behind, d->settings);

	assert_int_equal(desk_configure(desk, receiver_find(d->type), yaml), 0);
	json_decref(desk->memory);
	desk->memory = d->memory == NULL ? NULL : json_loads(d->memory, 0, NULL);
	free(yaml);
}

/* Whether it was over before it could be given up. */
static bool
give_up_after(struct desk *desk, const struct dialogue *d, int turns)
{
	const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND_BYTES(d->answer, d->answer == NULL ? 0 : strlen(d->answer)), PEER_CLOSE,
		PEER_END };
	struct peer *peer = peer_open(desk->loop, d->steps != NULL ? d->steps : script);
	struct send_run *run;
	bool is_over;

	configure(desk, d, peer);
	run = desk_start(desk);
	for (int i = 0; i < turns && desk->verdicts == 0; i++)
		loop_turn(desk->loop, false);
	is_over = desk->verdicts > 0;
	if (!is_over)
		send_run_abort(run);
	desk_forget(desk);
	for (int i = 0; i < 3; i++)
		loop_turn(desk->loop, false);
	assert_int_equal(desk->verdicts, is_over);
	peer_free(peer);
	return is_over;
}

static void
nothing_is_left_of_a_try(void **state)
{
	for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues[0]); i++) {
		int turns = 0;

		desk_write(*state, INCIDENT_ENDED);
		while (!give_up_after(*state, &dialogues[i], turns) && turns < MANY_TURNS)
			turns += turns < 200 ? 1 : turns;
		assert_in_range(turns, 3, MANY_TURNS - 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_is_left_of_a_try, net_desk_setup, net_desk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
