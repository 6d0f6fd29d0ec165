/* What somebody may send to be silenced, and the schedules of planned work. */
#include <stdlib.h>
#include <string.h>

#include "base/window.h"
#include "deliver/silence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_silence(const char *text, size_t len)
{
	json_t *ask = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	struct err e;
	struct silence *s = silence_new(ask, INT64_C(1767323045000000), &e);
	json_t *doc;

	json_decref(ask);
	if (s == NULL)
		return;
	doc = silence_json(s, 0);
	silence_free(s);
	/* What was made can be stored and read back. */
	s = silence_restore(doc, &e);
	if (s == NULL)
		abort();
	silence_free(s);
	json_decref(doc);
}

static void
try_window(const char *text, const struct zone *zone)
{
	struct window window;
	struct err e;
	int64_t until;

	for (int32_t minutes = 0; minutes <= 90; minutes += 90)
		if (window_parse(&window, text, minutes, &e) == 0 &&
			window_holds(&window, zone, 1767323045, &until) && until <= 1767323045)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *zone;
	struct err e;
	char *text;

	if (size > 4096)
		return 0;
	if (zone == NULL)
		zone = zone_load("Europe/Berlin", &e);
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	try_silence(text, size);
	if (zone != NULL)
		try_window(text, zone);
	free(text);
	return 0;
}
