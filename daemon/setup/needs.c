/*
 * `needs`: every name must exist, and following them must never lead back.  Circles are found by
 * one walk over all checks that keeps its own stack: a chain may be as long as the file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/load.h"

enum mark { MARK_NEW, MARK_ON_PATH, MARK_DONE };

struct place {
	struct check_spec *spec;
	enum mark mark;
	size_t next; /* index of the need to follow next */
};

struct walk {
	const struct load *l;
	struct map *places; /* name -> struct place * */
	struct place **path;
	size_t depth;
};

/* "disks[/var]" is a child of "disks". */
static char *
base_name(const char *need)
{
	return xstrndup(need, strcspn(need, "["));
}

static struct conf_pos
need_pos(const struct load *l, const struct check_spec *spec, size_t n)
{
	const struct conf_node *check = conf_get(conf_get(l->root, "checks"), spec->name);
	const struct conf_node *needs = conf_get(check, "needs");
	if (needs != NULL && needs->kind == CONF_LIST && n < needs->count)
		return needs->items[n]->pos;
	return needs != NULL ? needs->pos : spec->pos;
}

/* --- names --- */

static const char *
nearest_check(const struct load *l, const char *word)
{
	size_t count = 0, at = 0;
	const char **names = xcalloc(map_count(l->check_names) + 1, sizeof(char *));
	const char *name;
	void *spec;
	while (map_next(l->check_names, &at, &name, &spec))
		names[count++] = name;
	const char *near = str_nearest(word, names, count);
	free(names);
	return near;
}

static bool
is_written(const struct load *l, const char *name)
{
	return map_get(l->check_names, name) != NULL ||
	       (l->has_unknown_checks && conf_get(conf_get(l->root, "checks"), name) != NULL);
}

static void
check_need(const struct load *l, const struct check_spec *spec, size_t n)
{
	const char *need = spec->common.needs.all[n];
	char *base = base_name(need);
	if (!is_written(l, base)) {
		struct conf_pos pos = need_pos(l, spec, n);
		const char *near = nearest_check(l, base);
		if (near != NULL)
			complain(l->complaints, &pos,
				"needs: there is no check \"%.64s\", did you mean \"%s\"?", need,
				near);
		else
			complain(l->complaints, &pos, "needs: there is no check \"%.64s\"", need);
	}
	free(base);
}

/* --- circles --- */

static void
complain_circle(const struct walk *w, const struct place *again)
{
	size_t from = w->depth;
	while (from > 0 && w->path[from - 1] != again)
		from--;
	const struct place *first = w->path[from - 1];
	struct conf_pos pos = need_pos(w->l, first->spec, first->next - 1);
	if (from == w->depth) {
		complain(w->l->complaints, &pos, "needs: %s needs itself", again->spec->name);
		return;
	}
	struct buf names;
	buf_init(&names, 400);
	for (size_t i = from - 1; i < w->depth && !names.is_over; i++)
		buf_addf(&names, "%s -> ", w->path[i]->spec->name);
	if (names.is_over)
		buf_reset(&names);
	complain(w->l->complaints, &pos, "needs: goes in a circle: %s%s",
		buf_left(&names) > 0 ? buf_text(&names) : "... -> ", again->spec->name);
	buf_fini(&names);
}

static void
step_into(struct walk *w, struct place *place)
{
	if (place == NULL || place->mark == MARK_DONE)
		return;
	if (place->mark == MARK_ON_PATH) {
		complain_circle(w, place);
		return;
	}
	place->mark = MARK_ON_PATH;
	w->path[w->depth++] = place;
}

static void
walk_from(struct walk *w, struct place *start)
{
	if (start->mark != MARK_NEW)
		return;
	step_into(w, start);
	while (w->depth > 0) {
		struct place *top = w->path[w->depth - 1];
		if (top->next == top->spec->common.needs.count) {
			top->mark = MARK_DONE;
			w->depth--;
			continue;
		}
		char *base = base_name(top->spec->common.needs.all[top->next++]);
		step_into(w, map_get(w->places, base));
		free(base);
	}
}

/* In the order of the file, so that what is said does not depend on a hash. */
static void
each_spec(const struct load *l, struct walk *w, void (*fn)(struct walk *w, struct check_spec *spec))
{
	const struct settings *s = l->settings;
	for (size_t i = 0; i < s->check_count; i++)
		fn(w, s->checks[i]);
	for (size_t i = 0; i < s->disabled_count; i++)
		fn(w, s->disabled[i]);
}

static void
add_place(struct walk *w, struct check_spec *spec)
{
	struct place *place = xcalloc(1, sizeof(*place));
	place->spec = spec;
	free(map_put(w->places, spec->name, place));
	for (size_t i = 0; i < spec->common.needs.count; i++)
		check_need(w->l, spec, i);
}

static void
walk_spec(struct walk *w, struct check_spec *spec)
{
	walk_from(w, map_get(w->places, spec->name));
}

void
needs_check(const struct load *l)
{
	struct walk w = { .l = l, .places = map_new() };
	w.path = xcalloc(map_count(l->check_names) + 1, sizeof(struct place *));
	each_spec(l, &w, add_place);
	each_spec(l, &w, walk_spec);
	map_free(w.places, free);
	free(w.path);
}
