/*
 * DNS messages: a cursor over the bytes that latches `is_bad` at the first step past the end, so
 * that readers need not look after each number.
 */
#include "io/dns_message.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define HEADER_LEN   12
#define LABEL_MAX    63
#define WIRE_NAME    255
#define JUMPS_MAX    64
#define EDNS_SIZE    1232
#define CLASS_IN     1
#define TYPE_OPT     41
#define SECTIONS_MAX 512 /* records looked at */

enum { FLAG_REPLY = 0x8000, FLAG_AUTHORITATIVE = 0x0400, FLAG_TRUNCATED = 0x0200 };

struct cursor {
	const unsigned char *data;
	size_t len, at;
	bool is_bad;
};

/* --- numbers --- */

static unsigned
take8(struct cursor *c)
{
	if (c->is_bad || c->at >= c->len) {
		c->is_bad = true;
		return 0;
	}
	return c->data[c->at++];
}

static unsigned
take16(struct cursor *c)
{
	unsigned high = take8(c);

	return high << 8 | take8(c);
}

static unsigned
take32(struct cursor *c)
{
	unsigned high = take16(c);

	return high << 16 | take16(c);
}

static void
put16(struct dns_query *q, unsigned value)
{
	q->data[q->len++] = (unsigned char)(value >> 8);
	q->data[q->len++] = (unsigned char)value;
}

/* --- names --- */

/* One byte of a label, as master files write it. */
static void
add_byte(char *out, size_t *len, unsigned char byte)
{
	if (*len + 5 > DNS_NAME_MAX)
		return; /* escapes make it longer than a name can be shown */
	if (isgraph(byte) && byte != '.' && byte != '\\')
		out[(*len)++] = (char)byte;
	else if (byte == '.' || byte == '\\')
		*len += (size_t)snprintf(out + *len, DNS_NAME_MAX - *len, "\\%c", byte);
	else
		*len += (size_t)snprintf(out + *len, DNS_NAME_MAX - *len, "\\%03u", byte);
}

/* Where a compressed name goes on; pointers must lead backwards, so that there is an end. */
static bool
jump(struct cursor *c, unsigned first, size_t *lowest, unsigned *jumps)
{
	size_t to = (size_t)(first & 0x3f) << 8 | take8(c);

	if (c->is_bad || to >= *lowest || ++*jumps > JUMPS_MAX) {
		c->is_bad = true;
		return false;
	}
	*lowest = to;
	c->at = to;
	return true;
}

/* A name as text without its last dot; the root is ".". */
static void
take_name(struct cursor *c, char out[DNS_NAME_MAX])
{
	size_t len = 0, wire = 0, back = 0, lowest = c->at;
	unsigned jumps = 0;

	for (;;) {
		unsigned label = take8(c);

		if (c->is_bad || label == 0)
			break;
		if ((label & 0xc0) == 0xc0) {
			if (jumps == 0)
				back = c->at + 1;
			if (!jump(c, label, &lowest, &jumps))
				break;
			continue;
		}
		wire += label + 1;
		if (label > LABEL_MAX || wire >= WIRE_NAME || c->at + label > c->len) {
			c->is_bad = true;
			break;
		}
		if (len > 0 && len + 2 < DNS_NAME_MAX)
			out[len++] = '.';
		for (unsigned i = 0; i < label; i++)
			add_byte(out, &len, c->data[c->at + i]);
		c->at += label;
	}
	if (jumps > 0 && !c->is_bad)
		c->at = back;
	if (len == 0)
		out[len++] = '.';
	out[len] = '\0';
}

/* --- the question --- */

static int
put_name(struct dns_query *q, const char *name, struct err *e)
{
	size_t begin = q->len, left = strlen(name);

	if (left == 0 || left > WIRE_NAME - 2)
		return err_set(e, EINVAL, "\"%.40s\" is not a name", name);
	while (*name != '\0' && strcmp(name, ".") != 0) {
		size_t len = strcspn(name, ".");

		if (len == 0 || len > LABEL_MAX)
			return err_set(e, EINVAL, "a label of the name is %s",
				len == 0 ? "empty" : "longer than 63 bytes");
		q->data[q->len++] = (unsigned char)len;
		memcpy(q->data + q->len, name, len);
		q->len += len;
		name += len + (name[len] == '.');
	}
	q->data[q->len++] = 0;
	return q->len - begin > WIRE_NAME ? err_set(e, EINVAL, "the name is too long") : 0;
}

int
dns_query_make(
	struct dns_query *query, uint16_t id, const char *name, enum dns_type type, struct err *e)
{
	struct dns_query q = { .id = id, .type = type };

	put16(&q, id);
	put16(&q, 0x0100); /* recursion, please */
	put16(&q, 1);
	put16(&q, 0);
	put16(&q, 0);
	put16(&q, 1);
	if (put_name(&q, name, e) == -1)
		return -1;
	put16(&q, type);
	put16(&q, CLASS_IN);
	q.question_len = q.len - HEADER_LEN;
	q.data[q.len++] = 0; /* the OPT record belongs to the root */
	put16(&q, TYPE_OPT);
	put16(&q, EDNS_SIZE);
	put16(&q, 0);
	put16(&q, 0);
	put16(&q, 0);
	*query = q;
	return 0;
}

bool
dns_query_drop_edns(struct dns_query *query)
{
	if (query->data[HEADER_LEN - 1] == 0)
		return false;
	query->data[HEADER_LEN - 1] = 0;
	query->len = HEADER_LEN + query->question_len;
	return true;
}

/* --- values --- */

static void
read_address(struct cursor *c, int family, size_t len, char *out, size_t size)
{
	if (len != (family == AF_INET ? 4U : 16U) || c->at + len > c->len) {
		c->is_bad = true;
		return;
	}
	inet_ntop(family, c->data + c->at, out, (socklen_t)size);
}

static void
read_pair(struct cursor *c, char *out, size_t size)
{
	char name[DNS_NAME_MAX];
	unsigned preference = take16(c);

	take_name(c, name);
	snprintf(out, size, "%u %s", preference, name);
}

static void
read_srv(struct cursor *c, char *out, size_t size)
{
	char name[DNS_NAME_MAX];
	unsigned priority = take16(c), weight = take16(c), port = take16(c);

	take_name(c, name);
	snprintf(out, size, "%u %u %u %s", priority, weight, port, name);
}

static void
read_soa(struct cursor *c, char *out, size_t size)
{
	char server[DNS_NAME_MAX], mail[DNS_NAME_MAX];
	unsigned serial;

	take_name(c, server);
	take_name(c, mail);
	serial = take32(c);
	snprintf(out, size, "%.220s %.220s %u", server, mail, serial);
}

/* The strings of a TXT record belong together. */
static void
read_txt(struct cursor *c, size_t end, char *out, size_t size)
{
	char raw[DNS_VALUE_MAX];
	size_t len = 0;

	while (c->at < end && !c->is_bad) {
		size_t part = take8(c), room = sizeof(raw) - len;

		if (part > end - c->at) {
			c->is_bad = true;
			return;
		}
		memcpy(raw + len, c->data + c->at, part < room ? part : room);
		len += part < room ? part : room;
		c->at += part;
	}
	str_printable(out, size, raw, len);
}

static void
read_caa(struct cursor *c, size_t end, char *out, size_t size)
{
	unsigned flags = take8(c);
	size_t tag_len = take8(c), at = c->at;
	char tag[64], value[DNS_VALUE_MAX - 80];

	if (c->is_bad || tag_len == 0 || tag_len >= sizeof(tag) || tag_len > end - at) {
		c->is_bad = true;
		return;
	}
	str_printable(tag, sizeof(tag), c->data + at, tag_len);
	str_printable(value, sizeof(value), c->data + at + tag_len, end - at - tag_len);
	snprintf(out, size, "%u %s %s", flags, tag, value);
}

/* The record's data, `len` bytes from here, as text. */
static void
read_value(struct cursor *c, unsigned type, size_t len, struct dns_record *out)
{
	switch (type) {
	case DNS_A:
		read_address(c, AF_INET, len, out->value, sizeof(out->value));
		break;
	case DNS_AAAA:
		read_address(c, AF_INET6, len, out->value, sizeof(out->value));
		break;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		take_name(c, out->value);
		break;
	case DNS_MX:
		read_pair(c, out->value, sizeof(out->value));
		break;
	case DNS_SRV:
		read_srv(c, out->value, sizeof(out->value));
		break;
	case DNS_SOA:
		read_soa(c, out->value, sizeof(out->value));
		break;
	case DNS_TXT:
		read_txt(c, c->at + len, out->value, sizeof(out->value));
		break;
	case DNS_CAA:
		read_caa(c, c->at + len, out->value, sizeof(out->value));
		break;
	default:
		out->value[0] = '\0';
	}
}

/* --- the reply --- */

static void
note_record(const struct dns_query *query, struct cursor *c, size_t len, struct dns_result *out,
	struct dns_record *record)
{
	size_t end = c->at + len;

	record->value[0] = '\0';
	read_value(c, record->type, len, record);
	if (c->is_bad || c->at > end) {
		c->is_bad = true;
		return;
	}
	c->at = end;
	if (out->count + out->alias_count == 0 || record->ttl_s < out->ttl_s)
		out->ttl_s = record->ttl_s;
	if (record->type != query->type) {
		out->alias_count++;
		return;
	}
	if (out->count < DNS_RECORDS_MAX)
		out->records[out->count++] = *record;
}

static void
read_answers(
	const struct dns_query *query, struct cursor *c, unsigned count, struct dns_result *out)
{
	char owner[DNS_NAME_MAX];

	for (unsigned i = 0; i < count && i < SECTIONS_MAX && !c->is_bad; i++) {
		struct dns_record record;
		unsigned class_;
		size_t len;

		take_name(c, owner);
		record.type = take16(c);
		class_ = take16(c);
		record.ttl_s = take32(c) & 0x7fffffff;
		len = take16(c);
		if (c->is_bad || len > c->len - c->at) {
			c->is_bad = true;
			return;
		}
		if (class_ == CLASS_IN && (record.type == query->type || record.type == DNS_CNAME))
			note_record(query, c, len, out, &record);
		else
			c->at += len; /* DNSSEC's signatures and the like */
	}
}

/* Servers may write the name's letters as they like. */
static bool
is_same_question(const struct dns_query *q, const unsigned char *data)
{
	for (size_t i = 0; i < q->question_len; i++)
		if (tolower(data[i]) != tolower(q->data[HEADER_LEN + i]))
			return false;
	return true;
}

enum dns_read
dns_reply_read(const struct dns_query *query, const void *data, size_t len, struct dns_result *out)
{
	struct cursor c = { .data = data, .len = len };
	unsigned id = take16(&c), flags = take16(&c), questions = take16(&c), answers = take16(&c);

	out->count = out->alias_count = out->ttl_s = 0;
	if (c.is_bad || len < HEADER_LEN || id != query->id || (flags & FLAG_REPLY) == 0)
		return DNS_READ_OTHER;
	out->rcode = flags & 0x0f;
	out->is_truncated = (flags & FLAG_TRUNCATED) != 0;
	out->is_authoritative = (flags & FLAG_AUTHORITATIVE) != 0;
	c.at = HEADER_LEN;
	/* Some servers leave the question out of an error. */
	if (questions == 0 && out->rcode != DNS_OK)
		return DNS_READ_OK;
	if (questions != 1 || len < HEADER_LEN + query->question_len ||
		!is_same_question(query, (const unsigned char *)data + HEADER_LEN))
		return DNS_READ_OTHER;
	c.at += query->question_len;
	if (out->is_truncated)
		return DNS_READ_OK; /* what there is of answers may be cut anywhere */
	read_answers(query, &c, answers, out);
	return c.is_bad ? DNS_READ_BROKEN : DNS_READ_OK;
}

/* --- words --- */

static int
reverse_v6(const unsigned char raw[16], char out[DNS_NAME_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	for (int i = 15; i >= 0; i--) {
		out[len++] = digits[raw[i] & 0x0f];
		out[len++] = '.';
		out[len++] = digits[raw[i] >> 4];
		out[len++] = '.';
	}
	memcpy(out + len, "ip6.arpa", sizeof("ip6.arpa"));
	return 0;
}

int
dns_reverse_name(const char *address, char out[DNS_NAME_MAX])
{
	unsigned char raw[16];

	if (inet_pton(AF_INET6, address, raw) == 1)
		return reverse_v6(raw, out);
	if (inet_pton(AF_INET, address, raw) != 1)
		return -1;
	snprintf(out, DNS_NAME_MAX, "%u.%u.%u.%u.in-addr.arpa", raw[3], raw[2], raw[1], raw[0]);
	return 0;
}

const char *
dns_rcode_name(unsigned rcode)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
		"REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE" };

	return rcode < sizeof(names) / sizeof(names[0]) ? names[rcode] : NULL;
}
