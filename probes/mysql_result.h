/* The answer to one statement, gathered packet by packet: column names and cells, all bounded. */
#ifndef PROBES_MYSQL_RESULT_H
#define PROBES_MYSQL_RESULT_H

#include "probes/mysql_wire.h"

#define MYSQL_COLUMNS_MAX 128 /* SHOW REPLICA STATUS has about 60 */
#define MYSQL_CELLS_MAX   8192
#define MYSQL_BYTES_MAX   ((size_t)256 * 1024)

enum mysql_progress {
	MYSQL_MORE,
	MYSQL_DONE,
	MYSQL_REFUSED, /* an error packet: `error` says which */
	MYSQL_WRONG,   /* not the protocol, or far too much of it: `wrong` says what */
};

struct mysql_result {
	int step; /* private */
	uint64_t columns;
	uint64_t left; /* definitions still to come */
	uint64_t rows; /* all that came; kept are row_count */
	unsigned row_count;
	bool is_cut;      /* more came than is kept */
	struct buf bytes; /* names, then cells, each with a NUL */
	size_t *at;       /* places in it: names, then cells; SIZE_MAX: NULL */
	size_t at_count, at_room;
	const char *wrong;
	struct mysql_error error; /* last: its text is long */
};

void mysql_result_init(struct mysql_result *r);
void mysql_result_fini(struct mysql_result *r);
void mysql_result_reset(struct mysql_result *r); /* for the next statement; keeps the memory */
enum mysql_progress mysql_result_take(struct mysql_result *r, const void *data, size_t len);

/* NULL: SQL's NULL, or no such place. */
const char *mysql_cell(const struct mysql_result *r, unsigned row, unsigned column);
int mysql_column(const struct mysql_result *r, const char *name); /* any case; -1: none */
/* By name; the first of the names that there is. */
const char *mysql_cell_of(
	const struct mysql_result *r, unsigned row, const char *name, const char *other);
/* NAN: NULL, absent, or no number. */
double mysql_number(const char *cell);

#endif
