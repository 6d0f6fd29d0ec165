/*
 * The playbooks in force: found by symptom or by name.  Owns their heads, which are small, and the
 * few bodies that were needed last: a host without trouble pays for neither texts nor conditions.
 */
#include "triage/playbook.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "triage/playbook_inside.h"

#define BODIES_KEPT 4

struct kept_body {
	const struct playbook *of; /* NULL: free */
	struct playbook_body *body;
	unsigned long used;
};

/* --- bodies --- */

static struct kept_body *
slot_for(struct playbooks *set, const struct playbook *p)
{
	struct kept_body *oldest = &set->kept[0];

	for (size_t i = 0; i < BODIES_KEPT; i++) {
		if (set->kept[i].of == p)
			return &set->kept[i];
		if (set->kept[i].used < oldest->used)
			oldest = &set->kept[i];
	}
	return oldest;
}

static struct playbook_body *
read_body(const struct playbook *p)
{
	struct complaints *complaints = complaints_new();
	const struct playbook_reader reader = { .set = p->set, .complaints = complaints };
	struct conf_tree *tree = conf_tree_parse(p->name, p->text, strlen(p->text), complaints);
	struct playbook_body *body = NULL;
	char first[400];

	if (tree->root)
		body = playbook_read_body(p, tree, &reader);
	else
		conf_tree_free(tree);
	if (!body) {
		complaints_first(complaints, first, sizeof(first));
		log_error("triage: the playbook %s is not usable: %s", p->name, first);
	}
	complaints_free(complaints);
	return body;
}

const struct playbook_body *
playbook_body_of(const struct playbook *p)
{
	struct playbooks *set = p->set;

	if (!set->kept)
		set->kept = xcalloc(BODIES_KEPT, sizeof(*set->kept));
	struct kept_body *slot = slot_for(set, p);
	if (slot->of != p) {
		playbook_body_free(slot->body);
		*slot = (struct kept_body){ .of = p, .body = read_body(p) };
	}
	slot->used = ++set->uses;
	return slot->body;
}

void
playbooks_free(struct playbooks *playbooks)
{
	if (!playbooks)
		return;
	for (size_t i = 0; playbooks->kept && i < BODIES_KEPT; i++)
		playbook_body_free(playbooks->kept[i].body);
	free(playbooks->kept);
	for (size_t i = 0; i < playbooks->count; i++)
		playbook_free(playbooks->all[i]);
	free(playbooks->all);
	map_free(playbooks->found, NULL);
	map_free(playbooks->families, NULL);
	free(playbooks);
}

/* --- finding --- */

#define FITS_NOT  0u
#define FITS_ANY  1u
#define BY_TYPE   10u
#define BY_GLOB   1000u /* and more for each character that the glob fixes */
#define BY_CHAR   20u
#define CHARS_MAX 40
#define BY_CODE   2000u
#define BY_RULE   4000u
#define GLOB_SIGN "*?["

#define REMEMBERED_MAX 2000 /* symptoms, and rules, whose playbook is known */

static bool
has(const struct conf_strings *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->all[i], word))
			return true;
	return false;
}

static unsigned
fits_cause(const struct conf_strings *causes, const char *code)
{
	unsigned best = FITS_NOT;

	if (causes->count == 0)
		return FITS_ANY;
	for (size_t i = 0; code && i < causes->count; i++) {
		size_t fixed = strcspn(causes->all[i], GLOB_SIGN);
		unsigned fit = FITS_NOT;
		if (str_eq(causes->all[i], code))
			fit = BY_CODE;
		else if (str_matches_glob(code, causes->all[i]))
			fit = BY_GLOB + BY_CHAR * (unsigned)(fixed < CHARS_MAX ? fixed : CHARS_MAX);
		best = fit > best ? fit : best;
	}
	return best;
}

/* check-down says no more than the cause does. */
static unsigned
fits_rule(const struct conf_strings *rules, const char *rule)
{
	if (rules->count == 0)
		return FITS_ANY;
	if (!rule || !has(rules, rule))
		return FITS_NOT;
	return str_eq(rule, "check-down") ? FITS_ANY : BY_RULE;
}

static unsigned
fits_type(const struct conf_strings *types, const char *type)
{
	if (types->count == 0)
		return FITS_ANY;
	return type && has(types, type) ? BY_TYPE : FITS_NOT;
}

static unsigned
fits(const struct playbook_symptom *row, const struct symptom *symptom)
{
	unsigned type = fits_type(&row->type, symptom->type);
	unsigned cause = fits_cause(&row->cause, symptom->cause);
	unsigned rule = fits_rule(&row->rule, symptom->rule);

	return type && cause && rule ? type + cause + rule : FITS_NOT;
}

static const struct playbook *
find(const struct playbooks *playbooks, const struct symptom *symptom)
{
	const struct playbook *found = NULL;
	unsigned best = FITS_NOT;

	for (size_t i = 0; i < playbooks->count; i++) {
		const struct playbook *p = playbooks->all[i];
		for (size_t n = 0; n < p->symptom_count; n++) {
			unsigned fit = fits(&p->symptoms[n], symptom);
			if (fit <= best)
				continue;
			best = fit;
			found = p;
		}
	}
	return found;
}

/* A storm asks for the same few again and again: what was found is remembered. */
const struct playbook *
playbooks_find(const struct playbooks *playbooks, const struct symptom *symptom)
{
	const struct playbook *found;
	void *known;
	char key[256];
	int len = snprintf(key, sizeof(key), "%s\n%s\n%s", symptom->type ? symptom->type : "",
		symptom->cause ? symptom->cause : "", symptom->rule ? symptom->rule : "");

	if (len < 0 || len >= (int)sizeof(key))
		return find(playbooks, symptom);
	known = map_get(playbooks->found, key);
	if (known)
		return known == (const void *)playbooks ? NULL : known;
	found = find(playbooks, symptom);
	if (map_count(playbooks->found) < REMEMBERED_MAX)
		map_put(playbooks->found, key,
			(void *)(uintptr_t)(found ? (const void *)found : playbooks));
	return found;
}

const struct playbook *
playbooks_named(const struct playbooks *playbooks, const char *name)
{
	for (size_t i = 0; i < playbooks->count; i++)
		if (str_eq(playbooks->all[i]->name, name))
			return playbooks->all[i];
	return NULL;
}

const struct playbook *
playbooks_at(const struct playbooks *playbooks, size_t n)
{
	return n < playbooks->count ? playbooks->all[n] : NULL;
}

static const char *
find_family(const struct playbooks *playbooks, const char *rule)
{
	for (size_t i = 0; i < playbooks->count; i++)
		for (size_t n = 0; n < playbooks->all[i]->symptom_count; n++)
			if (has(&playbooks->all[i]->symptoms[n].rule, rule))
				return playbooks->all[i]->name;
	return NULL;
}

const char *
playbooks_family(const struct playbooks *playbooks, const char *rule)
{
	const char *family;
	void *known;

	if (str_eq(rule, "check-down"))
		return rule;
	known = map_get(playbooks->families, rule);
	if (known)
		return known == (const void *)playbooks ? rule : known;
	family = find_family(playbooks, rule);
	if (map_count(playbooks->families) < REMEMBERED_MAX)
		map_put(playbooks->families, rule,
			(void *)(uintptr_t)(family ? (const void *)family : playbooks));
	return family ? family : rule;
}

const char *
playbook_name(const struct playbook *playbook)
{
	return playbook->name;
}

const char *
playbook_fact(const struct playbook *playbook, size_t n)
{
	return n < playbook->facts.count ? playbook->facts.all[n] : NULL;
}
