/*
 * One request as curl sees it: every option it is given, what its callbacks keep, and what its
 * error codes mean.  curl gets numeric addresses only, trusts our store only, keeps nothing.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/http1.h"
#include "io/http_int.h"
#include "io/tls_cert.h"
#include "io/tls_ctx.h"

#define HEAD_MAX         ((size_t)64 * 1024)
#define BODY_MAX_DEFAULT ((size_t)64 * 1024)
#define NEXT_ADDRESS_MS  1000L /* to connect, while there are further addresses to try */

static const struct {
	CURLcode code;
	enum fault fault; /* FAULT_NONE: by the socket's errno */
	const char *words;
} by_code[] = {
	{ CURLE_COULDNT_CONNECT, FAULT_NONE, "cannot connect" },
	{ CURLE_OPERATION_TIMEDOUT, FAULT_TIMEOUT, "no answer to the connect" },
	{ CURLE_GOT_NOTHING, FAULT_EOF, "closed without an answer" },
	{ CURLE_SEND_ERROR, FAULT_NONE, "the request could not be sent" },
	{ CURLE_RECV_ERROR, FAULT_NONE, "the answer broke off" },
	{ CURLE_PARTIAL_FILE, FAULT_EOF, "the answer broke off" },
	{ CURLE_PEER_FAILED_VERIFICATION, FAULT_TLS_VERIFY, "the certificate is not acceptable" },
	{ CURLE_SSL_ISSUER_ERROR, FAULT_TLS_VERIFY, "the certificate is not acceptable" },
	{ CURLE_SSL_CONNECT_ERROR, FAULT_TLS_HANDSHAKE, "the TLS handshake failed" },
	{ CURLE_SSL_CIPHER, FAULT_TLS_HANDSHAKE, "the TLS handshake failed" },
	{ CURLE_SSL_CERTPROBLEM, FAULT_LOCAL, "our certificate cannot be used" },
	{ CURLE_WEIRD_SERVER_REPLY, FAULT_PROTOCOL, "the answer is not HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL, FAULT_PROTOCOL, "the answer is not HTTP" },
	{ CURLE_HTTP2, FAULT_PROTOCOL, "broken HTTP/2" },
	{ CURLE_HTTP2_STREAM, FAULT_PROTOCOL, "broken HTTP/2" },
	{ CURLE_BAD_CONTENT_ENCODING, FAULT_PROTOCOL, "broken encoding" },
	{ CURLE_PROXY, FAULT_PROTOCOL, "the proxy failed" },
	{ CURLE_OUT_OF_MEMORY, FAULT_PROTOCOL, "the answer's head is too large" },
	{ CURLE_WRITE_ERROR, FAULT_PROTOCOL, "the answer's head is too large" },
};

static const long curl_versions[] = {
	[HTTP_ANY] = CURL_HTTP_VERSION_2TLS,
	[HTTP_1_0] = CURL_HTTP_VERSION_1_0,
	[HTTP_1_1] = CURL_HTTP_VERSION_1_1,
	[HTTP_2] = CURL_HTTP_VERSION_2TLS,
};

/* --- curl's callbacks --- */

/* OpenSSL's judgement of the chain, with a look at the certificate whatever comes of it. */
static int
on_verify(X509_STORE_CTX *judged, void *arg)
{
	struct http_call *call = arg;
	int is_good;

	X509_free(call->leaf);
	call->leaf = X509_STORE_CTX_get0_cert(judged);
	if (call->leaf != NULL)
		X509_up_ref(call->leaf);
	if (call->is_unverified)
		return 1;
	is_good = X509_verify_cert(judged);
	if (is_good != 1)
		tls_cert_explain(X509_STORE_CTX_get_current_cert(judged),
			X509_STORE_CTX_get_error(judged), call->url.place.host, call->verify_text,
			sizeof(call->verify_text));
	return is_good;
}

/* Trust and client certificate come from the shared context: nothing is read from files. */
static CURLcode
on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
	struct http_call *call = arg;
	SSL_CTX *ours = tls_ctx_ssl(call->tls_ctx), *theirs = ssl_ctx;
	X509_STORE *store = tls_ctx_store(call->tls_ctx);
	STACK_OF(X509) *chain = NULL;

	(void)easy;
	if (store != NULL)
		SSL_CTX_set1_cert_store(theirs, store);
	SSL_CTX_set_cert_verify_callback(theirs, on_verify, call);
	if (SSL_CTX_get0_certificate(ours) == NULL)
		return CURLE_OK;
	SSL_CTX_get0_chain_certs(ours, &chain);
	if (SSL_CTX_use_certificate(theirs, SSL_CTX_get0_certificate(ours)) != 1 ||
		SSL_CTX_use_PrivateKey(theirs, SSL_CTX_get0_privatekey(ours)) != 1)
		return CURLE_SSL_CERTPROBLEM;
	if (chain != NULL)
		SSL_CTX_set1_chain(theirs, chain);
	return CURLE_OK;
}

static void
see_certificate(struct http_call *call)
{
	struct curl_tlssessioninfo *info = NULL;
	const X509 *cert = call->leaf;
	usec_t end_us;

	if (cert == NULL && call->easy != NULL &&
		curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK &&
		info != NULL && info->backend == CURLSSLBACKEND_OPENSSL && info->internals != NULL)
		cert = SSL_get0_peer_certificate(info->internals);
	call->reply.has_cert = tls_cert_end(cert, &end_us);
	if (call->reply.has_cert)
		call->reply.cert_left_us = end_us - loop_wall(call->client->loop);
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_call *call = arg;
	struct buf *head = &call->reply.head;
	size_t len = size * count, all = len;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* of the last reply only */
		buf_reset(head);
		see_certificate(call);
		return all;
	}
	while (len > 0 && strchr("\r\n", data[len - 1]) != NULL)
		len--;
	if (len == 0)
		return all;
	buf_add(head, data, len);
	buf_add(head, "\n", 1);
	call->is_head_too_large = head->is_over;
	return head->is_over ? 0 : all;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_call *call = arg;
	struct http_reply *reply = &call->reply;
	size_t len = size * count, room = call->body_max - reply->body.len;

	reply->body_bytes += len;
	buf_add(&reply->body, data, len < room ? len : room);
	reply->is_cut = len > room;
	return reply->is_cut ? 0 : len;
}

/* curl says only that it cannot connect when it is this host that has no socket left. */
static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct http_call *call = arg;
	int fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);

	(void)purpose;
	call->socket_error = fd == -1 ? errno : 0;
	return fd == -1 ? CURL_SOCKET_BAD : fd;
}

/* --- options --- */

/* What an address does not know by itself: brackets for IPv6. */
static void
numeric_text(const struct addr *addr, char out[ADDR_TEXT])
{
	struct addr bare = *addr;
	char text[ADDR_TEXT];

	addr_set_port(&bare, 0);
	addr_text(&bare, text);
	snprintf(out, ADDR_TEXT, addr_family(addr) == AF_INET6 ? "[%.*s]" : "%.*s", ADDR_TEXT - 3,
		text);
}

static void
set_target(struct http_call *call, const struct addr *addr)
{
	char numeric[ADDR_TEXT], text[ADDR_TEXT + 300];
	char *origin = url_origin(&call->url), *url = xasprintf("%s%s", origin, call->url.target);

	curl_easy_setopt(call->easy, CURLOPT_URL, url);
	curl_easy_setopt(call->easy, CURLOPT_PATH_AS_IS, 1L);
	free(origin);
	free(url);
	if (call->unix_socket != NULL) {
		curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, call->unix_socket);
		return;
	}
	if (addr == NULL)
		return;
	numeric_text(addr, numeric);
	if (call->proxy.target == NULL) {
		snprintf(text, sizeof(text), "::%s:", numeric);
		call->connect_to = curl_slist_append(NULL, text);
		curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
	} else { /* of the proxy, whose name must stay for its certificate */
		snprintf(text, sizeof(text), "+%s:%u:%s", call->proxy.place.host,
			url_port(&call->proxy), numeric);
		call->resolve = curl_slist_append(NULL, text);
		curl_easy_setopt(call->easy, CURLOPT_RESOLVE, call->resolve);
	}
}

static void
set_proxy(struct http_call *call)
{
	char *origin;

	if (call->proxy.target == NULL) {
		curl_easy_setopt(call->easy, CURLOPT_PROXY, ""); /* nor the environment's */
		return;
	}
	origin = url_origin(&call->proxy);
	curl_easy_setopt(call->easy, CURLOPT_PROXY, origin);
	curl_easy_setopt(call->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(call->easy, CURLOPT_PROXYPORT, (long)url_port(&call->proxy));
	if (call->proxy.user != NULL)
		curl_easy_setopt(call->easy, CURLOPT_PROXYUSERNAME, call->proxy.user);
	if (call->proxy.password != NULL)
		curl_easy_setopt(call->easy, CURLOPT_PROXYPASSWORD, call->proxy.password);
	free(origin);
}

static void
set_tls(struct http_call *call)
{
	CURL *easy = call->easy;
	bool is_plain_set = call->ca == NULL && call->cert == NULL;

	if (call->tls_ctx == NULL)
		return;
	/* curl's own cache would lend one request's CA to the next. */
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, call->is_unverified ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, call->is_unverified ? 0L : 2L);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, call);
	/* curl cannot tell our stores apart: a session trusted by one must not serve another. */
	if (is_plain_set && !call->is_unverified && !call->full_handshake)
		curl_easy_setopt(easy, CURLOPT_SHARE, http_multi_share(call->client->multi));
	else
		curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

static bool
has_header(const struct http_call *call, const char *name)
{
	for (unsigned i = 0; i < call->header_count; i++) {
		if (strcasecmp(call->headers[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Credentials and cookies stay with the origin that they were given for. */
static bool
is_private(const char *name)
{
	static const char *const names[] = { "authorization", "cookie", "host",
		"proxy-authorization" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void
add_header(struct http_call *call, const char *name, const char *value)
{
	char *line = *value == '\0' ? xasprintf("%s;", name) : xasprintf("%s: %s", name, value);

	call->header_list = curl_slist_append(call->header_list, line);
	free(line);
}

static void
set_headers(struct http_call *call)
{
	char *bearer;

	for (unsigned i = 0; i < call->header_count; i++) {
		if (!call->is_foreign || !is_private(call->headers[i].name))
			add_header(call, call->headers[i].name, call->headers[i].value);
	}
	if (call->auth == HTTP_AUTH_BEARER && !call->is_foreign && call->password != NULL) {
		bearer = xasprintf("Bearer %s", call->password);
		add_header(call, "Authorization", bearer);
		free(bearer);
	}
	/* A name without a value takes curl's own header away. */
	if (!has_header(call, "Expect"))
		call->header_list = curl_slist_append(call->header_list, "Expect:");
	if (!has_header(call, "Content-Type"))
		call->header_list = curl_slist_append(call->header_list, "Content-Type:");
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->header_list);
}

static void
set_credentials(struct http_call *call)
{
	bool is_digest = call->auth == HTTP_AUTH_DIGEST;

	if (call->is_foreign || (call->auth != HTTP_AUTH_BASIC && !is_digest))
		return;
	curl_easy_setopt(
		call->easy, CURLOPT_HTTPAUTH, is_digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC);
	curl_easy_setopt(call->easy, CURLOPT_USERNAME, call->user != NULL ? call->user : "");
	curl_easy_setopt(
		call->easy, CURLOPT_PASSWORD, call->password != NULL ? call->password : "");
}

static bool
takes_body(const char *method)
{
	return str_eq(method, "POST") || str_eq(method, "PUT") || str_eq(method, "PATCH");
}

static void
set_method(struct http_call *call)
{
	CURL *easy = call->easy;

	if (call->body != NULL || takes_body(call->method)) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body != NULL ? call->body : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)(call->body != NULL ? call->body_len : 0));
	} else if (str_eq(call->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void
set_keeping(struct http_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
}

static void
set_manners(struct http_call *call, bool is_last)
{
	CURL *easy = call->easy;
	bool is_clear = str_eq(call->url.scheme, "http");

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
		call->version == HTTP_2 && is_clear ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
						    : curl_versions[call->version]);
	if (!is_last)
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, NEXT_ADDRESS_MS);
}

static void
reset_reply(struct http_call *call)
{
	struct http_reply *reply = &call->reply;

	buf_reset(&reply->head);
	buf_reset(&reply->body);
	reply->head.cap = HEAD_MAX;
	reply->body_bytes = 0;
	reply->is_cut = reply->is_truncated = reply->has_cert = false;
	reply->status = 0;
	call->error[0] = call->verify_text[0] = '\0';
	call->is_head_too_large = false;
	call->socket_error = 0;
	if (call->body_max == 0)
		call->body_max = BODY_MAX_DEFAULT;
}

int
http_easy_make(struct http_call *call, const struct addr *addr, bool is_last)
{
	call->easy = curl_easy_init();
	if (call->easy == NULL)
		return -1;
	reset_reply(call);
	set_keeping(call);
	set_manners(call, is_last);
	set_target(call, addr);
	set_proxy(call);
	set_tls(call);
	set_method(call);
	set_headers(call);
	set_credentials(call);
	return 0;
}

void
http_easy_free(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	call->easy = NULL;
	curl_slist_free_all(call->header_list);
	curl_slist_free_all(call->connect_to);
	curl_slist_free_all(call->resolve);
	call->header_list = call->connect_to = call->resolve = NULL;
	X509_free(call->leaf);
	call->leaf = NULL;
}

/* --- what came of it --- */

static usec_t
between(curl_off_t from, curl_off_t to)
{
	return to > 0 && to >= from ? (usec_t)(to - from) : -1;
}

void
http_easy_read_phases(struct http_call *call)
{
	curl_off_t lookup = 0, connect = 0, tls = 0, ready = 0, first = 0, total = 0;
	struct http_phases *p = &call->reply.phases;
	long status = 0, version = 0;
	CURL *easy = call->easy;

	curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &lookup);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	p->connect_us = between(lookup, connect);
	p->tls_us = tls > 0 ? between(connect, tls) : -1;
	p->first_byte_us = ready > 0 && status > 0 ? between(ready, first) : -1;
	p->transfer_us = p->first_byte_us >= 0 ? between(first, total) : -1;
	call->reply.status = (int)status;
	call->reply.version = version == CURL_HTTP_VERSION_1_0   ? 10
			      : version == CURL_HTTP_VERSION_1_1 ? 11
			      : version == CURL_HTTP_VERSION_2_0 ? 20
								 : 0;
	if (!call->reply.has_cert)
		see_certificate(call);
}

static enum fault
fault_of_socket(const struct http_call *call, enum fault otherwise)
{
	long error = 0;
	enum fault fault;

	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
	fault = call->addr_next > 0
			? fault_from_connect((int)error, &call->addrs[call->addr_next - 1])
			: fault_from_errno((int)error);
	return fault == FAULT_NONE || fault == FAULT_LOCAL ? otherwise : fault;
}

/* Words for a certificate that curl, not OpenSSL, refused: the name. */
static void
explain_name(struct http_call *call)
{
	if (call->verify_text[0] == '\0' && call->leaf != NULL)
		tls_cert_explain(call->leaf, X509_V_ERR_HOSTNAME_MISMATCH, call->url.place.host,
			call->verify_text, sizeof(call->verify_text));
}

int
http_easy_tunnel(struct http_call *call)
{
	long status = 0;

	if (call->proxy.target != NULL)
		curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return (int)status;
}

/* Where it waits when a proxy is in between: who is silent behind it cannot be seen from here. */
static enum fault
stuck_at_proxy(struct http_call *call, long local_port, char *reason, size_t size)
{
	const char *proxy = call->proxy.place.host, *host = call->url.place.host;

	if (local_port == 0) {
		call->reply.is_proxy = true;
		snprintf(reason, size, "no answer to the connect from the proxy %s", proxy);
		return FAULT_TIMEOUT;
	}
	snprintf(reason, size,
		"connected to the proxy %s, but nothing comes back from %s through it", proxy,
		host);
	return FAULT_NOREPLY;
}

/* curl's own words leave out why. */
static bool
say_connect(struct http_call *call, char *reason, size_t size)
{
	const struct url *to = call->proxy.target != NULL ? &call->proxy : &call->url;
	long error = 0;

	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
	if (error == 0 || call->unix_socket != NULL)
		return false;
	snprintf(reason, size, "cannot connect to %s%s port %u: %s",
		call->proxy.target != NULL ? "the proxy " : "", to->place.host, url_port(to),
		strerror((int)error));
	return true;
}

enum fault
http_easy_fault(struct http_call *call, CURLcode code, char *reason, size_t size)
{
	const char *said = call->error, *words = "the HTTP client failed";
	enum fault fault = FAULT_LOCAL;

	for (size_t i = 0; i < sizeof(by_code) / sizeof(by_code[0]); i++) {
		if (by_code[i].code != code)
			continue;
		fault = by_code[i].fault;
		words = by_code[i].words;
		break;
	}
	if (code == CURLE_COULDNT_CONNECT && call->socket_error != 0) {
		snprintf(reason, size, "no socket: %s", strerror(call->socket_error));
		return fault_from_errno(call->socket_error);
	}
	if (fault == FAULT_NONE)
		fault = fault_of_socket(
			call, code == CURLE_COULDNT_CONNECT ? FAULT_REFUSED : FAULT_EOF);
	if (fault == FAULT_TLS_VERIFY)
		explain_name(call);
	if (fault == FAULT_TLS_HANDSHAKE && (strstr(said, "wrong version number") != NULL ||
						    strstr(said, "http request") != NULL)) {
		fault = FAULT_TLS_UNSUPPORTED;
		words = "it does not speak TLS on this port";
	}
	if (code == CURLE_COULDNT_CONNECT && say_connect(call, reason, size))
		return fault;
	if (call->verify_text[0] != '\0' && fault == FAULT_TLS_VERIFY)
		str_copy(reason, size, call->verify_text);
	else if (said[0] == '\0')
		str_copy(reason, size, words);
	else
		snprintf(reason, size, "%s: %s", words, said);
	return fault;
}

int
http_easy_worth(const struct http_call *call, enum fault fault)
{
	long error = call->socket_error;

	if (error == 0)
		curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
	return fault_worth(fault,
		fault == FAULT_UNREACHABLE &&
			(error == ENETUNREACH || error == EAFNOSUPPORT || error == EADDRNOTAVAIL));
}

enum fault
http_easy_stuck(struct http_call *call, char *reason, size_t size)
{
	const char *host = call->url.place.host;
	curl_off_t tls = 0;
	long local_port = 0;

	if (call->lookup != NULL) {
		call->reply.is_proxy = call->proxy.target != NULL;
		snprintf(reason, size, "no answer from the resolver for %s%s",
			call->reply.is_proxy ? "the proxy " : "",
			call->reply.is_proxy ? call->proxy.place.host : host);
		return FAULT_DNS_FAIL;
	}
	http_easy_read_phases(call);
	/* curl dates the connect only when TLS is done; the port is known once it stands. */
	curl_easy_getinfo(call->easy, CURLINFO_LOCAL_PORT, &local_port);
	curl_easy_getinfo(call->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
	if (call->proxy.target != NULL && http_easy_tunnel(call) / 100 != 2)
		return stuck_at_proxy(call, local_port, reason, size);
	if (local_port == 0 && call->unix_socket == NULL) {
		snprintf(reason, size, "no answer to the connect from %s", host);
		return FAULT_TIMEOUT;
	}
	if (call->tls_ctx != NULL && tls == 0) {
		snprintf(reason, size, "connected to %s, but the TLS handshake does not end", host);
		return FAULT_TLS_HANDSHAKE;
	}
	snprintf(reason, size,
		call->reply.status == 0 ? "connected to %s, then silence"
					: "the answer of %s does not end",
		host);
	return FAULT_NOREPLY;
}
