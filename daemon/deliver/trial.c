/*
 * A test notice: type `test`, one try, the verdict to whoever asked.  It is neither kept nor
 * retried, and counts nothing; but when it is taken, what waits for that receiver goes at once.
 */
#include "deliver/trial.h"

#include <stdio.h>
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

/* What would become of a notice that is no test. */
static const char *const fates[] = {
	[SEND_OK] = "",
	[SEND_LATER] = " (an alert would be tried again)",
	[SEND_NEVER] = " (an alert would be given up)",
	[SEND_DISABLE] = " (nothing more would be sent until the settings change)",
};

/* Whoever has just mended the other side need not wait for the next try. */
static void
let_go(struct deliver *deliver, const char *receiver)
{
	struct outlet *outlet = deliver_outlet(deliver, receiver);

	if (outlet == NULL || outlet->type == NULL)
		return;
	outlet_proven(outlet);
	deliver_settle(deliver);
}

static void
on_sent(void *arg, const struct send_outcome *outcome)
{
	struct trial *trial = arg;
	struct deliver *deliver = trial->deliver;
	char *receiver = xstrdup(trial->notice.incident.check);
	deliver_tested_fn done = trial->done;
	void *done_arg = trial->arg;
	char *text = xasprintf("%s%s", outcome->text, fates[outcome->result]);

	trial->run = NULL;
	free_trial(trial);
	if (outcome->result == SEND_OK)
		let_go(deliver, receiver);
	free(receiver);
	done(done_arg, outcome->result == SEND_OK, text, outcome->transcript);
	free(text);
}

/* Who wants to know whether it works. */
enum asker { ASKED_BY_HAND, ASKED_BY_CLOCK };

static const struct {
	const char *title, *summary;
} words[][2] = {
	[ASKED_BY_HAND] = {
		[LANG_EN] = { "test message",
			"somebody asked triaged to test this receiver; nothing is wrong" },
		[LANG_ZH] = { "测试消息", "有人要求 triaged 测试此接收方；一切正常" },
	},
	[ASKED_BY_CLOCK] = {
		[LANG_EN] = { "daily test message",
			"the way to this receiver works; nothing is wrong" },
		[LANG_ZH] = { "每日测试消息", "到此接收方的通道正常；一切正常" },
	},
};

static void
compose(struct notice *notice, const struct deliver *deliver, const struct outlet *outlet,
	enum asker asker)
{
	usec_t now = loop_wall(deliver->loop);
	struct incident *incident = &notice->incident;

	notice_make_id(notice->id);
	notice->type = xstrdup(NOTICE_TEST);
	notice->reason = xstrdup("test");
	notice->at_us = now;
	notice->severity = SEVERITY_INFO;
	incident_init(incident);
	memset(incident->id, '0', INCIDENT_ID_LEN);
	incident->severity = SEVERITY_INFO;
	xstrset(&incident->host, deliver->daemon_name);
	xstrset(&incident->title, words[asker][deliver->language].title);
	xstrset(&incident->summary, words[asker][deliver->language].summary);
	xstrset(&incident->check, outlet->name);
	xstrset(&incident->type, outlet->type->name);
	xstrset(&incident->rule, NOTICE_TEST);
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
	compose(&trial->notice, deliver, outlet, ASKED_BY_HAND);
	list_append(&deliver->trials, &trial->in_deliver);
	deliver->trial_count++;
	job = (struct send_job){
		.type = outlet->type,
		.conf = outlet->conf,
		.notice = &trial->notice,
		.env = deliver->options.env,
		.daemon_name = deliver->daemon_name,
		.receiver = outlet->name,
		.language = deliver->language,
		.is_shown = true,
	};
	trial->run = send_run_start(&job, on_sent, trial);
	return 0;
}

/* The day stands for the incident, so that each test has a lane of its own. */
bool
deliver_test_queued(struct deliver *deliver, const char *receiver, usec_t at_us)
{
	struct outlet *outlet = deliver_outlet(deliver, receiver);
	struct notice notice = { .sequence = 0 };
	char id[INCIDENT_ID_LEN + 1];
	struct civil day;
	struct lane *lane;

	if (outlet == NULL || outlet->type == NULL)
		return true;
	civil_from_seconds(at_us / USEC_PER_SEC, &day);
	snprintf(id, sizeof(id), "0000%04u%02u%02u", (unsigned)day.year % 10000,
		(unsigned)day.month % 100, (unsigned)day.day % 100);
	lane = outbox_lane(&outlet->box, id);
	if (lane_first(lane) != NULL)
		return false;
	compose(&notice, deliver, outlet, ASKED_BY_CLOCK);
	memcpy(notice.incident.id, id, sizeof(id));
	outlet_write(outlet, lane, &notice, 0);
	deliver_settle(deliver);
	return true;
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
