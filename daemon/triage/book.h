/*
 * The incidents we know, open and resolved: found by id, by check, or in the order in which people
 * read them.  Owns the entries.
 */
#ifndef TRIAGE_BOOK_H
#define TRIAGE_BOOK_H

#include "base/list.h"
#include "base/map.h"
#include "model/incident.h"

#define FLAP_OPENINGS 4

struct playbooks;

/* Times without a word are monotonic; 0: not. */
struct entry {
	struct incident incident;
	struct list firings; /* struct firing, by `link`: alerts that are its own and fire */
	usec_t opened_us, ended_us;
	usec_t openings[FLAP_OPENINGS]; /* the latest, the newest first */
	usec_t changed_us;              /* when an alert last began or ended */
	usec_t kept_us;                 /* when it was last stored */
	usec_t told_us;                 /* when it was last told of */
	usec_t news_us;                 /* new impact: to be told of by then */
	usec_t released_us;             /* its root is well since, while others still fail */
	usec_t released_wall_us;
	bool is_dirty;     /* changed since, not worth a write of its own */
	bool is_restored;  /* its times are those of another process, until they are converted */
	bool is_confirmed; /* its root was down, not just suspected */
	bool is_told;      /* people know of it */
	bool lacks_facts;  /* it was told before all of them were in */
	char *loud;        /* the summary, while a quiet one is shown; or NULL */
};

/* In order of time, the newest last. */
struct entry_list {
	struct entry **all;
	size_t count, room;
};

struct book {
	const struct playbooks *playbooks; /* borrowed: who is kin; NULL: none */
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
void book_rename(struct book *book, struct entry *entry, const char *check); /* its root */
void book_forget(struct book *book, struct entry *entry); /* a resolved one; frees it */

/* The open incident to which an alert of this rule belongs, or NULL. */
struct entry *book_find_open(const struct book *book, const char *check, const char *rule);
bool book_is_kin(const struct book *book, const char *rule, const char *other);
/* The last one of this kind that was resolved at or after `since_us` (monotonic), or NULL. */
struct entry *book_find_resolved(
	const struct book *book, const char *check, const char *rule, usec_t since_us);
/* The open incidents of a check one after the other: begin with *at = 0; NULL ends. */
struct entry *book_next_open(const struct book *book, const char *check, size_t *at);
/* By a prefix of at least 4 digits that only one id has. */
struct entry *book_find_id(const struct book *book, const char *prefix);
struct entry *book_at(const struct book *book, size_t n); /* newest first, open ones first */

#endif
