/*
 * A check with several targets expands into children `name[instance]`, checks in every respect.
 * The parent's runs find the instances; here they are compared with the children there are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sched/private.h"

#define CHILDREN_MAX 1000

/* Everything of a child's spec that is its parent's: borrowed, renewed on reload. */
static void
borrow_from_parent(struct check_spec *spec, const struct check_spec *parent)
{
	const struct probe_type *type = parent->probe_type;
	char target[512];

	spec->type = parent->type;
	spec->common = parent->common;
	spec->probe_type = parent->probe_type;
	spec->conf = parent->conf;
	spec->pos = parent->pos;
	type->target(spec->conf, spec->instance, target, sizeof(target));
	xstrset(&spec->target, target);
}

static struct check_spec *
child_spec(const struct check_spec *parent, const char *instance)
{
	struct check_spec *spec = xcalloc(1, sizeof(*spec));

	spec->name = xasprintf("%s[%s]", parent->name, instance);
	spec->instance = xstrdup(instance);
	borrow_from_parent(spec, parent);
	return spec;
}

static struct check *
find_child(const struct check *parent, const char *instance)
{
	char *name = xasprintf("%s[%s]", parent->spec->name, instance);
	struct check *child = map_get(parent->sched->by_name, name);

	free(name);
	return child != NULL && child->parent == parent ? child : NULL;
}

static void
tell(struct sched *sched, const struct check *child, bool is_added)
{
	if (sched->options.on_child != NULL)
		sched->options.on_child(sched->options.arg, child->spec, is_added);
}

static void
add_child(struct check *parent, const char *instance)
{
	struct check_spec *spec = child_spec(parent->spec, instance);
	struct check *child;

	if (map_get(parent->sched->by_name, spec->name) != NULL ||
		parent->child_count >= CHILDREN_MAX) {
		free(spec->name);
		free(spec->instance);
		free(spec->target);
		free(spec);
		return;
	}
	child = sched_add(parent->sched, spec, parent->child_count);
	child->parent = parent;
	parent->children =
		xreallocarray(parent->children, parent->child_count + 1, sizeof(struct check *));
	parent->children[parent->child_count++] = child;
	tell(parent->sched, child, true);
}

static void
drop_child(struct check *parent, size_t at)
{
	struct check *child = parent->children[at];

	memmove(&parent->children[at], &parent->children[at + 1],
		(parent->child_count - at - 1) * sizeof(struct check *));
	parent->child_count--;
	tell(parent->sched, child, false);
	sched_remove(child);
}

void
sched_take_children(struct check *parent, const struct sample *sample)
{
	for (size_t i = 0; i < sample->child_count; i++) {
		struct check *child = find_child(parent, sample->children[i]);

		if (child != NULL)
			child->is_matched = true;
	}
	for (size_t i = parent->child_count; i-- > 0;) {
		bool is_listed = parent->children[i]->is_matched;

		parent->children[i]->is_matched = false;
		if (!is_listed)
			drop_child(parent, i);
	}
	for (size_t i = 0; i < sample->child_count; i++)
		if (find_child(parent, sample->children[i]) == NULL)
			add_child(parent, sample->children[i]);
	sched_flatten(parent->sched);
}

void
sched_drop_children(struct check *parent)
{
	while (parent->child_count > 0)
		drop_child(parent, parent->child_count - 1);
}

void
sched_renew_children(struct check *parent, bool is_changed)
{
	for (size_t i = 0; i < parent->child_count; i++) {
		struct check *child = parent->children[i];

		borrow_from_parent(check_own_spec(child), parent->spec);
		if (!is_changed) {
			probe_watch_move(child->task.watch, child->spec->conf);
			continue;
		}
		runner_abort(&child->task);
		sched_drop_facts(child);
		sched_renew_subject(child);
		runner_renew(&child->sched->runner, &child->task, child->spec, i);
		sched_renew_watch(child);
	}
}
