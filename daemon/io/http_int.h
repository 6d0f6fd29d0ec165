/*
 * The inside of the HTTP client, shared by http.c (calls, hops, addresses), http_multi.c (curl's
 * sockets and clock on the loop) and http_easy.c (one request as curl sees it).
 *
 *	start -> hop: look the name up -> attempt at an address -> reply -> next hop or done
 *	                                  attempt failed to connect -> attempt at the next address
 */
#ifndef IO_HTTP_INT_H
#define IO_HTTP_INT_H

#include <curl/curl.h>
#include <openssl/x509.h>

#include "base/list.h"
#include "io/http.h"
#include "io/timer.h"
#include "io/url.h"

struct http_multi;

struct http_client {
	struct loop *loop;
	struct resolver *resolver;
	struct tls_pool *tls;
	struct http_multi *multi; /* NULL before the first call */
	struct list calls;
};

struct http_text_header {
	char *name, *value;
};

struct http_call {
	struct list node;
	struct http_client *client;
	http_fn fn;
	void *arg;

	/* the request, owned but for the body */
	char *method;
	struct http_text_header *headers;
	unsigned header_count;
	const char *body; /* NULL: none, or dropped by a redirect */
	size_t body_len, body_max;
	enum http_auth auth;
	char *user, *password;
	enum http_version version;
	char *unix_socket;
	struct url proxy; /* without a target: no proxy */
	char *ca, *cert, *key;
	bool is_unverified, full_handshake;
	unsigned follow;
	enum addr_reach led_from;

	/* this hop */
	struct url url;
	struct resolve_call *lookup;
	struct addr addrs[RESOLVE_MAX];
	unsigned addr_count, addr_next;
	/* of the addresses that could not be reached the one that tells most */
	struct {
		int worth; /* as of http_easy_worth; -1: none yet */
		enum fault fault;
		char reason[sizeof(((struct http_reply *)0)->reason)];
	} lost;
	struct tls_ctx *tls_ctx;
	bool is_foreign; /* redirected to another origin: credentials stay behind */

	/* this attempt */
	CURL *easy;
	struct curl_slist *header_list, *connect_to, *resolve;
	char error[CURL_ERROR_SIZE];
	X509 *leaf;
	char verify_text[320];
	bool is_head_too_large;
	int socket_error; /* errno when not even a socket was to be had; 0 */

	struct timer deadline; /* also: what failed before anything was tried is said later */
	usec_t begun_us, hop_us;
	char *note;
	struct http_reply reply;
	bool is_over;
};

/* --- http.c --- */

void http_attempt_done(struct http_call *call, CURLcode code);

/* --- http_multi.c --- */

struct http_multi *http_multi_new(struct loop *loop);
void http_multi_free(struct http_multi *multi); /* no transfer may be left */
void http_multi_add(struct http_multi *multi, struct http_call *call);
void http_multi_remove(struct http_multi *multi, struct http_call *call);
CURLSH *http_multi_share(struct http_multi *multi); /* TLS sessions */

/* --- http_easy.c --- */

/* Makes call->easy for the address (NULL: curl is told of none: unix socket, proxy). */
int http_easy_make(struct http_call *call, const struct addr *addr, bool is_last);
void http_easy_free(struct http_call *call); /* out of the multi already */
void http_easy_read_phases(struct http_call *call);
enum fault http_easy_fault(struct http_call *call, CURLcode code, char *reason, size_t size);
/* What a failed connect tells: 2 of the target, 1 of the way there, 0 of what this host lacks. */
int http_easy_worth(const struct http_call *call, enum fault fault);
/* The proxy's answer to CONNECT; 0: none, or none was asked for. */
int http_easy_tunnel(struct http_call *call);
/* The deadline struck: where. */
enum fault http_easy_stuck(struct http_call *call, char *reason, size_t size);

#endif
