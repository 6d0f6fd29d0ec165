/* Masked statements: within their room, one line, and without the text that was quoted. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "probes/sql_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char secret[] = "'q0ZsecretZ0q'";
	char sql[600], out[300], again[300];

	if (size < 1 || size > 500)
		return 0;
	memcpy(sql, data + 1, size - 1);
	sql[size - 1] = '\0';
	for (enum sql_dialect d = SQL_MYSQL; d <= SQL_SQLITE; d++) {
		sql_mask(d, sql, out, sizeof(out));
		assert(strlen(out) < sizeof(out) && strpbrk(out, "\n\r\t") == NULL);
		sql_mask(d, sql, again, 1 + data[0]);
		assert(strlen(again) <= data[0]);
	}
	memcpy(sql, secret, sizeof(secret) - 1);
	memcpy(sql + sizeof(secret) - 1, data + 1, size - 1);
	sql[sizeof(secret) + size - 2] = '\0';
	sql_mask(SQL_POSTGRES, sql, out, sizeof(out));
	assert(strstr(out, "ZsecretZ") == NULL ||
		strstr(sql + sizeof(secret) - 1, "secret") != NULL);
	return 0;
}
