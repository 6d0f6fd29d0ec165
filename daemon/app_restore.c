/* What was kept is given back to the rooms at a start, in an order in which each can read it. */
#include "app_private.h"

static void
restore_check(void *arg, const char *key, const json_t *doc)
{
	sched_restore(((struct app *)arg)->sched, key, doc);
}

static void
restore_alert(void *arg, const char *key, const json_t *doc)
{
	rules_restore(((struct app *)arg)->rules, key, doc);
}

static void
restore_incident(void *arg, const char *key, const json_t *doc)
{
	triage_restore(((struct app *)arg)->triage, key, doc);
}

static void
restore_outbox(void *arg, const char *key, const json_t *doc)
{
	deliver_restore(((struct app *)arg)->deliver, "outbox", key, doc);
}

static void
restore_silence(void *arg, const char *key, const json_t *doc)
{
	deliver_restore(((struct app *)arg)->deliver, "silence", key, doc);
}

static void
restore_muted(void *arg, const char *key, const json_t *doc)
{
	deliver_restore(((struct app *)arg)->deliver, "muted", key, doc);
}

static void
restore_ledger(void *arg, const char *key, const json_t *doc)
{
	deliver_restore(((struct app *)arg)->deliver, "ledger", key, doc);
}

static void
restore_trouble(void *arg, const char *key, const json_t *doc)
{
	deliver_restore(((struct app *)arg)->deliver, "trouble", key, doc);
}

static void
restore_daily(void *arg, const char *key, const json_t *doc)
{
	daily_restore(((struct app *)arg)->daily, key, doc);
}

/* The ledger comes before the outbox: a waiting notice is read in its light. */
static const struct {
	const char *kind;
	void (*fn)(void *arg, const char *key, const json_t *doc);
} memories[] = {
	{ "check", restore_check },
	{ "alert", restore_alert },
	{ "incident", restore_incident },
	{ "ledger", restore_ledger },
	{ "outbox", restore_outbox },
	{ "trouble", restore_trouble },
	{ "silence", restore_silence },
	{ "muted", restore_muted },
	{ "daily", restore_daily },
};

int
app_restore_all(struct app *app, struct err *e)
{
	for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++)
		if (store_load(app->store, memories[i].kind, memories[i].fn, app, e) == -1)
			return err_wrap(e, "cannot read the state folder");
	return 0;
}
