/*
 * STARTTLS in six tongues.  Each has a function that knows its steps:
 *
 *	smtp      greeting -> EHLO -> capabilities -> STARTTLS -> 220
 *	imap      greeting -> a1 STARTTLS -> a1 OK
 *	pop3      greeting -> STLS -> +OK
 *	postgres  SSLRequest -> S
 *	mysql     greeting with the flag for TLS -> SSLRequest
 *	ldap      extended request -> result 0
 */
#include "probes/starttls.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "io/smtp_reply.h"

#define LINE_MAX  4096
#define LINES_MAX 64

const char *const starttls_names[] = {
	[STARTTLS_NONE] = "none",
	[STARTTLS_SMTP] = "smtp",
	[STARTTLS_IMAP] = "imap",
	[STARTTLS_POP3] = "pop3",
	[STARTTLS_POSTGRES] = "postgres",
	[STARTTLS_MYSQL] = "mysql",
	[STARTTLS_LDAP] = "ldap",
	[STARTTLS_COUNT] = NULL,
};

struct heard {
	const char *data;
	size_t len;
	size_t *eaten;
	struct buf *say;
};

static void
keep_text(struct starttls_talk *talk, const char *data, size_t len)
{
	str_printable(talk->text, sizeof(talk->text), data, len);
}

/* --- smtp --- */

static enum starttls_turn
talk_smtp(struct starttls_talk *talk, const struct heard *h)
{
	static const int wanted[] = { 220, 250, 220 };
	struct smtp_reply reply;
	char rest[64];

	switch (smtp_reply_read(h->data, h->len, &reply)) {
	case SMTP_MORE:
		return STARTTLS_MORE;
	case SMTP_BROKEN:
		keep_text(talk, h->data, h->len);
		return STARTTLS_ALIEN;
	case SMTP_REPLY:
		break;
	}
	snprintf(talk->text, sizeof(talk->text), "%d %.240s", reply.code, reply.text);
	if (reply.code != wanted[talk->step] && talk->step > 0)
		return STARTTLS_LACK;
	if (reply.code != wanted[talk->step])
		return reply.code >= 400 ? STARTTLS_AWAY : STARTTLS_ALIEN;
	if (talk->step == 1 &&
		!smtp_reply_offers(h->data, reply.len, "STARTTLS", rest, sizeof(rest))) {
		snprintf(talk->text, sizeof(talk->text), "STARTTLS is not among its extensions");
		return STARTTLS_LACK;
	}
	*h->eaten = reply.len;
	if (talk->step == 2)
		return STARTTLS_GO;
	buf_add_text(h->say, talk->step++ == 0 ? "EHLO triaged\r\n" : "STARTTLS\r\n");
	return STARTTLS_MORE;
}

/* --- lines: imap, pop3 --- */

/* A whole line without its end; false: not yet, or never (is_over). */
static bool
take_line(const struct heard *h, size_t *len, bool *is_over)
{
	const char *end = memchr(h->data + *h->eaten, '\n', h->len - *h->eaten);

	*is_over = end == NULL && h->len - *h->eaten >= LINE_MAX;
	if (end == NULL)
		return false;
	*len = (size_t)(end - (h->data + *h->eaten));
	return true;
}

static bool
begins(const char *line, size_t len, const char *with)
{
	size_t want = strlen(with);

	return len >= want && strncasecmp(line, with, want) == 0;
}

/* Could `line`, as far as it has come, still begin with `with`? */
static bool
is_beginning(const char *line, size_t len, const char *with)
{
	size_t want = strlen(with);

	return strncasecmp(line, with, len < want ? len : want) == 0;
}

struct line_words {
	const char *greeting, *ask, *yes, *aside; /* `aside`: lines that may come between */
	const char *away;                         /* instead of the greeting */
};

static enum starttls_turn
talk_lines(struct starttls_talk *talk, const struct heard *h, const struct line_words *words)
{
	bool is_over = false;
	size_t len;

	for (int i = 0; i < LINES_MAX && take_line(h, &len, &is_over); i++) {
		const char *line = h->data + *h->eaten;

		keep_text(talk, line, len > 0 && line[len - 1] == '\r' ? len - 1 : len);
		if (talk->step == 0) {
			if (!begins(line, len, words->greeting))
				return begins(line, len, words->away) ? STARTTLS_AWAY
								      : STARTTLS_ALIEN;
			buf_add_text(h->say, words->ask);
			talk->step = 1;
		} else if (begins(line, len, words->yes)) {
			*h->eaten += len + 1;
			return STARTTLS_GO;
		} else if (words->aside == NULL || !begins(line, len, words->aside)) {
			return STARTTLS_LACK;
		}
		*h->eaten += len + 1;
	}
	len = h->len - *h->eaten;
	/* What cannot become the greeting is no reason to wait for the end of its line. */
	if (!is_over &&
		(talk->step > 0 || is_beginning(h->data + *h->eaten, len, words->greeting) ||
			is_beginning(h->data + *h->eaten, len, words->away)))
		return STARTTLS_MORE;
	keep_text(talk, h->data + *h->eaten, len < LINE_MAX ? len : LINE_MAX);
	return STARTTLS_ALIEN;
}

static enum starttls_turn
talk_imap(struct starttls_talk *talk, const struct heard *h)
{
	static const struct line_words words = { "* OK", "a1 STARTTLS\r\n", "a1 OK", "* ",
		"* BYE" };

	return talk_lines(talk, h, &words);
}

static enum starttls_turn
talk_pop3(struct starttls_talk *talk, const struct heard *h)
{
	static const struct line_words words = { "+OK", "STLS\r\n", "+OK", NULL, "-ERR" };

	return talk_lines(talk, h, &words);
}

/* --- postgres --- */

static enum starttls_turn
talk_postgres(struct starttls_talk *talk, const struct heard *h)
{
	static const unsigned char request[] = { 0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f };

	if (talk->step == 0) {
		buf_add(h->say, request, sizeof(request));
		talk->step = 1;
	}
	if (h->len == 0)
		return STARTTLS_MORE;
	keep_text(talk, h->data, h->len < 200 ? h->len : 200);
	if (h->data[0] == 'N') {
		snprintf(talk->text, sizeof(talk->text), "it answers N: TLS is off");
		return STARTTLS_LACK;
	}
	if (h->data[0] == 'E' && h->len < 6)
		return STARTTLS_MORE;
	if (h->data[0] == 'E' && h->data[5] == 'S') /* an error, its severity first */
		return STARTTLS_AWAY;
	if (h->data[0] != 'S')
		return STARTTLS_ALIEN;
	*h->eaten = 1;
	return STARTTLS_GO;
}

/* --- mysql --- */

#define MYSQL_TLS 0x0800U

/* The low half of the capabilities in a greeting's payload; -1: this is none. */
static long
mysql_capabilities(const unsigned char *payload, size_t len)
{
	const unsigned char *end = len > 1 ? memchr(payload + 1, '\0', len - 1) : NULL;
	size_t at = end == NULL ? len : (size_t)(end - payload) + 1 + 4 + 8 + 1;

	if (len == 0 || payload[0] != 10 || at + 2 > len)
		return -1;
	return (long)payload[at] | (long)payload[at + 1] << 8;
}

static enum starttls_turn
talk_mysql(struct starttls_talk *talk, const struct heard *h)
{
	/* TLS, protocol 4.1, secure logins, plugins; packets of 16 MiB; utf8mb4 */
	static const unsigned char request[36] = { 32, 0, 0, 1, 0x00, 0x8a, 0x08, 0x00, 0, 0, 0, 1,
		45 };
	const unsigned char *data = (const unsigned char *)h->data;
	size_t len;
	long capabilities;

	if (h->len < 5)
		return STARTTLS_MORE;
	len = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
	keep_text(talk, h->data, h->len < 80 ? h->len : 80);
	if (data[3] != 0 || len > STARTTLS_BYTES_MAX - 4 || (data[4] != 10 && data[4] != 0xff))
		return STARTTLS_ALIEN;
	if (h->len < len + 4)
		return STARTTLS_MORE;
	if (data[4] == 0xff && len > 3) { /* it says why it does not want us */
		keep_text(talk, h->data + 7, len - 3);
		return STARTTLS_AWAY;
	}
	capabilities = mysql_capabilities(data + 4, len);
	if (capabilities == -1)
		return STARTTLS_ALIEN;
	if (((unsigned long)capabilities & MYSQL_TLS) == 0) {
		snprintf(talk->text, sizeof(talk->text), "its greeting does not offer TLS");
		return STARTTLS_LACK;
	}
	*h->eaten = len + 4;
	buf_add(h->say, request, sizeof(request));
	return STARTTLS_GO;
}

/* --- ldap --- */

/* A length of BER; false: it is not one that we take. */
static bool
ber_length(const unsigned char *data, size_t len, size_t *at, size_t *value)
{
	unsigned first, count;

	if (*at >= len)
		return false;
	first = data[(*at)++];
	if (first < 0x80) {
		*value = first;
		return true;
	}
	count = first & 0x7f;
	*value = 0;
	if (count == 0 || count > 4 || *at + count > len)
		return false;
	while (count-- > 0)
		*value = *value << 8 | data[(*at)++];
	return true;
}

/* The result of an ExtendedResponse; -1: this is none. */
static int
ldap_result(const unsigned char *data, size_t len)
{
	static const unsigned char id[] = { 0x02, 0x01, 0x01, 0x78 };
	size_t at = 1, ignored;

	if (!ber_length(data, len, &at, &ignored) || at + sizeof(id) > len ||
		memcmp(data + at, id, sizeof(id)) != 0)
		return -1;
	at += sizeof(id);
	if (!ber_length(data, len, &at, &ignored) || at + 3 > len || data[at] != 0x0a ||
		data[at + 1] != 1)
		return -1;
	return data[at + 2];
}

static enum starttls_turn
talk_ldap(struct starttls_talk *talk, const struct heard *h)
{
	static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
				      "1.3.6.1.4.1.1466.20037";
	const unsigned char *data = (const unsigned char *)h->data;
	size_t at = 1, len;
	int result;

	if (talk->step == 0) {
		buf_add(h->say, request, sizeof(request) - 1);
		talk->step = 1;
	}
	if (h->len < 6 && (h->len == 0 || data[0] == 0x30))
		return STARTTLS_MORE;
	keep_text(talk, h->data, h->len < 80 ? h->len : 80);
	if (data[0] != 0x30 || !ber_length(data, h->len, &at, &len) ||
		len > STARTTLS_BYTES_MAX - at)
		return STARTTLS_ALIEN;
	if (h->len < at + len)
		return STARTTLS_MORE;
	result = ldap_result(data, at + len);
	if (result == -1)
		return STARTTLS_ALIEN;
	snprintf(talk->text, sizeof(talk->text), "it answers with LDAP result %d", result);
	*h->eaten = at + len;
	return result == 0 ? STARTTLS_GO : STARTTLS_LACK;
}

/* --- all --- */

static const struct {
	uint16_t port;
	enum starttls_turn (*talk)(struct starttls_talk *talk, const struct heard *heard);
} tongues[STARTTLS_COUNT] = {
	[STARTTLS_NONE] = { 443, NULL },
	[STARTTLS_SMTP] = { 25, talk_smtp },
	[STARTTLS_IMAP] = { 143, talk_imap },
	[STARTTLS_POP3] = { 110, talk_pop3 },
	[STARTTLS_POSTGRES] = { 5432, talk_postgres },
	[STARTTLS_MYSQL] = { 3306, talk_mysql },
	[STARTTLS_LDAP] = { 389, talk_ldap },
};

uint16_t
starttls_port(enum starttls kind)
{
	return tongues[kind].port;
}

enum starttls_turn
starttls_hear(
	struct starttls_talk *talk, const void *data, size_t len, size_t *eaten, struct buf *say)
{
	const struct heard heard = { len > 0 ? data : "", len, eaten, say };

	*eaten = 0;
	return tongues[talk->kind].talk(talk, &heard);
}
