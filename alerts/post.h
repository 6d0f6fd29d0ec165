/*
 * One HTTP request as a receiver's try: the settings keys that all such receivers share, the call,
 * and what its answer means where the receiver does not know better (wire-contract: 2xx taken; 407,
 * 408, 425, 429 and 5xx later, Retry-After obeyed; 410 no more; the rest, and redirects, never).
 * Only the origin of a URL is ever said, because its path may be the secret.
 */
#ifndef ALERTS_POST_H
#define ALERTS_POST_H

#include "alerts/receiver.h"
#include "io/http.h"
#include "io/url.h"

struct post_conf {
	char *url;
	char *ca, *proxy;
	bool verify;
	usec_t timeout_us;
	/* Made by post_check(). */
	struct url parsed;
	char *origin;
};

/* Rows for a table of fields, `T` the receiver's struct, which has a `struct post_conf post`.  The
 * receiver writes its own row for `post.url`: URL_AT(T, post.url), CONF_MASKED. */
#define POST_ROWS(T)                                                                               \
	{ "ca", PATH_AT(T, post.ca), .flags = CONF_ADVANCED,                                       \
		.doc = "PEM file with the certificate authorities to trust, instead of the "       \
		       "system's." },                                                              \
		{ "verify", BOOL_AT(T, post.verify), .dflt = "true", .flags = CONF_ADVANCED,       \
			.doc = "Whether the server's certificate is verified." },                  \
		{ "proxy", URL_AT(T, post.proxy), .flags = CONF_ADVANCED,                          \
			.doc = "HTTP or SOCKS5 proxy to go through.",                              \
			.example = "http://proxy:3128" },                                          \
	{                                                                                          \
		"timeout", DURATION_AT(T, post.timeout_us), .dflt = "15s", .min = "1s",            \
							    .max = "60s", .flags = CONF_ADVANCED,  \
							    .doc = "How long one try may take."    \
	}

#define POST_TIMEOUT_US (61 * USEC_PER_SEC) /* of the descriptor: beyond the longest `timeout` */

void post_check(struct post_conf *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints);
void post_release(struct post_conf *conf);
void post_target(const struct post_conf *conf, char *out, size_t size); /* the origin */
/* `release` and `target` of settings that begin with a struct post_conf and hold no more. */
void post_release_conf(void *conf);
void post_target_conf(const void *conf, char *out, size_t size);

struct post_verdict {
	enum send_result result; /* SEND_NONE: not yet, the receiver has begun another request */
	enum send_class why;
	usec_t retry_after_us;
	char words[160]; /* behind "<origin>: status 400"; "": nothing */
};

/* Looks at an answer that arrived; the verdict holds what its status alone says. */
typedef void (*post_judge_fn)(
	struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict);

struct post_request {
	const char *method; /* NULL: POST */
	const char *url;    /* NULL: the settings' */
	const char *type;   /* of the body; NULL: application/json; charset=utf-8 */
	const struct http_header *headers;
	unsigned header_count;
	char *body;         /* taken */
	const char *hidden; /* a text of the body that nobody is shown: a signature; NULL: none */
};

/* The first member of a receiver's run state, or all of it. */
struct post {
	struct http_call *call;
	char *body;
	const struct post_conf *conf;
	post_judge_fn judge; /* NULL: the status says all */
};

/* Starts the request; the answer, judged, becomes the run's result.  Shows both to `triage test`.
 */
void post_start(struct send_run *run, struct post *post, const struct post_conf *conf,
	const struct post_request *request, post_judge_fn judge);
void post_stop(struct post *post);
void post_stop_run(struct send_run *run); /* the `stop` of a run whose state begins with one */

/* For receivers with calls of their own: shows an answer and says what its status, or its fault,
 * means; `words` are the fault's, too. */
void post_judge_reply(
	struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict);

/* Their HTTP basic authentication is masked, too, in all that is said. */
void post_hide_login(struct send_run *run, const char *user, const char *password);

/* Whether the answer is a page for people: a login or an error of something in between, whatever
 * its status says. */
bool post_is_page(const struct http_reply *reply);

/* The body of an answer as JSON; NULL: it is none. */
json_t *post_json(const struct http_reply *reply);

#endif
