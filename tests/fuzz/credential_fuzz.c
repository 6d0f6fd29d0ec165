/* Texts that may hold credentials: masked within their room, a line stays a line, what was there
 * twice over is found, and what is masked stays as it is. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/credential.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever stands before it, a password behind its own name is masked. */
static void
try_behind(const char *before)
{
	static const char with[] = "\n password=q0ZsecretZ0q x";
	size_t room = strlen(before) + sizeof(with) + 4000;
	char *text = xcalloc(1, room);

	strcpy(text, before);
	strcat(text, with);
	credential_mask(text, room);
	if (strstr(before, "ZsecretZ") == NULL)
		assert(strstr(text, "ZsecretZ") == NULL);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *again;
	size_t room;

	if (size < 1 || size > 1000)
		return 0;
	room = size + data[0] % 64;
	text = xcalloc(1, room);
	memcpy(text, data + 1, size - 1);
	/* A quote that is open takes the rest. */
	if (strpbrk(text, "\"'") == NULL)
		try_behind(text);
	credential_mask(text, room);
	assert(strlen(text) < room);
	again = xstrndup(text, room);
	again = xreallocarray(again, room, 1);
	credential_mask(again, room);
	assert(strlen(again) < room);
	free(again);
	free(text);
	return 0;
}
