/*
 * What can go wrong between us and a peer before its protocol says anything.  Probes turn these
 * into cause codes (`net.<name>`), the daemon's own users into error texts.
 */
#ifndef IO_FAULT_H
#define IO_FAULT_H

#include <stdbool.h>

struct addr;

enum fault {
	FAULT_NONE,
	FAULT_DNS_NXDOMAIN, /* the name does not exist */
	FAULT_DNS_FAIL,     /* the resolver did not answer, or SERVFAIL */
	FAULT_REFUSED,
	FAULT_TIMEOUT, /* no answer to the connect */
	FAULT_UNREACHABLE,
	FAULT_DENIED, /* EACCES, EPERM, EINVAL: policy on this host */
	FAULT_RESET,
	FAULT_EOF,             /* closed before it was polite */
	FAULT_NOREPLY,         /* connected, then silence until the deadline */
	FAULT_PROTOCOL,        /* the bytes are not the protocol, or too many of them */
	FAULT_TLS_REQUIRED,    /* it wants TLS, we spoke plain */
	FAULT_TLS_UNSUPPORTED, /* we want TLS, it speaks plain */
	FAULT_TLS_VERIFY,      /* the certificate is not acceptable */
	FAULT_TLS_HANDSHAKE,   /* TLS, but no agreement */
	FAULT_PORT_EXHAUSTED,  /* EADDRNOTAVAIL: no local port left */
	FAULT_FD_LIMIT,        /* EMFILE, ENFILE: our own trouble */
	FAULT_LOCAL,           /* anything else on our side: our own trouble */
	FAULT_COUNT
};

/* "refused", "tls-verify"...; NULL for FAULT_NONE. */
const char *fault_name(enum fault fault);
/* From an errno of connect, read or write. */
enum fault fault_from_errno(int error);
/* From the errno of a connect() to this address: EADDRNOTAVAIL says that no port is left, and also
 * that this host has no address of that family to come from (IPv6 is off): UNREACHABLE. */
enum fault fault_from_connect(int error, const struct addr *to);
/* True for what says nothing about the target. */
int fault_is_ours(enum fault fault);
/* Of several attempts that all failed the one with the most is told: 2 speaks of the target, 1 of
 * the way there, 0 of what this host lacks. */
int fault_worth(enum fault fault, bool is_local_lack);

#endif
