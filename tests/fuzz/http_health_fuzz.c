/* Health documents of hostile applications: bounded words, whatever is in them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probes/http_health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[48], *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (http_health_read(text, size, out, sizeof(out)))
		assert(out[0] != '\0' && strlen(out) < sizeof(out));
	free(text);
	return 0;
}
