/*
 * Reading a request's target and filling its reply.  Owns the path, the decoded name and the body;
 * every error has the form of RFC 9457.
 */
#include "api/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/feed.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "model/record.h"
#include "setup/settings.h"

#define PROBLEM_MAX 8192

/* "http://host/path" (absolute form) is read as "/path"; the host is looked at in Host only. */
static const char *
origin_form(const char *target)
{
	const char *slash;

	if (!str_starts(target, "http://"))
		return target;
	slash = strchr(target + strlen("http://"), '/');
	return slash == NULL ? "/" : slash;
}

void
call_init(struct api_call *call, const struct api_world *world, const struct http1 *request)
{
	const char *mark;

	*call = (struct api_call){ .world = world, .request = request, .query = "" };
	buf_init(&call->reply.body, REPLY_MAX);
	if (request == NULL || request->target == NULL)
		return;
	call->path = xstrdup(origin_form(request->target));
	mark = strchr(call->path, '?');
	if (mark != NULL) {
		call->query = mark + 1;
		call->path[mark - call->path] = '\0';
	}
}

void
call_fini(struct api_call *call)
{
	if (call->forget != NULL)
		call->forget(call);
	if (call->walk.end != NULL)
		call->walk.end(call->walk.state);
	feed_free(call->feed);
	buf_fini(&call->reply.body);
	free(call->path);
	free(call->name);
	free(call->tail);
	*call = (struct api_call){ .query = "" };
}

struct settings *
call_hold_settings(const struct api_call *call)
{
	/* To hold them changes nothing that is in them. */
	return settings_ref((struct settings *)(uintptr_t)(const void *)call->world->settings);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
percent_decode(char *text)
{
	char *to = text;

	for (const char *p = text; *p != '\0'; p++) {
		int high, low;

		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		high = hex_digit(p[1]);
		low = high == -1 ? -1 : hex_digit(p[2]);
		if (low == -1 || high * 16 + low == 0)
			return -1;
		*to++ = (char)(high * 16 + low);
		p += 2;
	}
	*to = '\0';
	return 0;
}

/* What is too long is so decoded: a blank is no three characters. */
static void
copy_value(char *out, size_t size, const char *value, size_t len)
{
	char *whole = xstrndup(value, len);

	for (char *c = whole; *c != '\0'; c++)
		*c = *c == '+' ? ' ' : *c;
	out[0] = '\0';
	if (percent_decode(whole) == 0 && strlen(whole) < size)
		str_copy(out, size, whole);
	free(whole);
}

bool
call_query(const struct api_call *call, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);

	for (const char *p = call->query; *p != '\0';) {
		size_t len = strcspn(p, "&");

		if (len >= name_len && strncmp(p, name, name_len) == 0 &&
			(len == name_len || p[name_len] == '=')) {
			size_t skip = len == name_len ? len : name_len + 1;

			copy_value(out, size, p + skip, len - skip);
			return true;
		}
		p += len;
		p += *p == '&';
	}
	return false;
}

bool
call_accepts(const struct api_call *call, const char *type)
{
	const char *accept = http1_header(call->request, "Accept");

	return accept != NULL && strcasestr(accept, type) != NULL;
}

/* The weight behind a name in a list such as Accept-Encoding; -1: it is not there. */
static double
weight_of(const char *list, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *p = list; *p != '\0'; p += *p == ',') {
		const char *mark;
		size_t len;

		p += strspn(p, " \t");
		len = strcspn(p, ",");
		if (strncasecmp(p, name, name_len) == 0 && strcspn(p, " \t;,") == name_len) {
			mark = memmem(p, len, "q=", 2);
			return mark == NULL ? 1 : atof(mark + 2);
		}
		p += len;
	}
	return -1;
}

bool
call_takes_gzip(const struct api_call *call)
{
	const char *accept = http1_header(call->request, "Accept-Encoding");
	double weight;

	if (accept == NULL)
		return false;
	weight = weight_of(accept, "gzip");
	return weight == -1 ? weight_of(accept, "*") > 0 : weight > 0;
}

/* Compared weakly, as RFC 9110 says for GET. */
bool
call_has_seen(const struct api_call *call, const char *etag)
{
	const char *list = http1_header(call->request, "If-None-Match");
	size_t etag_len = strlen(etag);

	if (list == NULL)
		return false;
	for (const char *p = list; *p != '\0'; p += *p == ',') {
		size_t len;

		p += strspn(p, " \t");
		if (*p == '*')
			return true;
		p += str_starts(p, "W/") ? 2 : 0;
		len = strcspn(p, " \t,");
		if (len == etag_len && strncmp(p, etag, len) == 0)
			return true;
		p += strcspn(p, ",");
	}
	return false;
}

static int
add_chunk(const char *chunk, size_t len, void *arg)
{
	buf_add(arg, chunk, len);
	return 0;
}

void
json_write(struct buf *out, json_t *doc)
{
	json_dump_callback(
		doc, add_chunk, out, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
	json_decref(doc);
}

static void
begin(struct api_call *call, int status, const char *type)
{
	buf_reset(&call->reply.body);
	call->reply.status = status;
	call->reply.type = type;
}

void
reply_json(struct api_call *call, int status, json_t *doc)
{
	begin(call, status, "application/json");
	json_write(&call->reply.body, doc);
	buf_add_text(&call->reply.body, "\n");
}

void
reply_text(struct api_call *call, int status, const char *type, const char *text)
{
	begin(call, status, type);
	buf_add_text(&call->reply.body, text);
}

void
reply_bytes(struct api_call *call, int status, const char *type, const void *bytes, size_t len)
{
	begin(call, status, type);
	buf_add(&call->reply.body, bytes, len);
}

void
reply_unchanged(struct api_call *call)
{
	begin(call, 304, NULL);
	call->reply.encoding = NULL;
}

void
reply_problem(struct api_call *call, int status, const char *fmt, ...)
{
	json_t *doc = json_object();
	char *detail = xcalloc(1, PROBLEM_MAX);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, PROBLEM_MAX, fmt, ap);
	va_end(ap);
	if (call->world->env->secrets != NULL)
		secret_mask(call->world->env->secrets, detail);
	json_object_set_new(doc, "type", json_string("about:blank"));
	json_object_set_new(doc, "title", json_string(http1_reason(status)));
	json_object_set_new(doc, "status", json_integer(status));
	json_object_set_new(doc, "detail", record_text(detail));
	free(detail);
	begin(call, status, "application/problem+json");
	call->reply.encoding = call->reply.cache = NULL;
	call->reply.etag[0] = '\0';
	json_write(&call->reply.body, doc);
	buf_add_text(&call->reply.body, "\n");
}
