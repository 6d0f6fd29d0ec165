/* Line by line: which chain we are in, whether the line names the port, what it does then. */
#include "probes/facts/filter_rules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define LINE_MAX_BYTES 1024

/* What the policy would do, and whether anything lets packets past it that is not understood. */
struct policy {
	bool is_drop, is_opaque;
	char rule[FILTER_RULE_MAX];
};

/* Copies the next line without its margins; where the one after begins. */
static const char *
take_line(const char *text, char out[LINE_MAX_BYTES])
{
	size_t len = strcspn(text, "\n"), from = 0, to = len;

	while (from < to && isspace((unsigned char)text[from]))
		from++;
	while (to > from && isspace((unsigned char)text[to - 1]))
		to--;
	snprintf(out, LINE_MAX_BYTES, "%.*s", (int)(to - from), text + from);
	text += len;
	return *text == '\n' ? text + 1 : text;
}

static bool
has_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(line, word); at != NULL; at = strstr(at + 1, word))
		if ((at == line || at[-1] == ' ') && (at[len] == '\0' || strchr(" ;", at[len])))
			return true;
	return false;
}

/* "22, 80-90, 6379" or "80:90,6379": is the port among them? */
static bool
is_among(const char *list, unsigned port)
{
	while (*list != '\0') {
		char *end;
		unsigned long from, to;

		list += strspn(list, " ,");
		from = to = strtoul(list, &end, 10);
		if (end == list)
			return false;
		if (*end == '-' || *end == ':') {
			list = end + 1;
			to = strtoul(list, &end, 10);
			if (end == list)
				return false;
		}
		if (port >= from && port <= to)
			return true;
		list = end;
		if (*list != ',' && *list != ' ')
			return false;
	}
	return false;
}

static void
decide(struct filter_finding *out, const char *verdict, const char *rule)
{
	if (out->verdict[0] != '\0')
		return;
	out->verdict = verdict;
	str_copy(out->rule, sizeof(out->rule), rule);
}

static void
decide_by_policy(struct filter_finding *out, const struct policy *policy)
{
	if (policy->is_drop && !policy->is_opaque)
		decide(out, "drop", policy->rule);
}

/* --- nft --- */

static bool
names_port_nft(const char *line, unsigned port, bool is_udp)
{
	const char *at = strstr(line, "dport ");
	const char *other = is_udp ? "tcp dport" : "udp dport";

	if (at == NULL || strstr(line, other) != NULL || at[6] == '!')
		return false;
	at += strlen("dport ");
	return is_among(*at == '{' ? at + 1 : at, port);
}

static const char *
verdict_nft(const char *line)
{
	static const char *const verdicts[] = { "drop", "reject", "accept" };

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (has_word(line, verdicts[i]))
			return verdicts[i];
	return "";
}

/* What surely does not let a new connection from outside in. */
static bool
is_harmless(const char *line)
{
	return strstr(line, "established") != NULL || strstr(line, "iif \"lo\"") != NULL ||
	       strstr(line, "iifname \"lo\"") != NULL || strstr(line, "icmp") != NULL ||
	       strstr(line, "-i lo") != NULL || strstr(line, "ESTABLISHED") != NULL;
}

void
filter_rules_find_nft(struct filter_finding *out, const char *text, unsigned port, bool is_udp)
{
	struct policy policy = { .is_drop = false };
	bool is_outgoing = false, is_input = false;
	char line[LINE_MAX_BYTES];

	*out = (struct filter_finding){ .verdict = "" };
	while (*text != '\0') {
		const char *verdict;

		text = take_line(text, line);
		if (str_starts(line, "chain ")) {
			is_outgoing = is_input = false;
			continue;
		}
		if (str_starts(line, "type ")) {
			is_input = strstr(line, "type filter hook input") != NULL;
			is_outgoing = !is_input;
			if (is_input && strstr(line, "policy drop") != NULL) {
				policy.is_drop = true;
				str_copy(policy.rule, sizeof(policy.rule), line);
			}
			continue;
		}
		if (is_outgoing || line[0] == '#')
			continue;
		verdict = verdict_nft(line);
		if (verdict[0] != '\0' && names_port_nft(line, port, is_udp))
			decide(out, verdict, line);
		else if (is_input && strstr(line, "dport") == NULL && !is_harmless(line) &&
			 (str_eq(verdict, "accept") || has_word(line, "jump")))
			policy.is_opaque = true;
		else if (strchr(line, '@') != NULL && str_eq(verdict, "accept"))
			policy.is_opaque = true;
	}
	decide_by_policy(out, &policy);
}

/* --- iptables --- */

static bool
names_port_iptables(const char *line, unsigned port, bool is_udp)
{
	const char *at = strstr(line, "--dport ");

	if (strstr(line, is_udp ? "-p tcp" : "-p udp") != NULL)
		return false;
	if (at != NULL)
		return (at == line || at[-2] != '!') && is_among(at + strlen("--dport "), port);
	at = strstr(line, "--dports ");
	return at != NULL && is_among(at + strlen("--dports "), port);
}

static const char *
verdict_iptables(const char *line)
{
	if (strstr(line, "-j DROP") != NULL)
		return "drop";
	if (strstr(line, "-j REJECT") != NULL)
		return "reject";
	return strstr(line, "-j ACCEPT") != NULL ? "accept" : "";
}

void
filter_rules_find_iptables(struct filter_finding *out, const char *text, unsigned port, bool is_udp)
{
	struct policy policy = { .is_drop = false };
	char line[LINE_MAX_BYTES];

	*out = (struct filter_finding){ .verdict = "" };
	while (*text != '\0') {
		const char *verdict;

		text = take_line(text, line);
		if (str_eq(line, "-P INPUT DROP")) {
			policy.is_drop = true;
			str_copy(policy.rule, sizeof(policy.rule), line);
		}
		if (!str_starts(line, "-A ") || str_starts(line, "-A OUTPUT") ||
			str_starts(line, "-A FORWARD"))
			continue;
		verdict = verdict_iptables(line);
		if (verdict[0] != '\0' && names_port_iptables(line, port, is_udp))
			decide(out, verdict, line);
		else if (str_starts(line, "-A INPUT") && strstr(line, "--dport") == NULL &&
			 !is_harmless(line) && !str_eq(verdict, "drop") &&
			 !str_eq(verdict, "reject"))
			policy.is_opaque = true;
	}
	decide_by_policy(out, &policy);
}
