/* Mail against scripted servers: the dialogue, who gets it, what each refusal means, what is kept.
 */
#include "alerts/table.h"
#include "model/digest.h"
#include "tests/alerts/net_desk.h"

#define BASE  "from: triaged@example.com\nto: ann@example.com\n"
#define LOGIN "user: me\npassword: s3cret-pass\n"

#define HELLO                                                                                      \
	PEER_SEND("220 mail.test ESMTP\r\n"), PEER_EXPECT("EHLO [127.0.0.1]\r\n"),                 \
		PEER_SEND("250-mail.test\r\n250 HELP\r\n")
#define SENDER      PEER_EXPECT("MAIL FROM:<triaged@example.com>\r\n"), PEER_SEND("250 2.1.0 ok\r\n")
#define ANN(answer) PEER_EXPECT("RCPT TO:<ann@example.com>\r\n"), PEER_SEND(answer "\r\n")
#define BOB(answer) PEER_EXPECT("RCPT TO:<bob@example.com>\r\n"), PEER_SEND(answer "\r\n")
#define LETTER(answer)                                                                             \
	PEER_EXPECT("DATA\r\n"), PEER_SEND("354 go on\r\n"), PEER_EXPECT("\r\n.\r\n"),             \
		PEER_SEND(answer "\r\n")
#define BYE PEER_EXPECT("QUIT\r\n"), PEER_SEND("221 bye\r\n"), PEER_CLOSE, PEER_END

static const struct peer_step good[] = { HELLO, SENDER, ANN("250 ok"), LETTER("250 queued"), BYE };

static void
configure(struct desk *desk, const struct peer *peer, const char *scheme, const char *more)
{
	char *yaml = xasprintf(
		"server: %s://%s\nca: %s\n%s", scheme, peer_address(peer), peer_ca_path(), more);

	desk_forget(desk);
	if (desk_configure(desk, receiver_find("email"), yaml) != 0)
		fail_msg("%s", yaml);
	free(yaml);
}

/* One try against one script; what the peer heard, until the next one. */
static const char *
run(struct desk *desk, const struct peer_step *script, const char *more)
{
	static char *heard;
	struct peer *peer = peer_open(desk->loop, script);

	configure(desk, peer, "smtp", more);
	desk_send(desk);
	free(heard);
	heard = xstrdup(peer_heard(peer, 0));
	peer_free(peer);
	return heard;
}

static void
expect(const struct desk *desk, enum send_result result, const char *words)
{
	if (desk->result != result || strstr(desk->text, words) == NULL)
		fail_msg("%d \"%s\", wanted %d \"%s\"", desk->result, desk->text, result, words);
}

static bool
has(const char *text, const char *words)
{
	return strstr(text, words) != NULL;
}

/* ---- the way of one mail ---- */

static void
a_mail_is_handed_over(void **state)
{
	struct desk *desk = *state;
	const char *mail = run(desk, good, BASE);

	expect(desk, SEND_OK, "taken for ann@example.com");
	assert_true(has(mail, "\r\nMessage-ID: <incident.3f9c2a7d41b8@example.com>\r\n"));
	assert_false(has(mail, "In-Reply-To"));
	assert_true(has(mail, "\r\nFrom: \"web-1\" <triaged@example.com>\r\n"));
	assert_true(has(mail, "\r\nTo: <ann@example.com>\r\n"));
	assert_true(has(mail, "Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n"));
	assert_true(has(mail, "\r\nSubject: "));
	assert_true(has(mail, "\r\nAuto-Submitted: auto-generated\r\n"));
	assert_true(has(mail, "\r\nX-Priority: 1 (Highest)\r\nImportance: high\r\n"));
	assert_true(has(mail, "\r\nX-Triaged-Incident: 3f9c2a7d41b8\r\n"));
	assert_true(has(mail, "\r\nX-Triaged-Severity: critical\r\n"));
	assert_true(has(mail, "\r\nX-Triaged-Check: api\r\n"));
	assert_true(has(mail, "multipart/alternative"));
	assert_true(has(desk->transcript, "> MAIL FROM:<triaged@example.com>\n< 250 2.1.0 ok\n"));
	assert_true(has(desk->transcript, "> Message-ID: <incident."));
}

static void
later_mails_join_the_thread(void **state)
{
	struct desk *desk = *state;
	const char *mail;

	run(desk, good, BASE);
	desk_write(desk, INCIDENT_ENDED);
	mail = run(desk, good, BASE);
	assert_true(has(mail, "\r\nMessage-ID: <msg_0123456789abcdefghijABCDEF@example.com>\r\n"));
	assert_true(has(mail, "\r\nIn-Reply-To: <incident.3f9c2a7d41b8@example.com>\r\n"));
	assert_true(has(mail, "\r\nReferences: <incident.3f9c2a7d41b8@example.com>\r\n"));
	assert_false(has(mail, "X-Priority"));
	/* A second first word must not have the first one's id: mailboxes drop what they know. */
	desk_write(desk, INCIDENT_OPENED);
	desk->notice.id[5] = 'x';
	mail = run(desk, good, BASE);
	assert_true(has(mail, "\r\nMessage-ID: <msg_0x23"));
	json_decref(desk->memory);
	desk->memory = NULL;
	xstrset(&desk->notice.reason, "reopened");
	mail = run(desk, good, BASE);
	assert_true(has(mail, "\r\nMessage-ID: <msg_0x23"));
	assert_true(has(mail, "\r\nReferences: <incident.3f9c2a7d41b8@example.com>\r\n"));
}

static void
a_retry_is_the_same_mail(void **state)
{
	static const struct peer_step lost[] = { HELLO, SENDER, ANN("250 ok"),
		PEER_EXPECT("DATA\r\n"), PEER_SEND("354 go on\r\n"), PEER_EXPECT("\r\n.\r\n"),
		PEER_RESET, PEER_END };
	struct desk *desk = *state;
	char *first = xstrdup(run(desk, lost, BASE));

	expect(desk, SEND_LATER, "may have arrived, and comes again with the same Message-ID");
	assert_int_equal(desk->class, SEND_CLASS_NETWORK);
	first[strstr(first, "\r\n.\r\n") - first] = '\0';
	assert_int_equal(strncmp(run(desk, good, BASE), first, strlen(first)), 0);
	expect(desk, SEND_OK, "taken for");
	free(first);
}

static void
the_subject_may_stay_the_same(void **state)
{
	struct desk *desk = *state;
	const char *more = BASE "subject: same\nsubject_prefix: \"[lab] \"\n";
	char *first = xstrdup(run(desk, good, more)),
	     *subject = strstr(first, "\r\nSubject: ") + 11;
	const char *again;

	*strchr(subject, '\r') = '\0';
	assert_true(str_starts(subject, "[lab] api"));
	desk_write(desk, INCIDENT_ENDED);
	xstrset(&desk->notice.incident.title, "api is something else now");
	again = strstr(run(desk, good, more), "\r\nSubject: Re: ") + 15;
	assert_int_equal(strncmp(again, subject, strlen(subject)), 0);
	free(first);
}

static void
a_digest_is_a_mail_of_its_own(void **state)
{
	char check[] = "api", title[] = "api refuses \xe4\xb8\xad\r\nBcc: x@y";
	const struct digest_item item = { .incident = "3f9c2a7d41b8",
		.check = check,
		.title = title,
		.severity = SEVERITY_WARNING,
		.started_us = DESK_WALL };
	static const struct peer_step grey[] = { HELLO, SENDER, ANN("250 ok"), PEER_EXPECT("RCPT"),
		PEER_SEND("450 later\r\n"), LETTER("250 queued"), BYE };
	static const struct peer_step again[] = { HELLO, SENDER, BOB("250 ok"),
		LETTER("250 queued"), BYE };
	struct desk *desk = *state;
	const char *mail;

	desk->notice.digest = digest_new();
	for (int i = 0; i < 5000; i++)
		digest_add(desk->notice.digest, &item);
	xstrset(&desk->notice.type, NOTICE_DIGEST);
	mail = run(desk, good, BASE);
	expect(desk, SEND_OK, "taken for");
	assert_true(has(mail, "\r\nMessage-ID: <msg_"));
	assert_false(has(mail, "\r\nReferences: "));
	assert_false(has(mail, "\r\nX-Triaged-Incident: "));
	assert_false(has(mail, "\r\nBcc"));
	assert_in_range(strlen(mail), 1000, 140 * 1024);
	/* nothing is kept under the name of its first incident, but who has it */
	run(desk, grey, "from: triaged@example.com\nto: [ann@example.com, bob@example.com]\n");
	expect(desk, SEND_LATER, "taken for 1 of 2");
	assert_null(json_object_get(desk->memory, "root"));
	mail = run(
		desk, again, "from: triaged@example.com\nto: [ann@example.com, bob@example.com]\n");
	expect(desk, SEND_OK, "taken for everybody");
	assert_false(has(mail, "RCPT TO:<ann"));
}

static void
every_kind_of_event_is_written(void **state)
{
	struct desk *desk = *state;

	for (int type = 0; type < INCIDENT_EVENT_TYPES; type++) {
		const char *mail;

		desk_write(desk, (enum incident_event_type)type);
		desk->language = LANG_ZH;
		mail = run(desk, good, BASE);
		expect(desk, SEND_OK, "taken for");
		assert_int_equal(has(mail, "\r\nX-Priority: "),
			type == INCIDENT_OPENED || type == INCIDENT_ESCALATED ||
				type == INCIDENT_REMINDER);
	}
	desk_write(desk, INCIDENT_OPENED);
	xstrset(&desk->notice.type, NOTICE_TEST);
	assert_false(has(run(desk, good, BASE "starttls: off\n"), "\r\nX-Triaged-Incident: "));
	expect(desk, SEND_OK, "taken for");
}

/* ---- TLS and logins ---- */

#define TO_TLS(offers)                                                                             \
	PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),                                             \
		PEER_SEND("250-mail.test\r\n250-AUTH GSSAPI\r\n250 STARTTLS\r\n"),                 \
		PEER_EXPECT("STARTTLS\r\n"), PEER_SEND("220 go\r\n"), PEER_START_TLS,              \
		PEER_EXPECT("EHLO "), PEER_SEND("250-mail.test\r\n250 " offers "\r\n")
#define REST SENDER, ANN("250 ok"), LETTER("250 queued"), BYE

/* \0me\0s3cret-pass */
#define PLAIN64 "AG1lAHMzY3JldC1wYXNz"

static const struct peer_step plain_login[] = { TO_TLS("AUTH LOGIN PLAIN"),
	PEER_EXPECT("AUTH PLAIN " PLAIN64 "\r\n"), PEER_SEND("235 welcome\r\n"), REST };
static const struct peer_step two_words[] = { TO_TLS("AUTH LOGIN XPLAIN"),
	PEER_EXPECT("AUTH LOGIN\r\n"), PEER_SEND("334 VXNlcm5hbWU6\r\n"), PEER_EXPECT("bWU=\r\n"),
	PEER_SEND("334 UGFzc3dvcmQ6\r\n"), PEER_EXPECT("czNjcmV0LXBhc3M=\r\n"),
	PEER_SEND("235 welcome\r\n"), REST };
static const struct peer_step wrong_password[] = { TO_TLS("AUTH PLAIN"), PEER_EXPECT("AUTH PLAIN "),
	PEER_SEND("535 5.7.8 no: " PLAIN64 " is s3cret-pass\r\n"), PEER_EXPECT("QUIT\r\n"),
	PEER_CLOSE, PEER_END };
static const struct peer_step strange_login[] = { TO_TLS("AUTH XOAUTH2"), PEER_EXPECT("QUIT\r\n"),
	PEER_CLOSE, PEER_END };
static const struct peer_step secure[] = { TO_TLS("HELP"), REST };
static const struct peer_step injected[] = { PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),
	PEER_SEND("250-mail.test\r\n250 STARTTLS\r\n"), PEER_EXPECT("STARTTLS\r\n"),
	PEER_SEND("220 go\r\n250 AUTH PLAIN\r\n"), PEER_END };
static const struct peer_step no_key[] = { PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),
	PEER_SEND("250-mail.test\r\n250 STARTTLS\r\n"), PEER_EXPECT("STARTTLS\r\n"),
	PEER_SEND("454 no key\r\n"), PEER_EXPECT("QUIT\r\n"), PEER_CLOSE, PEER_END };
static const struct peer_step stripped[] = { HELLO, PEER_EXPECT("QUIT\r\n"), PEER_CLOSE, PEER_END };

#define REQUIRED BASE LOGIN "starttls: required\nserver_name: localhost\n"

static void
logs_in_over_tls(void **state)
{
	struct desk *desk = *state;

	run(desk, plain_login, REQUIRED);
	expect(desk, SEND_OK, "taken for");
	assert_true(has(desk->transcript, "> AUTH PLAIN ***\n< 235 welcome\n"));
	assert_false(has(desk->transcript, PLAIN64));
	run(desk, two_words, REQUIRED);
	expect(desk, SEND_OK, "taken for");
	assert_true(has(desk->transcript, "> AUTH LOGIN\n< 334"));
	assert_false(has(desk->transcript, "czNjcmV0"));
	assert_false(has(desk->transcript, "bWU="));
}

static void
a_wrong_password_is_for_a_person_to_mend(void **state)
{
	struct desk *desk = *state;

	run(desk, wrong_password, REQUIRED);
	expect(desk, SEND_LATER, "refuses the login: 535 (it repeats");
	assert_int_equal(desk->class, SEND_CLASS_AUTH);
	assert_false(has(desk->transcript, "s3cret"));
	assert_false(has(desk->transcript, "AG1lAHMz"));
	run(desk, strange_login, REQUIRED);
	expect(desk, SEND_LATER, "no login that is known here (PLAIN, LOGIN), only XOAUTH2");
	assert_int_equal(desk->class, SEND_CLASS_AUTH);
}

static void
tls_is_not_given_up(void **state)
{
	struct desk *desk = *state;
	const char *heard;

	run(desk, secure, BASE "starttls: required\nserver_name: localhost\n");
	expect(desk, SEND_OK, "taken for");
	heard = run(desk, stripped, BASE "starttls: required\n");
	expect(desk, SEND_LATER, "offers no STARTTLS, so nothing is sent");
	assert_int_equal(desk->class, SEND_CLASS_TLS);
	assert_false(has(heard, "MAIL"));
	heard = run(desk, no_key, BASE "starttls: opportunistic\n");
	expect(desk, SEND_LATER, "refuses STARTTLS: 454");
	assert_false(has(heard, "MAIL"));
	heard = run(desk, injected, REQUIRED);
	expect(desk, SEND_LATER, "plain bytes after the agreement");
	assert_false(has(heard, "AUTH"));
	run(desk, good, BASE "starttls: opportunistic\n");
	expect(desk, SEND_OK, "taken for");
	/* the name in the certificate is another */
	run(desk, secure, BASE "starttls: required\nserver_name: other.test\n");
	expect(desk, SEND_LATER, "");
	assert_int_equal(desk->class, SEND_CLASS_TLS);
	run(desk, secure, BASE "starttls: required\nverify: false\n");
	expect(desk, SEND_OK, "");
}

static void
tls_from_the_first_byte(void **state)
{
	struct desk *desk = *state;
	struct peer *peer =
		peer_open_with(desk->loop, &(struct peer_options){ .script = good, .is_tls = 1 });

	configure(desk, peer, "smtps", BASE);
	desk_send(desk);
	expect(desk, SEND_OK, "taken for");
	peer_free(peer);
	peer = peer_open(desk->loop, good); /* speaks first, in plain */
	configure(desk, peer, "smtps", BASE);
	desk_send(desk);
	expect(desk, SEND_LATER, "");
	assert_int_equal(desk->class, SEND_CLASS_TLS);
	peer_free(peer);
}

/* ---- several people ---- */

#define TWO "from: triaged@example.com\nto: [ann@example.com, bob@example.com]\n"

static void
one_refused_is_one_refused(void **state)
{
	static const struct peer_step script[] = { HELLO, SENDER, ANN("550 5.1.1 no such user"),
		BOB("251 will forward"), LETTER("250 queued"), BYE };
	static const struct peer_step nobody[] = { HELLO, SENDER, ANN("550 no"), BOB("553 no"),
		BYE };
	struct desk *desk = *state;

	run(desk, script, TWO);
	expect(desk, SEND_OK, "taken for 1 of 2; ann@example.com: 550 5.1.1 no such user");
	run(desk, nobody, TWO);
	expect(desk, SEND_NEVER, "taken for nobody; ann@example.com: 550 no; and 1 more");
	assert_int_equal(desk->class, SEND_CLASS_CLIENT);
}

static void
nobody_is_mailed_twice(void **state)
{
	static const struct peer_step grey[] = { HELLO, SENDER, ANN("250 ok"),
		BOB("450 4.2.0 greylisted"), LETTER("250 queued"), BYE };
	static const struct peer_step second[] = { HELLO, SENDER, BOB("250 ok"),
		LETTER("250 queued"), BYE };
	struct desk *desk = *state;
	const char *heard;

	run(desk, grey, TWO);
	expect(desk, SEND_LATER, "taken for 1 of 2; bob@example.com: 450 4.2.0 greylisted");
	heard = run(desk, second, TWO);
	expect(desk, SEND_OK, "taken for everybody");
	assert_false(has(heard, "RCPT TO:<ann"));
	/* the next event is for both again */
	desk->notice.id[5] = 'x';
	run(desk, grey, TWO);
	expect(desk, SEND_LATER, "taken for 1 of 2");
}

static void
too_many_at_once_get_a_second_round(void **state)
{
	static const struct peer_step script[] = { HELLO, SENDER, ANN("250 ok"),
		BOB("452 4.5.3 too many recipients"), LETTER("250 queued"), SENDER, BOB("250 ok"),
		LETTER("250 queued"), BYE };
	static const struct peer_step full[] = { HELLO, SENDER, ANN("452 4.2.2 mailbox full"),
		BYE };
	struct desk *desk = *state;

	run(desk, script, TWO);
	expect(desk, SEND_OK, "taken for everybody");
	run(desk, full, BASE);
	expect(desk, SEND_LATER, "mailbox full");
}

static void
pipelining_asks_all_at_once(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),
		PEER_SEND("250-mail.test\r\n250-PIPELINING\r\n250 SIZE 0\r\n"),
		PEER_EXPECT("MAIL FROM:<triaged@example.com>\r\nRCPT TO:<ann@example.com>\r\n"
			    "RCPT TO:<bob@example.com>\r\n"),
		PEER_SEND("250 ok\r\n550 no\r\n250 ok\r\n"), LETTER("250 queued"), BYE };
	static const struct peer_step refused[] = { PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),
		PEER_SEND("250-mail.test\r\n250 PIPELINING\r\n"), PEER_EXPECT("RCPT TO:<bob"),
		PEER_SEND("550 5.7.1 not you\r\n503 no\r\n503 no\r\n"), BYE };
	struct desk *desk = *state;

	run(desk, script, TWO);
	expect(desk, SEND_OK, "taken for 1 of 2; ann@example.com: 550 no");
	run(desk, refused, TWO);
	expect(desk, SEND_NEVER, "refuses the sender: 550 5.7.1 not you");
}

/* ---- what the server can ---- */

#define OFFERS(lines) PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "), PEER_SEND("250-x\r\n" lines)

static void
addresses_beyond_ascii_need_smtputf8(void **state)
{
	static const struct peer_step can[] = { OFFERS("250 SMTPUTF8\r\n"),
		PEER_EXPECT("MAIL FROM:<triaged@example.com> SMTPUTF8\r\n"),
		PEER_SEND("250 ok\r\n"), PEER_EXPECT("RCPT TO:<\xe4\xb8\xad@example.com>\r\n"),
		PEER_SEND("250 ok\r\n"), LETTER("250 ok"), BYE };
	struct desk *desk = *state;
	const char *more = "from: triaged@example.com\nto: \xe4\xb8\xad@example.com\n";

	run(desk, can, more);
	expect(desk, SEND_OK, "taken for");
	run(desk, stripped, more);
	expect(desk, SEND_NEVER, "no SMTPUTF8");
	run(desk, stripped, "from: \xe4\xb8\xad@example.com\nto: ann@example.com\n");
	expect(desk, SEND_NEVER, "no SMTPUTF8");
}

static void
what_is_too_big_becomes_brief(void **state)
{
	static const struct peer_step small[] = { OFFERS("250 SIZE 2000\r\n"),
		PEER_EXPECT(" SIZE="), PEER_SEND("250 ok\r\n"), ANN("250 ok"), LETTER("250 ok"),
		BYE };
	static const struct peer_step tiny[] = { OFFERS("250 SIZE 100\r\n"), PEER_EXPECT("QUIT"),
		PEER_CLOSE, PEER_END };
	struct desk *desk = *state;
	const char *mail = run(desk, small, BASE);

	expect(desk, SEND_OK, "taken for");
	assert_false(has(mail, "text/html"));
	assert_true(has(mail, "text/plain"));
	run(desk, tiny, BASE);
	expect(desk, SEND_NEVER, "takes mails of 100 bytes only");
}

static void
a_mail_is_bounded(void **state)
{
	struct desk *desk = *state;
	char *huge = xmalloc(((size_t)1 << 20) + 1);
	const char *mail;

	memset(huge, '.', (size_t)1 << 20);
	huge[(size_t)1 << 20] = '\0';
	for (int i = 0; i < 20; i++)
		incident_add_text(&desk->notice.incident.facts, "log", huge, 0);
	xstrset(&desk->notice.incident.explanation, huge);
	xstrset(&desk->notice.incident.summary, huge);
	mail = run(desk, good, BASE);
	expect(desk, SEND_OK, "taken for");
	assert_in_range(strlen(mail), 1000, 140 * 1024);
	free(huge);
}

static void
strangers_write_no_headers(void **state)
{
	struct desk *desk = *state;
	const char *mail, *end;

	xstrset(&desk->notice.incident.title, "x\r\nBcc: all@example.com\r\n\r\n<script>alert(1)");
	xstrset(&desk->notice.incident.summary, "\r\n.\r\nQUIT\r\n<img src=x onerror=y> \"'&");
	xstrset(&desk->notice.incident.check, "a\r\nX-Evil: 1");
	mail = run(desk, good, BASE);
	expect(desk, SEND_OK, "taken for");
	end = strstr(mail, "\r\n\r\n");
	assert_non_null(end);
	assert_false(has(mail, "\r\nBcc:"));
	assert_false(has(mail, "\r\nX-Evil"));
	end = strstr(mail, "text/html");
	assert_false(has(end, "<script>"));
	assert_false(has(end, "<img"));
	assert_true(has(end, "&lt;img src=3Dx onerror=3Dy&gt;"));
}

/* ---- refusals ---- */

static void
every_refusal_has_its_meaning(void **state)
{
	static const struct {
		const struct peer_step script[20];
		enum send_result result;
		enum send_class why;
		const char *words;
	} rows[] = {
		{ { PEER_SEND("554 5.7.1 go away\r\n"), PEER_END }, SEND_LATER, SEND_CLASS_SERVER,
			"the greeting: 554 5.7.1 go away" },
		{ { PEER_SEND("421 busy\r\n"), PEER_CLOSE, PEER_END }, SEND_LATER,
			SEND_CLASS_SERVER, "421 busy" },
		{ { PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO"), PEER_SEND("550 who?\r\n"),
			  PEER_END },
			SEND_LATER, SEND_CLASS_SERVER, "EHLO: 550 who?" },
		{ { HELLO, PEER_EXPECT("MAIL"), PEER_SEND("451 4.3.0 disk\r\n"), PEER_END },
			SEND_LATER, SEND_CLASS_SERVER, "the sender: 451" },
		{ { HELLO, PEER_EXPECT("MAIL"), PEER_SEND("530 5.7.0 log in\r\n"), PEER_END },
			SEND_LATER, SEND_CLASS_AUTH, "the sender: 530" },
		{ { HELLO, PEER_EXPECT("MAIL"), PEER_SEND("553 not yours\r\n"), PEER_END },
			SEND_NEVER, SEND_CLASS_CLIENT, "the sender: 553" },
		{ { HELLO, PEER_EXPECT("MAIL"), PEER_SEND("552 5.3.4 too big\r\n"), PEER_END },
			SEND_NEVER, SEND_CLASS_CLIENT, "too big" },
		{ { HELLO, SENDER, ANN("451 4.7.1 greylisted"), PEER_END }, SEND_LATER,
			SEND_CLASS_SERVER, "nobody; ann@example.com: 451 4.7.1 greylisted" },
		{ { HELLO, SENDER, ANN("421 closing"), PEER_END }, SEND_LATER, SEND_CLASS_SERVER,
			"a recipient: 421 closing" },
		{ { HELLO, SENDER, ANN("250 ok"), PEER_EXPECT("DATA"), PEER_SEND("250 what\r\n"),
			  PEER_END },
			SEND_LATER, SEND_CLASS_SERVER, "DATA: 250 what" },
		{ { HELLO, SENDER, ANN("250 ok"), PEER_EXPECT("DATA"), PEER_SEND("554 no\r\n"),
			  PEER_END },
			SEND_NEVER, SEND_CLASS_CLIENT, "DATA: 554 no" },
		{ { HELLO, SENDER, ANN("250 ok"), LETTER("451 try again"), PEER_END }, SEND_LATER,
			SEND_CLASS_SERVER, "the mail: 451" },
		{ { HELLO, SENDER, ANN("250 ok"), LETTER("552 5.2.2 full"), PEER_END }, SEND_LATER,
			SEND_CLASS_SERVER, "the mail: 552" },
		{ { HELLO, SENDER, ANN("250 ok"), LETTER("550 5.7.1 spam"), PEER_END }, SEND_NEVER,
			SEND_CLASS_CLIENT, "the mail: 550 5.7.1 spam" },
		/* taken is taken, whatever comes then */
		{ { HELLO, SENDER, ANN("250 ok"), LETTER("250 queued"), PEER_RESET, PEER_END },
			SEND_OK, SEND_CLASS_NONE, "taken for" },
		{ { HELLO, SENDER, ANN("250 ok"), LETTER("250 queued"), PEER_EXPECT("QUIT"),
			  PEER_SEND("500 what\r\n"), PEER_END },
			SEND_OK, SEND_CLASS_NONE, "taken for" },
		{ { HELLO, SENDER, ANN("250 ok"), LETTER("250 queued"), PEER_EXPECT("QUIT"),
			  PEER_GARBAGE, PEER_END },
			SEND_OK, SEND_CLASS_NONE, "taken for" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(desk, rows[i].script, BASE);
		expect(desk, rows[i].result, rows[i].words);
		if (desk->class != rows[i].why)
			fail_msg("%s: class %d", rows[i].words, desk->class);
		json_decref(desk->memory);
		desk->memory = NULL;
	}
}

/* Each step meets each misbehaviour: never taken, never given up, never stuck. */
static void
every_step_meets_every_misbehaviour(void **state)
{
	static const struct peer_step steps[] = { PEER_SEND("220 hi\r\n"), PEER_EXPECT("EHLO "),
		PEER_SEND("250 mail.test\r\n"), PEER_EXPECT("MAIL "), PEER_SEND("250 ok\r\n"),
		PEER_EXPECT("RCPT "), PEER_SEND("250 ok\r\n"), PEER_EXPECT("DATA\r\n"),
		PEER_SEND("354 go\r\n"), PEER_EXPECT("\r\n.\r\n") };
	static const struct peer_step evils[][3] = {
		{ PEER_CLOSE, PEER_END },
		{ PEER_RESET, PEER_END },
		{ PEER_GARBAGE, PEER_END },
		{ PEER_ENDLESS_LINE, PEER_END },
		{ PEER_HUGE, PEER_END },
		{ PEER_REPEAT("250-more\r\n", (size_t)1 << 20), PEER_END },
		{ PEER_SEND("250-half of"), PEER_CLOSE, PEER_END },
		{ PEER_SEND("\r\n"), PEER_END },
		{ PEER_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), PEER_CLOSE, PEER_END },
	};
	struct desk *desk = *state;

	for (size_t at = 0; at <= sizeof(steps) / sizeof(steps[0]); at += 2) {
		for (size_t i = 0; i < sizeof(evils) / sizeof(evils[0]); i++) {
			struct peer_step script[sizeof(steps) / sizeof(steps[0]) + 3];

			memcpy(script, steps, at * sizeof(steps[0]));
			memcpy(script + at, evils[i], sizeof(evils[i]));
			run(desk, script, BASE);
			if (desk->result != SEND_LATER)
				fail_msg("step %zu, evil %zu: %d %s", at, i, desk->result,
					desk->text);
		}
	}
}

static void
bytes_come_one_by_one(void **state)
{
	static const struct peer_step script[] = { PEER_TRICKLE("220-mail.test\r\n220 ESMTP\r\n"),
		PEER_EXPECT("EHLO "), PEER_TRICKLE("250-mail.test\r\n250 HELP\r\n"), SENDER,
		ANN("250 ok"), LETTER("250 queued"), BYE };
	struct desk *desk = *state;

	run(desk, script, BASE);
	expect(desk, SEND_OK, "taken for");
}

static void
silence_ends(void **state)
{
	static const struct peer_step at_once[] = { PEER_STALL, PEER_END };
	static const struct peer_step at_dot[] = { HELLO, SENDER, ANN("250 ok"),
		PEER_EXPECT("DATA"), PEER_SEND("354 go\r\n"), PEER_STALL, PEER_END };
	static const struct peer_step at_quit[] = { HELLO, SENDER, ANN("250 ok"),
		LETTER("250 queued"), PEER_STALL, PEER_END };
	struct desk *desk = *state;

	run(desk, at_quit, BASE "timeout: 1s\n");
	expect(desk, SEND_OK, "taken for ann@example.com");
	run(desk, at_once, BASE "timeout: 1s\n");
	expect(desk, SEND_LATER, "at the greeting");
	assert_int_equal(desk->class, SEND_CLASS_TIMEOUT);
	run(desk, at_dot, BASE "timeout: 1s\n");
	expect(desk, SEND_LATER, "may have arrived");
	assert_int_equal(desk->class, SEND_CLASS_TIMEOUT);
}

/* ---- settings ---- */

static void
settings_are_checked(void **state)
{
	static const struct {
		const char *yaml, *words;
	} rows[] = {
		{ "server: http://x\n" BASE, "must begin with smtp:// or smtps://" },
		{ "server: smtp://x/path\n" BASE, "nothing stands behind the port" },
		{ "server: smtp://mail.test\nfrom: nobody\nto: a@b\n",
			"\"nobody\" is no mail address" },
		{ "server: smtp://mail.test\nfrom: a@b\nto: [\"x <a@b\", a b@c]\n", "no blanks" },
		{ "server: smtp://mail.test\nfrom: \"a@b>\\r\\nRCPT TO:<c@d\"\nto: a@b\n",
			"from:" },
		{ "server: smtp://mail.test\nfrom: a@b\nto: []\n", "nobody is written to" },
		{ "server: smtp://mail.test\nstarttls: \"off\"\n" BASE LOGIN, "over TLS only" },
		{ "server: smtp://me:pass@mail.test\nstarttls: \"off\"\n" BASE, "over TLS only" },
		{ "server: smtp://mail.test\nuser: me\n" BASE, "set `password`" },
		{ "server: smtp://mail.test\npassword: abcdef\n" BASE, "no `user`" },
		{ "server: smtp://mail.test\nehlo: \"a b\"\n" BASE, "ehlo" },
		{ "server: smtp://mail.test\nehlo: \"a\\r\\nMAIL\"\n" BASE, "ehlo" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf said;

		desk_forget(desk);
		assert_true(desk_configure(desk, receiver_find("email"), rows[i].yaml) > 0);
		buf_init(&said, 0);
		complaints_print(desk->complaints, &said);
		if (strstr(buf_text(&said), rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].words, buf_text(&said));
		buf_fini(&said);
	}
}

static void
the_target_shows_no_password(void **state)
{
	struct desk *desk = *state;
	char text[200];

	assert_int_equal(desk_configure(desk, receiver_find("email"),
				 "server: smtp://me:s3cret-pass@mail.test:587\n" TWO),
		0);
	desk->type->target(desk->conf, text, sizeof(text));
	assert_string_equal(text, "smtp://mail.test:587, to ann@example.com and 1 more");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_mail_is_handed_over),
		TEST(later_mails_join_the_thread),
		TEST(a_retry_is_the_same_mail),
		TEST(the_subject_may_stay_the_same),
		TEST(a_digest_is_a_mail_of_its_own),
		TEST(every_kind_of_event_is_written),
		TEST(logs_in_over_tls),
		TEST(a_wrong_password_is_for_a_person_to_mend),
		TEST(tls_is_not_given_up),
		TEST(tls_from_the_first_byte),
		TEST(one_refused_is_one_refused),
		TEST(nobody_is_mailed_twice),
		TEST(too_many_at_once_get_a_second_round),
		TEST(pipelining_asks_all_at_once),
		TEST(addresses_beyond_ascii_need_smtputf8),
		TEST(what_is_too_big_becomes_brief),
		TEST(a_mail_is_bounded),
		TEST(strangers_write_no_headers),
		TEST(every_refusal_has_its_meaning),
		TEST(every_step_meets_every_misbehaviour),
		TEST(bytes_come_one_by_one),
		TEST(silence_ends),
		TEST(settings_are_checked),
		TEST(the_target_shows_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
