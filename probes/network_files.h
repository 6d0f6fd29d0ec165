/* What the kernel's network tables say.  The parsers take text, so that tests bring their own. */
#ifndef PROBES_NETWORK_FILES_H
#define PROBES_NETWORK_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETWORK_NAME_MAX 16 /* IFNAMSIZ */

/* One line of /proc/net/dev: counters since the interface came. */
struct netdev {
	char name[NETWORK_NAME_MAX];
	uint64_t rx_bytes, rx_errors, rx_drops;
	uint64_t tx_bytes, tx_errors, tx_drops;
};
/* The line at *at, which moves on; false: no further one.  Headings and nonsense are skipped. */
bool netdev_next(struct netdev *out, const char **at);
bool netdev_find(struct netdev *out, const char *text, const char *name);

/* The number of column `key` in the two lines that begin with `table` ("TcpExt") of /proc/net/snmp
 * and netstat; NAN: there is none. */
double snmp_value(const char *text, const char *table, const char *key);
/* The number behind `key` in the line `proto` ("TCP") of /proc/net/sockstat; NAN: there is none. */
double sockstat_value(const char *text, const char *proto, const char *key);
/* Entries in use, from /proc/net/stat/nf_conntrack; NAN: not that file. */
double conntrack_entries(const char *text);
/* "32768	60999": 0, or -1 when it is no range. */
int port_range_parse(const char *text, unsigned *low, unsigned *high);

/* Container plumbing and the like: not what people mean by "the network of this host". */
bool network_is_plumbing(const char *name);

#endif
