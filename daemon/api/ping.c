/* Pings of jobs: handed to the check that has the token; who has it learns nothing else here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "base/str.h"
#include "io/inbox.h"

#define PING_BODY_MAX 10240

/* start, fail, or an exit code. */
static bool
is_verb(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (str_eq(text, "start") || str_eq(text, "fail"))
		return true;
	return digits > 0 && digits <= 3 && text[digits] == '\0' && atoi(text) <= 255;
}

void
handle_ping(struct api_call *call)
{
	const struct buf *body = &call->request->body;
	const bool has_remote =
		call->peer != NULL && !call->peer->is_unix && call->peer->remote.len > 0;
	char from[ADDR_TEXT] = "unix socket";
	const struct inbox_ping ping = {
		.verb = call->tail != NULL ? call->tail : "",
		.method = call->request->method,
		.from = from,
		.body = buf_head(body),
		.body_len = buf_left(body),
	};

	if (has_remote)
		addr_text(&call->peer->remote, from);
	if (buf_left(body) > PING_BODY_MAX)
		reply_problem(call, 413, "a ping takes a body of at most 10 KB");
	else if (call->tail != NULL && !is_verb(call->tail))
		reply_problem(call, 404,
			"after the token comes nothing, start, fail, or an exit code (0-255)");
	else if (call->world->env->inbox == NULL ||
		 !inbox_deliver(call->world->env->inbox, call->name, &ping))
		reply_problem(call, 404, "no check has this token");
	else
		reply_text(call, 200, "text/plain; charset=utf-8", "OK\n");
}
