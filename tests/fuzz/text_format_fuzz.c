/* Other people's YAML and JSON: whatever the bytes, it ends, and what is wrong is said. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "conf/text_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum text_format formats[] = { TEXT_YAML, TEXT_JSON };

	if (size > 8192)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		struct err e = { .code = 0 };

		if (text_format_check(formats[i], (const char *)data, size, &e) < 0)
			assert(e.text[0] != '\0');
	}
	return 0;
}
