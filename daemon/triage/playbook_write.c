/*
 * A diagnosis in words: fills in what an incident says of its cause.  Promises bounded texts,
 * whatever a target said, and no command that lacks a value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/playbook_inside.h"

#define TITLE_MAX   300
#define TEXT_MAX    2000
#define COMMAND_MAX 1000

static const char *const confidence_names[] = { "", "possible", "likely", "certain" };

/* --- lists --- */

static void
clear_list(struct incident_texts *list)
{
	for (size_t n = 0; n < list->count; n++) {
		free(list->all[n].name);
		free(list->all[n].text);
	}
	free(list->all);
	*list = (struct incident_texts){ 0 };
}

static void
write_claims(const struct playbook_view *view, const struct playbook_lines *claims,
	struct incident_texts *out)
{
	char text[TEXT_MAX];

	clear_list(out);
	for (size_t i = 0; i < claims->count; i++) {
		const struct playbook_line *line = &claims->all[i];
		if (!playbook_view_holds(view, line->when))
			continue;
		playbook_fill(view, playbook_in_language(&line->text, view->language), text,
			sizeof(text));
		incident_add_text(out, NULL, text, 0);
	}
}

static void
write_remedy(const struct playbook_view *view, const struct playbook_lines *steps,
	struct incident_texts *out)
{
	char text[TEXT_MAX], command[COMMAND_MAX];

	clear_list(out);
	for (size_t i = 0; i < steps->count; i++) {
		const struct playbook_line *line = &steps->all[i];
		if (!playbook_view_holds(view, line->when))
			continue;
		bool has_command = line->command && playbook_fill_command(view, line->command,
							    command, sizeof(command));
		playbook_fill(view, playbook_in_language(&line->text, view->language), text,
			sizeof(text));
		incident_add_text(out, has_command ? command : NULL, text, 0);
		out->all[out->count - 1].is_destructive = line->is_destructive;
	}
}

/* --- facts --- */

static const struct fact *
fact_named(const struct playbook_world *world, const char *name)
{
	for (size_t i = 0; i < world->fact_count; i++)
		if (str_eq(world->facts[i]->name, name))
			return world->facts[i];
	return NULL;
}

static void
add_fact(struct incident_texts *out, const struct fact *fact, enum language language)
{
	char text[FACT_TEXT_MAX];

	if (!*fact->text)
		return;
	if (fact->end == FACT_MISSED) {
		char *said = xasprintf("%s%s",
			language == LANG_ZH ? "无法获取：" : "could not be had: ", fact->text);
		str_copy(text, sizeof(text), said);
		free(said);
	} else {
		str_copy(text, sizeof(text), fact->text);
	}
	incident_add_text(out, fact->name, text, fact->at_us);
}

static bool
is_fact_type(const struct playbook *p, const char *name)
{
	for (size_t i = 0; p->set->facts[i]; i++)
		if (str_eq(p->set->facts[i]->name, name))
			return true;
	return false;
}

/* The playbook's facts in its order, then what the samples brought; facts that another playbook
 * had asked for are gone. */
static void
write_facts(const struct playbook_view *view, struct incident_texts *facts)
{
	const struct playbook *p = view->body->of;
	struct incident_texts out = { 0 };

	for (size_t i = 0; i < p->facts.count; i++) {
		const struct fact *fact = fact_named(view->world, p->facts.all[i]);
		if (fact && playbook_view_concerns(view, fact->name))
			add_fact(&out, fact, view->language);
	}
	for (size_t i = 0; i < facts->count; i++) {
		const struct incident_text *own = &facts->all[i];
		if (!is_fact_type(p, own->name))
			incident_add_text(&out, own->name, own->text, own->at_us);
	}
	clear_list(facts);
	*facts = out;
}

/* --- the whole --- */

static void
write_text(const struct playbook_view *view, const struct playbook_words *words, size_t max,
	char **slot)
{
	char text[TEXT_MAX];

	playbook_fill(view, playbook_in_language(words, view->language), text,
		max < sizeof(text) ? max : sizeof(text));
	xstrset(slot, text);
}

/* Codes of probes are their own; what only a rule saw is named by what was found. */
static void
write_code(struct incident *incident)
{
	if (!cause_find(incident->cause_code))
		xstrset(&incident->cause_code, incident->finding);
}

void
playbook_write(const struct diagnosis *diagnosis, const struct playbook_world *world,
	enum language language, struct incident *incident)
{
	const struct playbook_body *body = playbook_body_of(diagnosis->playbook);
	struct playbook_view view;

	if (!body || diagnosis->cause >= body->cause_count)
		return;
	const struct playbook_cause *cause = &body->causes[diagnosis->cause];
	playbook_view_init(&view, body, world, language);
	write_text(&view, &cause->title, TITLE_MAX, &incident->title);
	if (cause->is.in[LANG_EN])
		write_text(&view, &cause->is, TITLE_MAX, &incident->cause_title);
	else
		xstrset(&incident->cause_title, incident->title);
	if (cause->summary.in[LANG_EN])
		write_text(&view, &cause->summary, TITLE_MAX, &incident->summary);
	write_text(&view, &cause->why, TEXT_MAX, &incident->explanation);
	xstrset(&incident->confidence, confidence_names[diagnosis->confidence]);
	xstrset(&incident->playbook, diagnosis->playbook->name);
	free(incident->finding);
	incident->finding = xasprintf("%s.%s", diagnosis->playbook->name, cause->name);
	write_code(incident);
	write_claims(&view, &cause->pros, &incident->pros);
	write_claims(&view, &cause->cons, &incident->cons);
	write_remedy(&view, &cause->remedy, &incident->remedy);
	write_facts(&view, &incident->facts);
	playbook_view_fini(&view);
}
