/* Parsers for /proc/net/{dev,snmp,netstat,sockstat,stat/nf_conntrack}.  Pure. */
#include "probes/network_files.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "probes/host_file.h"

static const char *
next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

static bool
parse_netdev(struct netdev *out, const char *line)
{
	struct netdev d = { 0 };
	const char *colon;
	size_t len;

	line += strspn(line, " ");
	len = strcspn(line, "\n");
	/* the name may hold colons itself (an old alias): the last one before a blank ends it */
	colon = memchr(line, ':', len);
	if (colon == NULL || colon == line || (size_t)(colon - line) >= sizeof(d.name))
		return false;
	memcpy(d.name, line, (size_t)(colon - line));
	if (strpbrk(d.name, " \t|/") != NULL)
		return false;
	/* bytes packets errs drop fifo frame compressed multicast, twice but for the last two */
	if (sscanf(colon + 1,
		    "%" SCNu64 " %*u %" SCNu64 " %" SCNu64 " %*u %*u %*u %*u %" SCNu64
		    " %*u %" SCNu64 " %" SCNu64,
		    &d.rx_bytes, &d.rx_errors, &d.rx_drops, &d.tx_bytes, &d.tx_errors,
		    &d.tx_drops) != 6)
		return false;
	*out = d;
	return true;
}

bool
netdev_next(struct netdev *out, const char **at)
{
	while (**at != '\0') {
		const char *line = *at;

		*at = next_line(line);
		if (parse_netdev(out, line))
			return true;
	}
	return false;
}

bool
netdev_find(struct netdev *out, const char *text, const char *name)
{
	while (netdev_next(out, &text))
		if (str_eq(out->name, name))
			return true;
	return false;
}

/* The n-th word after the first of a line; NULL: it has not so many. */
static const char *
nth_word(const char *line, const char *end, unsigned n)
{
	for (;;) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
		if (line >= end || *line == '\n' || *line == '\0')
			return NULL;
		if (n-- == 0)
			return line;
	}
}

double
snmp_value(const char *text, const char *table, const char *key)
{
	size_t table_len = strlen(table), key_len = strlen(key);

	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		const char *end = next_line(line), *word;

		if (strncmp(line, table, table_len) != 0 || line[table_len] != ':' ||
			strncmp(end, table, table_len) != 0 || end[table_len] != ':')
			continue;
		for (unsigned n = 0; (word = nth_word(line, end, n)) != NULL; n++) {
			if (strncmp(word, key, key_len) != 0 ||
				strchr(" \n", word[key_len]) == NULL)
				continue;
			word = nth_word(end, next_line(end), n);
			return word != NULL ? host_number(word) : (double)NAN;
		}
		return NAN;
	}
	return NAN;
}

double
sockstat_value(const char *text, const char *proto, const char *key)
{
	size_t proto_len = strlen(proto), key_len = strlen(key);

	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		const char *end = next_line(line), *word;

		if (strncmp(line, proto, proto_len) != 0 || line[proto_len] != ':')
			continue;
		for (unsigned n = 0; (word = nth_word(line, end, n)) != NULL; n += 2) {
			if (strncmp(word, key, key_len) != 0 || word[key_len] != ' ')
				continue;
			word = nth_word(line, end, n + 1);
			return word != NULL ? host_number(word) : (double)NAN;
		}
		return NAN;
	}
	return NAN;
}

double
conntrack_entries(const char *text)
{
	unsigned entries;

	if (!str_starts(text, "entries") || sscanf(next_line(text), "%x", &entries) != 1)
		return NAN;
	return entries;
}

int
port_range_parse(const char *text, unsigned *low, unsigned *high)
{
	unsigned a, b;

	if (sscanf(text, "%u %u", &a, &b) != 2 || a == 0 || b > 65535 || a > b)
		return -1;
	*low = a;
	*high = b;
	return 0;
}

bool
network_is_plumbing(const char *name)
{
	static const char *const globs[] = { "lo", "veth*", "docker*", "br-*", "virbr*", "vnet*",
		"cni*", "flannel*", "cali*", "cilium*", "lxc*", "lxdbr*", "podman*", "nerdctl*",
		"kube-*", "nodelocaldns", "vmnet*", "vboxnet*", "ifb*", "dummy*", "tap*", "fwbr*",
		"fwpr*", "fwln*", "gre0", "gretap0", "erspan0", "sit0", "tunl0", "ip6tnl0",
		"ip6gre0", "ip_vti0", "ip6_vti0", "teql*" };

	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++)
		if (str_matches_glob(name, globs[i]))
			return true;
	return false;
}
