/*
 * URLs, places and targets of people and of redirects: refused with words, or parsed within their
 * bounds; what is shown of them holds no password; a redirect from one to the other is one, too.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A password may be a word of the origin's own, as "http:" is. */
static bool
stands_elsewhere(const struct url *url, const char *word)
{
	char head[64];

	snprintf(head, sizeof(head), "%s://", url->scheme);
	return strstr(head, word) != NULL || strstr(url->place.host, word) != NULL ||
	       strstr(url->place.path, word) != NULL;
}

static void
look(const struct url *url)
{
	char *masked = url_masked(url), *origin = url_origin(url);

	assert(url->scheme[0] != '\0' && url->target != NULL && url->target[0] == '/');
	assert(strpbrk(url->target, "\r\n \t") == NULL);
	assert(url->place.host[0] == '\0' || url->place.path[0] == '\0');
	if (url->password != NULL && strlen(url->password) > 3)
		assert(strstr(origin, url->password) == NULL ||
			stands_elsewhere(url, url->password));
	url_port(url);
	free(masked);
	free(origin);
}

static void
try_url(const char *text, const char *reference)
{
	struct err e = { 0 };
	struct url url, to;

	if (url_parse(&url, text, &e) != 0) {
		assert(e.text[0] != '\0');
		return;
	}
	look(&url);
	if (url_resolve(&to, &url, reference, &e) == 0) {
		look(&to);
		url_fini(&to);
	}
	url_fini(&url);
}

static void
try_place(const char *text)
{
	struct err e = { 0 };
	struct place place;
	struct addr addr;
	char out[ADDR_TEXT];

	if (place_parse(&place, text, &e) != 0) {
		assert(e.text[0] != '\0');
		return;
	}
	assert(place.host[0] == '\0' || place.path[0] == '\0');
	if (place.path[0] != '\0') {
		if (addr_from_path(&addr, place.path, &e) == 0)
			addr_text(&addr, out);
	} else if (addr_from_numeric(&addr, place.host, place.port) == 0) {
		addr_text(&addr, out);
		addr_is_loopback(&addr);
	}
}

/* The first line is a URL or a place, the rest where it redirects to. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *rest;

	if (size > 4096)
		return 0;
	text = xstrndup((const char *)data, size);
	rest = strchr(text, '\n');
	if (rest != NULL)
		*rest++ = '\0';
	try_place(text);
	try_url(text, rest != NULL ? rest : "../x?y");
	try_url("http://user:secret@shop.test:8080/a/b?c", text);
	free(text);
	return 0;
}
