/* The kernel's list of sockets: whatever the bytes, it ends and stays bounded. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/sock_diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(const struct sock_table *table)
{
	char text[ADDR_TEXT];

	assert(table->count <= SOCK_LISTENERS_MAX);
	for (unsigned i = 0; i < table->count; i++) {
		addr_text(&table->listeners[i].local, text);
		sock_listener_covers(&table->listeners[i], &table->listeners[0].local);
		sock_listener_is_any(&table->listeners[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *exact = malloc(size + (size == 0));
	struct sock_table table = { .count = 0 };
	struct err e;

	memcpy(exact, data, size);
	memcpy(text, data, size);
	text[size] = '\0';
	sock_diag_parse(&table, SOCK_TCP, 80, exact, size, &e);
	sock_diag_parse(&table, SOCK_UDP, 80, exact, size, &e);
	look_at(&table);
	sock_proc_parse(&table, SOCK_TCP, 80, text);
	sock_proc_parse(&table, SOCK_UDP, 80, text);
	look_at(&table);
	free(exact);
	free(text);
	return 0;
}
