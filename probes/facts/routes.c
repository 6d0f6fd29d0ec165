/* /proc/net/route has IPv4 addresses as hexadecimal words of the machine, ipv6_route as bytes. */
#include "probes/facts/routes.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ROUTE_UP     0x1
#define ROUTE_REJECT 0x200
#define ARP_COMPLETE 0x2

static const char *
next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line == '\n' ? line + 1 : line;
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask ... */
static bool
find_v4(struct route *out, const char *text)
{
	unsigned best = UINT32_MAX;
	bool found = false;

	for (const char *line = next_line(text); *line != '\0'; line = next_line(line)) {
		unsigned to, gateway, flags, metric, mask;
		struct in_addr addr;
		char name[32];

		if (sscanf(line, "%31s %x %x %x %*s %*s %u %x", name, &to, &gateway, &flags,
			    &metric, &mask) != 6 ||
			to != 0 || mask != 0 || (flags & ROUTE_UP) == 0 ||
			(flags & ROUTE_REJECT) != 0 || (found && metric >= best))
			continue;
		found = true;
		best = metric;
		str_copy(out->interface, sizeof(out->interface), name);
		addr.s_addr = gateway;
		out->gateway[0] = '\0';
		if (gateway != 0)
			inet_ntop(AF_INET, &addr, out->gateway, sizeof(out->gateway));
	}
	return found;
}

static bool
parse_v6(const char *hex, char *out, size_t size)
{
	struct in6_addr addr;
	bool is_any = true;

	for (size_t i = 0; i < sizeof(addr); i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		addr.s6_addr[i] = (unsigned char)byte;
		is_any &= byte == 0;
	}
	out[0] = '\0';
	return is_any || inet_ntop(AF_INET6, &addr, out, (socklen_t)size) != NULL;
}

/* destination length source length next-hop metric refcnt use flags name */
static bool
find_v6(struct route *out, const char *text)
{
	unsigned best = UINT32_MAX;
	bool found = false;

	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		char to[40], hop[40], name[32], gateway[64];
		unsigned bits, metric, flags;

		if (sscanf(line, "%39s %x %*s %*s %39s %x %*s %*s %x %31s", to, &bits, hop, &metric,
			    &flags, name) != 6 ||
			bits != 0 || strspn(to, "0") != strlen(to) || (flags & ROUTE_UP) == 0 ||
			(flags & ROUTE_REJECT) != 0 || str_eq(name, "lo") ||
			(found && metric >= best) || strlen(hop) != 32 ||
			!parse_v6(hop, gateway, sizeof(gateway)))
			continue;
		found = true;
		best = metric;
		str_copy(out->interface, sizeof(out->interface), name);
		str_copy(out->gateway, sizeof(out->gateway), gateway);
	}
	return found;
}

bool
routes_find_default(struct route *out, const char *v4, const char *v6)
{
	memset(out, 0, sizeof(*out));
	return find_v4(out, v4) || find_v6(out, v6);
}

/* IP address, HW type, Flags, HW address, Mask, Device */
enum neighbour
routes_find_neighbour(const char *arp, const char *address)
{
	for (const char *line = next_line(arp); *line != '\0'; line = next_line(line)) {
		char name[64];
		unsigned flags;

		if (sscanf(line, "%63s %*s %x", name, &flags) == 2 && str_eq(name, address))
			return (flags & ARP_COMPLETE) != 0 ? NEIGHBOUR_KNOWN : NEIGHBOUR_SILENT;
	}
	return NEIGHBOUR_UNKNOWN;
}
