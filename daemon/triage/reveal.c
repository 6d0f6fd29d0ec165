/*
 * What checks reveal themselves: the thing that facts tie a symptom to, where it is watched, and
 * which incidents share a place.  A tie makes a root only when a playbook's facts say so; otherwise
 * incidents that share a place are told to be related.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"

#define RELATED_LOOK 200 /* open incidents compared, the newest */
#define RELATED_MAX  16

static const struct {
	const char *type, *rule;
} root_rules[] = {
	{ "disk", "disk-space" },
	{ "memory", "memory-high" },
	{ "cpu", "cpu-high" },
	{ "clock", "clock-off" },
};

static const char *
rule_for(const char *type)
{
	for (size_t n = 0; n < sizeof(root_rules) / sizeof(root_rules[0]); n++)
		if (str_eq(root_rules[n].type, type))
			return root_rules[n].rule;
	return RULE_DOWN;
}

static bool
is_same_unit(const char *a, const char *b)
{
	size_t len = a && b ? strcspn(b, ".") : 0;
	if (!a || !b)
		return false;
	return str_eq(a, b) || (strcspn(a, ".") == len && strncmp(a, b, len) == 0);
}

static bool
is_below(const char *path, const char *folder)
{
	size_t len = folder ? strlen(folder) : 0;
	if (!path || len == 0)
		return false;
	if (len == 1 && *folder == '/')
		return *path == '/';
	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* 0: it is not about that; the higher, the nearer. */
static unsigned
nearness(const struct triage *t, const struct node *node, const char *of)
{
	const struct subject *s = graph_subject(t, node);
	if (!*of)
		return node->child_count ? 1 : 2;
	if (str_eq(node->spec->instance, of))
		return 4;
	if (!s)
		return 0;
	if (str_eq(s->path, of) || is_same_unit(s->unit, of) || str_eq(s->container, of))
		return 3;
	if (str_eq(node->spec->type, "disk") && !node->child_count && is_below(s->path, of))
		return 2;
	return str_eq(s->process, of) || str_eq(s->host, of) ? 2 : 0;
}

static struct node *
find_watched(const struct triage *t, const struct node *victim, const char *type, const char *of)
{
	struct node *best = NULL;
	unsigned near = 0;
	size_t at = 0;
	const char *name;
	void *value;
	while (map_next(t->graph.nodes, &at, &name, &value)) {
		struct node *node = value;
		unsigned this = node != victim && str_eq(node->spec->type, type)
					? nearness(t, node, of)
					: 0;
		if (this > near || (this == near && near && strcmp(node->name, best->name) < 0)) {
			best = node;
			near = this;
		}
	}
	return best;
}

static void
find_tie(struct triage *t, const struct place *place)
{
	struct node *node = place->node;
	struct diagnosis diagnosis;
	node->tie = NULL;
	node->tie_version = node->facts_version;
	node->tie_edition = t->graph.edition;
	if (node->facts_version == 0 || !judge_place(t, place, &diagnosis) || !diagnosis.root_type)
		return;
	node->tie = find_watched(t, node, diagnosis.root_type, diagnosis.root_of);
	if (!node->tie)
		return;
	node->tie->is_tie = true;
	chase_run(t, node->tie);
}

/* The alert of that thing that speaks of the same, if one fires; else the worst that does: a kill
 * for want of memory, where most of the memory is free. */
static const struct firing *
kin_alert(const struct triage *t, const struct node *node, const char *rule)
{
	const struct firing *worst = NULL;
	LIST_EACH(it, &node->firings)
	{
		const struct firing *f = LIST_ENTRY(it, struct firing, sibling);
		if (book_is_kin(&t->book, f->event.rule, rule))
			return f;
		if (!worst || f->event.severity > worst->event.severity)
			worst = f;
	}
	return worst;
}

bool
reveal_is_due(const struct triage *t, const struct node *node)
{
	return node->spec && node->asked_count > 0 &&
	       (node->tie_version != node->facts_version || node->tie_edition != t->graph.edition);
}

bool
reveal_root(struct triage *t, struct place *place)
{
	struct node *node = place->node;
	if (!node || !node->spec || node->asked_count == 0)
		return false;
	if (reveal_is_due(t, node))
		find_tie(t, place);
	struct node *root = node->tie;
	if (!root)
		return false;
	*place = (struct place){
		.node = root,
		.check = root->name,
		.type = root->spec->type,
		.target = root->spec->target,
		.rule = rule_for(root->spec->type),
	};
	place->firing = kin_alert(t, root, place->rule);
	if (place->firing)
		place->rule = place->firing->event.rule;
	return true;
}

void
reveal_prepare(struct triage *t, struct node *node)
{
	struct place place = {
		.node = node,
		.check = node->name,
		.type = node->spec->type,
		.target = node->spec->target,
		.rule = RULE_DOWN,
	};
	if (!node->fail_us || !reveal_root(t, &place))
		return;
	const struct symptom symptom = judge_symptom(&place);
	asked_want(t, place.node, &symptom);
}

/* --- what shares a place --- */

static bool
lives_on(const struct subject *s, const struct node *disk, const struct subject *d)
{
	const char *mount = disk->spec->instance ? disk->spec->instance : d ? d->path : NULL;
	return str_eq(disk->spec->type, "disk") && mount &&
	       (is_below(s->data_dir, mount) || (s->is_local && is_below(s->path, mount)));
}

static const char *
shared(const struct triage *t, const struct node *a, const struct subject *s, const struct node *b)
{
	const struct subject *o = graph_subject(t, b);
	if (!o)
		return NULL;
	const char *sa = s->address ? s->address : s->host, *oa = o->address ? o->address : o->host;
	if (s->port && s->port == o->port && sa && str_eq(sa, oa))
		return "the same address";
	if (s->unit && is_same_unit(s->unit, o->unit))
		return "the same unit";
	if (s->container && str_eq(s->container, o->container))
		return "the same container";
	if (s->data_dir && str_eq(s->data_dir, o->data_dir))
		return "the same data";
	if (lives_on(s, b, o) || lives_on(o, a, s))
		return "the file system it lives on";
	if ((str_eq(b->spec->type, "memory") && s->is_local && !s->is_host) ||
		(str_eq(a->spec->type, "memory") && o->is_local && !o->is_host))
		return "the memory of the host it runs on";
	return NULL;
}

static bool
has_related(const struct incident *i, const char *id)
{
	for (size_t n = 0; n < i->related.count; n++)
		if (str_eq(i->related.all[n].name, id))
			return true;
	return false;
}

static void
add_related(const struct triage *t, struct entry *to, const struct entry *other, const char *why)
{
	if (to->incident.related.count >= RELATED_MAX ||
		has_related(&to->incident, other->incident.id))
		return;
	incident_add_text(&to->incident.related, other->incident.id, why, t->at.wall_us);
	to->is_dirty = true;
}

void
reveal_link(struct triage *t, struct entry *a, struct entry *b, const char *why)
{
	char text[400];
	if (a == b)
		return;
	snprintf(text, sizeof(text), "%s: %s", b->incident.check, why);
	add_related(t, a, b, text);
	snprintf(text, sizeof(text), "%s: %s", a->incident.check, why);
	add_related(t, b, a, text);
}

void
reveal_related(struct triage *t, struct entry *entry)
{
	const struct node *node = graph_find(&t->graph, entry->incident.check);
	const struct subject *subject = graph_subject(t, node);
	size_t looked = 0;
	if (!subject)
		return;
	for (size_t n = t->book.open.count;
		n-- > 0 && looked < RELATED_LOOK && entry->incident.related.count < RELATED_MAX;
		looked++) {
		struct entry *other = t->book.open.all[n];
		const struct node *b = graph_find(&t->graph, other->incident.check);
		const char *why =
			other != entry && b && b->spec ? shared(t, node, subject, b) : NULL;
		if (why)
			reveal_link(t, entry, other, why);
	}
}
