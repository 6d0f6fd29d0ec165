/*
 * What a daemon or a target says, on its way to a terminal or a page: no control character gets
 * through, lines fit, cells stay in their columns, and roff sees no request that is not ours.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/manual.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "cli/when.h"

#define TEXT_MAX 4096
#define COLUMNS  40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_lines(const char *text, size_t columns)
{
	char *all = xstrdup(text), *rest = all, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		assert(str_columns(line) <= columns);
		for (const unsigned char *p = (const unsigned char *)line; *p != '\0'; p++)
			assert(*p >= 0x20 && *p != 0x7f);
	}
	free(all);
}

static void
check_table(const char *text)
{
	static const struct table_column columns[] = { { .title = "ID", .is_whole = true },
		{ .title = "NAME", .is_flexible = true }, { .title = "MORE", .is_spare = true } };
	const struct term term = { .columns = COLUMNS };
	struct table *table = table_new(columns, 3);
	char *printed = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&printed, &len);

	table_add(table, (const char *const[]){ "3f9c2a7d", text, text });
	table_print(table, &term, out);
	fclose(out);
	check_lines(printed, COLUMNS);
	free(printed);
	table_free(table);
}

/* A text of one line is one line, whatever it begins with. */
static void
check_roff(const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	roff_plain(&out, text);
	assert(buf_text(&out)[0] != '.' && buf_text(&out)[0] != '\'');
	buf_reset(&out);
	roff_text(&out, text);
	buf_reset(&out);
	roff_markdown(&out, text);
	buf_reset(&out);
	screen_compose(text, text, 5, &out);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size < TEXT_MAX ? size : TEXT_MAX), *local, *line;
	const struct term term = { .columns = COLUMNS };
	char *printed = NULL;
	usec_t at_us;
	size_t len = 0;
	FILE *out;

	local = when_localise(text, INT64_C(1767323045) * USEC_PER_SEC);
	when_parse(text, INT64_C(1767323045) * USEC_PER_SEC, &at_us);
	line = xstrdup(local);
	term_clean(line, false);
	assert(str_is_utf8(line, strlen(line)));
	out = open_memstream(&printed, &len);
	term_print_wrapped(&term, out, 2, line);
	fclose(out);
	check_lines(printed, COLUMNS);
	check_table(text);
	check_roff(line);
	free(printed);
	free(line);
	free(local);
	free(text);
	return 0;
}
