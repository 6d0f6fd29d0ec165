/* Lending the kept connection: see mysql_loan.h. */
#include "probes/mysql_loan.h"

#include "probes/mysql_run.h"

void
mysql_lender_init(struct mysql_lender *lender)
{
	list_init(&lender->queue);
}

/* One that nobody waits for the answer of may still be speaking: it is of no use now. */
static struct mysql_client *
take(struct mysql_lender *lender)
{
	struct mysql_client *client = lender->client;

	if (client == NULL || !mysql_client_is_idle(client))
		return NULL;
	lender->client = NULL;
	return client;
}

void
mysql_lender_serve(struct mysql_lender *lender)
{
	while (!lender->is_running && lender->borrower == NULL && !list_is_empty(&lender->queue)) {
		struct mysql_loan *loan = LIST_ENTRY(lender->queue.next, struct mysql_loan, link);
		struct mysql_client *client = take(lender);

		list_remove(&loan->link);
		if (client != NULL)
			lender->borrower = loan;
		else
			loan->lender = NULL;
		loan->on_lent(loan->arg, client);
	}
}

void
mysql_loan_begin(struct mysql_loan *loan, struct probe_watch *watch)
{
	struct mysql_kept *kept = probe_watch_state(watch);

	loan->lender = &kept->lender;
	list_append(&kept->lender.queue, &loan->link);
	mysql_lender_serve(&kept->lender);
}

static void
give_back(struct mysql_lender *lender, struct mysql_client *client)
{
	void *waiting = lender->waiting;

	lender->borrower = NULL;
	if (client != NULL) {
		mysql_client_bind(client, NULL, NULL);
		if (lender->client == NULL)
			lender->client = client;
		else
			mysql_client_close(client);
	}
	lender->waiting = NULL;
	if (waiting != NULL)
		lender->resume(waiting);
	else
		mysql_lender_serve(lender);
}

void
mysql_loan_end(struct mysql_loan *loan, struct mysql_client *client)
{
	struct mysql_lender *lender = loan->lender;

	loan->lender = NULL;
	if (lender == NULL)
		return;
	if (lender->borrower == loan)
		give_back(lender, client);
	else
		list_remove(&loan->link);
}
