/* Output of plugins: whatever the bytes, taking them apart ends, and what comes out is clean. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "probes/perfdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct perfdata *item)
{
	char name[PERFDATA_LABEL_MAX + 1], words[80];
	enum metric_kind kind;
	double factor;

	assert(item->label[0] != '\0' && strlen(item->label) <= PERFDATA_LABEL_MAX);
	assert(isnan(item->value) || isfinite(item->value));
	assert(!item->warning.is_set || item->warning.low <= item->warning.high);
	perfdata_unit(item->uom, &factor, &kind);
	perfdata_name(item->label, name);
	assert(strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		strlen(name));
	perf_range_words(&item->warning, words, sizeof(words));
	perf_range_words(&item->critical, words, sizeof(words));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_output out;
	struct perfdata item;
	const char *at, *end;

	perf_output_init(&out);
	perf_output_split(&out, (const char *)data, size);
	at = buf_text(&out.perf);
	end = at + buf_left(&out.perf);
	while (perfdata_next(&at, end, &item)) {
		assert(at <= end);
		look(&item);
	}
	perf_output_fini(&out);
	return 0;
}
