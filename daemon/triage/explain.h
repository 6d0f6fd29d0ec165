/*
 * What a word of a message means: the code of a cause, a rule, a playbook or one of its findings, a
 * fact, as a document.  From what is built in and the playbooks at hand; no daemon is needed.
 */
#ifndef TRIAGE_EXPLAIN_H
#define TRIAGE_EXPLAIN_H

#include "triage/playbook.h"

/*
 * {"kind": "cause" | "rule" | "playbook" | "finding" | "fact", "name", "levels", ...}: a cause, a
 * rule and a fact with the playbooks that treat or ask for them, the others as playbook_json has
 * them.  NULL and an error that
 * names the nearest words (NULL: they are not looked for, which takes a while): there is no such
 * thing.
 */
json_t *explain_word(
	const struct playbooks *playbooks, const char *word, enum language language, struct err *e);
/* NULL: there is no such fact. */
json_t *explain_fact(const struct playbooks *playbooks, const char *name, enum language language);
const char *explain_fact_at(size_t n); /* every fact's name; NULL past the end */
/* All playbooks, each with its name, title and symptoms. */
json_t *explain_playbooks(const struct playbooks *playbooks, enum language language);

#endif
