/* Cron expressions: whatever the text, what is taken has a next time that is later. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *zone;
	char text[256];
	struct cron cron;

	if (zone == NULL)
		zone = zone_load("Europe/Berlin", NULL);
	if (zone == NULL || size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (cron_parse(&cron, text, NULL) == 0) {
		int64_t at = cron_next(&cron, zone, 1711843200); /* the night the clocks change */

		assert(at > 1711843200);
		assert(at == INT64_MAX || cron_next(&cron, zone, at) > at);
	}
	return 0;
}
