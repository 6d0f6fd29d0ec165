/* Messages of the PostgreSQL protocol, version 3, as a server writes them. */
#include "tests/help/pg_answer.h"

#include <string.h>

static void
add_int(struct buf *out, unsigned value, unsigned bytes)
{
	while (bytes-- > 0) {
		unsigned char byte = (unsigned char)(value >> (8 * bytes));

		buf_add(out, &byte, 1);
	}
}

static void
add_message(struct buf *out, char kind, const void *data, size_t len)
{
	buf_add(out, &kind, 1);
	add_int(out, (unsigned)len + 4, 4);
	buf_add(out, data, len);
}

static void
add_parameter(struct buf *out, const char *name, const char *value)
{
	struct buf body;

	buf_init(&body, 0);
	buf_add(&body, name, strlen(name) + 1);
	buf_add(&body, value, strlen(value) + 1);
	add_message(out, 'S', buf_head(&body), buf_left(&body));
	buf_fini(&body);
}

void
pg_answer_login(struct buf *out, const char *version)
{
	add_message(out, 'R', "\0\0\0\0", 4);
	add_parameter(out, "server_version", version);
	add_message(out, 'K', "\0\0\0\7\0\0\0\1", 8);
	pg_answer_ready(out);
}

void
pg_answer_ready(struct buf *out)
{
	add_message(out, 'Z', "I", 1);
}

void
pg_answer_done(struct buf *out, const char *tag)
{
	add_message(out, 'C', tag, strlen(tag) + 1);
}

static void
add_row(struct buf *out, unsigned columns, const char *const *cells)
{
	struct buf body;

	buf_init(&body, 0);
	add_int(&body, columns, 2);
	for (unsigned i = 0; i < columns; i++) {
		if (cells[i] == NULL) {
			add_int(&body, 0xffffffff, 4);
			continue;
		}
		add_int(&body, (unsigned)strlen(cells[i]), 4);
		buf_add_text(&body, cells[i]);
	}
	add_message(out, 'D', buf_head(&body), buf_left(&body));
	buf_fini(&body);
}

void
pg_answer_rows(struct buf *out, unsigned columns, unsigned rows, const char *const *cells)
{
	struct buf body;

	buf_init(&body, 0);
	add_int(&body, columns, 2);
	for (unsigned i = 0; i < columns; i++) {
		buf_add(&body, "x", 2);
		add_int(&body, 0, 4);
		add_int(&body, 0, 2);
		add_int(&body, 25, 4);
		add_int(&body, 0xffff, 2);
		add_int(&body, 0xffffffff, 4);
		add_int(&body, 0, 2);
	}
	add_message(out, 'T', buf_head(&body), buf_left(&body));
	buf_fini(&body);
	for (unsigned i = 0; i < rows; i++)
		add_row(out, columns, cells + (size_t)i * columns);
	pg_answer_done(out, "SELECT 1");
}

void
pg_answer_error(struct buf *out, const char *state, const char *text)
{
	struct buf body;

	buf_init(&body, 0);
	buf_add(&body, "SERROR\0VERROR\0C", 15);
	buf_add(&body, state, strlen(state) + 1);
	buf_addf(&body, "M%s", text);
	buf_add(&body, "\0", 2);
	add_message(out, 'E', buf_head(&body), buf_left(&body));
	buf_fini(&body);
}
