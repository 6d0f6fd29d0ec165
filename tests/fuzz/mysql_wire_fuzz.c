/* MySQL packets, whatever the bytes: greeting, errors, plugins, resultsets end and stay bounded. */
#include <assert.h>
#include <string.h>

#include "probes/mysql_auth.h"
#include "probes/mysql_cause.h"
#include "probes/mysql_result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A whole conversation: the first packet is a greeting, the second a plugin's, then answers. */
static void
converse(const uint8_t *data, size_t size)
{
	struct mysql_auth auth = { .password = "secret" };
	struct mysql_packet p;
	struct mysql_result r;
	struct mysql_greeting g;
	unsigned count = 0;

	mysql_result_init(&r);
	while (mysql_packet_read(data, size, &p) > 0) {
		assert(p.total <= size && p.data >= data);
		if (count == 0 && mysql_greeting_read(&g, p.data, p.len) == 0)
			mysql_auth_begin(&auth, g.plugin, g.scramble, g.scramble_len, NULL);
		else if (count == 1)
			mysql_auth_continue(&auth, p.data, p.len, NULL);
		else if (mysql_result_take(&r, p.data, p.len) != MYSQL_MORE)
			mysql_result_reset(&r);
		assert(r.bytes.len <= MYSQL_BYTES_MAX && r.at_count <= MYSQL_CELLS_MAX);
		data += p.total;
		size -= p.total;
		count++;
	}
	for (unsigned row = 0; row < r.row_count; row++)
		for (unsigned column = 0; column < r.columns; column++)
			mysql_number(mysql_cell(&r, row, column));
	mysql_cell_of(&r, 0, "Replica_IO_Running", "Slave_IO_Running");
	mysql_result_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mysql_greeting g;
	struct mysql_error e;
	struct mysql_switch to;
	const char *name;
	size_t len;

	if (mysql_greeting_read(&g, data, size) == 0)
		assert(g.scramble_len <= MYSQL_SCRAMBLE_MAX && strlen(g.version) < MYSQL_NAME_MAX);
	if (mysql_error_read(&e, data, size) == 0)
		assert(mysql_cause(&e) != NULL);
	mysql_switch_read(&to, data, size);
	mysql_column_read(data, size, &name, &len);
	converse(data, size);
	return 0;
}
