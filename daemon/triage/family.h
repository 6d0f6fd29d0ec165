/* Rules that tell of the same trouble: on one check they share an incident. */
#ifndef TRIAGE_FAMILY_H
#define TRIAGE_FAMILY_H

/* The rule that takes in whatever else is wrong with its check. */
#define RULE_DOWN "check-down"

const char *family_of(const char *rule); /* the rule itself when it stands alone */

#endif
