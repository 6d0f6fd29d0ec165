/* The table of receivers, for `triage receivers` and `triage test` without a name. */
#include "cli/receiver_list.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/answer.h"
#include "cli/table.h"
#include "cli/when.h"

static const struct {
	const char *state;
	enum paint paint;
} paints[] = {
	{ "ok", PAINT_GOOD },
	{ "idle", PAINT_DIM },
	{ "off", PAINT_DIM },
	{ "retrying", PAINT_WARN },
	{ "failing", PAINT_BAD },
	{ "disabled", PAINT_BAD },
};

enum paint
receiver_list_paint(const char *state)
{
	for (size_t i = 0; i < sizeof(paints) / sizeof(paints[0]); i++)
		if (str_eq(paints[i].state, state))
			return paints[i].paint;
	return PAINT_NONE;
}

/* Why the next try is when it is; else the last thing that went wrong there. */
static void
find_reason(const json_t *receiver, char *out, size_t size)
{
	const char *why = answer_text(receiver, "waits_for");
	const char *error = answer_text(receiver, "last_error");
	bool is_well = str_eq(answer_text(receiver, "state"), "ok");

	if (is_well || *error == '\0')
		str_copy(out, size, why);
	else
		snprintf(out, size, "%s%s%s", why, *why == '\0' ? "" : ": ", error);
}

/* Below the table, where there is room for whole sentences. */
static void
print_reasons(const struct term *term, const json_t *receivers)
{
	const json_t *receiver;
	bool is_first = true;
	size_t i;

	json_array_foreach(receivers, i, receiver)
	{
		char why[600], line[700];

		find_reason(receiver, why, sizeof(why));
		if (*why == '\0')
			continue;
		snprintf(line, sizeof(line), "%s: %s", answer_text(receiver, "name"), why);
		term_clean(line, false);
		if (is_first)
			putchar('\n');
		is_first = false;
		term_print_wrapped(term, stdout, 0, line);
	}
}

void
receiver_list_print(const struct term *term, const json_t *receivers)
{
	static const struct table_column columns[] = {
		{ .title = "RECEIVER", .is_flexible = true },
		{ .title = "TYPE", .is_spare = true },
		{ .title = "STATE" },
		{ .title = "LAST TAKEN", .is_spare = true, .is_right = true },
		{ .title = "WAITING", .is_right = true },
		{ .title = "NEXT TRY", .is_spare = true, .is_right = true },
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	const json_t *receiver;
	size_t i;

	json_array_foreach(receivers, i, receiver)
	{
		const char *state = answer_text(receiver, "state");
		char last[WHEN_SIZE], next[WHEN_SIZE], queued[24];
		const char *cells[] = { answer_text(receiver, "name"),
			answer_text(receiver, "type"), state, last, queued, next };

		when_span(receiver, "last_success_at", last);
		when_span(receiver, "next_try_at", next);
		snprintf(queued, sizeof(queued), "%zu", answer_count(receiver, "queued"));
		table_add(table, cells);
		table_paint(table, 2, receiver_list_paint(state));
	}
	if (table_rows(table) == 0)
		puts("no receivers");
	else
		table_print(table, term, stdout);
	table_free(table);
	print_reasons(term, receivers);
}
