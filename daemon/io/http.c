/*
 * Calls of the full HTTP client: their life, the names they need, the addresses they try, the
 * redirects they follow.  Every hop is looked up anew; credentials do not follow to another origin.
 */
#include "io/http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/http1.h"
#include "io/http_int.h"

#define TIMEOUT_DEFAULT_US (30 * USEC_PER_SEC)

struct http_client *
http_client_new(struct loop *loop, struct resolver *resolver, struct tls_pool *tls)
{
	struct http_client *client = xcalloc(1, sizeof(*client));

	client->loop = loop;
	client->resolver = resolver;
	client->tls = tls;
	list_init(&client->calls);
	return client;
}

void
http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	while (!list_is_empty(&client->calls))
		http_call_cancel(LIST_ENTRY(client->calls.next, struct http_call, node));
	http_multi_free(client->multi);
	free(client);
}

/* --- the end of a call --- */

static void
wipe(char *secret)
{
	if (secret != NULL)
		secret_wipe(secret, strlen(secret));
	free(secret);
}

static void
call_free(void *obj)
{
	struct http_call *call = obj;

	for (unsigned i = 0; i < call->header_count; i++) {
		free(call->headers[i].name);
		wipe(call->headers[i].value);
	}
	free(call->headers);
	free(call->method);
	free(call->user);
	wipe(call->password);
	free(call->unix_socket);
	free(call->ca);
	free(call->cert);
	free(call->key);
	free(call->note);
	url_fini(&call->url);
	url_fini(&call->proxy);
	buf_fini(&call->reply.head);
	buf_fini(&call->reply.body);
	free(call);
}

static void
end_attempt(struct http_call *call)
{
	resolve_cancel(call->lookup);
	call->lookup = NULL;
	if (call->easy == NULL)
		return;
	http_multi_remove(call->client->multi, call);
	http_easy_free(call);
}

static void
end_call(struct http_call *call)
{
	call->is_over = true;
	timer_stop(&call->deadline);
	end_attempt(call);
	list_remove(&call->node);
	loop_retire(call->client->loop, call, call_free);
}

void
http_call_cancel(struct http_call *call)
{
	if (call != NULL && !call->is_over)
		end_call(call);
}

static void
say_done(struct http_call *call)
{
	call->reply.phases.total_us = loop_now(call->client->loop) - call->begun_us;
	call->reply.family_note = call->note;
	end_call(call);
	call->fn(call->arg, &call->reply);
}

/* Says it from the deadline timer: never from inside http_call_start. */
static void
fail_later(struct http_call *call, enum fault fault, const char *reason)
{
	call->reply.fault = fault;
	str_copy(call->reply.reason, sizeof(call->reply.reason), reason);
	timer_after(&call->deadline, 0);
}

static void
on_deadline(void *arg)
{
	struct http_call *call = arg;

	if (call->reply.fault == FAULT_NONE)
		call->reply.fault =
			http_easy_stuck(call, call->reply.reason, sizeof(call->reply.reason));
	say_done(call);
}

/* --- attempts --- */

static void
attempt(struct http_call *call, const struct addr *addr, bool is_last)
{
	if (http_easy_make(call, addr, is_last) == -1)
		fail_later(call, FAULT_LOCAL, "curl gives no handle");
	else
		http_multi_add(call->client->multi, call);
}

static void
attempt_next(struct http_call *call)
{
	const struct addr *addr = &call->addrs[call->addr_next++];

	attempt(call, addr, call->addr_next == call->addr_count);
}

/* The families take turns, so that a dead one cannot use up the time. */
static void
take_addresses(struct http_call *call, const struct resolve_answer *answer)
{
	unsigned at[2] = { 0, 0 };
	static const int families[2] = { AF_INET6, AF_INET };

	enum addr_reach from = call->proxy.target != NULL ? ADDR_ANYWHERE : call->led_from;

	call->addr_count = call->addr_next = 0;
	call->lost.worth = -1;
	for (unsigned turn = 0; turn < 2 * RESOLVE_MAX; turn++) {
		unsigned *i = &at[turn % 2];

		while (*i < answer->count &&
			(addr_family(&answer->addrs[*i]) != families[turn % 2] ||
				!addr_may_lead(from, &answer->addrs[*i])))
			(*i)++;
		if (*i < answer->count && call->addr_count < RESOLVE_MAX)
			call->addrs[call->addr_count++] = answer->addrs[(*i)++];
	}
}

static void
connect_to(struct http_call *call, const struct resolve_answer *answer)
{
	bool is_proxy = call->proxy.target != NULL;
	const struct url *url = is_proxy ? &call->proxy : &call->url;
	char name[280], text[sizeof(call->reply.reason)];

	take_addresses(call, answer);
	if (call->addr_count > 0) {
		attempt_next(call);
		return;
	}
	if (answer->count > 0) {
		addr_text(&answer->addrs[0], name);
		snprintf(text, sizeof(text),
			"a redirect leads further inside than where it comes from, to %.100s: "
			"not followed",
			name);
		call->reply.is_led_astray = true;
		fail_later(call, FAULT_DENIED, text);
		return;
	}
	call->reply.is_proxy = is_proxy;
	snprintf(name, sizeof(name), "%s%.200s", is_proxy ? "of the proxy, " : "", url->place.host);
	snprintf(text, sizeof(text),
		answer->fault == FAULT_DNS_FAIL   ? "no answer from the resolver for the name %s"
		: answer->fault == FAULT_FD_LIMIT ? "no descriptor is left to look up the name %s"
						  : "the name %s does not exist",
		name);
	fail_later(call, answer->fault, text);
}

static void
on_resolved(void *arg, const struct resolve_answer *answer)
{
	struct http_call *call = arg;

	call->lookup = NULL;
	call->reply.phases.dns_us = loop_now(call->client->loop) - call->hop_us;
	connect_to(call, answer);
}

/* --- hops --- */

static int
get_tls(struct http_call *call, struct err *e)
{
	struct tls_options o = { .ca = call->ca, .is_unverified = call->is_unverified };

	call->tls_ctx = NULL;
	if (!str_eq(call->url.scheme, "https") && !str_eq(call->proxy.scheme, "https"))
		return 0;
	if (!call->is_foreign) {
		o.cert = call->cert;
		o.key = call->key;
	}
	call->tls_ctx = tls_ctx_get(call->client->tls, &o, e);
	return call->tls_ctx == NULL ? -1 : 0;
}

static void
begin_hop(struct http_call *call)
{
	const struct url *url = call->proxy.target != NULL ? &call->proxy : &call->url;
	struct resolver *resolver = call->client->resolver;
	struct resolve_answer answer;
	struct err e;

	call->hop_us = loop_now(call->client->loop);
	call->reply.phases = (struct http_phases){ -1, -1, -1, -1, -1, -1, -1 };
	if (get_tls(call, &e) == -1) {
		fail_later(call, FAULT_LOCAL, e.text);
	} else if (call->unix_socket != NULL) {
		attempt(call, NULL, true);
	} else if (resolve_now(resolver, url->place.host, &answer)) {
		connect_to(call, &answer);
	} else {
		call->lookup = resolve_start(resolver, url->place.host, on_resolved, call);
	}
}

static bool
is_same_origin(const struct url *a, const struct url *b)
{
	return str_eq(a->scheme, b->scheme) && strcasecmp(a->place.host, b->place.host) == 0 &&
	       url_port(a) == url_port(b);
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* As every browser does: 303 asks for GET, and so do 301 and 302 after a POST. */
static void
change_method(struct http_call *call)
{
	int status = call->reply.status;
	bool was_post = str_eq(call->method, "POST");

	if ((status == 303 && !str_eq(call->method, "HEAD")) ||
		((status == 301 || status == 302) && was_post)) {
		xstrset(&call->method, "GET");
		call->body = NULL;
	}
}

/* Whoever answered first is where all redirects come from. */
static void
note_reach(struct http_call *call)
{
	if (call->proxy.target != NULL)
		return;
	if (call->unix_socket != NULL)
		call->reply.reach = ADDR_HOST;
	else if (call->addr_next > 0)
		call->reply.reach = addr_reach(&call->addrs[call->addr_next - 1]);
	if (call->led_from == ADDR_ANYWHERE)
		call->led_from = call->reply.reach;
}

/* True: there is a further hop.  What cannot be followed is the reply. */
static bool
next_hop(struct http_call *call)
{
	char location[2048];
	struct url next;
	struct err e;

	note_reach(call);
	if (call->follow == 0 || !is_redirect(call->reply.status) ||
		!http_reply_header(&call->reply, "Location", location, sizeof(location)))
		return false;
	if (call->reply.redirects == call->follow) {
		call->reply.has_redirect_loop = true;
		return false;
	}
	if (url_resolve(&next, &call->url, location, &e) == -1)
		return false;
	if (!str_eq(next.scheme, "http") && !str_eq(next.scheme, "https")) {
		url_fini(&next);
		return false;
	}
	if (!is_same_origin(&next, &call->url)) {
		if (call->unix_socket != NULL) {
			url_fini(&next);
			return false;
		}
		call->is_foreign = true;
	}
	change_method(call);
	url_fini(&call->url);
	call->url = next;
	call->reply.redirects++;
	return true;
}

/* A family that failed is worth a word when another address of the name then answers. */
static void
note_family(struct http_call *call, enum fault fault)
{
	const struct addr *lost = &call->addrs[call->addr_next - 1];
	char text[ADDR_TEXT];
	bool is_v6 = addr_family(lost) == AF_INET6;

	if (call->note != NULL || addr_family(lost) == addr_family(&call->addrs[call->addr_next]) ||
		fault == FAULT_PORT_EXHAUSTED || http_easy_worth(call, fault) == 0)
		return;
	addr_text(lost, text);
	call->note = xasprintf("IPv%c (%s) %s, IPv%c answers", is_v6 ? '6' : '4', text,
		fault == FAULT_REFUSED   ? "is refused"
		: fault == FAULT_TIMEOUT ? "does not answer"
					 : "is unreachable",
		is_v6 ? '4' : '6');
}

static bool
is_connect_failure(const struct http_call *call, CURLcode code)
{
	return (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT) &&
	       call->reply.phases.connect_us == -1;
}

/* The proxy is who we speak to until a tunnel stands; certificates are the target's. */
static void
blame_proxy(struct http_call *call, CURLcode code)
{
	struct http_reply *reply = &call->reply;
	int tunnel = http_easy_tunnel(call);
	char said[128];

	if (call->proxy.target == NULL || tunnel / 100 == 2 || fault_is_ours(reply->fault))
		return;
	str_copy(said, sizeof(said), reply->reason);
	if (tunnel != 0) {
		reply->proxy_status = tunnel;
		reply->status = 0;
		snprintf(reply->reason, sizeof(reply->reason),
			"the proxy %.100s answers %d to the wish for a tunnel to %.100s",
			call->proxy.place.host, tunnel, call->url.place.host);
		return;
	}
	reply->is_proxy = true;
	snprintf(reply->reason, sizeof(reply->reason), "%s%.127s (proxy %.100s)",
		code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ? "the proxy gave up: " : "",
		said, call->proxy.place.host);
}

/* A status was read: what broke afterwards makes the body incomplete, not the call. */
static void
settle(struct http_call *call, CURLcode code)
{
	struct http_reply *reply = &call->reply;

	if (code == CURLE_OK || (reply->is_cut && code == CURLE_WRITE_ERROR))
		return;
	reply->fault = http_easy_fault(call, code, reply->reason, sizeof(reply->reason));
	blame_proxy(call, code);
	if (reply->status >= 200 && !call->is_head_too_large &&
		(code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
			code == CURLE_HTTP2_STREAM)) {
		reply->is_truncated = true;
		reply->fault = FAULT_NONE;
	}
}

/* True: there is another address.  Else the reply is of the first that tells most. */
static bool
lose_address(struct http_call *call)
{
	struct http_reply *reply = &call->reply;
	int worth = http_easy_worth(call, reply->fault);

	if (worth > call->lost.worth) {
		call->lost.worth = worth;
		call->lost.fault = reply->fault;
		str_copy(call->lost.reason, sizeof(call->lost.reason), reply->reason);
	}
	if (call->addr_next < call->addr_count) {
		note_family(call, reply->fault);
		reply->fault = FAULT_NONE;
		reply->reason[0] = '\0';
		return true;
	}
	reply->fault = call->lost.fault;
	str_copy(reply->reason, sizeof(reply->reason), call->lost.reason);
	return false;
}

void
http_attempt_done(struct http_call *call, CURLcode code)
{
	bool is_retry;

	http_easy_read_phases(call);
	settle(call, code);
	is_retry = is_connect_failure(call, code) && lose_address(call);
	end_attempt(call);
	if (is_retry)
		attempt_next(call);
	else if (call->reply.fault == FAULT_NONE && next_hop(call))
		begin_hop(call);
	else
		say_done(call);
}

/* --- the start of a call --- */

static int
copy_headers(struct http_call *call, const struct http_request *request, struct err *e)
{
	call->headers = xcalloc(request->header_count + 1, sizeof(*call->headers));
	for (unsigned i = 0; i < request->header_count; i++) {
		const struct http_header *h = &request->headers[i];

		if (!http1_is_token(h->name))
			return err_set(e, 0, "\"%s\" is not a header name", h->name);
		if (strpbrk(h->value, "\r\n") != NULL)
			return err_set(e, 0, "a line break in the header %s", h->name);
		call->headers[i].name = xstrdup(h->name);
		call->headers[i].value = xstrdup(h->value);
		call->header_count++;
	}
	return 0;
}

static int
copy_urls(struct http_call *call, const struct http_request *request, struct err *e)
{
	static const char *const proxies[] = { "http", "https", "socks5h" };
	bool is_known = request->proxy == NULL;

	if (url_parse(&call->url, request->url, e) == -1)
		return -1;
	if (!str_eq(call->url.scheme, "http") && !str_eq(call->url.scheme, "https"))
		return err_set(e, 0, "only http:// and https:// can be called");
	if (request->proxy == NULL)
		return 0;
	if (url_parse(&call->proxy, request->proxy, e) == -1)
		return err_wrap(e, "proxy");
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
		is_known |= str_eq(call->proxy.scheme, proxies[i]);
	return is_known ? 0 : err_set(e, 0, "a proxy is http://, https:// or socks5h://");
}

static int
copy_request(struct http_call *call, const struct http_request *request, struct err *e)
{
	const char *method = request->body != NULL ? "POST" : "GET";

	call->method = xstrdup(request->method != NULL ? request->method : method);
	call->body = request->body;
	call->body_len = request->body_len;
	call->body_max = request->body_max;
	call->auth = request->auth;
	call->user = xstrdup(request->user);
	call->password = xstrdup(request->password);
	call->version = request->version;
	call->unix_socket = xstrdup(request->unix_socket);
	call->ca = xstrdup(request->tls.ca);
	call->cert = xstrdup(request->tls.cert);
	call->key = xstrdup(request->tls.key);
	call->is_unverified = request->tls.is_unverified;
	call->full_handshake = request->full_handshake;
	call->follow = request->follow;
	call->led_from = request->led_from;
	if (!http1_is_token(call->method))
		return err_set(e, 0, "\"%s\" is not a method", call->method);
	if (copy_headers(call, request, e) == -1 || copy_urls(call, request, e) == -1)
		return -1;
	if (call->auth == HTTP_AUTH_NONE && call->url.user != NULL) {
		call->auth = HTTP_AUTH_BASIC;
		xstrset(&call->user, call->url.user);
		xstrset(&call->password, call->url.password);
	}
	return 0;
}

struct http_call *
http_call_start(
	struct http_client *client, const struct http_request *request, http_fn fn, void *arg)
{
	struct http_call *call = xcalloc(1, sizeof(*call));
	struct err e;

	if (client->multi == NULL)
		client->multi = http_multi_new(client->loop);
	call->client = client;
	call->fn = fn;
	call->arg = arg;
	call->begun_us = loop_now(client->loop);
	call->reply.phases = (struct http_phases){ -1, -1, -1, -1, -1, -1, -1 };
	buf_init(&call->reply.head, 0);
	buf_init(&call->reply.body, 0);
	timer_init(&call->deadline, client->loop, on_deadline, call);
	list_append(&client->calls, &call->node);
	timer_after(&call->deadline,
		request->timeout_us > 0 ? request->timeout_us : TIMEOUT_DEFAULT_US);
	if (copy_request(call, request, &e) == -1)
		fail_later(call, FAULT_LOCAL, e.text);
	else
		begin_hop(call);
	return call;
}

bool
http_reply_header(const struct http_reply *reply, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);

	for (const char *line = buf_text(&reply->head); *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (len > name_len && line[name_len] == ':' &&
			strncasecmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1;
			char *copy;

			value += strspn(value, " \t");
			copy = xstrndup(value, len - (size_t)(value - line));
			str_copy(out, size, copy);
			free(copy);
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}
