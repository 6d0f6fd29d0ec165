/* Asks for a run and looks until it is over; a run that was on its way already will do. */
#include "cli/remote.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"

#define LOOK_MS  100
#define EXTRA_US (10 * USEC_PER_SEC) /* beyond the check's own timeout */

static bool
is_over(const json_t *check, size_t runs_before)
{
	return !json_is_true(json_object_get(check, "running")) &&
	       answer_count(check, "runs") > runs_before;
}

static json_t *
wait_for(struct client *client, const char *path, size_t runs_before, struct err *e)
{
	struct clock clock;
	usec_t deadline = 0;

	clock_init_real(&clock);
	for (;;) {
		json_t *check = client_get(client, path, e);
		double timeout;

		if (check == NULL || is_over(check, runs_before))
			return check;
		timeout = answer_number(check, "timeout");
		if (deadline == 0 && timeout >= 0 && timeout < 86400)
			deadline = clock_mono(&clock) + (usec_t)(timeout * 1e6) + EXTRA_US;
		json_decref(check);
		if (clock_mono(&clock) >= deadline) {
			err_set(e, 0, "the run did not end in time");
			return NULL;
		}
		poll(NULL, 0, LOOK_MS);
	}
}

json_t *
remote_run(struct client *client, const char *name, struct err *e)
{
	char *path = client_path("/api/v1/checks/", name, "");
	char *run_path = xasprintf("%s/run", path);
	json_t *check = NULL, *started = client_post(client, run_path, e);

	if (started != NULL)
		check = wait_for(client, path, answer_count(started, "runs"), e);
	else if (e->code == 409)
		check = wait_for(client, path, 0, e);
	json_decref(started);
	free(run_path);
	free(path);
	return check;
}
