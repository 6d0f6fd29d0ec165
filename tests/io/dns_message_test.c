/* DNS messages: the question as it goes out, and replies that are right, foreign or malicious. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "io/dns_message.h"

static struct dns_query query;
static struct dns_result result;
static unsigned char reply[8192];
static size_t reply_len;

static void
ask(const char *name, enum dns_type type)
{
	assert_int_equal(dns_query_make(&query, 0x1234, name, type, NULL), 0);
}

/* The reply to `query` with this many answers, still empty. */
static void
begin(unsigned flags, unsigned answers)
{
	reply_len = 12 + query.question_len;
	memcpy(reply, query.data, reply_len);
	reply[2] = (unsigned char)(flags >> 8);
	reply[3] = (unsigned char)flags;
	memset(reply + 6, 0, 6);
	reply[7] = (unsigned char)answers;
}

static void
put(const void *bytes, size_t len)
{
	memcpy(reply + reply_len, bytes, len);
	reply_len += len;
}

/* A record of the name in the question, with TTL 300. */
static void
add(unsigned type, const char *data, size_t len)
{
	const unsigned char head[] = { 0xc0, 12, (unsigned char)(type >> 8), (unsigned char)type, 0,
		1, 0, 0, 1, 44, (unsigned char)(len >> 8), (unsigned char)len };

	put(head, sizeof(head));
	put(data, len);
}

#define ADD(type, data) add(type, data, sizeof(data) - 1)

static enum dns_read
look(void)
{
	unsigned char *exact = malloc(reply_len); /* a byte too far is seen by ASan */
	enum dns_read read;

	memcpy(exact, reply, reply_len);
	read = dns_reply_read(&query, exact, reply_len, &result);
	free(exact);
	return read;
}

static void
asks_as_the_rfc_says(void **state)
{
	static const unsigned char wanted[] = "\x12\x34\x01\x00\0\1\0\0\0\0\0\1"
					      "\3www\7example\3org\0\0\x1c\0\1"
					      "\0\0\x29\x04\xd0\0\0\0\0\0";

	(void)state;
	ask("www.example.org", DNS_AAAA);
	assert_int_equal(query.len, sizeof(wanted));
	assert_memory_equal(query.data, wanted, sizeof(wanted));
	ask("www.example.org.", DNS_AAAA);
	assert_int_equal(query.len, sizeof(wanted));
	ask(".", DNS_NS);
	assert_int_equal(query.question_len, 5);
}

static void
refuses_what_is_no_name(void **state)
{
	char label[80], longest[600] = "";

	(void)state;
	memset(label, 'x', sizeof(label));
	label[64] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(longest, "abc.");
	assert_int_equal(dns_query_make(&query, 0, "", DNS_A, NULL), -1);
	assert_int_equal(dns_query_make(&query, 0, "a..b", DNS_A, NULL), -1);
	assert_int_equal(dns_query_make(&query, 0, ".a", DNS_A, NULL), -1);
	assert_int_equal(dns_query_make(&query, 0, label, DNS_A, NULL), -1);
	assert_int_equal(dns_query_make(&query, 0, longest, DNS_A, NULL), -1);
}

static void
reads_every_type(void **state)
{
	static const struct {
		enum dns_type type;
		const char *data;
		size_t len;
		const char *value;
	} cases[] = {
#define CASE(type, data, value) { type, data, sizeof(data) - 1, value }
		CASE(DNS_A, "\xc0\x00\x02\x01", "192.0.2.1"),
		CASE(DNS_AAAA, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", "2001:db8::1"),
		CASE(DNS_CNAME, "\3web\xc0\x0c", "web.a.example"),
		CASE(DNS_NS, "\2ns\xc0\x0e", "ns.example"),
		CASE(DNS_PTR, "\1x\0", "x"),
		CASE(DNS_MX, "\0\x0a\4mail\xc0\x0e", "10 mail.example"),
		CASE(DNS_TXT, "\3abc\4 def", "abc def"),
		CASE(DNS_SRV, "\0\1\0\2\x14\x66\3sip\0", "1 2 5222 sip"),
		CASE(DNS_SOA, "\2ns\0\5admin\0\0\0\0\7\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4",
			"ns admin 7"),
		CASE(DNS_CAA, "\0\5issueca.test", "0 issue ca.test"),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask("a.example", cases[i].type);
		begin(0x8400, 1);
		add(cases[i].type, cases[i].data, cases[i].len);
		assert_int_equal(look(), DNS_READ_OK);
		assert_int_equal(result.count, 1);
		assert_string_equal(result.records[0].value, cases[i].value);
		assert_int_equal(result.ttl_s, 300);
		assert_true(result.is_authoritative);
		/* Cut anywhere it is broken, and never read beyond. */
		while (reply_len-- > 12 + query.question_len + 1)
			assert_int_equal(look(), DNS_READ_BROKEN);
	}
}

static void
follows_aliases_and_skips_strangers(void **state)
{
	(void)state;
	ask("a.example", DNS_A);
	begin(0x8180, 3);
	ADD(DNS_CNAME, "\1b\xc0\x0e");
	ADD(46, "some signature");
	ADD(DNS_A, "\x0a\0\0\1");
	assert_int_equal(look(), DNS_READ_OK);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.alias_count, 1);
	assert_string_equal(result.records[0].value, "10.0.0.1");
}

static void
escapes_what_a_name_may_hold(void **state)
{
	(void)state;
	ask("a.example", DNS_PTR);
	begin(0x8180, 1);
	ADD(DNS_PTR, "\5a.b\n\xff\1c\0");
	assert_int_equal(look(), DNS_READ_OK);
	assert_string_equal(result.records[0].value, "a\\.b\\010\\255.c");
}

static void
passes_over_what_is_not_ours(void **state)
{
	(void)state;
	ask("a.example", DNS_A);
	begin(0x8180, 0);
	reply[1]++; /* another id */
	assert_int_equal(look(), DNS_READ_OTHER);
	begin(0x0100, 0); /* a question */
	assert_int_equal(look(), DNS_READ_OTHER);
	begin(0x8180, 0);
	reply[13] = 'b'; /* another name */
	assert_int_equal(look(), DNS_READ_OTHER);
	begin(0x8180, 0);
	reply[reply_len - 3] = DNS_MX; /* another type */
	assert_int_equal(look(), DNS_READ_OTHER);
	begin(0x8180, 0);
	reply[5] = 0; /* no question */
	assert_int_equal(look(), DNS_READ_OTHER);
	begin(0x8180, 0);
	reply_len = 5;
	assert_int_equal(look(), DNS_READ_OTHER);
	begin(0x8180, 0);
	reply[13] = 'A'; /* the letters' case is the server's */
	assert_int_equal(look(), DNS_READ_OK);
}

static void
takes_errors_without_a_question(void **state)
{
	(void)state;
	ask("a.example", DNS_A);
	begin(0x8185, 0);
	reply[5] = 0;
	reply_len = 12;
	assert_int_equal(look(), DNS_READ_OK);
	assert_int_equal(result.rcode, DNS_REFUSED);
}

static void
says_that_it_was_cut(void **state)
{
	(void)state;
	ask("a.example", DNS_A);
	begin(0x8380, 9);
	assert_int_equal(look(), DNS_READ_OK);
	assert_true(result.is_truncated);
}

static void
ends_whatever_the_pointers_say(void **state)
{
	(void)state;
	ask("a.example", DNS_NS);
	begin(0x8180, 1);
	add(DNS_NS, "\xc0", 1); /* half a pointer */
	assert_int_equal(look(), DNS_READ_BROKEN);
	begin(0x8180, 1);
	/* to itself: the record's data begins 12 bytes behind the question */
	{
		const char self[] = { (char)0xc0, (char)(12 + query.question_len + 12) };

		add(DNS_NS, self, sizeof(self));
	}
	assert_int_equal(look(), DNS_READ_BROKEN);
	begin(0x8180, 1);
	ADD(DNS_NS, "\xc0\xff"); /* forwards */
	assert_int_equal(look(), DNS_READ_BROKEN);
	begin(0x8180, 1);
	ADD(DNS_NS, "\x80x"); /* no kind of label */
	assert_int_equal(look(), DNS_READ_BROKEN);
	begin(0x8180, 1);
	ADD(DNS_MX, "\0\1\1a\0 and more");
	assert_int_equal(look(), DNS_READ_OK);
}

static void
keeps_no_more_than_it_can(void **state)
{
	(void)state;
	ask("a.example", DNS_A);
	begin(0x8180, 0);
	reply[6] = 1;
	reply[7] = DNS_RECORDS_MAX + 9 - 256;
	for (int i = 0; i < DNS_RECORDS_MAX + 9; i++)
		ADD(DNS_A, "\x0a\0\0\1");
	assert_int_equal(look(), DNS_READ_OK);
	assert_int_equal(result.count, DNS_RECORDS_MAX);
}

static void
turns_addresses_round(void **state)
{
	char name[DNS_NAME_MAX];

	(void)state;
	assert_int_equal(dns_reverse_name("192.0.2.7", name), 0);
	assert_string_equal(name, "7.2.0.192.in-addr.arpa");
	assert_int_equal(dns_reverse_name("2001:db8::1", name), 0);
	assert_string_equal(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
				  "ip6.arpa");
	assert_int_equal(dns_reverse_name("example.org", name), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_as_the_rfc_says),
		cmocka_unit_test(refuses_what_is_no_name),
		cmocka_unit_test(reads_every_type),
		cmocka_unit_test(follows_aliases_and_skips_strangers),
		cmocka_unit_test(escapes_what_a_name_may_hold),
		cmocka_unit_test(passes_over_what_is_not_ours),
		cmocka_unit_test(takes_errors_without_a_question),
		cmocka_unit_test(says_that_it_was_cut),
		cmocka_unit_test(ends_whatever_the_pointers_say),
		cmocka_unit_test(keeps_no_more_than_it_can),
		cmocka_unit_test(turns_addresses_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
