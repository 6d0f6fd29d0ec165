/* Settings of the http probe, what is made of them once, and its requests.  Private to http*.c. */
#ifndef PROBES_HTTP_CONF_H
#define PROBES_HTTP_CONF_H

#include <regex.h>

#include "conf/schema.h"
#include "io/http.h"
#include "io/url.h"
#include "probes/probe.h"

struct http_auth_conf {
	int scheme; /* enum http_auth */
	char *user, *password, *token;
};

struct http_expect_conf {
	struct conf_strings status; /* "200", "200-299"; none: 200-299 */
	struct conf_strings json;
	char *body, *not_body;
	struct conf_pairs header; /* name: regex */
	int version;              /* enum http_version; HTTP_ANY: do not care */
	usec_t max_time_us;       /* 0: do not care */
};

struct http_range {
	int low, high;
};

/* Compiled expectations; NULL where nothing is expected. */
struct http_wants {
	struct http_range *status;
	size_t status_count;
	void **json; /* by expr order of expect.json */
	regex_t *body, *not_body;
	regex_t *header; /* one for each pair */
	size_t json_count, header_count;
	void (*release_json)(void *compiled);
};

struct http_conf {
	char *url, *method, *body;
	char *track; /* path in the JSON body; NULL */
	struct conf_pairs headers;
	struct http_auth_conf auth;
	int64_t follow, max_body;
	int version;   /* enum http_version */
	uint16_t port; /* of the first hop, as is the next */
	bool is_tls;
	bool is_verified;
	bool needs_full; /* HTTP/2 or digest: io/http does it */
	char *unix_socket, *proxy;
	char *ca, *cert, *key;
	struct http_expect_conf expect;
	/* made by http_conf_check, as are `port`, `is_tls` and `needs_full` */
	struct http_wants *wants; /* NULL: any 2xx */
	const char *host;         /* of the first hop; a unix_socket is where that goes instead */
	struct tls_ctx *tls;      /* for it */
	char *request; /* the first hop's bytes, ready to send; behind them lies `host` */
	size_t request_len;
	usec_t reconnect_us; /* 0: nothing is kept */
};

extern const struct conf_field http_fields[];
extern const char *const http_version_names[]; /* by enum http_version */

void http_conf_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);
void http_conf_release(void *conf);
struct tls_options http_conf_tls(const struct http_conf *conf);
const char *http_conf_method(const struct http_conf *conf);

bool http_conf_keeps(const struct http_conf *conf); /* connections, between runs */

/* Compiles expect: into conf->wants. */
void http_wants_make(struct http_conf *conf, const struct conf_node *map, const struct judge *judge,
	struct complaints *complaints);
void http_wants_free(struct http_wants *wants);

/* What may go with a hop of a chain of redirects. */
struct http_hop {
	const struct url *url;
	const char *method;
	bool is_foreign; /* another origin: no credentials, no configured headers */
	bool has_body;
	bool is_kept; /* the connection is to go on behind the answer */
};

/* The hop's bytes for HTTP/1; -1 when something in it may not be sent. */
int http_request_write(
	struct buf *out, const struct http_conf *conf, const struct http_hop *hop, struct err *e);
/* The header that the settings already carry under this name; NULL: none. */
const char *http_conf_header(const struct http_conf *conf, const char *name);

#endif
