/* Filling in the words of causes.  Owns nothing; promises bounded texts whatever a target said. */
#include "triage/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define TITLE_MAX   300
#define SUMMARY_MAX 1000
#define TEXT_MAX    2000

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

/* Not every text is translated: English says it then. */
static const char *
in_language(const char *const texts[LANG_COUNT], enum language language)
{
	return texts[language] ? texts[language] : texts[LANG_EN];
}

static void
fill(char **slot, size_t size, const char *text, const struct incident *i)
{
	char out[TEXT_MAX];
	const struct cause_words words = {
		.check = i->check ? i->check : "",
		.type = i->type ? i->type : "",
		.target = i->target ? i->target : "",
		.text = i->summary ? i->summary : "",
	};
	cause_fill(out, size < sizeof(out) ? size : sizeof(out), text ? text : "", &words);
	xstrset(slot, out);
}

static void
speak_of_cause(struct incident *i, enum language language, const struct cause *cause)
{
	const char *remedy = in_language(cause->remedy, language);
	fill(&i->title, TITLE_MAX, in_language(cause->title, language), i);
	fill(&i->explanation, TEXT_MAX, in_language(cause->why, language), i);
	xstrset(&i->cause_title, i->title);
	clear_list(&i->remedy);
	if (remedy && *remedy) {
		char *text = NULL;
		fill(&text, TEXT_MAX, remedy, i);
		incident_add_text(&i->remedy, NULL, text, 0);
		free(text);
	}
}

/* Rules often begin their text with the check themselves: it is named once. */
static void
set_title(struct incident *i, const char *rule)
{
	char cut[TITLE_MAX];
	const char *text = str_skip_label(i->summary, i->check);
	if (!*text)
		text = rule;
	char *title = xasprintf("%s: %s", i->check, text);
	str_copy(cut, sizeof(cut), title);
	xstrset(&i->title, cut);
	xstrset(&i->cause_title, text);
	free(title);
}

static void
speak_of_rule(struct incident *i, const char *rule, const char *description)
{
	set_title(i, rule);
	xstrset(&i->explanation, description ? description : "");
	clear_list(&i->remedy);
}

static void
set_cause(struct incident *i, const char *rule, const struct cause *cause)
{
	free(i->cause_code);
	i->cause_code = cause ? xstrdup(cause->code) : xasprintf("rule.%s", rule);
	xstrset(&i->confidence, cause ? "certain" : "");
}

static void
set_summary(struct incident *i, const char *text)
{
	char cut[SUMMARY_MAX];
	str_copy(cut, sizeof(cut), text ? text : "");
	xstrset(&i->summary, cut);
}

static void
set_object(json_t **slot, const json_t *object)
{
	json_decref(*slot);
	*slot = json_deep_copy(object);
}

/* What was found belongs to the alert that led until now. */
static void
forget_finding(struct incident *i)
{
	xstrset(&i->playbook, NULL);
	xstrset(&i->finding, NULL);
	clear_list(&i->pros);
	clear_list(&i->cons);
}

void
words_take(struct incident *i, enum language language, const struct alert_event *event)
{
	forget_finding(i);
	set_summary(i, event->text);
	set_cause(i, event->rule, event->cause);
	if (event->target)
		xstrset(&i->target, event->target);
	if (event->cause)
		speak_of_cause(i, language, event->cause);
	else
		speak_of_rule(i, event->rule, event->description);
	if (event->cause && event->description) {
		char *why = i->explanation;
		i->explanation = xasprintf("%s %s", why, event->description);
		free(why);
	}
	xstrset(&i->runbook_url, event->runbook_url);
	set_object(&i->values, event->values);
	set_object(&i->labels, event->labels);
}

void
words_fall_back(struct incident *i, enum language language, const struct incident_alert *alert)
{
	const struct cause *cause = cause_find(alert->rule); /* our own: the rule is the cause */
	forget_finding(i);
	set_summary(i, alert->text);
	set_cause(i, alert->rule, cause);
	set_object(&i->values, NULL);
	if (cause)
		speak_of_cause(i, language, cause);
	else
		speak_of_rule(i, alert->rule, NULL);
}

void
words_translate(struct incident *i, enum language language)
{
	const struct cause *cause = i->cause_code ? cause_find(i->cause_code) : NULL;
	if (cause && !i->finding)
		speak_of_cause(i, language, cause);
}

void
words_link(struct incident *i, const char *link_prefix)
{
	free(i->url);
	i->url = link_prefix ? xasprintf("%s%s", link_prefix, i->id) : NULL;
}
