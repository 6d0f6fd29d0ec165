/*
 * The head of an HTTP/1.1 message: where it ends, its start line, its headers, and what they say
 * about the body.  What a request may not do (bare LF, folded headers), a response may.
 */
#include "io/http1_head.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define METHOD_MAX_LEN    32
#define LENGTH_DIGITS_MAX 18
#define INTERIM_MAX       8 /* 1xx replies before the final one */
#define BARE_CR           "a bare CR in the head"

int
http1_bad(struct http1 *m, int status, const char *why)
{
	m->state = HTTP1_BAD;
	if (m->kind == HTTP1_REQUEST)
		m->status = status;
	m->keeps_alive = false;
	return err_set(&m->err, EPROTO, "%s", why);
}

/* Tables, as every byte of every head is asked for. */
static bool
is_token_char(unsigned char c)
{
	static const bool is_in[UCHAR_MAX + 1] = {
		['0' ... '9'] = true,
		['A' ... 'Z'] = true,
		['a' ... 'z'] = true,
		['!'] = true,
		['#' ... '\''] = true,
		['*'] = true,
		['+'] = true,
		['-'] = true,
		['.'] = true,
		['^' ... '`'] = true,
		['|'] = true,
		['~'] = true,
	};

	return is_in[c];
}

/* What a header's value may have: no control byte but a tab. */
static bool
is_value_char(unsigned char c)
{
	static const bool is_in[UCHAR_MAX + 1] = {
		['\t'] = true,
		[' ' ... '~'] = true,
		[0x80 ... UCHAR_MAX] = true,
	};

	return is_in[c];
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t
token_len(const char *text)
{
	const char *at = text;

	while (is_token_char((unsigned char)*at))
		at++;
	return (size_t)(at - text);
}

bool
http1_is_token(const char *text)
{
	size_t len = token_len(text);

	return len > 0 && text[len] == '\0';
}

static int
check_first_bytes(struct http1 *m, const char *text, size_t have)
{
	static const char version[] = "HTTP/1.";
	size_t n = have < sizeof(version) - 1 ? have : sizeof(version) - 1;
	unsigned char first = (unsigned char)text[0];

	if (first == 0x15 || first == 0x16) { /* an alert or a hello */
		http1_bad(m, 400, "it speaks TLS, not plain HTTP");
		m->err.code = EPROTOTYPE;
		return -1;
	}
	if (m->kind == HTTP1_REQUEST)
		return is_token_char(first) ? 0 : http1_bad(m, 400, "this is not HTTP");
	return memcmp(text, version, n) == 0 ? 0 : http1_bad(m, 0, "the answer is not HTTP/1");
}

static int
bad_too_large(struct http1 *m, const char *text, size_t have)
{
	if (m->kind == HTTP1_RESPONSE)
		return http1_bad(m, 0, "the reply's head is too large");
	if (memchr(text, '\n', have < m->limits.head_max ? have : m->limits.head_max) == NULL)
		return http1_bad(m, 414, "the request line is too long");
	return http1_bad(m, 431, "the request's head is too large");
}

/* The head's whole length with its empty line; 0: more is needed; -1: bad. */
static long
find_head(struct http1 *m, struct buf *in)
{
	const char *text = buf_head(in), *at, *end;
	size_t have = buf_left(in);

	for (at = text + m->scanned; have > m->scanned; at = end + 1) {
		end = memchr(at, '\n', have - (size_t)(at - text));
		if (end == NULL)
			break;
		if ((size_t)(end - text) >= m->limits.head_max)
			break;
		if ((end > text && end[-1] == '\n') ||
			(end - text > 1 && end[-1] == '\r' && end[-2] == '\n'))
			return end - text + 1;
		m->scanned = (size_t)(end - text) + 1;
	}
	m->scanned = have;
	return have > m->limits.head_max ? bad_too_large(m, text, have) : 0;
}

/* What is left of the head's copy. */
struct cursor {
	char *at;
	const char *end;
};

/*
 * Cuts one line out of it and joins folded ones (responses only).  Whether a CR is left within is
 * for those who look at each byte anyhow.
 */
static char *
next_line(struct http1 *m, struct cursor *head)
{
	char *line = head->at, *end = line;

	for (;;) {
		end = memchr(end, '\n', (size_t)(head->end - end));
		if (end == NULL || (end[1] != ' ' && end[1] != '\t') || line == m->head)
			break;
		if (m->kind == HTTP1_REQUEST) {
			http1_bad(m, 400, "a folded header line");
			return NULL;
		}
		end[0] = ' ';
		if (end[-1] == '\r')
			end[-1] = ' ';
	}
	if (end == NULL)
		return NULL;
	head->at = end + 1;
	if (end > line && end[-1] == '\r') {
		end--;
	} else if (m->kind == HTTP1_REQUEST) {
		http1_bad(m, 400, "a line that ends in a bare LF");
		return NULL;
	}
	*end = '\0';
	return line;
}

static int
bad_line(struct http1 *m, const char *line, const char *why)
{
	return http1_bad(m, 400, strchr(line, '\r') != NULL ? BARE_CR : why);
}

static bool
is_version(const char *text)
{
	return strncmp(text, "HTTP/", 5) == 0 && isdigit((unsigned char)text[5]) &&
	       text[6] == '.' && isdigit((unsigned char)text[7]);
}

static int
parse_request_line(struct http1 *m, char *line)
{
	char *target = strchr(line, ' '),
	     *version = target == NULL ? NULL : strchr(target + 1, ' ');

	if (version == NULL)
		return http1_bad(m, 400, "the request line is not \"METHOD target HTTP/1.1\"");
	*target++ = '\0';
	*version++ = '\0';
	if (!http1_is_token(line) || strlen(line) > METHOD_MAX_LEN)
		return http1_bad(m, 400, "the request's method is not a word");
	for (const char *p = target; *p != '\0'; p++) {
		if (*p <= ' ' || *p == 0x7f)
			return http1_bad(
				m, 400, "bytes in the request's target that do not belong there");
	}
	if (*target == '\0')
		return http1_bad(m, 400, "the request has no target");
	if (!is_version(version) || version[8] != '\0')
		return http1_bad(m, 400, "the request line does not end in HTTP/1.1");
	if (version[5] != '1')
		return http1_bad(m, 505, "only HTTP/1 is spoken here");
	m->minor = version[7] == '0' ? 0 : 1;
	m->method = line;
	m->target = target;
	return 0;
}

static int
parse_status_line(struct http1 *m, const char *line)
{
	const char *digits = line + 9;

	if (!is_version(line) || line[5] != '1' || line[8] != ' ')
		return http1_bad(m, 0, "the answer is not HTTP/1");
	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)digits[i]))
			return http1_bad(m, 0, "the status line has no status");
	}
	if (digits[0] == '0' || (digits[3] != '\0' && digits[3] != ' '))
		return http1_bad(m, 0, "the status is not a number of three digits");
	m->minor = line[7] == '0' ? 0 : 1;
	m->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0';
	return 0;
}

/* Looks at each byte once: every reply of every check has some ten of these lines. */
static int
parse_header(struct http1 *m, char *line)
{
	char *colon = line + token_len(line), *value, *end;

	if (*colon != ':' || colon == line)
		return bad_line(m, line,
			strchr(colon, ':') == NULL
				? "a header line without a colon"
				: "a header name with bytes that do not belong there");
	for (value = colon + 1; is_blank(*value);)
		value++;
	for (end = value; is_value_char((unsigned char)*end);)
		end++;
	if (*end != '\0')
		return bad_line(m, end, "a control byte in a header");
	while (end > value && is_blank(end[-1]))
		end--;
	*colon = *end = '\0';
	if (m->header_count == HTTP1_HEADERS_MAX)
		return http1_bad(m, 431, "too many headers");
	m->headers[m->header_count++] = (struct http1_header){ line, value };
	return 0;
}

static int
parse_length(struct http1 *m, const char *value, uint64_t *length)
{
	const char *at = value;

	for (*length = 0; isdigit((unsigned char)*at); at++)
		*length = *length * 10 + (uint64_t)(*at - '0');
	if (at == value || *at != '\0')
		return http1_bad(m, 400, "Content-Length is not a number");
	if (at - value > LENGTH_DIGITS_MAX)
		return http1_bad(m, 413, "Content-Length is beyond all measure");
	return 0;
}

struct framing_says {
	bool has_length, is_chunked, has_host, closes, keeps;
	uint64_t length;
};

static int
read_transfer_encoding(struct http1 *m, const char *value, struct framing_says *says)
{
	if (says->is_chunked)
		return http1_bad(m, 400, "Transfer-Encoding twice");
	if (strcasecmp(value, "chunked") != 0)
		return http1_bad(m, 501, "a transfer coding other than chunked");
	if (m->minor == 0)
		return http1_bad(m, 400, "Transfer-Encoding in HTTP/1.0");
	says->is_chunked = true;
	return 0;
}

static void
read_connection(const char *value, struct framing_says *says)
{
	while (*value != '\0') {
		size_t len = 0;

		while (is_blank(*value) || *value == ',')
			value++;
		while (value[len] != '\0' && value[len] != ',' && !is_blank(value[len]))
			len++;
		says->closes |= len == 5 && strncasecmp(value, "close", len) == 0;
		says->keeps |= len == 10 && strncasecmp(value, "keep-alive", len) == 0;
		value += len;
	}
}

/* No byte of a token but a letter and '-' itself becomes one of these by the bit that makes a small
 * letter. */
static bool
is_named(const struct http1_header *h, const char *lower)
{
	const char *at = h->name;

	for (; *lower != '\0'; at++, lower++)
		if ((*at | 0x20) != *lower)
			return false;
	return *at == '\0';
}

static int
read_header(struct http1 *m, const struct http1_header *h, struct framing_says *says)
{
	uint64_t length = 0;

	switch (tolower((unsigned char)h->name[0])) {
	case 'c':
		if (is_named(h, "connection"))
			read_connection(h->value, says);
		if (!is_named(h, "content-length"))
			return 0;
		if (parse_length(m, h->value, &length) == -1)
			return -1;
		if (says->has_length && says->length != length)
			return http1_bad(m, 400, "two different Content-Length headers");
		says->has_length = true;
		says->length = length;
		return 0;
	case 't':
		if (is_named(h, "transfer-encoding"))
			return read_transfer_encoding(m, h->value, says);
		return 0;
	case 'h':
		if (!is_named(h, "host") || m->kind == HTTP1_RESPONSE)
			return 0;
		if (says->has_host)
			return http1_bad(m, 400, "two Host headers");
		says->has_host = true;
		return 0;
	default:
		return 0;
	}
}

static enum http1_framing
framing_of(const struct http1 *m, const struct framing_says *says)
{
	if (m->kind == HTTP1_RESPONSE &&
		(m->is_head_reply || m->status < 200 || m->status == 204 || m->status == 304))
		return FRAMING_NONE;
	if (says->is_chunked)
		return FRAMING_SIZE;
	if (says->has_length)
		return says->length == 0 ? FRAMING_NONE : FRAMING_LENGTH;
	return m->kind == HTTP1_REQUEST ? FRAMING_NONE : FRAMING_TO_END;
}

static int
decide_framing(struct http1 *m)
{
	struct framing_says says = { .has_length = false };

	for (unsigned i = 0; i < m->header_count; i++) {
		if (read_header(m, &m->headers[i], &says) == -1)
			return -1;
	}
	if (says.is_chunked && says.has_length)
		return http1_bad(m, 400, "both Content-Length and Transfer-Encoding");
	if (m->kind == HTTP1_REQUEST && m->minor > 0 && !says.has_host)
		return http1_bad(m, 400, "an HTTP/1.1 request without Host");
	m->framing = framing_of(m, &says);
	m->left = says.length;
	if (m->framing == FRAMING_LENGTH && !m->limits.cut_body && m->left > m->limits.body_max)
		return http1_bad(m, 413, "the body is too large");
	m->keeps_alive =
		!says.closes && (m->minor > 0 || says.keeps) && m->framing != FRAMING_TO_END;
	m->state = m->framing == FRAMING_NONE ? HTTP1_DONE : HTTP1_BODY;
	return 0;
}

static int
parse_head(struct http1 *m, size_t len)
{
	struct cursor head = { m->head, m->head + len };
	char *line = next_line(m, &head);
	int rc = line == NULL ? -1 : 0;

	if (rc == 0 && strchr(line, '\r') != NULL)
		rc = http1_bad(m, 400, BARE_CR);
	else if (rc == 0 && m->kind == HTTP1_REQUEST)
		rc = parse_request_line(m, line);
	else if (rc == 0)
		rc = parse_status_line(m, line);
	while (rc == 0) {
		line = next_line(m, &head);
		if (line == NULL && m->state != HTTP1_BAD)
			http1_bad(m, 400, "a broken head");
		if (line == NULL)
			return -1;
		if (*line == '\0')
			return decide_framing(m);
		rc = parse_header(m, line);
	}
	return rc;
}

/* The final reply is still to come: forgets the interim one. */
static int
skip_interim(struct http1 *m)
{
	m->header_count = 0;
	m->status = 0;
	if (++m->interim > INTERIM_MAX)
		return http1_bad(m, 0, "too many interim replies");
	m->state = HTTP1_HEAD;
	free(m->head);
	m->head = NULL;
	return 0;
}

/* Empty lines before a request line are passed over, as RFC 9112 2.2 asks. */
static void
skip_empty_lines(struct http1 *m, struct buf *in)
{
	size_t n = 0, have = buf_left(in);
	const char *text = buf_head(in);

	if (m->kind == HTTP1_RESPONSE || m->scanned > 0)
		return;
	while (n + 1 < have && text[n] == '\r' && text[n + 1] == '\n')
		n += 2;
	if (n > 0)
		buf_drain(in, n);
}

int
http1_feed_head(struct http1 *m, struct buf *in)
{
	size_t have;
	long len;

	skip_empty_lines(m, in);
	have = buf_left(in);
	if (have == 0 || (have == 1 && m->kind == HTTP1_REQUEST && *buf_head(in) == '\r'))
		return 0;
	if (check_first_bytes(m, buf_head(in), have) == -1)
		return -1;
	len = find_head(m, in);
	if (len <= 0)
		return (int)len;
	if (memchr(buf_head(in), '\0', (size_t)len) != NULL)
		return http1_bad(m, 400, "a NUL byte in the head");
	m->head = xstrndup(buf_head(in), (size_t)len);
	m->scanned = 0;
	buf_drain(in, (size_t)len);
	if (parse_head(m, (size_t)len) == -1)
		return -1;
	if (m->kind == HTTP1_RESPONSE && m->status < 200 && m->status != 101)
		return skip_interim(m);
	return 0;
}
