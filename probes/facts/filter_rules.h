/*
 * Listings of packet filters (`nft list ruleset`, `iptables -S`) searched for what happens to a
 * port.  Pure.  Only rules that name the port, and policies, are understood: what goes through
 * sets, marks or addresses is not judged.
 */
#ifndef FACTS_FILTER_RULES_H
#define FACTS_FILTER_RULES_H

#include <stdbool.h>

#define FILTER_RULE_MAX 256

struct filter_finding {
	const char *verdict;        /* "drop", "reject", "accept"; "": no rule is about it */
	char rule[FILTER_RULE_MAX]; /* as the listing has it */
};

/* The first rule for incoming packets that names the port decides, else the policy. */
void filter_rules_find_nft(
	struct filter_finding *out, const char *text, unsigned port, bool is_udp);
void filter_rules_find_iptables(
	struct filter_finding *out, const char *text, unsigned port, bool is_udp);

#endif
