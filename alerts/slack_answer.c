/*
 * Slack's errors by name, with what to do about them.  A name that is not listed is permanent: the
 * service says what is temporary.
 */
#include "alerts/slack_answer.h"

#include <stdio.h>
#include <string.h>

#include "alerts/retry_after.h"
#include "base/str.h"
#include "io/loop.h"

#define NAME_SIZE 80 /* of an error; longer ones are none */

static const struct error_row {
	const char *name;
	enum send_result result;
	enum send_class why;
	const char *words;
	enum slack_fate fate;
} errors[] = {
	/* temporary */
	{ "ratelimited", SEND_LATER, SEND_CLASS_RATE, "it wants fewer messages", SLACK_STANDS },
	{ "rate_limited", SEND_LATER, SEND_CLASS_RATE, "it wants fewer messages", SLACK_STANDS },
	{ "message_limit_exceeded", SEND_LATER, SEND_CLASS_RATE,
		"the workspace has sent too many messages", SLACK_STANDS },
	{ "fatal_error", SEND_LATER, SEND_CLASS_SERVER, "Slack's own trouble", SLACK_STANDS },
	{ "internal_error", SEND_LATER, SEND_CLASS_SERVER, "Slack's own trouble", SLACK_STANDS },
	{ "rollup_error", SEND_LATER, SEND_CLASS_SERVER, "Slack's own trouble", SLACK_STANDS },
	{ "service_unavailable", SEND_LATER, SEND_CLASS_SERVER, "Slack's own trouble",
		SLACK_STANDS },
	{ "request_timeout", SEND_LATER, SEND_CLASS_TIMEOUT, "the request came in too slowly",
		SLACK_STANDS },
	{ "team_added_to_org", SEND_LATER, SEND_CLASS_SERVER, "the workspace is being moved",
		SLACK_STANDS },
	/* the message that was posted before */
	{ "message_not_found", SEND_NEVER, SEND_CLASS_CLIENT, "the message was deleted",
		SLACK_GONE },
	{ "cant_update_message", SEND_NEVER, SEND_CLASS_CLIENT, "another app posted the message",
		SLACK_GONE },
	{ "edit_window_closed", SEND_NEVER, SEND_CLASS_CLIENT,
		"the workspace lets nobody edit messages of that age", SLACK_FIXED },
	{ "thread_not_found", SEND_NEVER, SEND_CLASS_CLIENT, "the thread is gone", SLACK_CLOSED },
	{ "cannot_reply_to_message", SEND_NEVER, SEND_CLASS_CLIENT,
		"the message cannot have a thread", SLACK_CLOSED },
	{ "restricted_action_thread_locked", SEND_NEVER, SEND_CLASS_CLIENT, "the thread is locked",
		SLACK_CLOSED },
	/* the channel */
	{ "channel_not_found", SEND_NEVER, SEND_CLASS_AUTH,
		"no such channel, or a private one that the app is not in; set channel to its id "
		"and /invite the app there",
		SLACK_GONE },
	{ "not_in_channel", SEND_NEVER, SEND_CLASS_AUTH,
		"the app is not in the channel: /invite it there", SLACK_STANDS },
	{ "is_archived", SEND_NEVER, SEND_CLASS_AUTH,
		"the channel is archived: unarchive it, or set another channel", SLACK_STANDS },
	{ "channel_is_archived", SEND_DISABLE, SEND_CLASS_CLIENT,
		"the channel is archived: make a webhook for another one, set url and reload",
		SLACK_STANDS },
	{ "restricted_action", SEND_NEVER, SEND_CLASS_AUTH,
		"the workspace does not let the app post there; ask an admin", SLACK_STANDS },
	{ "restricted_action_read_only_channel", SEND_NEVER, SEND_CLASS_AUTH,
		"the channel is read-only for the app; ask an admin", SLACK_STANDS },
	{ "restricted_action_non_threadable_channel", SEND_NEVER, SEND_CLASS_AUTH,
		"the channel takes only replies; set another channel", SLACK_STANDS },
	{ "action_prohibited", SEND_NEVER, SEND_CLASS_AUTH,
		"an admin forbids the webhook to post there; ask them", SLACK_STANDS },
	{ "posting_to_general_channel_denied", SEND_NEVER, SEND_CLASS_AUTH,
		"the app may not post to #general; make a webhook for another channel",
		SLACK_STANDS },
	/* the token or the webhook */
	{ "not_authed", SEND_NEVER, SEND_CLASS_AUTH, "no token arrived; check token and proxy",
		SLACK_STANDS },
	{ "invalid_auth", SEND_NEVER, SEND_CLASS_AUTH,
		"the token is wrong: copy the Bot User OAuth Token again", SLACK_STANDS },
	{ "invalid_token", SEND_NEVER, SEND_CLASS_AUTH,
		"the webhook was revoked: make a new one and set url", SLACK_STANDS },
	{ "token_revoked", SEND_NEVER, SEND_CLASS_AUTH,
		"the token was revoked: install the app again and set token", SLACK_STANDS },
	{ "token_expired", SEND_NEVER, SEND_CLASS_AUTH,
		"the token is over: turn token rotation off, install the app again, set token",
		SLACK_STANDS },
	{ "account_inactive", SEND_NEVER, SEND_CLASS_AUTH,
		"the app was taken out of the workspace: install it again and set token",
		SLACK_STANDS },
	{ "missing_scope", SEND_NEVER, SEND_CLASS_AUTH,
		"give the app the scope chat:write and install it again", SLACK_STANDS },
	{ "no_permission", SEND_NEVER, SEND_CLASS_AUTH,
		"give the app the scope chat:write and install it again", SLACK_STANDS },
	{ "not_allowed_token_type", SEND_NEVER, SEND_CLASS_AUTH,
		"it is no bot's token: take the one that begins with xoxb-", SLACK_STANDS },
	{ "access_denied", SEND_NEVER, SEND_CLASS_AUTH, "the workspace denies it; ask an admin",
		SLACK_STANDS },
	{ "org_login_required", SEND_NEVER, SEND_CLASS_AUTH,
		"the workspace is being moved to an organisation", SLACK_STANDS },
	{ "no_service", SEND_NEVER, SEND_CLASS_AUTH,
		"the webhook is gone: make a new one and set url", SLACK_STANDS },
	{ "no_active_hooks", SEND_NEVER, SEND_CLASS_AUTH,
		"the webhook is switched off: make a new one and set url", SLACK_STANDS },
	{ "no_team", SEND_NEVER, SEND_CLASS_AUTH, "the workspace is gone; is url whole?",
		SLACK_STANDS },
	{ "user_not_found", SEND_NEVER, SEND_CLASS_AUTH,
		"who made the webhook is gone: make a new one and set url", SLACK_STANDS },
	/* us */
	{ "invalid_payload", SEND_NEVER, SEND_CLASS_CLIENT, "please report this to triaged",
		SLACK_STANDS },
	{ "invalid_blocks", SEND_NEVER, SEND_CLASS_CLIENT, "please report this to triaged",
		SLACK_STANDS },
	{ "invalid_attachments", SEND_NEVER, SEND_CLASS_CLIENT, "please report this to triaged",
		SLACK_STANDS },
	{ "too_many_attachments", SEND_NEVER, SEND_CLASS_CLIENT, "please report this to triaged",
		SLACK_STANDS },
	{ "msg_too_long", SEND_NEVER, SEND_CLASS_CLIENT, "please report this to triaged",
		SLACK_STANDS },
	{ "no_text", SEND_NEVER, SEND_CLASS_CLIENT, "please report this to triaged", SLACK_STANDS },
};

static const struct error_row *
find_error(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (str_eq(errors[i].name, name))
			return &errors[i];
	}
	return NULL;
}

static void
take_retry_after(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	char asked[64];

	if (verdict->result == SEND_LATER &&
		http_reply_header(reply, "retry-after", asked, sizeof(asked)))
		verdict->retry_after_us = retry_after_parse(asked, loop_wall(send_env(run)->loop));
}

/* A status that is temporary by itself stays so, whatever the words are. */
static void
apply(struct send_run *run, const struct http_reply *reply, const struct error_row *row,
	const char *name, struct post_verdict *verdict)
{
	if (row != NULL && verdict->result != SEND_LATER) {
		verdict->result = row->result;
		verdict->why = row->why;
	}
	snprintf(verdict->words, sizeof(verdict->words), "%s%s%s", name, row == NULL ? "" : ": ",
		row == NULL ? "" : row->words);
	take_retry_after(run, reply, verdict);
}

/* ---- incoming webhook ---- */

void
slack_judge_hook(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	char name[NAME_SIZE];
	const struct error_row *row;

	str_printable(name, sizeof(name), buf_head(&reply->body), buf_left(&reply->body));
	row = find_error(name);
	if (reply->status == 200 && str_eq(name, "ok"))
		return;
	if (row != NULL) {
		apply(run, reply, row, name, verdict);
	} else if (verdict->result == SEND_OK) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"the answer is not \"ok\"; is url that of an incoming webhook?");
	}
}

/* ---- Web API ---- */

static void
judge_refusal(struct send_run *run, const struct http_reply *reply, const char *error,
	struct post_verdict *verdict, enum slack_fate *fate)
{
	const struct error_row *row = find_error(error);
	char name[sizeof(verdict->words)];

	str_printable(name, sizeof(name), error, strlen(error));
	if (verdict->result == SEND_OK) {
		verdict->result = SEND_NEVER;
		verdict->why = SEND_CLASS_CLIENT;
	}
	apply(run, reply, row, name, verdict);
	*fate = row == NULL ? SLACK_STANDS : row->fate;
}

bool
slack_judge_api(struct send_run *run, const struct http_reply *reply, const json_t *answer,
	struct post_verdict *verdict, enum slack_fate *fate)
{
	const json_t *ok = json_object_get(answer, "ok");
	const char *error = json_string_value(json_object_get(answer, "error"));

	*fate = SLACK_STANDS;
	if (verdict->result == SEND_OK && json_is_true(ok))
		return true;
	if (error != NULL) {
		judge_refusal(run, reply, error, verdict, fate);
	} else if (verdict->result == SEND_OK) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"the answer is not Slack's; is url that of its API?");
	}
	return false;
}
