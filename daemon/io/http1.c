/*
 * HTTP/1.1 framing, bounded.  After the head (http1_head.c) the framing decides:
 *
 *	NONE -> done
 *	LENGTH, TO_END -> done
 *	SIZE -> DATA -> DATA_END -> SIZE ... -> TRAILER -> done
 *
 * `scanned` remembers how far a line end was looked for, so that a byte at a time costs no more
 * than all at once.
 */
#include "io/http1_head.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define HEAD_MAX_DEFAULT  16384
#define BODY_MAX_DEFAULT  65536
#define SIZE_LINE_MAX_LEN 256
#define SIZE_DIGITS_MAX   15

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 418, "I'm a teapot" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
	{ 511, "Network Authentication Required" },
};

const char *
http1_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}

int
http1_write_header(struct buf *out, const char *name, const char *value, struct err *e)
{
	if (!http1_is_token(name))
		return err_set(e, EINVAL, "\"%s\" is not a header name", name);
	if (strpbrk(value, "\r\n") != NULL)
		return err_set(e, EINVAL, "a line break in the header %s", name);
	buf_addf(out, "%s: %s\r\n", name, value);
	return 0;
}

void
http1_init(struct http1 *m, enum http1_kind kind, const struct http1_limits *limits)
{
	m->kind = kind;
	m->state = HTTP1_HEAD;
	m->limits = limits == NULL ? (struct http1_limits){ .head_max = 0 } : *limits;
	if (m->limits.head_max == 0)
		m->limits.head_max = HEAD_MAX_DEFAULT;
	if (m->limits.body_max == 0)
		m->limits.body_max = BODY_MAX_DEFAULT;
	m->is_head_reply = false;
	m->status = 0;
	m->minor = 0;
	m->method = m->target = NULL;
	m->header_count = 0;
	buf_init(&m->body, 0);
	m->body_bytes = 0;
	m->is_cut = false;
	m->keeps_alive = false;
	m->err.code = 0;
	m->err.text[0] = '\0';
	m->head = NULL;
	m->left = 0;
	m->framing = FRAMING_NONE;
	m->scanned = 0;
	m->interim = 0;
}

void
http1_fini(struct http1 *m)
{
	buf_fini(&m->body);
	free(m->head);
	m->head = NULL;
	m->method = m->target = NULL;
	m->header_count = 0;
}

/*
 * Looks for a line end from where the last look stopped.  Returns the line's whole length with its
 * end, 0: not there yet, -1: bad.  `max` bounds an unended line.
 */
static long
find_line(struct http1 *m, struct buf *in, size_t max)
{
	const char *text = buf_head(in), *end;
	size_t have = buf_left(in);

	end = have > m->scanned ? memchr(text + m->scanned, '\n', have - m->scanned) : NULL;
	if (end == NULL) {
		m->scanned = have;
		return have > max ? http1_bad(m, 400, "an endless line in the chunked body") : 0;
	}
	m->scanned = 0;
	if ((size_t)(end - text) > max)
		return http1_bad(m, 400, "a too long line in the chunked body");
	if (m->kind == HTTP1_REQUEST && (end == text || end[-1] != '\r'))
		return http1_bad(m, 400, "a line that ends in a bare LF");
	if (memchr(text, '\0', (size_t)(end - text)) != NULL)
		return http1_bad(m, 400, "a NUL byte in the chunked body's framing");
	return end - text + 1;
}

static int
keep_body(struct http1 *m, const char *data, size_t len)
{
	size_t room = m->limits.body_max - m->body.len, keep = len < room ? len : room;

	if (keep < len && !m->limits.cut_body)
		return http1_bad(m, 413, "the body is too large");
	buf_add(&m->body, data, keep);
	m->is_cut |= keep < len;
	m->body_bytes += len;
	return 0;
}

static int
feed_counted(struct http1 *m, struct buf *in)
{
	size_t have = buf_left(in), n = m->left < have ? (size_t)m->left : have;

	if (keep_body(m, buf_head(in), n) == -1)
		return -1;
	buf_drain(in, n);
	m->left -= n;
	if (m->left == 0 && m->framing == FRAMING_LENGTH)
		m->state = HTTP1_DONE;
	else if (m->left == 0)
		m->framing = FRAMING_DATA_END;
	return 0;
}

static int
feed_to_end(struct http1 *m, struct buf *in)
{
	size_t have = buf_left(in);

	if (keep_body(m, buf_head(in), have) == -1)
		return -1;
	buf_drain(in, have);
	return 0;
}

static int
feed_size(struct http1 *m, struct buf *in)
{
	long len = find_line(m, in, SIZE_LINE_MAX_LEN);
	const char *text = buf_head(in);
	size_t digits = 0;

	if (len <= 0)
		return (int)len;
	m->left = 0;
	for (; isxdigit((unsigned char)text[digits]); digits++) {
		int c = tolower((unsigned char)text[digits]);

		if (digits == SIZE_DIGITS_MAX)
			return http1_bad(m, 400, "a chunk beyond all measure");
		m->left = m->left * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (digits == 0 || strchr("\r\n; \t", text[digits]) == NULL)
		return http1_bad(m, 400, "a chunk size that is not a number");
	buf_drain(in, (size_t)len);
	if (!m->limits.cut_body && m->left > m->limits.body_max)
		return http1_bad(m, 413, "the body is too large");
	m->framing = m->left == 0 ? FRAMING_TRAILER : FRAMING_DATA;
	m->left = m->left == 0 ? m->limits.head_max : m->left;
	return 0;
}

static int
feed_data_end(struct http1 *m, struct buf *in)
{
	long len = find_line(m, in, 1);

	if (len <= 0)
		return (int)len;
	if (len == 2 && *buf_head(in) != '\r')
		return http1_bad(m, 400, "a chunk that is longer than it said");
	buf_drain(in, (size_t)len);
	m->framing = FRAMING_SIZE;
	return 0;
}

/* Trailers are read past; together they may be as long as a head. */
static int
feed_trailer(struct http1 *m, struct buf *in)
{
	long len = find_line(m, in, m->limits.head_max);

	if (len <= 0)
		return (int)len;
	if (len == 1 || (len == 2 && *buf_head(in) == '\r'))
		m->state = HTTP1_DONE;
	else if ((uint64_t)len > m->left)
		return http1_bad(m, 431, "too many trailers");
	m->left -= m->left < (uint64_t)len ? m->left : (uint64_t)len;
	buf_drain(in, (size_t)len);
	return 0;
}

static int (*const feeders[])(struct http1 *m, struct buf *in) = {
	[FRAMING_LENGTH] = feed_counted,
	[FRAMING_TO_END] = feed_to_end,
	[FRAMING_SIZE] = feed_size,
	[FRAMING_DATA] = feed_counted,
	[FRAMING_DATA_END] = feed_data_end,
	[FRAMING_TRAILER] = feed_trailer,
};

enum http1_state
http1_feed(struct http1 *m, struct buf *in)
{
	while (buf_left(in) > 0 && (m->state == HTTP1_HEAD || m->state == HTTP1_BODY)) {
		size_t before = buf_left(in);
		enum http1_state state = m->state;

		if ((state == HTTP1_HEAD ? http1_feed_head(m, in) : feeders[m->framing](m, in)) ==
			-1)
			break;
		if (buf_left(in) == before) /* nothing more to eat before more comes */
			break;
	}
	return m->state;
}

enum http1_state
http1_feed_end(struct http1 *m)
{
	if (m->state == HTTP1_BODY && m->framing == FRAMING_TO_END)
		m->state = HTTP1_DONE;
	else if (m->state == HTTP1_HEAD)
		http1_bad(m, 400, "closed before the head was complete");
	else if (m->state == HTTP1_BODY)
		http1_bad(m, 400, "truncated: closed before the body was complete");
	return m->state;
}

const char *
http1_header(const struct http1 *m, const char *name)
{
	for (unsigned i = 0; i < m->header_count; i++) {
		if (strcasecmp(m->headers[i].name, name) == 0)
			return m->headers[i].value;
	}
	return NULL;
}
