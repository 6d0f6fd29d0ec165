/*
 * A fake DNS server on loopback (UDP and TCP on one port that the kernel chose), driven by the
 * test's own loop.  Rows say what a name has; what has no row does not exist (NXDOMAIN).
 *
 *	static const struct dns_row rows[] = {
 *		{ .name = "db.test", .v4 = "127.0.0.1", .ttl_s = 60 },
 *		{ .name = "lost.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
 *		{ .name = NULL },
 *	};
 *	struct dns *dns = dns_open(loop, rows);
 *	struct resolve_options o = { .servers = dns_address(dns), .hosts_path = "/dev/null" };
 */
#ifndef TESTS_HELP_DNS_H
#define TESTS_HELP_DNS_H

#include <stdint.h>

#include "io/loop.h"

enum dns_does {
	DNS_ANSWER, /* the addresses of the row; none: an empty answer */
	DNS_SILENT,
	DNS_SERVFAIL,
	DNS_REFUSED,
	DNS_TRUNCATE, /* over UDP; answers over TCP */
	DNS_GARBAGE,
	DNS_CUT, /* truncated over TCP as well */
	DNS_OLD, /* FORMERR to a question with EDNS */
};

struct dns_row {
	const char *name;    /* without a trailing dot; case does not matter */
	const char *v4, *v6; /* "10.0.0.1 10.0.0.2"; NULL: none of this family */
	const char *cname;   /* answered first; the addresses belong to it */
	unsigned ttl_s;
	enum dns_does v4_does, v6_does;
};

struct dns;

struct dns *dns_open(struct loop *loop, const struct dns_row *rows); /* closed by a NULL name */
void dns_free(struct dns *dns);                                      /* NULL is fine */
void dns_set(struct dns *dns, const struct dns_row *rows);           /* from now on */
const char *dns_address(const struct dns *dns);                      /* "127.0.0.1:40053" */
unsigned dns_asked(const struct dns *dns); /* questions so far, both families */
unsigned dns_asked_of(const struct dns *dns, const char *name);

#endif
