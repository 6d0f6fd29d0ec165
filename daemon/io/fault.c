/* The names of faults and what each errno of connect, read or write says. */
#include "io/fault.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "io/addr.h"

static const char *const names[FAULT_COUNT] = {
	[FAULT_DNS_NXDOMAIN] = "dns-nxdomain",
	[FAULT_DNS_FAIL] = "dns-fail",
	[FAULT_REFUSED] = "refused",
	[FAULT_TIMEOUT] = "timeout",
	[FAULT_UNREACHABLE] = "unreachable",
	[FAULT_DENIED] = "denied",
	[FAULT_RESET] = "reset",
	[FAULT_EOF] = "eof",
	[FAULT_NOREPLY] = "noreply",
	[FAULT_PROTOCOL] = "protocol",
	[FAULT_TLS_REQUIRED] = "tls-required",
	[FAULT_TLS_UNSUPPORTED] = "tls-unsupported",
	[FAULT_TLS_VERIFY] = "tls-verify",
	[FAULT_TLS_HANDSHAKE] = "tls-handshake",
	[FAULT_PORT_EXHAUSTED] = "port-exhausted",
	[FAULT_FD_LIMIT] = "fd-limit",
	[FAULT_LOCAL] = "local",
};

/* A unix path that is missing or has nobody behind it is "refused"; one whose queue is full
 * (EAGAIN) has not answered. */
static const struct {
	int error;
	enum fault fault;
} by_errno[] = {
	{ ECONNREFUSED, FAULT_REFUSED },
	{ ENOENT, FAULT_REFUSED },
	{ ENOTDIR, FAULT_REFUSED },
	{ ENOTSOCK, FAULT_REFUSED },
	{ ETIMEDOUT, FAULT_TIMEOUT },
	{ EAGAIN, FAULT_TIMEOUT },
	{ EHOSTUNREACH, FAULT_UNREACHABLE },
	{ ENETUNREACH, FAULT_UNREACHABLE },
	{ EHOSTDOWN, FAULT_UNREACHABLE },
	{ ENETDOWN, FAULT_UNREACHABLE },
	{ ENONET, FAULT_UNREACHABLE },
	{ EAFNOSUPPORT, FAULT_UNREACHABLE },
	{ EACCES, FAULT_DENIED },
	{ EPERM, FAULT_DENIED },
	{ EINVAL, FAULT_DENIED },
	{ ECONNRESET, FAULT_RESET },
	{ ECONNABORTED, FAULT_RESET },
	{ ENETRESET, FAULT_RESET },
	{ EPIPE, FAULT_RESET },
	{ EPROTO, FAULT_PROTOCOL },
	{ EPROTOTYPE, FAULT_PROTOCOL },
	{ EADDRNOTAVAIL, FAULT_PORT_EXHAUSTED },
	{ EMFILE, FAULT_FD_LIMIT },
	{ ENFILE, FAULT_FD_LIMIT },
};

const char *
fault_name(enum fault fault)
{
	return (unsigned)fault < FAULT_COUNT ? names[fault] : NULL;
}

enum fault
fault_from_errno(int error)
{
	for (size_t i = 0; i < sizeof(by_errno) / sizeof(by_errno[0]); i++) {
		if (by_errno[i].error == error)
			return by_errno[i].fault;
	}
	return error == 0 ? FAULT_NONE : FAULT_LOCAL;
}

/* A datagram's connect() chooses an address and sends nothing; TCP's ports are not its business. */
static bool
has_source(const struct addr *to)
{
	int fd = socket(addr_family(to), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool is_lacking = fd != -1 && connect(fd, &to->sa, to->len) == -1 && errno == EADDRNOTAVAIL;

	fd_close(&fd);
	return !is_lacking;
}

enum fault
fault_from_connect(int error, const struct addr *to)
{
	if (error == EADDRNOTAVAIL && !has_source(to))
		return FAULT_UNREACHABLE;
	return fault_from_errno(error);
}

int
fault_is_ours(enum fault fault)
{
	return fault == FAULT_FD_LIMIT || fault == FAULT_LOCAL;
}

int
fault_worth(enum fault fault, bool is_local_lack)
{
	if (is_local_lack)
		return 0;
	return fault == FAULT_UNREACHABLE ? 1 : 2;
}
