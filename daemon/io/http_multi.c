/*
 * curl's multi interface on the loop: a watch for each of its sockets, one timer for its clock.
 * Transfers are taken out after curl has returned, never inside its callbacks.
 *
 * Each loop has its own, with its own share: nothing of curl's is used by two threads but its
 * global set-up, which it guards itself since 7.84.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/http_int.h"
#include "io/memory.h"
#include "io/watch.h"

#define IDLE_CONNECTIONS 4 /* none are kept on purpose; curl wants a number */

struct http_multi {
	struct loop *loop;
	CURLM *curl;
	CURLSH *share;
	struct timer timer;
};

/* One of curl's sockets. */
struct socket_watch {
	struct http_multi *multi;
	curl_socket_t fd;
	struct watch *watch;
};

/* Hands over what is done.  Each call may start or cancel others. */
static void
drain(struct http_multi *multi)
{
	struct http_call *call;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi->curl, &left)) != NULL) {
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		call = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		http_attempt_done(call, code);
	}
}

static void
on_socket(void *arg, unsigned ready)
{
	struct socket_watch *socket = arg; /* may be gone afterwards */
	struct http_multi *multi = socket->multi;
	int bits = ((ready & WATCH_READ) != 0 ? CURL_CSELECT_IN : 0) |
		   ((ready & WATCH_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(multi->curl, socket->fd, bits, &running);
	drain(multi);
}

static void
on_timer(void *arg)
{
	struct http_multi *multi = arg;
	int running;

	curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
	drain(multi);
}

static int
on_timeout_wanted(CURLM *curl, long timeout_ms, void *arg)
{
	struct http_multi *multi = arg;

	(void)curl;
	if (timeout_ms < 0)
		timer_stop(&multi->timer);
	else
		timer_after(&multi->timer, timeout_ms * USEC_PER_MSEC);
	return 0;
}

static int
on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
	struct http_multi *multi = arg;
	struct socket_watch *socket = mine;
	unsigned want =
		(what & CURL_POLL_IN ? WATCH_READ : 0U) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0U);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (socket == NULL)
			return 0;
		watch_free(socket->watch);
		free(socket);
		curl_multi_assign(multi->curl, fd, NULL);
	} else if (socket != NULL) {
		watch_set(socket->watch, want);
	} else {
		socket = xcalloc(1, sizeof(*socket));
		socket->multi = multi;
		socket->fd = fd;
		socket->watch = watch_new(multi->loop, fd, want, on_socket, socket);
		curl_multi_assign(multi->curl, fd, socket);
	}
	return 0;
}

struct http_multi *
http_multi_new(struct loop *loop)
{
	struct http_multi *multi = xcalloc(1, sizeof(*multi));

	curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, memory_resize, xstrdup, xcalloc);
	multi->loop = loop;
	multi->curl = curl_multi_init();
	multi->share = curl_share_init();
	timer_init(&multi->timer, loop, on_timer, multi);
	curl_share_setopt(multi->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
	curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
	curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
	curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return multi;
}

void
http_multi_free(struct http_multi *multi)
{
	if (multi == NULL)
		return;
	curl_multi_cleanup(multi->curl);
	curl_share_cleanup(multi->share);
	timer_stop(&multi->timer);
	curl_global_cleanup();
	free(multi);
}

void
http_multi_add(struct http_multi *multi, struct http_call *call)
{
	curl_multi_add_handle(multi->curl, call->easy);
}

void
http_multi_remove(struct http_multi *multi, struct http_call *call)
{
	if (call->easy != NULL)
		curl_multi_remove_handle(multi->curl, call->easy);
}

CURLSH *
http_multi_share(struct http_multi *multi)
{
	return multi->share;
}
