/* The book of incidents.  Owns every entry in it; promises that the two lists stay in order. */
#include "triage/book.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/family.h"

#define PREFIX_MIN 4

static usec_t
time_of(const struct entry *entry)
{
	return entry->incident.status == INCIDENT_RESOLVED ? entry->incident.resolved_us
							   : entry->incident.detected_us;
}

/* Nearly always at the end: only a restore brings them out of order. */
static void
insert(struct entry_list *list, struct entry *entry)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 8;
		list->all = xreallocarray(list->all, list->room, sizeof(*list->all));
	}
	size_t at = list->count++;
	for (; at > 0 && time_of(list->all[at - 1]) > time_of(entry); at--)
		list->all[at] = list->all[at - 1];
	list->all[at] = entry;
}

static void
take_out(struct entry_list *list, const struct entry *entry)
{
	bool is_first = list->count > 0 && list->all[0] == entry; /* the oldest are forgotten */
	for (size_t n = is_first ? 1 : list->count; n-- > 0;) {
		if (list->all[n] != entry)
			continue;
		list->count--;
		memmove(&list->all[n], &list->all[n + 1], (list->count - n) * sizeof(*list->all));
		return;
	}
}

void
book_init(struct book *book)
{
	memset(book, 0, sizeof(*book));
	book->by_id = map_new();
	book->by_check = map_new();
}

static void
free_shelf(void *shelf)
{
	struct entry_list *list = shelf;
	free(list->all);
	free(list);
}

static void
free_entry(void *entry)
{
	book_free_entry(entry);
}

void
book_fini(struct book *book)
{
	free(book->open.all);
	free(book->resolved.all);
	map_free(book->by_check, free_shelf);
	map_free(book->by_id, free_entry);
}

struct entry *
book_new_entry(void)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));
	incident_init(&entry->incident);
	list_init(&entry->firings);
	return entry;
}

void
book_free_entry(struct entry *entry)
{
	incident_fini(&entry->incident);
	free(entry->loud);
	free(entry);
}

static void
put_on_shelf(struct book *book, struct entry *entry)
{
	struct entry_list *shelf = map_get(book->by_check, entry->incident.check);
	if (!shelf) {
		shelf = xcalloc(1, sizeof(*shelf));
		map_put(book->by_check, entry->incident.check, shelf);
	}
	insert(shelf, entry);
}

static void
take_off_shelf(struct book *book, const struct entry *entry)
{
	struct entry_list *shelf = map_get(book->by_check, entry->incident.check);
	take_out(shelf, entry);
	if (shelf->count > 0)
		return;
	map_remove(book->by_check, entry->incident.check);
	free_shelf(shelf);
}

void
book_add(struct book *book, struct entry *entry)
{
	const struct incident *i = &entry->incident;
	put_on_shelf(book, entry);
	insert(i->status == INCIDENT_RESOLVED ? &book->resolved : &book->open, entry);
	map_put(book->by_id, i->id, entry);
}

void
book_rename(struct book *book, struct entry *entry, const char *check)
{
	take_off_shelf(book, entry);
	xstrset(&entry->incident.check, check);
	put_on_shelf(book, entry);
}

void
book_resolve(struct book *book, struct entry *entry)
{
	take_out(&book->open, entry);
	insert(&book->resolved, entry);
}

void
book_reopen(struct book *book, struct entry *entry)
{
	take_out(&book->resolved, entry);
	insert(&book->open, entry);
}

void
book_forget(struct book *book, struct entry *entry)
{
	take_off_shelf(book, entry);
	take_out(&book->resolved, entry);
	map_remove(book->by_id, entry->incident.id);
	book_free_entry(entry);
}

struct entry *
book_next_open(const struct book *book, const char *check, size_t *at)
{
	const struct entry_list *shelf = map_get(book->by_check, check);
	while (shelf && *at < shelf->count) {
		struct entry *entry = shelf->all[(*at)++];
		if (entry->incident.status != INCIDENT_RESOLVED)
			return entry;
	}
	return NULL;
}

bool
book_is_kin(const struct book *book, const char *rule, const char *other)
{
	return str_eq(family_of(book->playbooks, rule), family_of(book->playbooks, other));
}

struct entry *
book_find_open(const struct book *book, const char *check, const char *rule)
{
	struct entry *found = NULL, *entry;
	size_t at = 0;
	while ((entry = book_next_open(book, check, &at))) {
		if (str_eq(entry->incident.rule, RULE_DOWN))
			return entry;
		if (book_is_kin(book, entry->incident.rule, rule))
			found = entry;
	}
	return found;
}

struct entry *
book_find_resolved(const struct book *book, const char *check, const char *rule, usec_t since_us)
{
	const struct entry_list *shelf = map_get(book->by_check, check);
	struct entry *found = NULL;
	for (size_t n = 0; shelf && n < shelf->count; n++) {
		struct entry *entry = shelf->all[n];
		const struct incident *i = &entry->incident;
		if (i->status == INCIDENT_RESOLVED && !i->merged_into &&
			entry->ended_us >= since_us && book_is_kin(book, i->rule, rule) &&
			(!found || entry->ended_us > found->ended_us))
			found = entry;
	}
	return found;
}

struct entry *
book_find_id(const struct book *book, const char *prefix)
{
	struct entry *found = map_get(book->by_id, prefix);
	size_t at = 0;
	const char *id;
	void *entry;
	if (found || strlen(prefix) < PREFIX_MIN)
		return found;
	while (map_next(book->by_id, &at, &id, &entry)) {
		if (!str_starts(id, prefix))
			continue;
		if (found)
			return NULL;
		found = entry;
	}
	return found;
}

struct entry *
book_at(const struct book *book, size_t n)
{
	if (n < book->open.count)
		return book->open.all[book->open.count - 1 - n];
	n -= book->open.count;
	return n < book->resolved.count ? book->resolved.all[book->resolved.count - 1 - n] : NULL;
}
