/* Tables for people: columns as wide as needed, cut where the terminal ends. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/term.h"

#define TABLE_COLUMNS_MAX 8

struct table_column {
	const char *title;
	bool is_right;
	bool is_flexible; /* is cut first */
	bool is_spare;    /* is left out where the rest would be cut to pieces */
	bool is_whole;    /* is never cut: an id that is to be typed */
};

struct table;

struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table);
/* Texts are copied and cleaned; NULL is shown as "-". */
void table_add(struct table *table, const char *const *cells);
void table_paint(struct table *table, size_t column, enum paint paint); /* of the last row */
size_t table_rows(const struct table *table);
void table_print(struct table *table, const struct term *term, FILE *out);

#endif
