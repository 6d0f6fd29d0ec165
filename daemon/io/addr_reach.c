/* How far inside an address lies: by the registries of special-purpose addresses (RFC 6890). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "io/addr.h"

static const struct block4 {
	uint32_t net;
	unsigned bits;
	enum addr_reach reach;
} blocks4[] = {
	{ 0x00000000, 8, ADDR_HOST },  /* "this host" */
	{ 0x7f000000, 8, ADDR_HOST },  /* loopback */
	{ 0xa9fe0000, 16, ADDR_LINK }, /* link-local: metadata of most clouds */
	{ 0x646464c8, 32, ADDR_LINK }, /* 100.100.100.200: metadata of another */
	{ 0xa83f8110, 32, ADDR_LINK }, /* 168.63.129.16: a fourth's, which speaks for its hosts */
	{ 0xc0000000, 24, ADDR_LINK }, /* 192.0.0.0/24: metadata of a third */
	{ 0xe0000000, 3, ADDR_LINK },  /* multicast, reserved, broadcast */
	{ 0x0a000000, 8, ADDR_SITE }, { 0xac100000, 12, ADDR_SITE }, { 0xc0a80000, 16, ADDR_SITE },
	{ 0x64400000, 10, ADDR_SITE }, /* shared by the customers of a provider */
	{ 0xc6120000, 15, ADDR_SITE }, /* benchmarks */
};

static const struct block6 {
	uint8_t net[16];
	unsigned bits;
	enum addr_reach reach;
} blocks6[] = {
	/* metadata of six clouds; of the first its other services for hosts, too, one of which
	 * gives credentials */
	{ { 0xfd, 0, 0x0e, 0xc2 }, 32, ADDR_LINK },
	{ { 0xfd, 0, 0, 0xc1, [12] = 0xa9, [13] = 0xfe, [14] = 0xa9, [15] = 0xfe }, 128,
		ADDR_LINK },
	{ { 0xfd, 0, 0xa9, 0xfe, 0xa9, 0xfe, [15] = 1 }, 128, ADDR_LINK },
	{ { 0xfd, 0, 1, 0, [12] = 1, [14] = 2 }, 128, ADDR_LINK },
	{ { 0xfd, 0x20, 0, 0xce, [14] = 2, [15] = 0x54 }, 128, ADDR_LINK },
	{ { 0xfd, 0, 0, 0x42, [15] = 0x42 }, 128, ADDR_LINK },
	{ { 0xfe, 0x80 }, 10, ADDR_LINK },
	{ { 0xff }, 8, ADDR_LINK }, /* multicast */
	{ { 0xfc }, 7, ADDR_SITE },
	{ { 0xfe, 0xc0 }, 10, ADDR_SITE },
};

/* Those that hold an IPv4 address, and where its four bytes are: the first that fits counts. */
static const struct wrap {
	uint8_t net[16];
	unsigned bits;
	uint8_t at[4];
} wraps[] = {
	{ { [10] = 0xff, [11] = 0xff }, 96, { 12, 13, 14, 15 } },           /* mapped */
	{ { 0 }, 96, { 12, 13, 14, 15 } },                                  /* compatible */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, { 12, 13, 14, 15 } },             /* NAT64 */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 96, { 12, 13, 14, 15 } }, /* of a site */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, { 6, 7, 9, 10 } },    /* RFC 6052 */
	{ { 0x20, 0x02 }, 16, { 2, 3, 4, 5 } },                             /* 6to4 */
};

static enum addr_reach
reach4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(blocks4) / sizeof(blocks4[0]); i++)
		if ((address ^ blocks4[i].net) >> (32 - blocks4[i].bits) == 0)
			return blocks4[i].reach;
	return ADDR_WORLD;
}

static bool
is_within(const uint8_t *address, const uint8_t *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(address, net, whole) == 0 &&
	       (rest == 0 || (address[whole] ^ net[whole]) >> (8 - rest) == 0);
}

static enum addr_reach
reach6(const uint8_t address[16])
{
	for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
		const uint8_t *at = wraps[i].at;

		if (is_within(address, wraps[i].net, wraps[i].bits))
			return reach4((uint32_t)address[at[0]] << 24 |
				      (uint32_t)address[at[1]] << 16 |
				      (uint32_t)address[at[2]] << 8 | address[at[3]]);
	}
	for (size_t i = 0; i < sizeof(blocks6) / sizeof(blocks6[0]); i++)
		if (is_within(address, blocks6[i].net, blocks6[i].bits))
			return blocks6[i].reach;
	return ADDR_WORLD;
}

enum addr_reach
addr_reach(const struct addr *addr)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (addr_family(addr)) {
	case AF_INET:
		memcpy(&v4, &addr->any, sizeof(v4));
		return reach4(ntohl(v4.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&v6, &addr->any, sizeof(v6));
		return reach6(v6.sin6_addr.s6_addr);
	default:
		return ADDR_HOST;
	}
}

bool
addr_may_lead(enum addr_reach from, const struct addr *to)
{
	enum addr_reach reach = addr_reach(to);

	if (from == ADDR_ANYWHERE)
		return true;
	if (from == ADDR_LINK) /* a neighbour, who is not this host */
		return reach != ADDR_HOST;
	return reach <= from;
}
