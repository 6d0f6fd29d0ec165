/*
 * A test notice: type `test`, one try, the verdict to whoever asked.  It is neither kept nor
 * retried and leaves the receiver's own record alone.
 */
#include "deliver/trial.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define TRIALS_MAX 8 /* on their way at once */

struct trial {
	struct list in_deliver;
	struct deliver *deliver;
	struct notice notice;
	struct send_run *run;
	deliver_tested_fn done;
	void *arg;
};

static void
free_trial(struct trial *trial)
{
	list_remove(&trial->in_deliver);
	trial->deliver->trial_count--;
	send_run_abort(trial->run);
	notice_fini(&trial->notice);
	free(trial);
}

static void
on_sent(void *arg, const struct send_outcome *outcome)
{
	struct trial *trial = arg;
	deliver_tested_fn done = trial->done;
	void *done_arg = trial->arg;

	trial->run = NULL;
	free_trial(trial);
	done(done_arg, outcome->result == SEND_OK, outcome->text, outcome->transcript);
}

static void
compose(struct notice *notice, const struct deliver *deliver, const struct outlet *outlet)
{
	usec_t now = loop_wall(deliver->loop);
	struct incident *incident = &notice->incident;

	notice_make_id(notice->id);
	notice->type = xstrdup("test");
	notice->reason = xstrdup("test");
	notice->at_us = now;
	notice->severity = SEVERITY_INFO;
	incident_init(incident);
	memset(incident->id, '0', INCIDENT_ID_LEN);
	incident->severity = SEVERITY_INFO;
	xstrset(&incident->host, deliver->daemon_name);
	xstrset(&incident->title, "test message");
	xstrset(&incident->summary,
		"somebody asked triaged to test this receiver; nothing is wrong");
	xstrset(&incident->check, outlet->name);
	xstrset(&incident->type, outlet->type->name);
	incident->started_us = incident->detected_us = now;
}

int
deliver_test(struct deliver *deliver, const char *receiver, deliver_tested_fn done, void *arg)
{
	const struct outlet *outlet = deliver_outlet(deliver, receiver);
	struct trial *trial;
	struct send_job job;

	if (outlet == NULL || outlet->type == NULL || deliver->is_draining ||
		deliver->trial_count >= TRIALS_MAX)
		return -1;
	trial = xcalloc(1, sizeof(*trial));
	trial->deliver = deliver;
	trial->done = done;
	trial->arg = arg;
	compose(&trial->notice, deliver, outlet);
	list_append(&deliver->trials, &trial->in_deliver);
	deliver->trial_count++;
	job = (struct send_job){
		.type = outlet->type,
		.conf = outlet->conf,
		.notice = &trial->notice,
		.env = deliver->options.env,
		.daemon_name = deliver->daemon_name,
		.language = deliver->language,
		.is_shown = true,
	};
	trial->run = send_run_start(&job, on_sent, trial);
	return 0;
}

void
trials_cancel(struct deliver *deliver, const char *why)
{
	LIST_EACH_SAFE(it, &deliver->trials)
	{
		struct trial *trial = LIST_ENTRY(it, struct trial, in_deliver);
		deliver_tested_fn done = trial->done;
		void *arg = trial->arg;

		free_trial(trial);
		done(arg, false, why, "");
	}
}
