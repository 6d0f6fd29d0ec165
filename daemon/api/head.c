/*
 * Heads.  Whatever is answered, a browser is told to run nothing, frame it nowhere, guess no type
 * and give it to no other site; what is an error is kept by nobody.
 */
#include "api/head.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char for_browsers[] = "X-Content-Type-Options: nosniff\r\n"
				   "X-Frame-Options: DENY\r\n"
				   "Referrer-Policy: no-referrer\r\n"
				   "Cross-Origin-Resource-Policy: same-origin\r\n"
				   "Cross-Origin-Opener-Policy: same-origin\r\n";

static const char no_policy[] = "default-src 'none'; base-uri 'none'; form-action 'none'; "
				"frame-ancestors 'none'";

/* "Sun, 06 Nov 1994 08:49:37 GMT"; by hand, as strftime speaks the locale's language. */
static void
write_date(struct buf *out, usec_t wall_us)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const time_t at = (time_t)(wall_us / USEC_PER_SEC);
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL)
		return;
	buf_addf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + tm.tm_wday * 3,
		tm.tm_mday, months + tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec);
}

static void
write_field(struct buf *out, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		buf_addf(out, "%s: %s\r\n", name, value);
}

static void
write_vary(struct buf *out, const struct reply *reply)
{
	const char *own = reply->vary == NULL ? "" : reply->vary;
	const char *packs = reply->is_packable ? "Accept-Encoding" : "";

	if (*own != '\0' || *packs != '\0')
		buf_addf(out, "Vary: %s%s%s\r\n", own, *own != '\0' && *packs != '\0' ? ", " : "",
			packs);
}

static void
write_connection(struct buf *out, const struct reply *reply, const struct head_around *around)
{
	if (around->is_endless) /* a proxy before us is not to gather it */
		buf_add_text(out, "X-Accel-Buffering: no\r\n");
	if (reply->is_closing)
		buf_add_text(out, "Connection: close\r\n");
	else if (around->is_http10)
		buf_add_text(out, "Connection: keep-alive\r\n");
}

void
head_write(struct buf *out, const struct reply *reply, const struct head_around *around)
{
	buf_addf(out, "HTTP/1.1 %d %s\r\n", reply->status, http1_reason(reply->status));
	write_date(out, around->wall_us);
	write_field(out, "Content-Type", reply->type);
	if (reply->type != NULL && !around->is_endless)
		buf_addf(out, "Content-Length: %zu\r\n", buf_left(&reply->body));
	write_field(out, "Content-Encoding", reply->encoding);
	write_field(out, "Cache-Control", reply->cache == NULL ? "no-store" : reply->cache);
	write_field(out, "ETag", reply->etag);
	write_vary(out, reply);
	write_field(
		out, "Content-Security-Policy", reply->policy == NULL ? no_policy : reply->policy);
	buf_add_text(out, for_browsers);
	write_field(out, "Allow", reply->allow);
	if (reply->wants_token)
		buf_add_text(out, "WWW-Authenticate: Bearer realm=\"triaged\"\r\n");
	if (reply->retry_after_s != 0)
		buf_addf(out, "Retry-After: %u\r\n", reply->retry_after_s);
	write_connection(out, reply, around);
	buf_add_text(out, "\r\n");
}

void
head_write_busy(struct buf *out, usec_t wall_us)
{
	static const char body[] = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
				   "\"status\":503,\"detail\":\"all connections are busy\"}\n";
	struct reply reply = { .status = 503,
		.type = "application/problem+json",
		.retry_after_s = 5,
		.is_closing = true };
	const struct head_around around = { .wall_us = wall_us };

	buf_init(&reply.body, 0);
	buf_add_text(&reply.body, body);
	head_write(out, &reply, &around);
	buf_add_text(out, body);
	buf_fini(&reply.body);
}
