/* Addresses: parsing what people write, numeric forms only, and showing them again. */
#include "io/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"

#define NAME_MAX_LEN  253
#define LABEL_MAX_LEN 63

static struct sockaddr_in *
as_v4(struct addr *addr)
{
	return (struct sockaddr_in *)(void *)&addr->any;
}

static struct sockaddr_in6 *
as_v6(struct addr *addr)
{
	return (struct sockaddr_in6 *)(void *)&addr->any;
}

static const struct sockaddr_in *
as_v4_const(const struct addr *addr)
{
	return (const struct sockaddr_in *)(const void *)&addr->any;
}

static const struct sockaddr_in6 *
as_v6_const(const struct addr *addr)
{
	return (const struct sockaddr_in6 *)(const void *)&addr->any;
}

/* "%eth0" or "%2": 0 when there is no such interface. */
static unsigned
parse_scope(const char *scope)
{
	unsigned long index;
	char *end;

	if (isdigit((unsigned char)*scope)) {
		index = strtoul(scope, &end, 10);
		return *end == '\0' && index <= UINT32_MAX ? (unsigned)index : 0;
	}
	return if_nametoindex(scope);
}

static int
from_v6(struct addr *addr, const char *host, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];
	const char *scope = strchr(host, '%');
	size_t len = scope == NULL ? strlen(host) : (size_t)(scope - host);
	struct in6_addr raw;
	unsigned index = 0;

	if (len >= sizeof(text))
		return -1;
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &raw) != 1)
		return -1;
	if (scope != NULL && (index = parse_scope(scope + 1)) == 0)
		return -1;
	addr->len = sizeof(struct sockaddr_in6);
	*as_v6(addr) = (struct sockaddr_in6){ .sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = raw,
		.sin6_scope_id = index };
	return 0;
}

int
addr_from_numeric(struct addr *addr, const char *host, uint16_t port)
{
	struct in_addr raw;

	if (isdigit((unsigned char)host[0]) && inet_pton(AF_INET, host, &raw) == 1) {
		addr->len = sizeof(struct sockaddr_in);
		*as_v4(addr) = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = raw
		};
		return 0;
	}
	return strchr(host, ':') == NULL ? -1 : from_v6(addr, host, port);
}

int
addr_from_path(struct addr *addr, const char *path, struct err *e)
{
	size_t len = strlen(path);

	if (len == 0)
		return err_set(e, EINVAL, "an empty socket path");
	if (len >= sizeof(addr->un.sun_path))
		return err_set(e, ENAMETOOLONG, "the socket path is longer than %zu bytes",
			sizeof(addr->un.sun_path) - 1);
	memset(&addr->un, 0, sizeof(addr->un));
	addr->un.sun_family = AF_UNIX;
	memcpy(addr->un.sun_path, path, len);
	addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	if (path[0] == '@') { /* the abstract namespace has no closing NUL */
		addr->un.sun_path[0] = '\0';
		addr->len--;
	}
	return 0;
}

void
addr_set_port(struct addr *addr, uint16_t port)
{
	if (addr_family(addr) == AF_INET)
		as_v4(addr)->sin_port = htons(port);
	else if (addr_family(addr) == AF_INET6)
		as_v6(addr)->sin6_port = htons(port);
}

int
addr_family(const struct addr *addr)
{
	return addr->len == 0 ? AF_UNSPEC : addr->sa.sa_family;
}

bool
addr_is_loopback(const struct addr *addr)
{
	const struct in6_addr *v6;

	switch (addr_family(addr)) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(as_v4_const(addr)->sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		v6 = &as_v6_const(addr)->sin6_addr;
		return IN6_IS_ADDR_LOOPBACK(v6) ||
		       (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
	default:
		return false;
	}
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	const struct sockaddr_in6 *a6 = as_v6_const(a), *b6 = as_v6_const(b);

	if (addr_family(a) != addr_family(b))
		return false;
	switch (addr_family(a)) {
	case AF_UNSPEC:
		return true;
	case AF_INET:
		return as_v4_const(a)->sin_port == as_v4_const(b)->sin_port &&
		       as_v4_const(a)->sin_addr.s_addr == as_v4_const(b)->sin_addr.s_addr;
	case AF_INET6:
		return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
	default:
		return a->len == b->len && memcmp(&a->un, &b->un, a->len) == 0;
	}
}

static void
text_v6(const struct sockaddr_in6 *v6, char out[ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN], scope[IF_NAMESIZE + 1] = "", name[IF_NAMESIZE];
	unsigned port = ntohs(v6->sin6_port);

	inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
	if (v6->sin6_scope_id != 0) {
		if (if_indextoname(v6->sin6_scope_id, name) == NULL)
			snprintf(name, sizeof(name), "%u", v6->sin6_scope_id);
		snprintf(scope, sizeof(scope), "%%%s", name);
	}
	if (port == 0)
		snprintf(out, ADDR_TEXT, "%s%s", host, scope);
	else
		snprintf(out, ADDR_TEXT, "[%s%s]:%u", host, scope, port);
}

static void
text_v4(const struct sockaddr_in *v4, char out[ADDR_TEXT])
{
	uint32_t host = ntohl(v4->sin_addr.s_addr);
	char *at = out;

	for (int shift = 24; shift >= 0; shift -= 8) {
		at = print_digits(at, host >> shift & 0xff);
		*at++ = shift > 0 ? '.' : ':';
	}
	if (v4->sin_port != 0)
		at = print_digits(at, ntohs(v4->sin_port));
	else
		at--;
	*at = '\0';
}

static void
text_path(const struct addr *addr, char out[ADDR_TEXT])
{
	size_t at = offsetof(struct sockaddr_un, sun_path),
	       len = addr->len > at ? addr->len - at : 0;

	if (len == 0)
		snprintf(out, ADDR_TEXT, "(a nameless socket)");
	else if (addr->un.sun_path[0] == '\0')
		snprintf(out, ADDR_TEXT, "@%.*s", (int)len - 1, addr->un.sun_path + 1);
	else
		snprintf(out, ADDR_TEXT, "%.*s", (int)len, addr->un.sun_path);
}

void
addr_text(const struct addr *addr, char out[ADDR_TEXT])
{
	switch (addr_family(addr)) {
	case AF_INET:
		text_v4(as_v4_const(addr), out);
		break;
	case AF_INET6:
		text_v6(as_v6_const(addr), out);
		break;
	case AF_UNIX:
		text_path(addr, out);
		break;
	default:
		snprintf(out, ADDR_TEXT, "(nowhere)");
	}
}

static int
parse_port(const char *text, uint16_t *port, struct err *e)
{
	unsigned value = 0;

	if (*text == '\0')
		return err_set(e, EINVAL, "the port after \":\" is missing");
	for (const char *p = text; *p != '\0'; p++) {
		if (!isdigit((unsigned char)*p) || p - text > 4)
			return err_set(e, EINVAL, "\"%s\" is not a port (1 to 65535)", text);
		value = value * 10 + (unsigned)(*p - '0');
	}
	if (value > UINT16_MAX)
		return err_set(e, EINVAL, "\"%s\" is not a port (1 to 65535)", text);
	*port = (uint16_t)value;
	return 0;
}

/* One label of a name: letters, digits, "-" and "_" (real networks have them). */
static int
check_label(const char *label, size_t len, const char *name, struct err *e)
{
	if (len == 0)
		return err_set(e, EINVAL, "the host name \"%s\" has an empty part", name);
	if (len > LABEL_MAX_LEN)
		return err_set(e, EINVAL, "a part of the host name \"%s\" is longer than %d bytes",
			name, LABEL_MAX_LEN);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)label[i] >= 0x80)
			return err_set(e, EINVAL,
				"the host name \"%s\" has letters beyond ASCII: write its xn-- "
				"form",
				name);
		if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
			return err_set(e, EINVAL, "\"%c\" cannot be in a host name (\"%s\")",
				label[i], name);
	}
	return 0;
}

static int
check_name(const char *name, struct err *e)
{
	const char *at = name, *dot, *last = name;
	size_t len = strlen(name);
	struct addr numeric;

	if (addr_from_numeric(&numeric, name, 0) == 0)
		return 0;
	if (len > NAME_MAX_LEN)
		return err_set(e, EINVAL, "the host name is longer than %d bytes", NAME_MAX_LEN);
	while ((dot = strchr(at, '.')) != NULL) {
		if (check_label(at, (size_t)(dot - at), name, e) == -1)
			return -1;
		at = dot + 1;
		if (*at == '\0') /* the root's dot */
			break;
		last = at;
	}
	if (*at != '\0' && check_label(at, strlen(at), name, e) == -1)
		return -1;
	if (strspn(last, "0123456789.") == strlen(last))
		return err_set(e, EINVAL, "\"%s\" looks like an IPv4 address but is none", name);
	return 0;
}

static int
set_host(struct place *place, const char *host, size_t len, struct err *e)
{
	if (len >= sizeof(place->host))
		return err_set(e, EINVAL, "the host name is longer than %d bytes", NAME_MAX_LEN);
	memcpy(place->host, host, len);
	place->host[len] = '\0';
	return 0;
}

static int
parse_bracketed(struct place *place, const char *text, struct err *e)
{
	const char *close = strchr(text, ']');
	struct addr addr;

	if (close == NULL)
		return err_set(e, EINVAL, "\"%s\": the closing \"]\" is missing", text);
	if (set_host(place, text + 1, (size_t)(close - text - 1), e) == -1)
		return -1;
	if (from_v6(&addr, place->host, 0) == -1)
		return err_set(e, EINVAL, "\"%s\" is not an IPv6 address", place->host);
	if (close[1] == '\0')
		return 0;
	if (close[1] != ':')
		return err_set(e, EINVAL, "\"%s\": only \":port\" may follow \"]\"", text);
	return parse_port(close + 2, &place->port, e);
}

static int
parse_host_port(struct place *place, const char *text, struct err *e)
{
	const char *colon = strchr(text, ':');
	struct addr addr;

	if (strstr(text, "://") != NULL)
		return err_set(e, EINVAL, "a scheme does not belong here: write host:port");
	if (text[0] == '[')
		return parse_bracketed(place, text, e);
	if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		if (from_v6(&addr, text, 0) == -1)
			return err_set(e, EINVAL,
				"\"%s\" is not an address (an IPv6 address with a port is "
				"\"[::1]:80\")",
				text);
		return set_host(place, text, strlen(text), e);
	}
	if (colon == text) { /* every interface; for a client, this host */
		memcpy(place->host, "::", 3);
		return parse_port(text + 1, &place->port, e);
	}
	if (set_host(place, text, colon == NULL ? strlen(text) : (size_t)(colon - text), e) == -1 ||
		check_name(place->host, e) == -1)
		return -1;
	return colon == NULL ? 0 : parse_port(colon + 1, &place->port, e);
}

static int
parse_path(struct place *place, const char *path, struct err *e)
{
	struct addr addr;

	if (addr_from_path(&addr, path, e) == -1)
		return -1;
	snprintf(place->path, sizeof(place->path), "%s", path);
	return 0;
}

int
place_parse(struct place *place, const char *text, struct err *e)
{
	struct place found = { .port = 0 };
	int rc;

	if (*text == '\0')
		return err_set(e, EINVAL, "an empty address");
	/* What stands there may be a password: it is not shown. */
	if (text[0] != '/' && text[0] != '@' && strncmp(text, "unix:", 5) != 0 &&
		strchr(text, '@') != NULL)
		return err_set(e, EINVAL, "an address has no user and password (before \"@\")");
	if (strncmp(text, "unix:", 5) == 0)
		rc = parse_path(&found, text + 5, e);
	else if (text[0] == '/' || text[0] == '@')
		rc = parse_path(&found, text, e);
	else
		rc = parse_host_port(&found, text, e);
	if (rc == 0)
		*place = found;
	return rc;
}
