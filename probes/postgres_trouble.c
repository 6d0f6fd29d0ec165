/*
 * SQLSTATEs and libpq's words as causes.  Texts are the server's own where one code has several
 * meanings (57P03, 28000, 53300, 08P01): they are looked at only then, and another language than
 * English falls back to the commonest meaning.
 */
#include "probes/postgres_trouble.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "probes/net.h"

#define MESSAGE_SANE_MAX   30000  /* libpq's own bound for an error during login */
#define SCRAM_COST_MAX     200000 /* iterations: some 0.1 s; the default is 4096 */
#define AUTH_OK            0
#define AUTH_GSS           7
#define AUTH_SSPI          9
#define AUTH_SASL_CONTINUE 11

struct meaning {
	const char *state; /* or its first two letters */
	const char *word;  /* NULL: any text */
	const char *cause;
};

/* The first that fits. */
static const struct meaning meanings[] = {
	{ "08P01", "no such database", "pg.no-db" },
	{ "08P01", "no such user", "pg.auth" },
	{ "08P01", "no more connections", "pg.too-many" },
	{ "08P01", "SSL required", "pg.hba" },
	{ "08P01", NULL, "pg.error" },
	{ "08", NULL, "net.reset" },
	{ "25006", NULL, "pg.readonly" },
	{ "28000", "not permitted to log in", "pg.nologin" },
	{ "28000", "does not exist", "pg.auth" },
	{ "28000", NULL, "pg.hba" },
	{ "28P01", NULL, "pg.auth" },
	{ "3D000", NULL, "pg.no-db" },
	{ "42501", NULL, "pg.no-grant" },
	{ "42P01", NULL, "pg.no-table" },
	{ "53100", NULL, "pg.disk-full" },
	{ "53300", NULL, "pg.too-many" },
	{ "55000", "not currently accepting connections", "pg.not-accepting" },
	{ "55P03", NULL, "pg.timeout" },
	{ "57014", NULL, "pg.timeout" },
	{ "57P01", NULL, "pg.admin-kill" },
	{ "57P02", NULL, "pg.crashed" },
	{ "57P03", "shutting down", "pg.shutting-down" },
	{ "57P03", "Hot standby mode is disabled", "pg.not-accepting" },
	{ "57P03", "not accepting connections", "pg.not-accepting" },
	{ "57P03", NULL, "pg.starting" },
	{ "58030", "No space left", "pg.disk-full" },
	{ NULL, "does not support SSL", "pg.tls" },
	{ NULL, "root certificate file", "self.local" },
	{ NULL, "certificate file", "self.local" },
	{ NULL, "private key file", "self.local" },
	{ NULL, "certificate verify failed", "net.tls-verify" },
	{ NULL, "does not match host name", "net.tls-verify" },
	{ NULL, "SSL error", "net.tls-handshake" },
	{ NULL, "SSL SYSCALL error", "net.tls-handshake" },
	{ NULL, "authentication method", "pg.auth-method" },
	{ NULL, "SASL", "pg.auth-method" },
	{ NULL, "SCRAM", "pg.auth-method" },
	{ NULL, "invalid response", "net.protocol" },
	{ NULL, "expected authentication request", "net.protocol" },
	{ NULL, "lost synchronization", "net.protocol" },
	{ NULL, "protocol", "net.protocol" },
};

/* libpq writes strerror's words and forgets the number. */
static const int errnos[] = { ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH,
	EACCES, EPERM, EADDRNOTAVAIL, EAFNOSUPPORT, EMFILE, ENFILE, ENOENT, EAGAIN, EINVAL };

static bool
is_state(const char *text)
{
	return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && text[5] == ':';
}

/* "FATAL:  28P01: text": where the last SQLSTATE stands; NULL: none. */
static const char *
find_state(const char *message)
{
	const char *found = NULL;

	for (const char *p = strstr(message, ":  "); p != NULL; p = strstr(p + 3, ":  "))
		if (is_state(p + 3))
			found = p + 3;
	return found;
}

static void
add_line(char *out, const char *line, size_t len)
{
	size_t have = strlen(out);

	if (have + 3 >= PG_TEXT_MAX || len == 0)
		return;
	if (have > 0) {
		strcpy(out + have, "; ");
		have += 2;
	}
	str_printable(out + have, PG_TEXT_MAX - have, line, len);
}

/* The first line, then what a DETAIL line says; a server may leave both empty. */
static void
copy_words(char out[PG_TEXT_MAX], const char *from)
{
	const char *detail = strstr(from, "\nDETAIL:  ");

	out[0] = '\0';
	add_line(out, from, strcspn(from, "\n"));
	if (detail != NULL) {
		detail += strlen("\nDETAIL:  ");
		add_line(out, detail, strcspn(detail, "\n"));
	}
	if (out[0] == '\0')
		str_copy(out, PG_TEXT_MAX, "an error without a word");
}

static enum fault
fault_of_words(const char *message)
{
	if (strstr(message, "server closed the connection unexpectedly") != NULL)
		return FAULT_EOF;
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
		if (strstr(message, strerror(errnos[i])) == NULL)
			continue;
		if (errnos[i] == ENOENT)
			return FAULT_REFUSED; /* no such socket: nobody listens */
		if (errnos[i] == EAGAIN)
			return FAULT_TIMEOUT; /* the accept queue of a unix socket is full */
		return fault_from_errno(errnos[i]);
	}
	return FAULT_NONE;
}

/* Past "connection to server at "127.0.0.1", port 5432 failed: ". */
static const char *
skip_place(const char *message)
{
	const char *end = strchr(message, '\n'), *found = message, *p = message;

	while ((p = strstr(p, "failed: ")) != NULL && (end == NULL || p < end)) {
		p += strlen("failed: ");
		found = p;
	}
	return found;
}

void
pg_trouble_read(struct pg_trouble *trouble, const char *message)
{
	const char *state = find_state(message);

	if (state != NULL) {
		memcpy(trouble->state, state, 5);
		trouble->state[5] = '\0';
		state += strlen("57P03:");
		copy_words(trouble->text, *state == ' ' ? state + 1 : state);
		return;
	}
	copy_words(trouble->text, trouble->needs_password
					  ? "the server asks for a password, and the DSN has none"
					  : skip_place(message));
	if (strcmp(pg_trouble_cause(trouble), "pg.error") == 0 ||
		str_starts(trouble->text, "could not create socket"))
		trouble->fault = fault_of_words(message);
	if (trouble->fault == FAULT_EOF)
		str_copy(trouble->text, sizeof(trouble->text),
			"the server closed the connection during the login");
}

void
pg_trouble_clear(struct pg_trouble *trouble)
{
	memset(trouble, 0, offsetof(struct pg_trouble, text));
	trouble->text[0] = '\0';
}

void
pg_trouble_set(struct pg_trouble *trouble, const char *state, const char *text)
{
	pg_trouble_clear(trouble);
	str_copy(trouble->state, sizeof(trouble->state), state != NULL ? state : "");
	copy_words(trouble->text, text != NULL ? text : "");
}

static bool
fits(const struct meaning *m, const struct pg_trouble *trouble)
{
	if ((m->state == NULL) != (trouble->state[0] == '\0'))
		return false;
	if (m->state != NULL && !str_starts(trouble->state, m->state))
		return false;
	return m->word == NULL || strstr(trouble->text, m->word) != NULL;
}

const char *
pg_trouble_cause(const struct pg_trouble *trouble)
{
	if (trouble->fault != FAULT_NONE)
		return net_cause(trouble->fault);
	if (trouble->needs_password)
		return "pg.no-password";
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (fits(&meanings[i], trouble))
			return meanings[i].cause;
	return "pg.error";
}

bool
pg_trouble_is_not_accepting(const struct pg_trouble *trouble)
{
	return strcmp(trouble->state, "57P03") == 0;
}

bool
pg_trouble_is_pooler(const struct pg_trouble *trouble)
{
	return strstr(trouble->text, "unsupported startup parameter") != NULL;
}

bool
pg_trouble_is_ours(const struct pg_trouble *trouble)
{
	return str_starts(trouble->state, "42") || str_starts(trouble->state, "0A") ||
	       str_starts(trouble->state, "22");
}

/* --- first bytes --- */

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* "r=...,s=...,i=4096": how much work a SCRAM login is. */
static bool
is_bearable(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++) {
		long cost = 0;

		if (memcmp(data + i, ",i=", 3) != 0)
			continue;
		for (size_t k = i + 3; k < len && data[k] >= '0' && data[k] <= '9'; k++) {
			cost = cost * 10 + (data[k] - '0');
			if (cost > SCRAM_COST_MAX)
				return false;
		}
	}
	return true;
}

static enum pg_sniff
sniff_auth(const unsigned char *data, size_t len)
{
	uint32_t kind;

	if (len < 9)
		return PG_SNIFF_COSTLY;
	kind = be32(data + 5);
	if (kind >= AUTH_GSS && kind <= AUTH_SSPI)
		return PG_SNIFF_REFUSED;
	if (kind != AUTH_SASL_CONTINUE)
		return PG_SNIFF_CHEAP;
	return is_bearable(data + 9, len - 9) ? PG_SNIFF_COSTLY : PG_SNIFF_REFUSED;
}

enum pg_sniff
pg_sniff_login(const unsigned char *data, size_t len)
{
	uint32_t length = len >= 5 ? be32(data + 1) : 8;

	if (len == 0)
		return PG_SNIFF_CHEAP;
	if (strchr("RESNKZv", data[0]) == NULL || data[0] == '\0')
		return PG_SNIFF_FOREIGN;
	if (length < 5 || length > MESSAGE_SANE_MAX)
		return PG_SNIFF_FOREIGN;
	if (data[0] == 'R')
		return sniff_auth(data, len);
	return len < 5 ? PG_SNIFF_COSTLY : PG_SNIFF_CHEAP;
}
