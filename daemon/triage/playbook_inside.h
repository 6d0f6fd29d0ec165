/*
 * What the files of the playbook engine share.  Nobody outside of playbook*.c and its tests
 * includes this.
 *
 *	YAML -> head (names, symptoms, facts: kept for all)  -> playbooks_find
 *	     -> body (causes, compiled conditions: made when first needed, a few are kept)
 *	body + world -> view (facts as the rule language sees them) -> judge, write
 */
#ifndef TRIAGE_PLAYBOOK_INSIDE_H
#define TRIAGE_PLAYBOOK_INSIDE_H

#include "base/buf.h"
#include "conf/schema.h"
#include "probes/facts/fact.h"
#include "rules/expr.h"
#include "triage/playbook.h"

#define PLAYBOOK_CAUSES_MAX 40
#define PLAYBOOK_FACTS_MAX  24
#define PLAYBOOK_LINES_MAX  20 /* claims of one kind, steps of one remedy */
#define PLAYBOOK_FILES_MAX  1000
#define PLAYBOOK_FILE_MAX   ((size_t)128 * 1024)

/* A shipped playbook, as the Makefile put it into the program. */
struct playbook_text {
	const char *name, *text;
	const char *head; /* what stands before `causes:`; NULL: to be found in the text */
};
extern const struct playbook_text playbook_shipped[]; /* closed by a NULL name */

/* Where playbooks come from, and what they may name. */
struct playbook_sources {
	const struct playbook_text *shipped; /* closed by a NULL name */
	const char *folder;                  /* NULL: none */
	const struct fact_type *const *facts;
	const struct playbook_rules *rules; /* NULL: the built-in ones only */
};
struct playbooks *playbooks_load_from(
	const struct playbook_sources *sources, struct complaints *complaints);

/* --- the head --- */

struct playbook_symptom {
	struct conf_strings type, cause, rule; /* empty: any */
};

struct playbook {
	struct playbooks *set;
	char *name, *title[LANG_COUNT]; /* no title: not translated */
	struct conf_strings scenarios, facts;
	struct playbook_symptom *symptoms;
	size_t symptom_count;
	const char *text; /* whole */
	char *path;       /* of a user's own; NULL: shipped */
	char *own_text;   /* the same as text */
};

struct playbooks {
	struct playbook **all; /* users' first, each part by name */
	size_t count;
	const struct fact_type *const *facts;
	const struct playbook_rules *rules; /* while loading */
	struct kept_body *kept;
	unsigned long uses;
	struct map *found;    /* symptom -> struct playbook, or the set itself for none */
	struct map *families; /* rule -> its family's name */
};

/* --- the body --- */

/* One scalar for each language; NULL: not translated. */
struct playbook_words {
	const struct conf_node *in[LANG_COUNT];
};

/* A claim for or against a cause, or a step of its remedy. */
struct playbook_line {
	struct expr *when; /* NULL: always */
	struct playbook_words text;
	const struct conf_node *command; /* NULL: none */
	bool is_destructive;
};

struct playbook_lines {
	struct playbook_line *all;
	size_t count;
};

struct playbook_cause {
	char *name;
	struct expr *when; /* NULL: always */
	enum confidence confidence;
	struct playbook_words title, why;
	struct playbook_words is;        /* the cause in a few words; empty: as the title */
	struct playbook_words summary;   /* empty: what the sample or the rule said */
	const char *root_type;           /* of the probe table; NULL: the symptom's own check */
	const struct conf_node *root_of; /* NULL: any of that type */
	struct playbook_lines pros, cons, remedy;
};

struct playbook_body {
	struct conf_tree *tree; /* the nodes above are in it */
	const struct playbook *of;
	struct metric_desc *this_metrics; /* of all types that the symptoms name */
	struct playbook_cause *causes;
	size_t cause_count;
};

/* How a playbook is read: what is looked at, and who hears of mistakes. */
struct playbook_reader {
	const struct playbooks *set;
	struct complaints *complaints;
	bool is_checking;         /* the texts' expressions, destructive commands: all of it */
	bool wants_all_languages; /* as shipped ones must be */
};

/* The head of a map, into one that has its file's name; false, after complaints: something in it
 * is wrong. */
bool playbook_read_head(
	struct playbook *p, const struct conf_node *map, const struct playbook_reader *reader);
void playbook_free(struct playbook *p);
/* The rest, of a tree with a root, which is taken; NULL after complaints. */
struct playbook_body *playbook_read_body(
	const struct playbook *p, struct conf_tree *tree, const struct playbook_reader *reader);
void playbook_body_free(struct playbook_body *body);
/* Everything that is wrong with a playbook. */
void playbook_check(
	const struct playbook *p, bool wants_all_languages, struct complaints *complaints);
/* The body, made when it is first asked for; NULL: it does not compile, which was logged.  Good
 * until some other bodies were asked for. */
const struct playbook_body *playbook_body_of(const struct playbook *p);

/* What lists of playbooks say of each. */
json_t *playbook_head_json(const struct playbook *p, enum language language);

/* --- checks of single values (playbook_check.c) --- */

void playbook_check_symptom(const struct playbook_symptom *symptom, const struct conf_node *map,
	const struct playbook_reader *reader);
void playbook_check_facts(const struct playbook *p, const struct conf_node *map,
	const struct playbook_reader *reader);
/* A command, or a text with one in backticks, that loses data or work: what it does; NULL. */
const char *playbook_destroys(const char *command);

/* --- names and values in expressions (playbook_view.c) --- */

/* The rows of all types that the symptoms name; owned, names and helps borrowed. */
struct metric_desc *playbook_this_metrics(const struct playbook *p);
/* Of what is always there, "target", "peers", "needs"; NULL: not one of them. */
const struct metric_desc *playbook_keys_of(const char *name);
void playbook_names(struct expr_names *names, const struct playbook_body *body);

struct playbook_view {
	struct expr_world expr; /* arg: this struct */
	const struct playbook_body *body;
	const struct playbook_world *world;
	enum language language;
	struct sample *samples;            /* a face for each fact: numbers are borrowed */
	struct sample target, peers, self; /* own their values */
	char place[300];                   /* target.place; "": not known */
};
void playbook_view_init(struct playbook_view *view, const struct playbook_body *body,
	const struct playbook_world *world, enum language language);
void playbook_view_fini(struct playbook_view *view);
/* False: the fact is about this host, and the target is on another. */
bool playbook_view_concerns(const struct playbook_view *view, const char *name);
/* No condition is true. */
bool playbook_view_holds(const struct playbook_view *view, const struct expr *when);

/* --- texts with values (playbook_fill.c) --- */

/* "{{expression}}" replaced; what cannot be said because a value is not known is left out, see
 * playbook_tidy.  False: there was such a value, or it was cut. */
bool playbook_fill(
	const struct playbook_view *view, const struct conf_node *text, char *out, size_t size);
/* The same of a command: values are quoted for a shell.  False, too, where one cannot be. */
bool playbook_fill_command(
	const struct playbook_view *view, const struct conf_node *command, char *out, size_t size);
const struct conf_node *playbook_in_language(
	const struct playbook_words *words, enum language language);
#define PLAYBOOK_FILLED_MAX ((size_t)16 * 1024)
#define PLAYBOOK_VALUE      '\x01' /* in a shape: a value; its letter follows */
#define PLAYBOOK_GAP        '\x02' /* in a shape: a value that is not known */
/* A shape without the remarks in brackets, then without the sentences, that have gaps; a text of
 * nothing else keeps them (playbook_tidy.c). */
void playbook_tidy(const char *shape, struct buf *out);
/* Complains about every expression in a text that is not good. */
void playbook_check_text(const struct conf_node *text, const struct expr_names *names,
	const struct playbook_body *body, const struct playbook_reader *reader);
/* Complains, at its column, about an expression of a scalar; `at`: columns before it. */
void playbook_complain_inside(const struct playbook_reader *reader, const struct conf_node *node,
	size_t at, const struct err *e);
/* Facts that it mentions must be wanted, and there are no windows here. */
bool playbook_check_expr(const struct expr *expr, const struct conf_node *node, size_t at,
	const struct playbook_body *body, const struct playbook_reader *reader);

#endif
