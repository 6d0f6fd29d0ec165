/*
 * What a playbook may name, and what it must warn of: types, causes, rules, facts, and commands
 * that lose data or work.  Owns nothing.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/probe.h"
#include "rules/rules.h"
#include "triage/playbook_inside.h"

#define NAMES_MAX 400

/* --- names --- */

struct names {
	const char *all[NAMES_MAX];
	size_t count;
};

static void
add_name(struct names *names, const char *name)
{
	if (names->count < NAMES_MAX)
		names->all[names->count++] = name;
}

/* The item of a value that may be one text or a list. */
static struct conf_pos
pos_of_item(const struct conf_node *map, const char *key, size_t n)
{
	const struct conf_node *node = conf_get(map, key);

	if (node && node->kind == CONF_LIST && n < node->count)
		return node->items[n]->pos;
	return conf_pos_of(map, key);
}

static void
complain_unknown(const struct playbook_reader *reader, const struct conf_pos *pos, const char *what,
	const char *word, const struct names *names)
{
	const char *near = str_nearest(word, names->all, names->count);

	complain(reader->complaints, pos, "unknown %s \"%.80s\"%s%s%s", what, word,
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void
check_type(const struct playbook_reader *reader, const struct conf_pos *pos, const char *word)
{
	struct names names = { .count = 0 };

	if (probe_find(word))
		return;
	for (size_t i = 0; probe_table[i]; i++)
		add_name(&names, probe_table[i]->name);
	complain_unknown(reader, pos, "probe type", word, &names);
}

static bool
some_cause_fits(const char *glob)
{
	for (size_t i = 0; i < cause_count(); i++)
		if (str_matches_glob(cause_at(i)->code, glob))
			return true;
	return false;
}

static void
check_cause(const struct playbook_reader *reader, const struct conf_pos *pos, const char *word)
{
	struct names names = { .count = 0 };

	if (some_cause_fits(word))
		return;
	for (size_t i = 0; i < cause_count(); i++)
		add_name(&names, cause_at(i)->code);
	complain_unknown(reader, pos, "cause", word, &names);
}

static void
check_rule(const struct playbook_reader *reader, const struct conf_pos *pos, const char *word)
{
	const struct playbook_rules *rules = reader->set->rules;
	struct names names = { .count = 0 };

	if (rules && rules->has(rules->arg, word))
		return;
	for (size_t i = 0; i < rule_builtin_count(); i++) {
		if (str_eq(rule_builtin_name(i), word))
			return;
		add_name(&names, rule_builtin_name(i));
	}
	complain_unknown(reader, pos, "rule", word, &names);
}

typedef void (*check_fn)(
	const struct playbook_reader *reader, const struct conf_pos *pos, const char *word);

static void
check_list(const struct conf_strings *list, const struct conf_node *map, const char *key,
	const struct playbook_reader *reader, check_fn check)
{
	for (size_t i = 0; i < list->count; i++) {
		struct conf_pos pos = pos_of_item(map, key, i);
		check(reader, &pos, list->all[i]);
	}
}

void
playbook_check_symptom(const struct playbook_symptom *symptom, const struct conf_node *map,
	const struct playbook_reader *reader)
{
	if (map->kind == CONF_MAP &&
		symptom->type.count + symptom->cause.count + symptom->rule.count == 0)
		complain(reader->complaints, &map->pos, "symptom: name a type, a cause or a rule");
	check_list(&symptom->type, map, "type", reader, check_type);
	check_list(&symptom->cause, map, "cause", reader, check_cause);
	check_list(&symptom->rule, map, "rule", reader, check_rule);
}

static void
check_fact(const struct playbook_reader *reader, const struct conf_pos *pos, const char *word)
{
	struct names names = { .count = 0 };

	for (size_t i = 0; reader->set->facts[i]; i++) {
		if (str_eq(reader->set->facts[i]->name, word))
			return;
		add_name(&names, reader->set->facts[i]->name);
	}
	complain_unknown(reader, pos, "fact", word, &names);
}

void
playbook_check_facts(
	const struct playbook *p, const struct conf_node *map, const struct playbook_reader *reader)
{
	check_list(&p->facts, map, "facts", reader, check_fact);
	if (p->facts.count > PLAYBOOK_FACTS_MAX) {
		struct conf_pos pos = pos_of_item(map, "facts", PLAYBOOK_FACTS_MAX);
		complain(reader->complaints, &pos, "facts: at most %d", PLAYBOOK_FACTS_MAX);
	}
	for (size_t i = 1; i < p->facts.count; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(p->facts.all[i], p->facts.all[k])) {
				struct conf_pos pos = pos_of_item(map, "facts", i);
				complain(reader->complaints, &pos, "facts: \"%s\" is there twice",
					p->facts.all[i]);
			}
}

/* --- commands --- */

/* Without regard to case; words begin and end as grep -w has it. */
static const struct {
	const char *pattern, *what;
} harms[] = {
	{ "\\bflush(db|all)\\b", "deletes every key" },
	{ "\\b(del|unlink) +celery\\b", "throws waiting tasks away" },
	{ "\\bcelery\\b.*\\bpurge\\b", "throws waiting tasks away" },
	{ "--scan.*xargs.*\\b(del|unlink)\\b", "deletes keys that are in use" },
	{ "redis-cli\\b.* --rdb\\b", "overwrites the dump file" },
	{ "\\bpurge +(binary|master) +logs\\b", "deletes binary logs that replicas may need" },
	{ "\\breset +(master|binary)\\b", "deletes binary logs that replicas may need" },
	{ "sql_slave_skip_counter", "skips changes, and the replica differs from then on" },
	{ "--reset-offsets", "skips messages that were not delivered" },
	{ "mongorestore\\b.*--drop\\b", "drops collections" },
	{ "\\b(drop|truncate) +(table|database|schema|collection)\\b", "deletes data" },
	{ "\\bkill +-(9|kill|sigkill|s +(9|kill|sigkill))\\b", "kills without a chance to save" },
	{ "\\bkillall +-(9|kill)\\b", "kills without a chance to save" },
	{ "\\bkill\\b.*lsof +-t", "kills clients of the port, too" },
	{ "compose\\b.* down\\b.* (-v|--volumes)\\b", "deletes volumes with their data" },
	{ "docker +volume +(rm|prune)", "deletes volumes with their data" },
	{ "docker +system +prune", "deletes what is not running" },
	{ "\\bchmod +(-r +)?[0-7]?777\\b", "opens files to everybody" },
	{ "allkeys-", "lets Redis drop keys that a queue still needs" },
	{ "\\brm +-[a-z]*[rf]", "deletes files" },
	{ "\\btruncate +(-s|--size)", "empties a file, and the evidence in it" },
	{ "(^|[;&|`] *|true +|: +|null +)>[^>&]", "empties a file, and the evidence in it" },
	{ "[^>2&-]> *[^ ;|>&]*\\.?log\\b", "empties a log, and the evidence in it" },
	{ "\\bmkfs|\\bdd +.*\\bof=/", "overwrites a device or file" },
	{ "pg_resetwal|innodb_force_recovery", "can lose committed data" },
};

static bool
matches(const char *pattern, const char *text)
{
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
		return true;
	bool is_match = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return is_match;
}

const char *
playbook_destroys(const char *command)
{
	for (size_t i = 0; i < sizeof(harms) / sizeof(*harms); i++)
		if (matches(harms[i].pattern, command))
			return harms[i].what;
	return NULL;
}
