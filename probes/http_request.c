/* The bytes of one HTTP/1 request.  Written once for a check's first hop, anew for redirects. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/hmac.h"
#include "io/http1.h"
#include "probes/http_conf.h"

static void
write_host(struct buf *out, const struct url *url)
{
	bool is_v6 = strchr(url->place.host, ':') != NULL;
	const char *host = url->place.host[0] != '\0' ? url->place.host : "localhost";

	buf_addf(out, "Host: %s%s%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "");
	if (url->place.port != 0)
		buf_addf(out, ":%u", url->place.port);
	buf_add_text(out, "\r\n");
}

static void
write_basic(struct buf *out, const char *user, const char *password)
{
	char *pair = xasprintf("%s:%s", user, password != NULL ? password : "");
	char *coded = xmalloc(BASE64_SIZE(strlen(pair)));

	base64_encode(coded, pair, strlen(pair));
	buf_addf(out, "Authorization: Basic %s\r\n", coded);
	secret_wipe(pair, strlen(pair));
	secret_wipe(coded, strlen(coded));
	free(pair);
	free(coded);
}

static void
write_auth(struct buf *out, const struct http_conf *conf, const struct url *url)
{
	if (http_conf_header(conf, "Authorization") != NULL)
		return;
	if (conf->auth.scheme == HTTP_AUTH_BEARER && conf->auth.token != NULL)
		buf_addf(out, "Authorization: Bearer %s\r\n", conf->auth.token);
	else if (conf->auth.scheme == HTTP_AUTH_BASIC && conf->auth.user != NULL)
		write_basic(out, conf->auth.user, conf->auth.password);
	else if (url->user != NULL || url->password != NULL)
		write_basic(out, url->user != NULL ? url->user : "", url->password);
}

int
http_request_write(
	struct buf *out, const struct http_conf *conf, const struct http_hop *hop, struct err *e)
{
	bool is_ours = !hop->is_foreign;

	buf_addf(out, "%s %s HTTP/1.%d\r\n", hop->method, hop->url->target,
		conf->version == HTTP_1_0 ? 0 : 1);
	if (!is_ours || http_conf_header(conf, "Host") == NULL)
		write_host(out, hop->url);
	if (!is_ours || http_conf_header(conf, "User-Agent") == NULL)
		buf_add_text(out, "User-Agent: triaged/" TRIAGED_VERSION "\r\n");
	if (!is_ours || http_conf_header(conf, "Accept") == NULL)
		buf_add_text(out, "Accept: */*\r\n");
	if (!hop->is_kept)
		buf_add_text(out, "Connection: close\r\n");
	else if (conf->version == HTTP_1_0)
		buf_add_text(out, "Connection: keep-alive\r\n");
	if (is_ours) {
		write_auth(out, conf, hop->url);
		for (size_t i = 0; i < conf->headers.count; i++)
			if (http1_write_header(out, conf->headers.all[i].name,
				    conf->headers.all[i].value, e) < 0)
				return -1;
	}
	if (hop->has_body)
		buf_addf(out, "Content-Length: %zu\r\n", strlen(conf->body));
	buf_add_text(out, "\r\n");
	if (hop->has_body)
		buf_add_text(out, conf->body);
	return out->is_over ? err_set(e, 0, "the request is too long") : 0;
}
