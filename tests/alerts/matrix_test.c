/*
 * Every row of the receiver table against every answer that a place may give, and every text that
 * may stand in an incident: what it means (wire contract §14), what is read of it, that what goes
 * out is whole and small enough, and that secrets are in no word that we say.  A row that is not in
 * rows.h fails.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/child.h"
#include "model/digest.h"
#include "tests/alerts/net_desk.h"
#include "tests/alerts/rows.h"
#include "tests/help/dns.h"

#define SECRET_PATH "/services/T000/B000/hidden"
#define TURNS       2000000
#define READ_MAX    ((size_t)8 << 20) /* sent to us before we hang up, kernel's buffers included */

static const struct conf_field *
field_of(const struct receiver_type *type, const char *name)
{
	for (const struct conf_field *f = type->fields; f->type != CONF_END; f++) {
		if (str_eq(f->name, name))
			return f;
	}
	return NULL;
}

/* As the daemon does: whatever settings hold that is secret is masked in all that is said. */
static void
put_in_force(struct desk *desk, const struct row *row, const char *yaml)
{
	const struct receiver_type *type = receiver_find(row->name);
	struct secret_set *secrets = secret_set_new();

	if (desk_configure(desk, type, yaml) != 0)
		fail_msg("%s: cannot be configured: %s", row->name, yaml);
	conf_secrets(type->fields, desk->conf, secrets);
	desk->env.secrets = secrets;
}

static void
forget(struct desk *desk)
{
	secret_set_free((struct secret_set *)(uintptr_t)desk->env.secrets);
	desk->env.secrets = NULL;
	desk_forget(desk);
}

static void
configure(struct desk *desk, const struct row *row, const char *origin, const char *more)
{
	char *yaml = xasprintf("url: \"%s" SECRET_PATH "\"\n%s%s", origin, row->settings, more);

	put_in_force(desk, row, yaml);
	free(yaml);
}

/* Where it must give up: soon, and sooner than the settings allow, for these are many rows. */
static void
configure_quick(struct desk *desk, const struct row *row, const char *origin)
{
	const struct conf_field *timeout = field_of(receiver_find(row->name), "timeout");

	configure(desk, row, origin, timeout == NULL ? "" : "timeout: 1s\n");
	if (timeout != NULL)
		*(usec_t *)(void *)((char *)desk->conf + timeout->offset) = USEC_PER_SEC / 8;
}

static void
send_it(struct desk *desk)
{
	json_decref(desk->memory);
	desk->memory = NULL;
	desk_start(desk);
	if (!loop_turn_until(desk->loop, desk_has_verdict, desk, TURNS))
		fail_msg("%s: no verdict", desk->type->name);
	assert_int_equal(desk->verdicts, 1);
}

/* Neither the words nor the transcript have a secret in them.  (Not every path is one.) */
static void
keeps_secrets(const struct desk *desk, const struct row *row, const char *what)
{
	const char *const said[] = { desk->text, desk->transcript };
	const struct conf_field *url = field_of(desk->type, "url");
	bool is_path_secret = url != NULL && (url->flags & CONF_MASKED) != 0;

	for (size_t i = 0; i < 2; i++) {
		if ((is_path_secret && strstr(said[i], "B000/hidden") != NULL) ||
			strstr(said[i], "hidden-word") != NULL ||
			(row->secret != NULL && strstr(said[i], row->secret) != NULL))
			fail_msg("%s: %s: a secret is told: %s", row->name, what, said[i]);
	}
}

static void
expect(const struct desk *desk, const struct row *row, const char *what, enum send_result result)
{
	if (desk->result != result || desk->text[0] == '\0')
		fail_msg("%s: %s: result %d, wanted %d: \"%s\"", row->name, what, desk->result,
			result, desk->text);
	keeps_secrets(desk, row, what);
}

/* ---- statuses ---- */

static const struct answer {
	int status;
	const char *headers;
	enum send_result result;
	int retry_after; /* seconds that must be passed on */
} answers[] = {
	{ 301, "Location: http://127.0.0.1:1/\r\n", SEND_NEVER, 0 },
	{ 307, "Location: http://127.0.0.1:1/\r\n", SEND_NEVER, 0 },
	{ 400, "", SEND_NEVER, 0 },
	{ 401, "WWW-Authenticate: Basic realm=x\r\n", SEND_NEVER, 0 },
	{ 403, "", SEND_NEVER, 0 },
	{ 404, "", SEND_NEVER, 0 },
	{ 408, "", SEND_LATER, 0 },
	{ 410, "", SEND_DISABLE, 0 },
	{ 413, "", SEND_NEVER, 0 },
	{ 425, "", SEND_LATER, 0 },
	{ 429, "", SEND_LATER, 0 },
	{ 429, "Retry-After: 7\r\n", SEND_LATER, 7 },
	{ 429, "Retry-After: tomorrow\r\n", SEND_LATER, 0 },
	{ 500, "", SEND_LATER, 0 },
	{ 502, "", SEND_LATER, 0 },
	{ 503, "Retry-After: 7\r\n", SEND_LATER, 7 },
};

/* Where a service means something else. */
static const struct exception {
	const char *name;
	int status;
	enum send_result result;
} exceptions[] = {
	{ "", 0, SEND_NONE },
};

static enum send_result
meant(const struct row *row, const struct answer *answer)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		if (str_eq(exceptions[i].name, row->name) && exceptions[i].status == answer->status)
			return exceptions[i].result;
	}
	return answer->result;
}

/* One try against a server that answers so; what was sent is kept in `heard` when wanted. */
static void
try_against(struct desk *desk, const struct row *row, int status, const char *headers,
	const char *body, char **heard)
{
	char *reply = xasprintf("HTTP/1.1 %d Words\r\n%sContent-Length: %zu\r\n\r\n%s", status,
		headers, strlen(body), body);
	const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND_BYTES(reply, strlen(reply)), PEER_END };
	const struct peer_step bare[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 204 No Content\r\n\r\n"), PEER_END };
	struct peer *peer = peer_open(desk->loop, status == 204 ? bare : script);
	char *origin = xasprintf("http://%s", peer_address(peer));

	configure(desk, row, origin, "");
	send_it(desk);
	if (heard != NULL)
		*heard = xstrdup(peer_heard(peer, 0));
	forget(desk);
	peer_free(peer);
	free(origin);
	free(reply);
}

static void
meet_answers(struct desk *desk, const struct row *row)
{
	char what[80];

	try_against(desk, row, row->taken_status, "", row->taken, NULL);
	expect(desk, row, "its good answer", SEND_OK);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer *a = &answers[i];

		try_against(desk, row, a->status, a->headers, "no such thing", NULL);
		snprintf(what, sizeof(what), "%d %.40s", a->status, a->headers);
		expect(desk, row, what, meant(row, a));
		if (desk->result == SEND_LATER &&
			desk->retry_after_us != a->retry_after * USEC_PER_SEC)
			fail_msg("%s: %s: asked to wait %lld us", row->name, what,
				(long long)desk->retry_after_us);
	}
	if (row->error != NULL) {
		try_against(desk, row, 200, "", row->error, NULL);
		expect(desk, row, "200 with an error in it", row->error_result);
	}
	/* No body: taken where the status is all there is to say. */
	try_against(desk, row, 204, "", "", NULL);
	expect(desk, row, "204",
		row->error == NULL || str_eq(row->name, "discord") ? SEND_OK : SEND_LATER);
}

/* The server says back all that it was told, secrets and all. */
static void
meet_echo(struct desk *desk, const struct row *row)
{
	static const int statuses[] = { 200, 400, 401, 429, 500 };
	char *echo = xasprintf("{\"ok\":false,\"error\":\"bad %s\",\"errcode\":-7,\"code\":-7,"
			       "\"message\":\"POST " SECRET_PATH " %s\",\"errmsg\":\"" SECRET_PATH
			       " %s\",\"description\":\"bot%s " SECRET_PATH "\"}",
		SECRET_PATH, row->secret == NULL ? "" : row->secret,
		row->secret == NULL ? "" : row->secret, row->secret == NULL ? "" : row->secret);

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		try_against(desk, row, statuses[i], "", echo, NULL);
		keeps_secrets(desk, row, "echo");
	}
	free(echo);
}

/* ---- connections ---- */

#define HEAD_OK "HTTP/1.1 200 OK\r\n"

static const struct peer_step stall[] = { PEER_STALL, PEER_END };
static const struct peer_step half[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND("HTTP/1.1 200 O"),
	PEER_STALL, PEER_END };
static const struct peer_step half_body[] = { PEER_EXPECT("\r\n\r\n"),
	PEER_SEND(HEAD_OK "Content-Length: 9\r\n\r\n{\"ok\""), PEER_STALL, PEER_END };
static const struct peer_step closes[] = { PEER_CLOSE, PEER_END };
static const struct peer_step closes_late[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
static const struct peer_step resets[] = { PEER_RESET, PEER_END };
static const struct peer_step resets_late[] = { PEER_EXPECT("\r\n\r\n"), PEER_RESET, PEER_END };
static const struct peer_step garbage[] = { PEER_EXPECT("\r\n\r\n"), PEER_GARBAGE, PEER_CLOSE,
	PEER_END };
static const struct peer_step no_end[] = { PEER_EXPECT("\r\n\r\n"), PEER_ENDLESS_LINE, PEER_END };
static const struct peer_step trickle[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND(HEAD_OK "X: "),
	PEER_STALL, PEER_END };
static const struct peer_step headers[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND(HEAD_OK),
	PEER_REPEAT("X-Again: and again\r\n", (size_t)100 << 20), PEER_END };

static const struct trouble {
	const char *name;
	const struct peer_step *script;
} troubles[] = {
	{ "hangs", stall },
	{ "hangs in the status line", half },
	{ "hangs in the body", half_body },
	{ "hangs in a header", trickle },
	{ "closes at once", closes },
	{ "closes without an answer", closes_late },
	{ "resets at once", resets },
	{ "resets without an answer", resets_late },
	{ "sends garbage", garbage },
	{ "never ends a line", no_end },
	{ "100 MB of headers", headers },
};

static void
meet_troubles(struct desk *desk, const struct row *row)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		struct peer *peer = peer_open(desk->loop, troubles[i].script);
		char *origin = xasprintf("http://%s", peer_address(peer));

		configure_quick(desk, row, origin);
		send_it(desk);
		expect(desk, row, troubles[i].name, SEND_LATER);
		assert_in_range(peer_sent(peer), 0, READ_MAX);
		forget(desk);
		peer_free(peer);
		free(origin);
	}
}

static void
meet_nobody(struct desk *desk, const struct row *row)
{
	char *origin = xasprintf("http://127.0.0.1:%u", peer_dead_port());

	configure(desk, row, origin, "");
	send_it(desk);
	expect(desk, row, "nobody listens", SEND_LATER);
	assert_int_equal(desk->class, SEND_CLASS_NETWORK);
	forget(desk);
	free(origin);
}

/* A header in drops, each of them progress: only the deadline ends it. */
static void
meet_trickle(struct desk *desk, const struct row *row)
{
	size_t len = (size_t)1 << 20;
	char *drops = xcalloc(1, len + 1);
	struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND(HEAD_OK "X: "),
		{ PEER_DO_TRICKLE, drops, len }, PEER_END };
	struct peer *peer = peer_open(desk->loop, script);
	char *origin = xasprintf("http://%s", peer_address(peer));

	memset(drops, 'x', len);
	configure_quick(desk, row, origin);
	send_it(desk);
	expect(desk, row, "a slow trickle", SEND_LATER);
	forget(desk);
	peer_free(peer);
	free(origin);
	free(drops);
}

/* What it says first decides; the rest is not read, and what is kept stays small. */
static void
meet_flood(struct desk *desk, const struct row *row)
{
	static const int statuses[] = { 200, 400, 500 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		char *head = xasprintf(
			"HTTP/1.1 %d W\r\nContent-Length: 104857600\r\n\r\n", statuses[i]);
		const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
			PEER_SEND_BYTES(head, strlen(head)),
			PEER_REPEAT("0123456789abcde ", (size_t)100 << 20), PEER_END };
		struct peer *peer = peer_open(desk->loop, script);
		char *origin = xasprintf("http://%s", peer_address(peer));

		configure(desk, row, origin, "");
		send_it(desk);
		keeps_secrets(desk, row, "100 MB");
		if (statuses[i] != 200 || row->error != NULL)
			assert_int_not_equal(desk->result, SEND_OK);
		assert_in_range(peer_sent(peer), 1, READ_MAX);
		assert_true(strlen(desk->transcript) < 100000);
		forget(desk);
		peer_free(peer);
		free(origin);
		free(head);
	}
}

/* ---- TLS, names ---- */

static const struct peer_step plain[] = {
	PEER_SEND("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), PEER_CLOSE, PEER_END
};
static const struct peer_cert good = { 0 };
static const struct peer_cert self_signed = { .is_self_signed = 1 };
static const struct peer_cert expired = { .days_left = -2 };
static const struct peer_cert other_name = { .names = "DNS:other.test" };

static const struct secure {
	const char *name;
	const struct peer_cert *cert; /* NULL: speaks no TLS */
	enum send_result result;
} secures[] = {
	{ "a good certificate", &good, SEND_OK },
	{ "self-signed", &self_signed, SEND_LATER },
	{ "expired", &expired, SEND_LATER },
	{ "another's name", &other_name, SEND_LATER },
	{ "plain where TLS is expected", NULL, SEND_LATER },
};

static void
meet_tls(struct desk *desk, const struct row *row)
{
	char *reply = xasprintf("HTTP/1.1 %d W\r\nContent-Length: %zu\r\n\r\n%s", row->taken_status,
		strlen(row->taken), row->taken);
	const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND_BYTES(reply, strlen(reply)), PEER_END };
	char *ca = xasprintf("ca: %s\n", peer_ca_path());

	for (size_t i = 0; i < sizeof(secures) / sizeof(secures[0]); i++) {
		const struct peer_options options = { .script = secures[i].cert ? script : plain,
			.is_tls = secures[i].cert != NULL,
			.cert = secures[i].cert };
		struct peer *peer = peer_open_with(desk->loop, &options);
		char *origin = xasprintf("https://%s", peer_address(peer));

		configure(desk, row, origin, ca);
		send_it(desk);
		expect(desk, row, secures[i].name, secures[i].result);
		if (secures[i].result != SEND_OK)
			assert_null(strstr(peer_heard(peer, 0), "hidden"));
		forget(desk);
		peer_free(peer);
		free(origin);
	}
	free(ca);
	free(reply);
}

static void
meet_dns(struct desk *desk, const struct row *row)
{
	static const struct dns_row names[] = {
		{ .name = "mute.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
		{ .name = "sick.test", .v4_does = DNS_SERVFAIL, .v6_does = DNS_SERVFAIL },
		{ .name = NULL },
	};
	static const char *const places[] = { "http://mute.test:1", "http://sick.test:1",
		"http://nobody.test:1" };
	struct dns *dns = dns_open(desk->loop, names);
	const struct resolve_options options = { .servers = dns_address(dns),
		.hosts_path = "/dev/null",
		.timeout_us = USEC_PER_SEC / 10 };
	struct resolver *resolver = desk->env.resolver;
	struct http_client *http = desk->env.http;

	desk->env.resolver = resolver_new(desk->loop, &options);
	desk->env.http = http_client_new(desk->loop, desk->env.resolver, desk->env.tls);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		configure_quick(desk, row, places[i]);
		send_it(desk);
		expect(desk, row, places[i], SEND_LATER);
		forget(desk);
	}
	http_client_free(desk->env.http);
	resolver_free(desk->env.resolver);
	loop_turn(desk->loop, false);
	desk->env.resolver = resolver;
	desk->env.http = http;
	dns_free(dns);
}

/* ---- texts ---- */

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
every_row(struct desk *desk, void (*part)(struct desk *desk, const struct row *row))
{
	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		const struct row *row = row_find(receiver_table[i]);

		if (row == NULL)
			fail_msg("%s: give it a row in tests/alerts/rows.h",
				receiver_table[i]->name);
		if (row->kind == ROW_URL)
			part(desk, row);
	}
}

#define TEST_OF(part)                                                                              \
	static void every_url_##part(void **state)                                                 \
	{                                                                                          \
		every_row(*state, part);                                                           \
	}

TEST_OF(meet_answers)
TEST_OF(meet_echo)
TEST_OF(meet_troubles)
TEST_OF(meet_nobody)
TEST_OF(meet_trickle)
TEST_OF(meet_flood)
TEST_OF(meet_tls)
TEST_OF(meet_dns)

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
#define T(fn) cmocka_unit_test_setup_teardown(fn, net_desk_setup, net_desk_teardown)
	const struct CMUnitTest tests[] = {
		T(every_url_meet_answers),
		T(every_url_meet_echo),
		T(every_url_meet_troubles),
		T(every_url_meet_nobody),
		T(every_url_meet_trickle),
		T(every_url_meet_flood),
		T(every_url_meet_tls),
		T(every_url_meet_dns),
		T(every_row_stands_every_text),
	};

	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
