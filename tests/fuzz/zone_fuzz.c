/* TZif files: whatever the bytes, a zone that is taken can be asked and walked. */
#include <assert.h>
#include <stdint.h>

#include "base/cron.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t moments[] = { INT64_C(-5000000000), 0, 1700000000, INT64_C(3000000000),
		INT64_C(90000000000) };
	struct zone *zone = zone_parse(data, size, NULL);
	struct zone_span span;
	struct cron cron;

	if (zone == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		zone_span_at(zone, moments[i], &span);
		assert(span.from <= moments[i] && moments[i] < span.until);
		if (cron_parse(&cron, i % 2 == 0 ? "30 2 * * *" : "*/7 * 29 2 *", NULL) == 0)
			assert(cron_next(&cron, zone, moments[i]) > moments[i]);
	}
	zone_free(zone);
	return 0;
}
