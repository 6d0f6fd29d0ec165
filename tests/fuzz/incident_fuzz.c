/* A stored incident may have been written by another version, or be damaged: it is refused with a
 * reason, or it can be told of and stored, and what was stored reads back as the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "model/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_again(const struct incident *i)
{
	json_t *stored = incident_store(i), *again;
	struct incident same;
	struct err e = { 0 };

	assert(stored != NULL);
	if (incident_restore(&same, stored, &e) < 0)
		abort();
	again = incident_store(&same);
	assert(json_equal(stored, again));
	json_decref(again);
	json_decref(stored);
	incident_fini(&same);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *doc = json_loadb((const char *)data, size, 0, NULL), *told;
	struct err e = { 0 };
	struct incident i;

	if (incident_restore(&i, doc, &e) == 0) {
		told = incident_json(&i, INT64_C(1767323045000000));
		assert(told != NULL);
		json_decref(told);
		try_again(&i);
		incident_fini(&i);
	} else {
		assert(*e.text);
	}
	json_decref(doc);
	return 0;
}
