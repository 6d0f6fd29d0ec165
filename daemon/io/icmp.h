/*
 * Echo requests (ping) to one host: a few of them at an interval, then a tally.  Needs no privilege
 * where net.ipv4.ping_group_range lets us have an ICMP socket; CAP_NET_RAW is tried second.
 */
#ifndef IO_ICMP_H
#define IO_ICMP_H

#include "io/addr.h"
#include "io/fault.h"
#include "io/loop.h"
#include "io/resolve.h"

#define ICMP_COUNT_MAX 100
#define ICMP_SIZE_MAX  1472 /* bytes behind the ICMP header */

struct icmp;

struct icmp_options {
	struct loop *loop;
	struct resolver *resolver;
	const char *host;   /* a name or a numeric address; copied */
	int family;         /* AF_UNSPEC, AF_INET or AF_INET6 */
	unsigned count;     /* 1..ICMP_COUNT_MAX */
	unsigned size;      /* bytes behind the header, at most ICMP_SIZE_MAX */
	usec_t interval_us; /* from one to the next */
	usec_t wait_us;     /* for the last answer */
	/* On the loop's clock: all is over by then, interval and wait are shortened.  0: no end. */
	usec_t until_us;
};

struct icmp_tally {
	unsigned sent, received, duplicates;
	unsigned errors; /* times that somebody said it cannot be reached */
	usec_t min_us, max_us, sum_us;
	usec_t jitter_us; /* mean difference between neighbours; -1: less than two answers */
};

enum icmp_event {
	ICMP_DONE,     /* all are answered, or the wait is over */
	ICMP_FAILED,   /* none could be sent: icmp_fault(), icmp_reason() */
	ICMP_NO_RIGHT, /* this process may not: icmp_reason() says what it lacks */
};

typedef void (*icmp_fn)(void *arg, enum icmp_event event);

/* fn is called once, later, never from inside. */
struct icmp *icmp_open(const struct icmp_options *o, icmp_fn fn, void *arg);
void icmp_close(struct icmp *icmp); /* NULL is fine; fn is not called any more */

const struct icmp_tally *icmp_tally(const struct icmp *icmp); /* also while it runs */
/* The last thing that the network or this host said against it; NONE and "" when nothing. */
enum fault icmp_fault(const struct icmp *icmp);
const char *icmp_reason(const struct icmp *icmp);
const struct addr *icmp_peer(const struct icmp *icmp); /* len 0: the name is not known yet */
usec_t icmp_dns_us(const struct icmp *icmp);           /* -1: no name was looked up */
usec_t icmp_wait_us(const struct icmp *icmp);          /* what is really waited for the last */
bool icmp_is_raw(const struct icmp *icmp);

/* A packet as it came, read by icmp_parse: an answer to `id`? */
struct icmp_answer {
	bool is_ours;
	unsigned sequence;
};
/* `is_raw`: an IPv4 header comes first; `id` 0: the kernel has compared it already. */
struct icmp_answer icmp_parse(
	const unsigned char *data, size_t len, int family, bool is_raw, unsigned id);

#endif
