/*
 * Messages of DNS (RFC 1035) as bytes: one question made, one reply read.  Pure functions; every
 * reply is taken for hostile: names are bounded, pointers only go backwards, counts are capped.
 */
#ifndef IO_DNS_MESSAGE_H
#define IO_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DNS_QUERY_MAX   300
#define DNS_NAME_MAX    256 /* as text, with NUL */
#define DNS_VALUE_MAX   512
#define DNS_RECORDS_MAX 256

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_CAA = 257,
};

enum dns_rcode {
	DNS_OK = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
};

struct dns_query {
	uint16_t id;
	enum dns_type type;
	unsigned char data[DNS_QUERY_MAX];
	size_t len;
	size_t question_len; /* of the question section, which begins at byte 12 */
};

/* What an answer holds, as text: "192.0.2.1", "10 mail.example.org", "v=spf1 -all". */
struct dns_record {
	unsigned type, ttl_s;
	char value[DNS_VALUE_MAX];
};

struct dns_result {
	unsigned rcode;
	bool is_truncated, is_authoritative;
	unsigned count;       /* of records of the type asked for */
	unsigned alias_count; /* CNAMEs on the way, when something else was asked for */
	unsigned ttl_s;       /* the smallest of all of them; 0 when there is none */
	struct dns_record records[DNS_RECORDS_MAX];
};

enum dns_read {
	DNS_READ_OK,
	DNS_READ_OTHER,  /* not the reply to this question: keep waiting */
	DNS_READ_BROKEN, /* it is, but it is not made as a message must be */
};

/* The same question for a server that does not know EDNS (RFC 6891, 7); false: it is one already.
 */
bool dns_query_drop_edns(struct dns_query *query);
/* Asks for recursion, and for datagrams of 1232 bytes at most (EDNS). */
int dns_query_make(
	struct dns_query *query, uint16_t id, const char *name, enum dns_type type, struct err *e);
enum dns_read dns_reply_read(
	const struct dns_query *query, const void *data, size_t len, struct dns_result *out);

/* "example.org." -> "example.org", an address -> its name under in-addr.arpa or ip6.arpa. */
int dns_reverse_name(const char *address, char out[DNS_NAME_MAX]); /* -1: not an address */
const char *dns_rcode_name(unsigned rcode); /* "SERVFAIL"; "rcode 17" has none: NULL */

#endif
