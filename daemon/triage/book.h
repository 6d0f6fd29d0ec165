/*
 * The incidents we know, open and resolved: found by id, by check, or in the order in which people
 * read them.  Owns the entries.
 */
#ifndef TRIAGE_BOOK_H
#define TRIAGE_BOOK_H

#include "base/map.h"
#include "model/incident.h"

struct entry {
	struct incident incident;
	uint64_t unconfirmed; /* bit per alert: fired before the restart, not heard of since */
	usec_t changed_us;    /* wall: when an alert last began or ended */
	usec_t kept_us;       /* wall: when it was last stored */
	bool is_dirty;        /* changed since, not worth a write of its own */
};

/* In order of time, the newest last. */
struct entry_list {
	struct entry **all;
	size_t count, room;
};

struct book {
	struct entry_list open, resolved;
	struct map *by_id;    /* struct entry */
	struct map *by_check; /* struct entry_list, unordered */
};

void book_init(struct book *book);
void book_fini(struct book *book);

struct entry *book_new_entry(void); /* not in any book; free with book_free_entry */
void book_free_entry(struct entry *entry);
void book_add(struct book *book, struct entry *entry);     /* by its status */
void book_resolve(struct book *book, struct entry *entry); /* from open to resolved */
void book_reopen(struct book *book, struct entry *entry);
void book_forget(struct book *book, struct entry *entry); /* a resolved one; frees it */

/* The open incident to which an alert of this rule belongs, or NULL. */
struct entry *book_find_open(const struct book *book, const char *check, const char *rule);
/* The last one of this kind that was resolved at or after `since_us`, or NULL. */
struct entry *book_find_resolved(
	const struct book *book, const char *check, const char *rule, usec_t since_us);
/* The open incidents of a check one after the other: begin with *at = 0; NULL ends. */
struct entry *book_next_open(const struct book *book, const char *check, size_t *at);
/* By a prefix of at least 4 digits that only one id has. */
struct entry *book_find_id(const struct book *book, const char *prefix);
struct entry *book_at(const struct book *book, size_t n); /* newest first, open ones first */

#endif
