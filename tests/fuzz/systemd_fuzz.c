/* What systemd says of a unit, and what an application says of itself: JSON of any shape gives one
 * verdict with a cause of the list, and words that can be shown. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/cause.h"
#include "probes/http_track.h"
#include "probes/systemd_unit.h"

#define WALL (INT64_C(1767323045) * USEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge(const json_t *common, const json_t *own)
{
	struct unit_verdict v;
	struct unit unit;
	char text[100];

	unit_read(&unit, common, own);
	for (int want = UNIT_WANT_ACTIVE; want <= UNIT_WANT_ANY; want++) {
		unit_judge(&v, &unit, (enum unit_want)want, 90 * USEC_PER_SEC, WALL);
		assert(v.cause == NULL || cause_find(v.cause) != NULL);
		assert(str_is_utf8(v.text, strnlen(v.text, sizeof(v.text))));
	}
	unit_last_exit(&unit, text, sizeof(text));
	unit_signal(&unit, text, sizeof(text));
}

static void
track(const json_t *doc)
{
	static const char *const paths[] = { "a", "data.start_time", "a.0", "data.list.1.x", "" };
	struct http_track seen = { 0 };
	char out[HTTP_TRACK_MAX];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!http_track_find(doc, paths[i], out, sizeof(out)))
			continue;
		assert(strlen(out) < sizeof(out));
		http_track_see(&seen, out, WALL + (usec_t)i);
		assert(http_track_hour(&seen, WALL) <= HTTP_TRACK_TIMES);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[UNIT_NAME_MAX], *text;
	json_t *doc;

	if (size > 16384)
		return 0;
	doc = json_loadb((const char *)data, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
	text = xstrndup((const char *)data, size);
	if (unit_name(text, name))
		assert(strlen(name) < sizeof(name) && unit_interface(name) != NULL);
	judge(doc, doc);
	judge(json_array_get(doc, 0), json_array_get(doc, 1));
	track(doc);
	json_decref(doc);
	free(text);
	return 0;
}
