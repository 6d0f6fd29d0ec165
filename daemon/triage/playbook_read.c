/*
 * One playbook's YAML to its head and its body, by tables like any settings: what is not a row does
 * not exist.  Everything that is wrong is said at its place.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/probe.h"
#include "triage/playbook_inside.h"

static const char *const confidence_words[] = { "possible", "likely", "certain", NULL };

#define WORDS_EXAMPLE "{ en: \"…\", zh: \"…\" }"

/* --- rows --- */

struct head_conf {
	char *name;
	struct conf_strings scenarios, facts;
	const struct conf_node *title, *symptoms, *causes;
};

static const struct conf_field head_fields[] = {
	{ .name = "playbook",
		STRING_AT(struct head_conf, name),
		.flags = CONF_REQUIRED,
		.doc = "Its name, that of its file: small letters, digits and `-`.",
		.example = "redis-stopped" },
	{ .name = "scenarios",
		STRINGS_AT(struct head_conf, scenarios),
		.doc = "Rows of the catalogue of failures that it covers." },
	{ .name = "title",
		NODE_AT(struct head_conf, title),
		.flags = CONF_REQUIRED,
		.doc = "What it is about.",
		.example = WORDS_EXAMPLE },
	{ .name = "symptoms",
		NODE_AT(struct head_conf, symptoms),
		.flags = CONF_REQUIRED,
		.doc = "A list; it is meant for any of these.",
		.example = "[{ type: redis, cause: net.refused }]" },
	{ .name = "facts",
		STRINGS_AT(struct head_conf, facts),
		.doc = "Facts that are asked for at the first failure, in the order in which they "
		       "are shown.",
		.example = "[port-owner, unit]" },
	{ .name = "causes",
		NODE_AT(struct head_conf, causes),
		.doc = "A list; the first whose `when` is true is the cause." },
	{ .type = CONF_END },
};

static const struct conf_field symptom_fields[] = {
	{ .name = "type",
		STRINGS_AT(struct playbook_symptom, type),
		.doc = "Probe types; none: any." },
	{ .name = "cause",
		STRINGS_AT(struct playbook_symptom, cause),
		.doc = "Codes of causes; `net.*` stands for many." },
	{ .name = "rule",
		STRINGS_AT(struct playbook_symptom, rule),
		.doc = "Names of rules, built-in or your own." },
	{ .type = CONF_END },
};

struct words_conf {
	const struct conf_node *in[LANG_COUNT];
};

static const struct conf_field words_fields[] = {
	{ .name = "en",
		NODE_AT(struct words_conf, in[LANG_EN]),
		.flags = CONF_REQUIRED,
		.doc = "In English; `{{expression}}` shows a value.",
		.example = "\"{{target.check}} is full\"" },
	{ .name = "zh", NODE_AT(struct words_conf, in[LANG_ZH]), .doc = "In Chinese." },
	{ .type = CONF_END },
};

struct cause_conf {
	char *name;
	const struct conf_node *when, *title, *is, *summary, *why, *root, *pros, *cons, *remedy;
	int confidence;
};

static const struct conf_field cause_fields[] = {
	{ .name = "cause",
		STRING_AT(struct cause_conf, name),
		.flags = CONF_REQUIRED,
		.doc = "Its name; the finding is `playbook.cause`.",
		.example = "oom-killed" },
	{ .name = "when",
		NODE_AT(struct cause_conf, when),
		.doc = "A condition over facts; without one the cause is what remains." },
	{ .name = "confidence",
		ENUM_AT(struct cause_conf, confidence, confidence_words),
		.doc = "How sure that is. Default: `likely`, without `when` `possible`." },
	{ .name = "title",
		NODE_AT(struct cause_conf, title),
		.flags = CONF_REQUIRED,
		.doc = "The title of the incident; it names the object.",
		.example = WORDS_EXAMPLE },
	{ .name = "short",
		NODE_AT(struct cause_conf, is),
		.doc = "What is the matter in a few words, where the title is about what people "
		       "see. Default: the title." },
	{ .name = "summary",
		NODE_AT(struct cause_conf, summary),
		.doc = "What is seen, in one line, instead of the words of the sample." },
	{ .name = "why",
		NODE_AT(struct cause_conf, why),
		.flags = CONF_REQUIRED,
		.doc = "What happened and why that stops the check, in a sentence or two.",
		.example = WORDS_EXAMPLE },
	{ .name = "root",
		NODE_AT(struct cause_conf, root),
		.doc = "The facts tie the symptom to another thing: the check of that type becomes "
		       "the root." },
	{ .name = "for", NODE_AT(struct cause_conf, pros), .doc = "A list of what speaks for it." },
	{ .name = "against",
		NODE_AT(struct cause_conf, cons),
		.doc = "A list of what speaks against it: each true one lowers the confidence." },
	{ .name = "remedy",
		NODE_AT(struct cause_conf, remedy),
		.flags = CONF_REQUIRED,
		.doc = "Steps in their order.",
		.example = "[{ text: { en: \"…\" } }]" },
	{ .type = CONF_END },
};

struct root_conf {
	char *type;
	const struct conf_node *of;
};

static const struct conf_field root_fields[] = {
	{ .name = "type",
		STRING_AT(struct root_conf, type),
		.flags = CONF_REQUIRED,
		.doc = "The probe type of that check.",
		.example = "disk" },
	{ .name = "of",
		NODE_AT(struct root_conf, of),
		.doc = "Which one of them: its name, mount point, address.",
		.example = "\"{{disk.mount}}\"" },
	{ .type = CONF_END },
};

struct line_conf {
	const struct conf_node *when, *text, *command;
	bool is_destructive;
};

static const struct conf_field claim_fields[] = {
	{ .name = "when",
		NODE_AT(struct line_conf, when),
		.flags = CONF_REQUIRED,
		.doc = "A condition.",
		.example = "port-owner.listening" },
	{ .name = "text",
		NODE_AT(struct line_conf, text),
		.flags = CONF_REQUIRED,
		.doc = "What is said where it is true.",
		.example = WORDS_EXAMPLE },
	{ .type = CONF_END },
};

static const struct conf_field step_fields[] = {
	{ .name = "text",
		NODE_AT(struct line_conf, text),
		.flags = CONF_REQUIRED,
		.doc = "What to do.",
		.example = WORDS_EXAMPLE },
	{ .name = "command",
		NODE_AT(struct line_conf, command),
		.doc = "The command for it; left out where one of its values is not known." },
	{ .name = "when",
		NODE_AT(struct line_conf, when),
		.doc = "The step is left out unless this is true." },
	{ .name = "destructive",
		BOOL_AT(struct line_conf, is_destructive),
		.dflt = "false",
		.doc = "It loses data or work: people are warned." },
	{ .type = CONF_END },
};

/* --- what is read, and by whom --- */

struct read {
	const struct playbook_reader *reader;
	struct playbook_body *body;
	struct expr_names names;
};

static void
fill(const struct playbook_reader *reader, const struct conf_field *fields, void *at,
	const struct conf_node *map, const char *what)
{
	struct conf_part part = { fields, at };

	if (conf_is_absent(map)) { /* what it requires would not be missed */
		complain(reader->complaints, &map->pos, "%s: must be a map, not nothing", what);
		return;
	}
	conf_fill(&part, 1, map, what, NULL, reader->complaints);
}

/* The items of a list; none, after a complaint, of what is no list or too long. */
static size_t
items_of(const struct playbook_reader *reader, const struct conf_node *list, const char *what,
	size_t max)
{
	if (conf_is_absent(list) || list->is_broken)
		return 0;
	if (list->kind != CONF_LIST) {
		complain(reader->complaints, &list->pos, "%s: must be a list, not %s", what,
			conf_kind_name(list));
		return 0;
	}
	if (list->count > max) {
		complain(reader->complaints, &list->items[max]->pos, "%s: at most %zu", what, max);
		return 0;
	}
	return list->count;
}

static bool
is_text(const struct playbook_reader *reader, const struct conf_node *node, const char *what)
{
	if (node->kind == CONF_SCALAR && !node->is_null && *node->text)
		return true;
	if (!node->is_broken)
		complain(reader->complaints, &node->pos, "%s: must be a text, not %s", what,
			node->kind == CONF_SCALAR ? "nothing" : conf_kind_name(node));
	return false;
}

static bool
is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return name[0] >= 'a' && name[0] <= 'z' && len <= 64 && name[len] == '\0';
}

static void
read_words(const struct read *r, const struct conf_node *node, const char *what,
	struct playbook_words *out)
{
	struct words_conf conf = { { NULL } };

	if (!node)
		return; /* said by the row that requires it */
	fill(r->reader, words_fields, &conf, node, what);
	for (size_t i = 0; i < LANG_COUNT; i++) {
		if (!conf.in[i] || !is_text(r->reader, conf.in[i], what))
			continue;
		out->in[i] = conf.in[i];
		playbook_check_text(conf.in[i], &r->names, r->body, r->reader);
	}
	if (r->reader->wants_all_languages && node->kind == CONF_MAP && !conf.in[LANG_ZH])
		complain(r->reader->complaints, &node->pos, "%s: zh is missing", what);
}

static struct expr *
read_condition(const struct read *r, const struct conf_node *node)
{
	struct err e = { 0 };

	if (!node || !is_text(r->reader, node, "when"))
		return NULL;
	struct expr *expr = expr_compile(node->text, &r->names, &e);
	if (!expr) {
		playbook_complain_inside(r->reader, node, 0, &e);
		return NULL;
	}
	if (!expr_is_condition(expr))
		complain(r->reader->complaints, &node->pos,
			"when: must be a condition, which is true or false");
	else if (playbook_check_expr(expr, node, 0, r->body, r->reader))
		return expr;
	expr_free(expr);
	return NULL;
}

/* --- lines --- */

static void
check_destructive(const struct read *r, const struct line_conf *conf)
{
	const struct conf_node *nodes[] = { conf->command,
		conf->text ? conf_get(conf->text, "en") : NULL };

	for (size_t i = 0; r->reader->is_checking && !conf->is_destructive && i < 2; i++) {
		const struct conf_node *node = nodes[i];
		if (!node || node->kind != CONF_SCALAR || node->is_null)
			continue;
		const char *what =
			i == 0 || strchr(node->text, '`') ? playbook_destroys(node->text) : NULL;
		if (what)
			complain(r->reader->complaints, &node->pos,
				"remedy: this %s: say `destructive: true`, and people are warned",
				what);
	}
}

static void
read_line(const struct read *r, const struct conf_field *fields, const char *what,
	const struct conf_node *node, struct playbook_line *line)
{
	struct line_conf conf = { 0 };

	fill(r->reader, fields, &conf, node, what);
	line->when = read_condition(r, conf.when);
	read_words(r, conf.text, "text", &line->text);
	if (conf.command && is_text(r->reader, conf.command, "command")) {
		line->command = conf.command;
		playbook_check_text(conf.command, &r->names, r->body, r->reader);
	}
	line->is_destructive = conf.is_destructive;
	check_destructive(r, &conf);
	conf_clear(fields, &conf);
}

static void
read_lines(const struct read *r, const struct conf_field *fields, const char *what,
	const struct conf_node *list, struct playbook_lines *out)
{
	size_t count = items_of(r->reader, list, what, PLAYBOOK_LINES_MAX);

	if (count == 0)
		return;
	out->all = xcalloc(count, sizeof(*out->all));
	out->count = count;
	for (size_t i = 0; i < count; i++)
		read_line(r, fields, what, list->items[i], &out->all[i]);
}

static void
free_lines(struct playbook_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		expr_free(lines->all[i].when);
	free(lines->all);
}

/* --- causes --- */

static void
read_root(const struct read *r, const struct conf_node *node, struct playbook_cause *cause)
{
	struct root_conf conf = { 0 };

	if (conf_is_absent(node))
		return;
	fill(r->reader, root_fields, &conf, node, "root");
	const struct probe_type *type = conf.type ? probe_find(conf.type) : NULL;
	if (conf.type && !type) {
		struct conf_pos pos = conf_pos_of(node, "type");
		complain(r->reader->complaints, &pos, "root: no probe type is called \"%.64s\"",
			conf.type);
	}
	cause->root_type = type ? type->name : NULL;
	if (conf.of && is_text(r->reader, conf.of, "of")) {
		cause->root_of = conf.of;
		playbook_check_text(conf.of, &r->names, r->body, r->reader);
	}
	conf_clear(root_fields, &conf);
}

static void
check_name(const struct read *r, const struct conf_node *node, size_t n)
{
	const char *name = r->body->causes[n].name;
	struct conf_pos pos = conf_pos_of(node, "cause");

	if (!name)
		return;
	if (!is_name(name))
		complain(r->reader->complaints, &pos,
			"cause: \"%.80s\" is no name: small letters, digits and -", name);
	for (size_t i = 0; i < n; i++)
		if (str_eq(r->body->causes[i].name, name))
			complain(r->reader->complaints, &pos,
				"cause: \"%s\" is already the name of another one", name);
}

static void
read_cause(const struct read *r, const struct conf_node *node, size_t n)
{
	struct playbook_cause *cause = &r->body->causes[n];
	struct cause_conf conf = { .confidence = -1 };

	fill(r->reader, cause_fields, &conf, node, "cause");
	cause->name = xstrdup(conf.name);
	check_name(r, node, n);
	cause->when = read_condition(r, conf.when);
	cause->confidence = conf.confidence >= 0
				    ? (enum confidence)conf.confidence + CONFIDENCE_POSSIBLE
			    : conf.when ? CONFIDENCE_LIKELY
					: CONFIDENCE_POSSIBLE;
	read_words(r, conf.title, "title", &cause->title);
	if (!conf_is_absent(conf.is))
		read_words(r, conf.is, "short", &cause->is);
	if (!conf_is_absent(conf.summary))
		read_words(r, conf.summary, "summary", &cause->summary);
	read_words(r, conf.why, "why", &cause->why);
	read_root(r, conf.root, cause);
	read_lines(r, claim_fields, "for", conf.pros, &cause->pros);
	read_lines(r, claim_fields, "against", conf.cons, &cause->cons);
	read_lines(r, step_fields, "remedy", conf.remedy, &cause->remedy);
	if (!conf.when && n + 1 < r->body->cause_count)
		complain(r->reader->complaints, &node->items[0]->pos,
			"cause: it has no `when`, so those after it are never reached: put it "
			"last");
	conf_clear(cause_fields, &conf);
}

static void
read_causes(const struct read *r, const struct conf_node *map)
{
	const struct conf_node *list = conf_get(map, "causes");
	size_t count = items_of(r->reader, list, "causes", PLAYBOOK_CAUSES_MAX);

	if (conf_is_absent(list) || (list->kind == CONF_LIST && list->count == 0)) {
		complain(r->reader->complaints, &map->pos, "a playbook needs `causes:`");
		return;
	}
	r->body->causes = xcalloc(count + 1, sizeof(*r->body->causes));
	r->body->cause_count = count;
	for (size_t i = 0; i < count; i++)
		if (list->items[i]->kind == CONF_MAP && list->items[i]->count > 0)
			read_cause(r, list->items[i], i);
		else
			complain(r->reader->complaints, &list->items[i]->pos,
				"causes: each one is a map, not %s",
				conf_kind_name(list->items[i]));
}

struct playbook_body *
playbook_read_body(
	const struct playbook *p, struct conf_tree *tree, const struct playbook_reader *reader)
{
	struct playbook_body *body = xcalloc(1, sizeof(*body));
	unsigned before = complaints_errors(reader->complaints);
	struct read r = { .reader = reader, .body = body };

	body->tree = tree;
	body->of = p;
	body->this_metrics = playbook_this_metrics(p);
	playbook_names(&r.names, body);
	read_causes(&r, tree->root);
	if (complaints_errors(reader->complaints) == before) {
		conf_tree_drop_texts(tree);
		return body;
	}
	playbook_body_free(body);
	return NULL;
}

void
playbook_body_free(struct playbook_body *body)
{
	if (!body)
		return;
	for (size_t i = 0; i < body->cause_count; i++) {
		struct playbook_cause *cause = &body->causes[i];
		expr_free(cause->when);
		free_lines(&cause->pros);
		free_lines(&cause->cons);
		free_lines(&cause->remedy);
		free(cause->name);
	}
	free(body->causes);
	free(body->this_metrics);
	conf_tree_free(body->tree);
	free(body);
}

/* --- the head --- */

static void
read_symptoms(
	struct playbook *p, const struct conf_node *list, const struct playbook_reader *reader)
{
	size_t count = items_of(reader, list, "symptoms", PLAYBOOK_LINES_MAX);

	if (list && list->kind == CONF_LIST && list->count == 0)
		complain(reader->complaints, &list->pos, "symptoms: at least one is needed");
	p->symptoms = xcalloc(count + 1, sizeof(*p->symptoms));
	p->symptom_count = count;
	for (size_t i = 0; i < count; i++) {
		fill(reader, symptom_fields, &p->symptoms[i], list->items[i], "symptom");
		if (reader->is_checking)
			playbook_check_symptom(&p->symptoms[i], list->items[i], reader);
	}
}

/* It says no values: there is no incident when it is shown. */
static void
read_title(struct playbook *p, const struct conf_node *node, const struct playbook_reader *reader)
{
	struct words_conf conf = { { NULL } };

	if (!node)
		return; /* said by the row that requires it */
	fill(reader, words_fields, &conf, node, "title");
	for (size_t i = 0; i < LANG_COUNT; i++)
		if (conf.in[i] && is_text(reader, conf.in[i], "title"))
			xstrset(&p->title[i], conf.in[i]->text);
	if (reader->wants_all_languages && !p->title[LANG_ZH])
		complain(reader->complaints, &node->pos, "title: zh is missing");
}

static void
check_file_name(const struct playbook *p, const char *name, const struct conf_node *map,
	const struct playbook_reader *reader)
{
	struct conf_pos pos = conf_pos_of(map, "playbook");

	if (!is_name(name))
		complain(reader->complaints, &pos,
			"playbook: \"%.80s\" is no name: small letters, digits and -", name);
	else if (!str_eq(name, p->name))
		complain(reader->complaints, &pos,
			"playbook: its name is that of its file: \"%.80s\", or call the file "
			"%s.yaml",
			p->name, name);
}

bool
playbook_read_head(
	struct playbook *p, const struct conf_node *map, const struct playbook_reader *reader)
{
	unsigned before = complaints_errors(reader->complaints);
	struct head_conf conf = { 0 };

	fill(reader, head_fields, &conf, map, "the playbook");
	if (conf.name)
		check_file_name(p, conf.name, map, reader);
	p->scenarios = conf.scenarios;
	p->facts = conf.facts;
	conf.scenarios = conf.facts = (struct conf_strings){ 0 };
	read_title(p, conf.title, reader);
	read_symptoms(p, conf.symptoms, reader);
	if (reader->is_checking)
		playbook_check_facts(p, map, reader);
	conf_clear(head_fields, &conf);
	return complaints_errors(reader->complaints) == before;
}

void
playbook_free(struct playbook *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->symptom_count; i++)
		conf_clear(symptom_fields, &p->symptoms[i]);
	free(p->symptoms);
	struct head_conf conf = { .scenarios = p->scenarios, .facts = p->facts };
	conf_clear(head_fields, &conf);
	for (size_t i = 0; i < LANG_COUNT; i++)
		free(p->title[i]);
	free(p->own_text);
	free(p->path);
	free(p->name);
	free(p);
}

/* --- the manual --- */

void
playbook_manual(struct buf *out)
{
	static const struct {
		const char *title;
		const struct conf_field *fields;
	} parts[] = {
		{ "The playbook", head_fields },
		{ "Each of `symptoms`: all that is written must fit", symptom_fields },
		{ "Each of `causes`", cause_fields },
		{ "Each of `for` and `against`", claim_fields },
		{ "Each of `remedy`", step_fields },
		{ "`root`", root_fields },
		{ "Texts", words_fields },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		buf_addf(out, "%s:\n\n", parts[i].title);
		conf_manual(parts[i].fields, out);
		buf_add_text(out, "\n");
	}
}
