/* Rules that tell of the same trouble: on one check they share an incident. */
#ifndef TRIAGE_FAMILY_H
#define TRIAGE_FAMILY_H

struct playbooks;

/* The rule that takes in whatever else is wrong with its check. */
#define RULE_DOWN "check-down"

/* Rules that share a playbook are one family; the rule itself when it stands alone.  `playbooks`
 * may be NULL. */
const char *family_of(const struct playbooks *playbooks, const char *rule);

#endif
