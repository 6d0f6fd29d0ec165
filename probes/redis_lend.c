/*
 * The connection that a check keeps, lent to facts: when a server turns clients away, it is the
 * only chair that is left.  One borrower at a time has it, the others wait in a row; the check's
 * own run does without meanwhile.  Who borrows changes nothing of its state: same login, same
 * database.
 */
#include "probes/redis_run.h"

void
redis_lend_init(struct redis_watch *w)
{
	list_init(&w->borrowers);
}

static struct redis_loan *
first_of(struct redis_watch *w)
{
	return list_is_empty(&w->borrowers)
		       ? NULL
		       : LIST_ENTRY(w->borrowers.next, struct redis_loan, node);
}

/* Gives the kept connection to whoever is first; when there is none, everybody hears so. */
static void
hand_on(struct redis_watch *w)
{
	struct redis_loan *loan = first_of(w);

	if (loan == NULL || loan->link != NULL)
		return;
	if (redis_link_is_alive(w->link)) {
		loan->link = w->link;
		w->link = NULL;
		loan->fn(loan->arg, loan->link);
		return;
	}
	while ((loan = first_of(w)) != NULL) {
		list_remove(&loan->node);
		loan->watch = NULL;
		loan->fn(loan->arg, NULL);
	}
}

void
redis_lend(struct redis_watch *w, struct redis_loan *loan)
{
	loan->watch = w;
	list_append(&w->borrowers, &loan->node);
	hand_on(w);
}

void
redis_lend_end(struct redis_loan *loan)
{
	struct redis_watch *w = loan->watch;

	if (w == NULL)
		return;
	loan->watch = NULL;
	list_remove(&loan->node);
	if (loan->link != NULL) {
		redis_link_lend(loan->link, NULL, NULL);
		if (w->link == NULL && redis_link_is_alive(loan->link))
			w->link = loan->link;
		else
			redis_link_close(loan->link);
		loan->link = NULL;
	}
	hand_on(w);
}

void
redis_lend_stop(struct redis_watch *w)
{
	struct redis_loan *loan;

	while ((loan = first_of(w)) != NULL) {
		list_remove(&loan->node);
		loan->watch = NULL;
		redis_link_close(loan->link);
		loan->link = NULL;
		loan->fn(loan->arg, NULL);
	}
}
