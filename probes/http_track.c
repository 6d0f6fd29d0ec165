/* Tells a restart by a value that lives as long as the process: its start time, an instance id. */
#include "probes/http_track.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

bool
http_track_find(const json_t *doc, const char *path, char *out, size_t size)
{
	while (doc && *path != '\0') {
		size_t len = strcspn(path, ".");
		char *key = xstrndup(path, len);

		doc = json_object_get(doc, key);
		free(key);
		path += len + (path[len] == '.');
	}
	if (doc == NULL || json_is_null(doc) || json_is_object(doc) || json_is_array(doc))
		return false;
	char *text = json_dumps(doc, JSON_ENCODE_ANY | JSON_COMPACT);

	if (text == NULL)
		return false;
	str_printable(out, size, text, strlen(text));
	free(text);
	return true;
}

bool
http_track_see(struct http_track *track, const char *value, usec_t now_us)
{
	bool is_other = track->is_known && !str_eq(track->value, value);

	if (is_other) {
		memmove(track->at_us + 1, track->at_us,
			(HTTP_TRACK_TIMES - 1) * sizeof(*track->at_us));
		track->at_us[0] = now_us;
		track->total++;
		str_copy(track->before, sizeof(track->before), track->value);
	}
	track->is_known = true;
	str_copy(track->value, sizeof(track->value), value);
	return is_other;
}

unsigned
http_track_hour(const struct http_track *track, usec_t now_us)
{
	unsigned count = 0;

	while (count < HTTP_TRACK_TIMES && track->at_us[count] != 0 &&
		now_us - track->at_us[count] < USEC_PER_HOUR)
		count++;
	return count;
}
