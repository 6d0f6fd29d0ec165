/* A world with an HTTP client, and the copy of a reply. */
#ifndef TESTS_HELP_HTTP_SEEN_H
#define TESTS_HELP_HTTP_SEEN_H

#include "io/http.h"
#include "tests/help/dns.h"
#include "tests/help/peer.h"

struct http_world {
	struct clock clock;
	struct loop *loop;
	struct dns *dns;
	struct resolver *resolver;
	struct tls_pool *tls;
	struct http_client *http;
};

/* A reply, copied. */
struct http_seen {
	bool is_done, is_inside_call;
	enum fault fault;
	char reason[256], head[2048], body[2048], note[256];
	int status, version;
	unsigned redirects;
	bool has_redirect_loop, is_cut, is_truncated, has_cert;
	uint64_t body_bytes;
	usec_t cert_left_us;
	struct http_phases phases;
};

/* cmocka's setup and teardown; *state is a struct http_world. */
int http_world_set_up(void **state);
int http_world_set_up_fake(void **state); /* time moves by loop_advance only */
int http_world_tear_down(void **state);

void http_seen_on_reply(void *arg, const struct http_reply *reply);
bool http_seen_is_done(void *arg);
void http_seen_call(
	struct http_world *w, struct http_seen *seen, const struct http_request *request);
/* "PORT" in the format becomes the number; good until the next call. */
const char *http_seen_url(const char *format, unsigned port);
void http_seen_get(struct http_world *w, struct http_seen *seen, const char *format, unsigned port);
/* The call must fail like this, with words. */
void http_seen_fails(struct http_world *w, const char *format, unsigned port, enum fault fault);

#define HTTP_REPLY(text) PEER_EXPECT("\r\n\r\n"), PEER_SEND(text), PEER_CLOSE, PEER_END
#define HTTP_REPLY_OK    HTTP_REPLY("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok")

extern const struct peer_step http_ok_script[];

#endif
