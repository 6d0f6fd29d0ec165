/*
 * c-ares on the loop: one question for one family, one reply.  The system's resolv.conf is read
 * again when it changed; questions under way finish with the servers they were begun with.
 */
#ifndef IO_DNS_CHANNEL_H
#define IO_DNS_CHANNEL_H

#include "io/resolve.h"

#define DNS_ADDRS_MAX 4 /* of one family */

struct dns_reply {
	/* FAULT_NONE also for a name that has none of the family; DNS_NXDOMAIN, DNS_FAIL, FD_LIMIT
	 */
	enum fault fault;
	unsigned count;
	unsigned ttl_s;
	unsigned char raw[DNS_ADDRS_MAX][16]; /* network order; IPv4 in the first four bytes */
};

struct dns_channel;

typedef void (*dns_fn)(void *arg, const struct dns_reply *reply);

struct dns_channel *dns_channel_new(struct loop *loop, const struct resolve_options *options);
void dns_channel_free(struct dns_channel *channel); /* open questions get their fn, DNS_FAIL */
/* fn is called exactly once, possibly from inside; a name with a trailing dot is not searched. */
void dns_ask(struct dns_channel *channel, const char *name, int family, dns_fn fn, void *arg);
/* Who is asked, with their ports; how many of `max` there are. */
unsigned dns_channel_servers(struct dns_channel *channel, struct addr *out, unsigned max);
usec_t dns_patience(const struct dns_channel *channel); /* after that no reply is to be expected */

#endif
