/*
 * The full HTTP client: libcurl's multi_socket on the loop, for HTTP/2, proxies, authentication
 * schemes and all receivers.  curl never sees a name (CONNECT_TO gets the address), never follows a
 * redirect (we do, each hop resolved and checked anew), never reads the environment's proxies.
 * It is initialised at the first call.
 */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/fault.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/tls.h"

struct http_client;
struct http_call;

enum http_auth { HTTP_AUTH_NONE, HTTP_AUTH_BASIC, HTTP_AUTH_DIGEST, HTTP_AUTH_BEARER };
enum http_version { HTTP_ANY, HTTP_1_0, HTTP_1_1, HTTP_2 };

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method; /* NULL: GET, or POST with a body */
	const char *url;
	const struct http_header *headers;
	unsigned header_count;
	const char *body; /* NULL: none; must live until done */
	size_t body_len;
	enum http_auth auth;
	const char *user, *password; /* bearer: the token is in password */
	enum http_version version;
	const char *unix_socket; /* path or NULL */
	const char *proxy;       /* URL or NULL; its name is looked up here, the target's there */
	struct tls_options tls;
	unsigned follow;          /* redirects to follow; 0: none */
	enum addr_reach led_from; /* as in stream_options */
	size_t body_max;          /* of the reply; 0: 64 kB; more is cut */
	usec_t timeout_us;        /* 0: 30 s */
	bool full_handshake;
};

/* Phases in microseconds, -1: did not happen. */
struct http_phases {
	usec_t dns_us, connect_us, tls_us, send_us, first_byte_us, transfer_us, total_us;
};

struct http_reply {
	enum fault fault; /* FAULT_NONE: there is a status */
	char reason[256]; /* what failed, in words */
	bool is_proxy;    /* the fault lies between us and the proxy */
	int proxy_status; /* the proxy's refusal to open the tunnel; 0: it did not refuse */
	int status;
	int version; /* 10, 11, 20 */
	unsigned redirects;
	bool has_redirect_loop;
	struct buf head; /* header lines of the last reply, "name: value\n" each */
	struct buf body;
	uint64_t body_bytes;
	bool is_cut, is_truncated; /* cut by us; ended before its length */
	struct http_phases phases;
	bool has_cert;
	usec_t cert_left_us;
	const char *family_note; /* as stream_family_note; NULL */
	enum addr_reach reach;   /* of whom we reached last; ADDR_ANYWHERE: nobody, or a proxy */
	bool is_led_astray;      /* as stream_is_led_astray */
};

typedef void (*http_fn)(void *arg, const struct http_reply *reply);

struct http_client *http_client_new(
	struct loop *loop, struct resolver *resolver, struct tls_pool *tls);
void http_client_free(struct http_client *client);

/* fn is called once, later; the request's texts are copied (the body is not). */
struct http_call *http_call_start(
	struct http_client *client, const struct http_request *request, http_fn fn, void *arg);
void http_call_cancel(struct http_call *call); /* NULL is fine; fn will not be called */

/* Case-insensitive look-up in reply->head; copies at most size-1 bytes; false: absent. */
bool http_reply_header(const struct http_reply *reply, const char *name, char *out, size_t size);

#endif
