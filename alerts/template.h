/*
 * JSON as the user wants it: a YAML map or list whose texts may hold {{placeholders}}.
 *
 *	"{{title}} on {{incident.host | upper}}"     a text with values in it
 *	"{{incident.values}}"                        a placeholder alone: the JSON value itself
 *	"{{incident.runbook_url | default('none')}}"
 *
 * Values are put into the tree, never into JSON's text, so none of them can break out.  Everything
 * is checked when the settings are: a name that does not exist is an error with its place.
 */
#ifndef ALERTS_TEMPLATE_H
#define ALERTS_TEMPLATE_H

#include <jansson.h>

#include "base/err.h"
#include "conf/tree.h"

#define TEMPLATE_VALUES_MAX 1000 /* aliases followed */

/* Dotted names that data may have; "*" stands for any key, "#" for a number of a list. */
struct template_names {
	const char *const *all;
	size_t count;
};

struct template;

/* NULL when something was complained about. */
struct template *template_new(const struct conf_node *node, const struct template_names *names,
	struct complaints *complaints);
void template_free(struct template *template);
/* A new reference.  What data lacks is null, or "" inside of a text. */
json_t *template_render(const struct template *template, const json_t *data);

/* --- one text of it: template_text.c --- */

struct template_text;

/* Texts without a placeholder, too.  NULL and the words in `e` when it cannot be read. */
struct template_text *template_text_new(
	const char *text, const struct template_names *names, struct err *e);
void template_text_free(struct template_text *text);
json_t *template_text_render(const struct template_text *text, const json_t *data);

#endif
