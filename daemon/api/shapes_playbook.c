/* Shapes of playbooks, and of what a word of a message means. */
#include <stddef.h>

#include "api/shapes.h"

static const struct shape_field symptom_fields[] = {
	{ "type", SHAPE_TEXT, SHAPE_LIST, .doc = "Types of checks; globs; empty: any." },
	{ "cause", SHAPE_TEXT, SHAPE_LIST, .doc = "Cause codes; globs." },
	{ "rule", SHAPE_TEXT, SHAPE_LIST, .doc = "Rules." },
	{ .name = NULL },
};
static const struct shape symptom = {
	.name = "Symptom",
	.doc = "What a playbook is for.",
	.fields = symptom_fields,
};

static const struct shape_field head_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "Unique." },
	{ "title", SHAPE_TEXT, .doc = "In a line." },
	{ "shipped", SHAPE_FLAG, .doc = "It came with the program." },
	{ "scenarios", SHAPE_TEXT, SHAPE_LIST, .doc = "Rows of the failure catalogue." },
	{ "symptoms", SHAPE_OBJECT, SHAPE_LIST, .doc = "What it is for.", .of = &symptom },
	{ .name = NULL },
};
static const struct shape playbook_head = {
	.name = "Playbook",
	.doc = "A playbook without its causes.",
	.fields = head_fields,
};

static const struct shape_field playbooks_fields[] = {
	{ "playbooks", SHAPE_OBJECT, SHAPE_LIST, .doc = "In force.", .of = &playbook_head },
	{ .name = NULL },
};
const struct shape shape_playbooks = {
	.name = "Playbooks",
	.doc = "The playbooks in force.",
	.fields = playbooks_fields,
};

static const struct shape_field claim_fields[] = {
	{ "when", SHAPE_TEXT, .doc = "The condition; empty: always." },
	{ "text", SHAPE_TEXT, .doc = "In words." },
	{ .name = NULL },
};
static const struct shape claim = {
	.name = "Claim",
	.doc = "What speaks for or against a cause.",
	.fields = claim_fields,
};

static const struct shape_field step_fields[] = {
	{ "when", SHAPE_TEXT, .doc = "The condition; empty: always." },
	{ "text", SHAPE_TEXT, .doc = "What to do." },
	{ "command", SHAPE_TEXT, .doc = "A command that does it; empty: none." },
	{ "destructive", SHAPE_FLAG, .doc = "It destroys something." },
	{ .name = NULL },
};
static const struct shape step = {
	.name = "PlaybookStep",
	.doc = "One thing to do, as the playbook has it.",
	.fields = step_fields,
};

static const struct shape_field root_fields[] = {
	{ "type", SHAPE_TEXT, .doc = "Of the check or thing that is the root." },
	{ "of", SHAPE_TEXT, .doc = "How it is found." },
	{ .name = NULL },
};
static const struct shape root = {
	.name = "PlaybookRoot",
	.doc = "Where the cause lies, if not here.",
	.fields = root_fields,
};

static const struct shape_field cause_fields[] = {
	{ "finding", SHAPE_TEXT, .doc = "`playbook.cause`." },
	{ "confidence", SHAPE_TEXT, .doc = "How sure it is when its condition holds." },
	{ "when", SHAPE_TEXT, .doc = "The condition; empty: always." },
	{ "title", SHAPE_TEXT, .doc = "In a line." },
	{ "why", SHAPE_TEXT, .doc = "In some sentences." },
	{ "root", SHAPE_OBJECT, SHAPE_NULL, .doc = "null: here.", .of = &root },
	{ "for", SHAPE_OBJECT, SHAPE_LIST, .doc = "What speaks for it.", .of = &claim },
	{ "against", SHAPE_OBJECT, SHAPE_LIST, .doc = "What speaks against it.", .of = &claim },
	{ "remedy", SHAPE_OBJECT, SHAPE_LIST, .doc = "What to do.", .of = &step },
	{ .name = NULL },
};
static const struct shape playbook_cause = {
	.name = "PlaybookCause",
	.doc = "A cause that a playbook looks for.",
	.fields = cause_fields,
};

static const char *const kinds[] = { "playbook", "finding", "cause", "rule", "fact", NULL };
static const struct shape_field fact_key_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "As conditions and texts name it." },
	{ "unit", SHAPE_TEXT, .doc = "The symbol of its unit, `text`, or `yes or no`." },
	{ "help", SHAPE_TEXT, .doc = "What it says." },
	{ .name = NULL },
};
static const struct shape fact_key = {
	.name = "FactKey",
	.doc = "What may be asked of a fact.",
	.fields = fact_key_fields,
};
static const struct shape_field explained_fields[] = {
	{ "kind", SHAPE_TEXT, .doc = "What the word is; it says which fields there are.",
		.words = kinds },
	{ "name", SHAPE_TEXT, .doc = "Of the playbook, cause, rule or fact." },
	{ "levels", SHAPE_TEXT, SHAPE_LIST, .doc = "Severities that it may have." },
	{ "title", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "In a line; all but rules and facts." },
	{ "why", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Of a cause or fact: in some sentences." },
	{ "remedy", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Of a cause: the first thing to do." },
	{ "yaml", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Of a rule: as it is written." },
	{ "playbooks", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL,
		.doc = "Of a cause or rule: what treats it. Of a fact: what asks for it.",
		.of = &playbook_head },
	{ "rights", SHAPE_TEXT, SHAPE_OPTIONAL,
		.doc = "Of a fact: what it needs beyond an ordinary user." },
	{ "types", SHAPE_TEXT, SHAPE_LIST | SHAPE_OPTIONAL,
		.doc = "Of a fact: checks that it can be asked about; empty: any." },
	{ "keys", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL,
		.doc = "Of a fact: what may be asked of it.", .of = &fact_key },
	{ "shipped", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "Of a playbook: it came with us." },
	{ "scenarios", SHAPE_TEXT, SHAPE_LIST | SHAPE_OPTIONAL,
		.doc = "Of a playbook: rows of the failure catalogue." },
	{ "symptoms", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL,
		.doc = "Of a playbook: what it is for.", .of = &symptom },
	{ "facts", SHAPE_TEXT, SHAPE_LIST | SHAPE_OPTIONAL, .doc = "Of a playbook: what it asks." },
	{ "causes", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL,
		.doc = "Of a playbook: what it looks for. Of a finding: that one.",
		.of = &playbook_cause },
	{ .name = NULL },
};
const struct shape shape_explained = {
	.name = "Explained",
	.doc = "A playbook, or what a word of a message means.",
	.fields = explained_fields,
};
