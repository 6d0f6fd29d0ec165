/* The `maintenance:` list: planned work, during which nobody is told. */
#include "deliver/maintenance.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/load.h"

/* What fits no check is a slip of the pen; the check may also come later. */
static void
check_names(const struct load *l, const struct conf_node *entry, const struct maintenance_spec *m)
{
	for (size_t i = 0; !l->has_unknown_checks && i < m->match.check.count; i++) {
		const char *name = m->match.check.all[i];
		struct conf_pos pos = conf_pos_of(entry, "checks");

		if (!check_is_known(l, name))
			complain_warn(l->complaints, &pos,
				"checks: there is no check \"%s\" here%s", name,
				strpbrk(name, "*?[") == NULL ? "" : ", nothing fits that pattern");
	}
}

static void
load_entry(struct load *l, const struct conf_node *entry, struct maintenance_spec *m)
{
	unsigned before = complaints_errors(l->complaints);
	struct conf_part part = { maintenance_fields, m };

	if (entry->kind != CONF_MAP) {
		complain(l->complaints, &entry->pos, "maintenance must be a map, not %s",
			conf_kind_name(entry));
		return;
	}
	conf_fill(&part, 1, entry, "maintenance", NULL, l->complaints);
	if (complaints_errors(l->complaints) > before)
		return;
	maintenance_check(m, entry, l->complaints);
	check_names(l, entry, m);
}

void
maintenance_load(struct load *l)
{
	struct settings *s = l->settings;
	const struct conf_node *list = conf_get(l->root, "maintenance");

	if (conf_is_absent(list) || list->is_broken)
		return;
	if (list->kind != CONF_LIST) {
		complain(l->complaints, &list->pos, "maintenance: must be a list, not %s",
			conf_kind_name(list));
		return;
	}
	s->maintenance = xcalloc(list->count + 1, sizeof(struct maintenance_spec *));
	for (size_t i = 0; i < list->count; i++) {
		struct maintenance_spec *m = xcalloc(1, sizeof(*m));

		s->maintenance[s->maintenance_count++] = m;
		load_entry(l, list->items[i], m);
	}
}

void
maintenance_free(struct maintenance_spec **specs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		maintenance_release(specs[i]);
		free(specs[i]);
	}
	free(specs);
}
