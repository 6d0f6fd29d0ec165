/* Texts of strangers on their way to people and to Prometheus: cut, masked, made printable, matched
 * and named, within their room and in time. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/exposition.h"
#include "api/metric_name.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "model/metric.h"
#include "probes/docker_client.h"
#include "probes/proc_match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
show(const char *text, size_t len, size_t room)
{
	char *out = xmalloc(room);

	str_printable(out, room, text, len);
	assert(strlen(out) < room && str_is_utf8(out, strlen(out)));
	for (const char *p = out; *p != '\0'; p++)
		assert((unsigned char)*p >= ' ');
	str_copy(out, room, text);
	assert(strlen(out) < room);
	free(out);
	assert(str_utf8_cut(text, len, room) <= room);
	str_columns(text);
}

/* The first line is a secret, the rest where it may stand. */
static void
mask(const char *text)
{
	struct secret_set *set = secret_set_new();
	size_t len = strcspn(text, "\n");
	char *secret = xstrndup(text, len),
	     *rest = xstrdup(text[len] == '\0' ? "" : text + len + 1);

	secret_set_add(set, secret);
	secret_mask(set, rest);
	if (len >= 4 && strchr(secret, '*') == NULL)
		assert(strstr(rest, secret) == NULL);
	secret_mask_cut(set, rest, strlen(rest) + 1);
	free(secret);
	free(rest);
	secret_set_free(set);
}

static void
match(const char *text)
{
	size_t len = strcspn(text, "\n");
	char *glob;

	if (len > 200)
		return;
	glob = xstrndup(text, len);
	str_matches_glob(text[len] == '\0' ? "redis-server" : text + len + 1, glob);
	free(glob);
}

static void
expose(const char *text)
{
	struct exposition *ex = exposition_new(true, 1 << 16);
	struct buf labels, out;
	char name[160];

	labels_clean_name(name, sizeof(name), text);
	for (const char *p = name; *p != '\0'; p++)
		assert(isalnum((unsigned char)*p) || *p == '_');
	buf_init(&labels, 0);
	buf_init(&out, 0);
	labels_add(&labels, "check", text);
	assert(memchr(buf_text(&labels), '\n', buf_left(&labels)) == NULL);
	family_add_with(exposition_family(ex, "a_b", FAMILY_GAUGE, "", text), buf_text(&labels),
		"c", text, 1);
	exposition_write(ex, &out);
	buf_fini(&labels);
	buf_fini(&out);
	exposition_free(ex);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct docker_places places;
	struct err e = { 0 };
	struct buf path;
	char *text;

	if (size > 4096)
		return 0;
	text = xstrndup((const char *)data, size);
	show(text, strlen(text), 1 + size / 2);
	mask(text);
	match(text);
	expose(text);
	proc_parse_pidfile((const char *)data, size);
	if (docker_places_parse(&places, text, &e) == 0)
		assert(places.count >= 1 && places.count <= 3);
	buf_init(&path, 0);
	docker_add_value(&path, text);
	assert(strpbrk(buf_text(&path), " \r\n&#?") == NULL);
	buf_fini(&path);
	free(text);
	return 0;
}
