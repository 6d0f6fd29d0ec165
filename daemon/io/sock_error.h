/* What the network said about a datagram that we sent: ICMP errors from a socket's error queue. */
#ifndef IO_SOCK_ERROR_H
#define IO_SOCK_ERROR_H

#include <stddef.h>

#include "io/addr.h"
#include "io/fault.h"

#define SOCK_ERROR_DATA 64

struct sock_error {
	int error;         /* an errno: ECONNREFUSED, EHOSTUNREACH... */
	bool is_from_wire; /* somebody told us; else this host decided */
	struct addr from;  /* who; len 0: not known */
	/* The beginning of what had been sent (ICMP sockets: from the ICMP header on). */
	unsigned char data[SOCK_ERROR_DATA];
	size_t len;
};

/* Switches the queue on; errors for each datagram are kept in it from now on. */
void sock_error_enable(int fd, int family);
/* The next one; false: there is none.  Never blocks. */
bool sock_error_take(int fd, struct sock_error *out);
/* Datagrams choose port and address apart: EADDRNOTAVAIL is not "no port is left" here. */
enum fault sock_error_fault(const struct sock_error *error);
/* "connection refused by 10.0.0.1:53", "host unreachable, says 10.0.0.254". */
void sock_error_text(const struct sock_error *error, const struct addr *to, char *out, size_t size);

#endif
