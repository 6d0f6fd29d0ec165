/*
 * Receivers that forget: every so often they are told again of all that they were told of and that
 * goes on, and for a while of what ended.  The words are those that the receiver took last; they
 * are kept in the ledger, so a restart changes nothing.
 *
 * A round sends them in runs of BATCH.  A failed run is logged and counted; the next round will
 * tell.  Lanes of a round wait with their letters until their run is over, so that old news never
 * overtakes new ones; other incidents go at once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"

#define BATCH 500
#define FIRST_US                                                                                   \
	(5 * USEC_PER_SEC) /* after the start: what was restored may be forgotten there            \
			    */

static usec_t
period(const struct outlet *outlet)
{
	return outlet->type == NULL ? 0 : receiver_refresh(outlet->type, outlet->conf);
}

static void
forget_words(struct lane *lane)
{
	if (lane->last == NULL)
		return;
	notice_fini(lane->last);
	free(lane->last);
	lane->last = NULL;
}

void
refresh_learn(struct outlet *outlet, struct lane *lane, const struct letter *letter)
{
	forget_words(lane); /* old ones would be told if the receiver is one that forgets again */
	if (period(outlet) == 0 || letter->lane->is_digest)
		return;
	lane->last = xmalloc(sizeof(*lane->last));
	notice_copy(lane->last, letter->notice);
}

/* What ended is told for a while; an end that nobody wanted to hear ends this, too. */
static bool
is_due(const struct outlet *outlet, struct lane *lane)
{
	usec_t now = loop_now(outlet->deliver->loop);
	const struct letter *first = lane_first(lane);

	if (lane->last == NULL || lane->digest != NULL || (first != NULL && first->run != NULL))
		return false;
	if (lane->is_told && !lane->is_ended)
		return true;
	if (!lane->last->is_resolved)
		return false;
	if (now - lane->repeat_from_us <= outlet->type->linger_us)
		return true;
	forget_words(lane);
	return false;
}

static void
gather(struct outlet *outlet)
{
	struct refresh *refresh = &outlet->refresh;
	size_t at = 0, room = map_count(outlet->box.lanes) + 1;
	const char *id;
	void *value;

	refresh->lanes = xcalloc(room, sizeof(struct lane *));
	refresh->notices = xcalloc(room, sizeof(struct notice *));
	while (map_next(outlet->box.lanes, &at, &id, &value)) {
		struct lane *lane = value;

		if (!is_due(outlet, lane))
			continue;
		refresh->lanes[refresh->count] = lane;
		refresh->notices[refresh->count++] = lane->last;
		lane->is_refreshing = true;
		outbox_place(&outlet->box, lane);
	}
}

static void
release(struct outlet *outlet, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++) {
		struct lane *lane = outlet->refresh.lanes[i];

		lane->is_refreshing = false;
		outbox_place(&outlet->box, lane);
	}
}

static void
end_round(struct outlet *outlet)
{
	struct refresh *refresh = &outlet->refresh;

	release(outlet, refresh->at, refresh->count - refresh->at);
	free(refresh->lanes);
	free(refresh->notices);
	refresh->lanes = NULL;
	refresh->notices = NULL;
	refresh->count = refresh->at = refresh->sent = 0;
	if (period(outlet) > 0)
		timer_after(&refresh->timer, period(outlet));
}

static void send_next(struct outlet *outlet);

static void
count_outcome(struct outlet *outlet, const struct send_outcome *outcome)
{
	struct refresh *refresh = &outlet->refresh;

	if (outcome->result == SEND_OK) {
		if (refresh->is_failing)
			log_notice("receiver %s: is told again of what goes on", outlet->name);
		refresh->is_failing = false;
		return;
	}
	log_write(refresh->is_failing ? LOG_DEBUG : LOG_WARN,
		"receiver %s: cannot be told again of what goes on: %s", outlet->name,
		outcome->text);
	refresh->is_failing = true;
	outlet->failed++;
	outlet->failed_by[outcome->class]++;
	str_copy(outlet->last_error, sizeof(outlet->last_error), outcome->text);
}

static void
on_refreshed(void *arg, const struct send_outcome *outcome)
{
	struct outlet *outlet = arg;
	struct refresh *refresh = &outlet->refresh;

	refresh->run = NULL;
	count_outcome(outlet, outcome);
	release(outlet, refresh->at, refresh->sent);
	refresh->at += refresh->sent;
	if (outcome->result == SEND_OK)
		send_next(outlet);
	else
		end_round(outlet);
	outlet_pump(outlet);
	deliver_settle(outlet->deliver);
}

static void
send_next(struct outlet *outlet)
{
	struct deliver *deliver = outlet->deliver;
	struct refresh *refresh = &outlet->refresh;
	size_t left = refresh->count - refresh->at;

	if (left == 0 || !outlet_may_send(outlet)) {
		end_round(outlet);
		return;
	}
	refresh->sent = left > BATCH ? BATCH : left;
	const struct send_job job = {
		.type = outlet->type,
		.conf = outlet->conf,
		.notice = refresh->notices[refresh->at],
		.refresh = refresh->notices + refresh->at,
		.refresh_count = refresh->sent,
		.env = deliver->options.env,
		.daemon_name = deliver->daemon_name,
		.receiver = outlet->name,
		.language = deliver->language,
	};
	refresh->run = send_run_start(&job, on_refreshed, outlet);
}

/* While letters find nobody there, this would not either. */
static void
on_round(void *arg)
{
	struct outlet *outlet = arg;

	if (outlet_may_send(outlet) && outlet->hold_us <= loop_now(outlet->deliver->loop))
		gather(outlet);
	send_next(outlet);
}

void
refresh_init(struct outlet *outlet)
{
	timer_init(&outlet->refresh.timer, outlet->deliver->loop, on_round, outlet);
}

void
refresh_start(struct outlet *outlet)
{
	if (period(outlet) > 0)
		timer_after(&outlet->refresh.timer, FIRST_US);
}

void
refresh_stop(struct outlet *outlet)
{
	struct refresh *refresh = &outlet->refresh;

	send_run_abort(refresh->run);
	refresh->run = NULL;
	end_round(outlet);
	timer_stop(&refresh->timer);
}
