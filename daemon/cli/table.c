/*
 * Lays a table out: widths first; what is too wide is cut, flexible columns first; spare ones are
 * left out before that makes the others unreadable.
 */
#include "cli/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define GAP       2
#define WIDTH_MIN 6
#define WIDTH_LOW 14 /* of a flexible column, while spare ones are left */

struct row {
	char *cells[TABLE_COLUMNS_MAX];
	enum paint paints[TABLE_COLUMNS_MAX];
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct row *rows;
	size_t count, room;
	const struct term *term; /* while printing */
};

struct table *
table_new(const struct table_column *columns, size_t count)
{
	struct table *table = xcalloc(1, sizeof(*table));

	table->columns = columns;
	table->column_count = count;
	return table;
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t r = 0; r < table->count; r++)
		for (size_t c = 0; c < table->column_count; c++)
			free(table->rows[r].cells[c]);
	free(table->rows);
	free(table);
}

void
table_add(struct table *table, const char *const *cells)
{
	struct row *row;

	if (table->count == table->room) {
		table->room = table->room == 0 ? 16 : table->room * 2;
		table->rows = xreallocarray(table->rows, table->room, sizeof(*table->rows));
	}
	row = &table->rows[table->count++];
	memset(row, 0, sizeof(*row));
	for (size_t c = 0; c < table->column_count; c++) {
		bool is_empty = cells[c] == NULL || *cells[c] == '\0';

		row->cells[c] = xstrdup(is_empty ? "-" : cells[c]);
		term_clean(row->cells[c], false);
	}
}

void
table_paint(struct table *table, size_t column, enum paint paint)
{
	if (table->count > 0)
		table->rows[table->count - 1].paints[column] = paint;
}

size_t
table_rows(const struct table *table)
{
	return table->count;
}

static const size_t hidden = SIZE_MAX; /* the width of a column that is left out */

/* The widest column that may still shrink to `least`.  -1: none. */
static int
pick_wide(const struct table *table, const size_t *widths, bool is_flexible, size_t least)
{
	int picked = -1;

	for (size_t c = 0; c < table->column_count; c++) {
		const struct table_column *column = &table->columns[c];

		if (widths[c] == hidden || widths[c] <= least || column->is_whole ||
			column->is_flexible != is_flexible)
			continue;
		if (picked == -1 || widths[c] > widths[picked])
			picked = (int)c;
	}
	return picked;
}

static int
pick_spare(const struct table *table, const size_t *widths)
{
	int picked = -1;

	for (size_t c = 0; c < table->column_count; c++)
		if (table->columns[c].is_spare && widths[c] != hidden)
			picked = (int)c;
	return picked;
}

static size_t
total_of(const struct table *table, const size_t *widths)
{
	size_t total = 0, count = 0;

	for (size_t c = 0; c < table->column_count; c++)
		if (widths[c] != hidden) {
			total += widths[c];
			count++;
		}
	return total + (count > 0 ? GAP * (count - 1) : 0);
}

static void
measure(const struct table *table, size_t *widths)
{
	for (size_t c = 0; c < table->column_count; c++) {
		widths[c] = str_columns(table->columns[c].title);
		for (size_t r = 0; r < table->count; r++) {
			size_t width = str_columns(table->rows[r].cells[c]);

			if (width > widths[c])
				widths[c] = width;
		}
	}
}

/* Cuts columns of that kind, the widest first, until they fit or have come down to `least`. */
static bool
shrink(const struct table *table, size_t columns, size_t *widths, bool is_flexible, size_t least)
{
	while (total_of(table, widths) > columns) {
		int wide = pick_wide(table, widths, is_flexible, least);

		if (wide == -1)
			return false;
		widths[wide]--;
	}
	return true;
}

/* What a column that is left out gives, the others take. */
static void
lay_out(const struct table *table, size_t columns, size_t *widths)
{
	size_t natural[TABLE_COLUMNS_MAX];
	int spare;

	measure(table, natural);
	for (;;) {
		memcpy(widths, natural, sizeof(natural));
		if (shrink(table, columns, widths, true, WIDTH_LOW))
			return;
		spare = pick_spare(table, natural);
		if (spare == -1)
			break;
		natural[spare] = hidden;
	}
	if (!shrink(table, columns, widths, true, WIDTH_MIN))
		shrink(table, columns, widths, false, WIDTH_MIN);
}

struct cell {
	const char *text;
	size_t width;
	enum paint paint;
	bool is_right, is_last;
};

static void
print_cell(const struct cell *cell, const struct term *term, FILE *out)
{
	size_t len = str_columns(cell->text), pad = cell->width > len ? cell->width - len : 0;

	if (cell->is_right)
		fprintf(out, "%*s", (int)pad, "");
	term_paint(term, out, cell->paint, cell->text);
	if (!cell->is_last && !cell->is_right)
		fprintf(out, "%*s", (int)pad, "");
	fputs(cell->is_last ? "\n" : "  ", out);
}

static void
print_row(const struct table *table, struct row *row, const size_t *widths, FILE *out)
{
	size_t last = 0;

	for (size_t c = 0; c < table->column_count; c++)
		if (widths[c] != hidden)
			last = c;
	for (size_t c = 0; c < table->column_count; c++) {
		const struct cell cell = {
			.text = row->cells[c],
			.width = widths[c],
			.paint = row->paints[c],
			.is_right = table->columns[c].is_right,
			.is_last = c == last,
		};

		if (widths[c] == hidden)
			continue;
		term_cut(row->cells[c], widths[c]);
		print_cell(&cell, table->term, out);
	}
}

void
table_print(struct table *table, const struct term *term, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX];
	struct row titles = { .cells = { NULL } };

	lay_out(table, term->columns, widths);
	table->term = term;
	for (size_t c = 0; c < table->column_count; c++) {
		titles.cells[c] = xstrdup(table->columns[c].title);
		titles.paints[c] = PAINT_DIM;
	}
	print_row(table, &titles, widths, out);
	for (size_t c = 0; c < table->column_count; c++)
		free(titles.cells[c]);
	for (size_t r = 0; r < table->count; r++)
		print_row(table, &table->rows[r], widths, out);
	table->term = NULL;
}
