/* Facts on demand, and what is known of the places that checks look at. */
#include "sched/sched.h"

int
sched_want_fact(struct sched *sched, const char *check, const char *fact)
{
	(void)sched;
	(void)check;
	(void)fact;
	return -1;
}

const struct subject *
sched_subject(const struct sched *sched, const char *check)
{
	(void)sched;
	(void)check;
	return NULL;
}
