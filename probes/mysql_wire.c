/* The bytes of MySQL's protocol: pure functions, each bounded by the end that it was given. */
#include "probes/mysql_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PROTOCOL_10     10
#define CHARSET_UTF8MB4 45 /* utf8mb4_general_ci: both families know it */
#define SCRAMBLE_FIRST  8
#define RESERVED_LEN    10
#define FILLER_LEN      23
#define MAX_PACKET      (1U << 24)

#define PROGRAM_KEY  "program_name"
#define PROGRAM_NAME "triaged"

static uint32_t
read_le(const unsigned char *p, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = bytes; i > 0; i--)
		value = value << 8 | p[i - 1];
	return value;
}

int
mysql_packet_read(const void *data, size_t have, struct mysql_packet *packet)
{
	const unsigned char *p = data;
	size_t len;

	if (have < MYSQL_HEADER_SIZE)
		return 0;
	len = read_le(p, 3);
	if (len > MYSQL_PACKET_MAX)
		return -1;
	if (have < MYSQL_HEADER_SIZE + len)
		return 0;
	*packet = (struct mysql_packet){
		.data = p + MYSQL_HEADER_SIZE,
		.len = len,
		.sequence = p[3],
		.total = MYSQL_HEADER_SIZE + len,
	};
	return 1;
}

/* A text up to its NUL (or the end); what is behind it, or NULL when `end` came first. */
static const unsigned char *
read_name(char *out, size_t size, const unsigned char *at, const unsigned char *end)
{
	const unsigned char *nul = memchr(at, '\0', (size_t)(end - at));
	size_t len = (size_t)((nul != NULL ? nul : end) - at);

	str_printable(out, size, at, len);
	return nul != NULL ? nul + 1 : NULL;
}

/* "5.5.5-10.11.19-MariaDB-0+deb12u1" is 10.11.19: old replicas want to read a 5 in front. */
static void
judge_version(struct mysql_greeting *g)
{
	const char *at = g->version;
	unsigned long part[3] = { 0 };

	g->is_mariadb = strstr(at, "MariaDB") != NULL;
	if (g->is_mariadb && str_starts(at, "5.5.5-")) {
		at += strlen("5.5.5-");
		memmove(g->version, at, strlen(at) + 1);
		at = g->version;
	}
	for (unsigned i = 0; i < 3; i++) {
		char *end;

		part[i] = strtoul(at, &end, 10);
		if (end == at || part[i] > 99) {
			part[i] = 0;
			break;
		}
		at = *end == '.' ? end + 1 : end;
	}
	g->number = (unsigned)(part[0] * 10000 + part[1] * 100 + part[2]);
}

static void
add_scramble(struct mysql_greeting *g, const unsigned char *data, size_t len)
{
	if (len > sizeof(g->scramble) - g->scramble_len)
		len = sizeof(g->scramble) - g->scramble_len;
	memcpy(g->scramble + g->scramble_len, data, len);
	g->scramble_len += len;
}

/* Behind the low half of the capabilities; servers before 5.0 end there. */
static int
read_greeting_rest(struct mysql_greeting *g, const unsigned char *at, const unsigned char *end)
{
	size_t whole, rest;

	if (end - at < 1 + 2 + 2 + 1 + RESERVED_LEN)
		return -1;
	g->capabilities |= read_le(at + 3, 2) << 16;
	whole = at[5];
	at += 1 + 2 + 2 + 1 + RESERVED_LEN;
	if (whole > MYSQL_SCRAMBLE_MAX)
		return -1;
	/* its second part is 13 bytes at least, the last of which is a NUL that does not count */
	rest = whole > SCRAMBLE_FIRST + 13 ? whole - SCRAMBLE_FIRST : 13;
	if ((size_t)(end - at) < rest)
		return -1;
	add_scramble(g, at, rest - 1);
	at += rest;
	if ((g->capabilities & MYSQL_PLUGIN_AUTH) != 0 && at < end)
		read_name(g->plugin, sizeof(g->plugin), at, end);
	return 0;
}

int
mysql_greeting_read(struct mysql_greeting *g, const void *data, size_t len)
{
	const unsigned char *at = data, *end = at + len;

	memset(g, 0, sizeof(*g));
	if (len < 2 || *at != PROTOCOL_10)
		return -1;
	at = read_name(g->version, sizeof(g->version), at + 1, end);
	if (at == NULL || end - at < 4 + SCRAMBLE_FIRST + 1 + 2)
		return -1;
	judge_version(g);
	g->thread = read_le(at, 4);
	add_scramble(g, at + 4, SCRAMBLE_FIRST);
	at += 4 + SCRAMBLE_FIRST + 1;
	g->capabilities = read_le(at, 2);
	return read_greeting_rest(g, at + 2, end);
}

int
mysql_error_read(struct mysql_error *error, const void *data, size_t len)
{
	const unsigned char *at = data, *end = at + len;

	memset(error, 0, sizeof(*error));
	if (len < 3 || *at != MYSQL_MARK_ERROR)
		return -1;
	error->number = read_le(at + 1, 2);
	at += 3;
	/* before the login there may be no state: the server does not know yet what we speak */
	if (end - at > 5 && *at == '#') {
		str_printable(error->state, sizeof(error->state), at + 1, 5);
		at += 6;
	}
	str_printable(error->text, sizeof(error->text), at, (size_t)(end - at));
	return 0;
}

int
mysql_switch_read(struct mysql_switch *to, const void *data, size_t len)
{
	const unsigned char *at = data, *end = at + len;

	memset(to, 0, sizeof(*to));
	if (len < 1 || *at != MYSQL_MARK_EOF)
		return -1;
	if (len == 1) { /* what was before 4.1 */
		str_copy(to->plugin, sizeof(to->plugin), "mysql_old_password");
		return 0;
	}
	at = read_name(to->plugin, sizeof(to->plugin), at + 1, end);
	if (at == NULL)
		return -1;
	len = (size_t)(end - at);
	if (len > 0 && end[-1] == '\0')
		len--;
	if (len > sizeof(to->scramble))
		return -1;
	memcpy(to->scramble, at, len);
	to->scramble_len = len;
	return 0;
}

int
mysql_number_read(
	const unsigned char **at, const unsigned char *end, uint64_t *value, bool *is_null)
{
	const unsigned char *p = *at;
	unsigned bytes;

	if (is_null != NULL)
		*is_null = false;
	if (p >= end)
		return -1;
	if (*p < 0xfb) {
		*value = *p;
		*at = p + 1;
		return 0;
	}
	if (*p == 0xfb && is_null != NULL) {
		*is_null = true;
		*value = 0;
		*at = p + 1;
		return 0;
	}
	bytes = *p == 0xfc ? 2 : *p == 0xfd ? 3 : *p == 0xfe ? 8 : 0;
	if (bytes == 0 || (size_t)(end - p - 1) < bytes)
		return -1;
	*value = 0;
	for (unsigned i = bytes; i > 0; i--)
		*value = *value << 8 | p[i];
	*at = p + 1 + bytes;
	return 0;
}

int
mysql_text_read(const unsigned char **at, const unsigned char *end, const char **text, size_t *len)
{
	uint64_t size = 0;
	bool is_null;

	if (mysql_number_read(at, end, &size, &is_null) < 0 || size > (uint64_t)(end - *at))
		return -1;
	*text = is_null ? NULL : (const char *)*at;
	*len = (size_t)size;
	*at += size;
	return 0;
}

int
mysql_column_read(const void *data, size_t len, const char **name, size_t *name_len)
{
	const unsigned char *at = data, *end = at + len;

	/* catalog, schema, table, original table, then the name */
	for (unsigned i = 0; i < 5; i++)
		if (mysql_text_read(&at, end, name, name_len) < 0 || *name == NULL)
			return -1;
	return 0;
}

/* --- what we send --- */

static void
put_le(struct buf *out, uint32_t value, unsigned bytes)
{
	unsigned char data[4];

	for (unsigned i = 0; i < bytes; i++, value >>= 8)
		data[i] = (unsigned char)value;
	buf_add(out, data, bytes);
}

static void
put_header(struct buf *out, size_t len, unsigned sequence)
{
	put_le(out, (uint32_t)len, 3);
	put_le(out, sequence, 1);
}

/* A length-coded text of at most 250 bytes. */
static void
put_short(struct buf *out, const char *text)
{
	put_le(out, (uint32_t)strlen(text), 1);
	buf_add_text(out, text);
}

static void
put_head(struct buf *out, uint32_t capabilities)
{
	static const char filler[FILLER_LEN];

	put_le(out, capabilities, 4);
	put_le(out, MAX_PACKET, 4);
	put_le(out, CHARSET_UTF8MB4, 1);
	buf_add(out, filler, sizeof(filler));
}

void
mysql_put_bytes(struct buf *out, const void *data, size_t len, unsigned sequence)
{
	put_header(out, len, sequence);
	buf_add(out, data, len);
}

void
mysql_put_tls_request(struct buf *out, uint32_t capabilities, unsigned sequence)
{
	put_header(out, 4 + 4 + 1 + FILLER_LEN, sequence);
	put_head(out, capabilities);
}

void
mysql_put_login(struct buf *out, const struct mysql_login *login, unsigned sequence)
{
	struct buf body;

	buf_init(&body, 0);
	put_head(&body, login->capabilities);
	buf_add(&body, login->user, strlen(login->user) + 1);
	put_le(&body, (uint32_t)login->proof_len, 1);
	buf_add(&body, login->proof, login->proof_len);
	if ((login->capabilities & MYSQL_WITH_DB) != 0)
		buf_add(&body, login->database, strlen(login->database) + 1);
	if ((login->capabilities & MYSQL_PLUGIN_AUTH) != 0)
		buf_add(&body, login->plugin, strlen(login->plugin) + 1);
	if ((login->capabilities & MYSQL_ATTRIBUTES) != 0) {
		put_le(&body, (uint32_t)(strlen(PROGRAM_KEY PROGRAM_NAME) + 2), 1);
		put_short(&body, PROGRAM_KEY);
		put_short(&body, PROGRAM_NAME);
	}
	mysql_put_bytes(out, buf_head(&body), buf_left(&body), sequence);
	buf_fini(&body);
}

void
mysql_put_command(struct buf *out, enum mysql_command command, const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	put_header(out, len + 1, 0);
	put_le(out, (uint32_t)command, 1);
	if (len > 0)
		buf_add(out, text, len);
}
