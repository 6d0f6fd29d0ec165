/* A backup that somebody asked for: made off the loop, one at a time, given up when we stop. */
#include <stdlib.h>

#include "app_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/offload.h"
#include "store/backup.h"

struct app_backup {
	struct app *app;
	struct backup *backup;
	struct offload_job *job;
	void (*done)(void *arg, const struct backup *backup);
	void *arg;
};

static void
drop(void *arg)
{
	struct app_backup *ours = arg;

	backup_free(ours->backup);
	free(ours);
}

static void
work(void *arg)
{
	backup_make(((struct app_backup *)arg)->backup);
}

static void
on_made(void *arg)
{
	struct app_backup *ours = arg;
	const struct backup *backup = ours->backup;

	ours->app->backup = NULL;
	if (backup->is_made)
		log_info("store: a backup was made in %s", backup->folder);
	else
		log_error("store: no backup was made: %s", backup->why.text);
	ours->done(ours->arg, backup);
	drop(ours);
}

int
app_start_backup(void *arg, void (*done)(void *arg2, const struct backup *backup), void *arg2)
{
	struct app *app = arg;
	struct app_backup *ours;

	if (app->backup != NULL)
		return -1;
	ours = app->backup = xcalloc(1, sizeof(*ours));
	ours->app = app;
	ours->backup = backup_new(app->settings->daemon.state_dir);
	ours->done = done;
	ours->arg = arg2;
	ours->job = offload_start(app->env.offload, work, on_made, ours);
	return 0;
}

void
app_cancel_backup(struct app *app)
{
	struct app_backup *ours = app->backup;
	struct backup none = { .is_made = false }; /* theirs is the thread's until it ends */

	if (ours == NULL)
		return;
	app->backup = NULL;
	err_set(&none.why, 0, "triaged is stopping");
	ours->done(ours->arg, &none);
	atomic_store(&ours->backup->is_cancelled, true);
	offload_cancel(ours->job, drop);
}
