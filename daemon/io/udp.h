/*
 * One question in one datagram, to a name or to a list of addresses, and whatever comes back.  The
 * sockets are connected: what others send is dropped by the kernel, and ICMP errors arrive.  After
 * some silence the next address is asked (both families take turns), then all of them again,
 * because datagrams get lost, or the answer was the wrong one: only the owner can tell, and closes.
 *
 * There is no deadline in here: the owner has one and calls udp_close.
 */
#ifndef IO_UDP_H
#define IO_UDP_H

#include "io/addr.h"
#include "io/fault.h"
#include "io/loop.h"
#include "io/resolve.h"

#define UDP_ADDRS_MAX 4
#define UDP_DATA_MAX  8192 /* bytes of one datagram that are looked at */

struct udp;

enum udp_event {
	UDP_DATA,   /* a datagram: udp_data() until this call returns; more may come */
	UDP_QUIET,  /* nothing came back for quiet_us: neither an answer nor an error */
	UDP_FAILED, /* every address failed: udp_fault(), udp_reason() */
};

typedef void (*udp_fn)(void *arg, enum udp_event event);

struct udp_options {
	struct loop *loop;
	struct resolver *resolver;
	const struct place *place; /* copied; a name is looked up */
	const struct addr *addrs;  /* instead of `place`, with their ports; copied */
	unsigned addr_count;
	const void *data; /* what is sent; copied */
	size_t len;
	usec_t again_us; /* silence after which others are asked and it is sent again; 0: 1 s */
	usec_t quiet_us; /* > 0: no answer is needed, and this much silence is UDP_QUIET */
};

/* fn is called later, never from inside; after UDP_FAILED and UDP_QUIET never again. */
struct udp *udp_open(const struct udp_options *o, udp_fn fn, void *arg);
void udp_close(struct udp *udp); /* NULL is fine; fn is not called any more */

const void *udp_data(const struct udp *udp, size_t *len);
enum fault udp_fault(const struct udp *udp);
const char *udp_reason(const struct udp *udp);
const struct addr *udp_peer(const struct udp *udp); /* who spoke last; len 0: nothing sent yet */
usec_t udp_dns_us(const struct udp *udp);           /* -1: no name was looked up */
usec_t udp_sent_us(const struct udp *udp);          /* when it was first sent; 0: not yet */
const char *udp_family_note(const struct udp *udp); /* as stream_family_note */
/* What a deadline means now: DNS_FAIL or NOREPLY, with words. */
enum fault udp_stuck(const struct udp *udp, char *text, size_t size);

#endif
