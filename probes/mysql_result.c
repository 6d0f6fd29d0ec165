/*
 * A text resultset, as its packets come:
 *
 *	HEAD -> (column definitions) -> EOF -> (rows) -> EOF
 *
 * Rows beyond the caps are read and forgotten: the connection must stay usable.
 */
#include "probes/mysql_result.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define ROWS_ENDLESS 1000000 /* a server that sends more is not answering our questions */
#define EOF_LEN_MAX  9       /* a longer packet that begins with 0xfe is a row */

enum step { HEAD, NAMES, NAMES_END, ROWS };

void
mysql_result_init(struct mysql_result *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->bytes, MYSQL_BYTES_MAX);
}

void
mysql_result_fini(struct mysql_result *r)
{
	buf_fini(&r->bytes);
	free(r->at);
	memset(r, 0, sizeof(*r));
}

void
mysql_result_reset(struct mysql_result *r)
{
	struct buf bytes = r->bytes;
	size_t *at = r->at, room = r->at_room;

	buf_reset(&bytes);
	memset(r, 0, offsetof(struct mysql_result, error.text));
	r->error.text[0] = '\0';
	r->bytes = bytes;
	r->at = at;
	r->at_room = room;
}

static enum mysql_progress
say_wrong(struct mysql_result *r, const char *what)
{
	r->wrong = what;
	return MYSQL_WRONG;
}

static void
add_place(struct mysql_result *r, const char *text, size_t len)
{
	if (r->at_count == r->at_room) {
		r->at_room = r->at_room == 0 ? 64 : r->at_room * 2;
		r->at = xreallocarray(r->at, r->at_room, sizeof(*r->at));
	}
	r->at[r->at_count++] = text != NULL ? r->bytes.len : SIZE_MAX;
	if (text == NULL)
		return;
	buf_add(&r->bytes, text, len);
	buf_add(&r->bytes, "", 1);
}

static enum mysql_progress
take_head(struct mysql_result *r, const unsigned char *at, const unsigned char *end)
{
	if (*at == MYSQL_MARK_OK)
		return MYSQL_DONE;
	if (*at == MYSQL_MARK_FILE)
		return say_wrong(r, "the server asks for a local file");
	if (mysql_number_read(&at, end, &r->columns, NULL) < 0 || at != end || r->columns == 0)
		return say_wrong(r, "a resultset without a number of columns");
	if (r->columns > MYSQL_COLUMNS_MAX)
		return say_wrong(r, "a resultset of too many columns");
	r->left = r->columns;
	r->step = NAMES;
	return MYSQL_MORE;
}

static enum mysql_progress
take_name(struct mysql_result *r, const unsigned char *at, size_t len)
{
	const char *name;
	size_t name_len;

	if (mysql_column_read(at, len, &name, &name_len) < 0)
		return say_wrong(r, "a column's definition is cut");
	add_place(r, name, name_len);
	if (--r->left == 0)
		r->step = NAMES_END;
	return MYSQL_MORE;
}

static enum mysql_progress
take_row(struct mysql_result *r, const unsigned char *at, const unsigned char *end)
{
	bool is_kept = !r->is_cut && r->at_count + r->columns <= MYSQL_CELLS_MAX &&
		       r->bytes.len + (size_t)(end - at) + r->columns < MYSQL_BYTES_MAX;

	if (++r->rows > ROWS_ENDLESS)
		return say_wrong(r, "the rows do not end");
	r->is_cut = !is_kept;
	for (uint64_t i = 0; i < r->columns; i++) {
		const char *text;
		size_t len;

		if (mysql_text_read(&at, end, &text, &len) < 0)
			return say_wrong(r, "a row is cut");
		if (is_kept)
			add_place(r, text, len);
	}
	if (at != end)
		return say_wrong(r, "a row has more than its columns");
	r->row_count += is_kept ? 1 : 0;
	return MYSQL_MORE;
}

enum mysql_progress
mysql_result_take(struct mysql_result *r, const void *data, size_t len)
{
	const unsigned char *at = data, *end = at + len;
	bool is_end;

	if (len == 0)
		return say_wrong(r, "an empty packet");
	if (*at == MYSQL_MARK_ERROR)
		return mysql_error_read(&r->error, data, len) == 0
			       ? MYSQL_REFUSED
			       : say_wrong(r, "an error packet is cut");
	is_end = *at == MYSQL_MARK_EOF && len < EOF_LEN_MAX;
	switch (r->step) {
	case HEAD:
		return take_head(r, at, end);
	case NAMES:
		return take_name(r, at, len);
	case NAMES_END:
		r->step = ROWS;
		return is_end ? MYSQL_MORE : say_wrong(r, "the columns have no end");
	default:
		return is_end ? MYSQL_DONE : take_row(r, at, end);
	}
}

const char *
mysql_cell(const struct mysql_result *r, unsigned row, unsigned column)
{
	size_t at;

	if (row >= r->row_count || column >= r->columns)
		return NULL;
	at = r->at[(row + 1) * r->columns + column];
	return at == SIZE_MAX ? NULL : buf_head(&r->bytes) + at;
}

int
mysql_column(const struct mysql_result *r, const char *name)
{
	for (unsigned i = 0; i < r->columns && i < r->at_count; i++)
		if (strcasecmp(buf_head(&r->bytes) + r->at[i], name) == 0)
			return (int)i;
	return -1;
}

const char *
mysql_cell_of(const struct mysql_result *r, unsigned row, const char *name, const char *other)
{
	int column = mysql_column(r, name);

	if (column < 0 && other != NULL)
		column = mysql_column(r, other);
	return column < 0 ? NULL : mysql_cell(r, row, (unsigned)column);
}

double
mysql_number(const char *cell)
{
	char *end;
	double value;

	if (cell == NULL || (!isdigit((unsigned char)cell[0]) && cell[0] != '-' && cell[0] != '.'))
		return NAN;
	value = strtod(cell, &end);
	return *end == '\0' && end != cell && isfinite(value) ? value : NAN;
}
