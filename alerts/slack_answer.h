/* What Slack's answers mean: of an incoming webhook (texts), and of the Web API (JSON).  Pure. */
#ifndef ALERTS_SLACK_ANSWER_H
#define ALERTS_SLACK_ANSWER_H

#include "alerts/post.h"

/* What an error says about the message that was to be edited or replied to. */
enum slack_fate {
	SLACK_STANDS, /* nothing */
	SLACK_GONE,   /* it cannot be found: post anew */
	SLACK_FIXED,  /* it cannot be edited any more */
	SLACK_CLOSED, /* its thread takes nothing */
};

/* The hook took it only if it says "ok". */
void slack_judge_hook(
	struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict);
/* True: it took it.  Otherwise the verdict is filled in. */
bool slack_judge_api(struct send_run *run, const struct http_reply *reply, const json_t *answer,
	struct post_verdict *verdict, enum slack_fate *fate);

#endif
