/* What a PostgreSQL server may say during a login: first bytes, and libpq's message made of them.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/cause.h"
#include "probes/postgres_trouble.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct pg_trouble *trouble)
{
	assert(cause_find(pg_trouble_cause(trouble)) != NULL);
	assert(strlen(trouble->text) < PG_TEXT_MAX);
	assert(str_is_utf8(trouble->text, strlen(trouble->text)));
	assert(strlen(trouble->state) == 0 || strlen(trouble->state) == 5);
	pg_trouble_is_not_accepting(trouble);
	pg_trouble_is_pooler(trouble);
	pg_trouble_is_ours(trouble);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pg_trouble trouble = { .fault = FAULT_NONE };
	char *text = xstrndup((const char *)data, size);

	pg_sniff_login(data, size);
	pg_trouble_read(&trouble, text);
	look(&trouble);
	pg_trouble_set(&trouble, size > 5 ? "57P03" : NULL, text);
	look(&trouble);
	free(text);
	return 0;
}
