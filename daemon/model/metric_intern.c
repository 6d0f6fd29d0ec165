/*
 * Metric tables that settings or a plugin's output name.  Each distinct one is kept for the life of
 * the process, so that samples may point at it whatever becomes of the settings; there are as many
 * as there are different lists of names, not as there are reloads.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/metric.h"

struct interned {
	struct interned *next;
	struct metric_desc rows[];
};

/* Settings are loaded on a thread; the list is short and held for no time. */
static struct {
	atomic_flag is_held;
	struct interned *first;
} known = { ATOMIC_FLAG_INIT, NULL };

static bool
is_same(const struct metric_desc *a, const struct metric_desc *b)
{
	for (; a->name != NULL && b->name != NULL; a++, b++)
		if (a->kind != b->kind || a->unit != b->unit || !str_eq(a->name, b->name) ||
			!str_eq(a->help, b->help))
			return false;
	return a->name == NULL && b->name == NULL;
}

static struct interned *
copy(const struct metric_desc *rows)
{
	size_t count = metric_count(rows);
	struct interned *entry =
		xcalloc(1, sizeof(*entry) + (count + 1) * sizeof(struct metric_desc));

	for (size_t i = 0; i < count; i++) {
		entry->rows[i] = rows[i];
		entry->rows[i].name = xstrdup(rows[i].name);
		entry->rows[i].help = xstrdup(rows[i].help != NULL ? rows[i].help : "");
	}
	return entry;
}

static void
hold(void)
{
	while (atomic_flag_test_and_set_explicit(&known.is_held, memory_order_acquire))
		;
}

static void
let_go(void)
{
	atomic_flag_clear_explicit(&known.is_held, memory_order_release);
}

bool
metric_is_interned(const struct metric_desc *rows)
{
	const struct interned *entry;

	hold();
	for (entry = known.first; entry != NULL && entry->rows != rows; entry = entry->next)
		;
	let_go();
	return entry != NULL;
}

const struct metric_desc *
metric_intern(const struct metric_desc *rows)
{
	struct interned *entry;

	hold();
	for (entry = known.first; entry != NULL; entry = entry->next)
		if (is_same(entry->rows, rows))
			break;
	if (entry == NULL) {
		entry = copy(rows);
		entry->next = known.first;
		known.first = entry;
	}
	let_go();
	return entry->rows;
}
