/*
 * Playbooks: data that maps a symptom and facts to a named cause, an explanation and remedy steps.
 * Read from YAML (the shipped ones are part of the program, users' own lie in a folder), checked
 * like any settings, immutable once compiled.  docs/playbooks.md is their reference.
 *
 * Only this room and setup know them; judging goes through rules/expr.h.
 */
#ifndef TRIAGE_PLAYBOOK_H
#define TRIAGE_PLAYBOOK_H

#include "base/buf.h"
#include "conf/complain.h"
#include "model/check.h"
#include "model/fact.h"
#include "model/incident.h"
#include "model/sample.h"
#include "model/subject.h"

struct playbooks;
struct playbook;

/* The shipped ones, then those of `folder` (NULL: none), where a file's playbook replaces a shipped
 * one of the same name.  Complaints are positioned; never NULL. */
struct playbooks *playbooks_load(const char *folder, struct complaints *complaints);
/* The same where the settings bring rules of their own, which symptoms may name. */
struct playbook_rules {
	bool (*has)(const void *arg, const char *rule);
	const void *arg;
};
struct playbooks *playbooks_load_with(
	const char *folder, const struct playbook_rules *rules, struct complaints *complaints);
void playbooks_free(struct playbooks *playbooks);

struct symptom {
	const char *type;  /* of the check */
	const char *cause; /* of the failed sample, or of the alert; NULL: none */
	const char *rule;  /* "check-down", "disk-space" */
};

/* The most specific one (a literal cause before a glob, a type before any); NULL: none. */
const struct playbook *playbooks_find(
	const struct playbooks *playbooks, const struct symptom *symptom);
const struct playbook *playbooks_named(const struct playbooks *playbooks, const char *name);
const struct playbook *playbooks_at(const struct playbooks *playbooks, size_t n); /* or NULL */
/* Rules that share a playbook are one family: its name; the rule itself when it has none. */
const char *playbooks_family(const struct playbooks *playbooks, const char *rule);

const char *playbook_name(const struct playbook *playbook);
/* Facts it wants, in the order in which they are shown: the nth, NULL past the end. */
const char *playbook_fact(const struct playbook *playbook, size_t n);

/* How checks around the one in trouble fare: triage counts them, conditions ask `peers.*`. */
struct playbook_peers {
	unsigned same_address, same_address_failing; /* other checks of the same host and port */
	unsigned same_host, same_host_failing;       /* other checks of the same host */
	unsigned remote, remote_failing;             /* all checks of other hosts */
};

/* What the check in trouble `needs`, where that has trouble of its own; conditions ask `needs.*`.
 * NULL: none. */
struct playbook_needs {
	const char *failing,
		*failing_cause;       /* a need that is not well: its name, its cause's code */
	const char *slow, *slow_text; /* a need with an open incident while it answers: its title */
};

struct playbook_world {
	const struct check_spec *check;
	const char *target;          /* for people */
	const struct sample *sample; /* the latest that is not well, else the latest; NULL: none */
	const char *cause, *rule, *text;
	const struct subject *subject; /* NULL: nothing is known */
	const struct fact *const *facts;
	size_t fact_count;
	struct playbook_peers peers;
	struct playbook_needs needs;
};

enum confidence { CONFIDENCE_NONE, CONFIDENCE_POSSIBLE, CONFIDENCE_LIKELY, CONFIDENCE_CERTAIN };

struct diagnosis {
	const struct playbook *playbook;
	size_t cause; /* place in the playbook */
	enum confidence confidence;
	/* What the facts tie the symptom to, where that is another check's business: its type
	 * ("disk") and what it is about ("/var"); "" : any of that type. */
	const char *root_type;
	char root_of[256];
};

/* The first cause whose condition is true; false: none is. */
bool playbook_judge(
	const struct playbook *playbook, const struct playbook_world *world, struct diagnosis *out);
/*
 * Fills in the incident's words: cause title, explanation, confidence, playbook, finding, what
 * speaks for and against, remedy, facts in the playbook's order.  The title too: it names the
 * object.  `rule.*` codes become "<playbook>.<cause>".
 */
void playbook_write(const struct diagnosis *diagnosis, const struct playbook_world *world,
	enum language language, struct incident *incident);

/* The whole playbook for people: `triage explain`, GET /api/v1/playbooks. */
json_t *playbook_json(const struct playbook *playbook, enum language language);

/* For the manual: the keys of a playbook, and what is always there to be asked (`target`, `peers`,
 * `needs`): the nth, false past the end. */
void playbook_manual(struct buf *out);
bool playbook_always_at(size_t n, const char **name, const struct metric_desc **keys);

#endif
