/* Lines, records, matches.  Line ends are "\n" or "\r\n"; any byte may be in a line. */
#include "probes/log_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct span {
	const char *at;
	size_t len;
};

static bool
fits(const regex_t *re, const struct span *text, size_t groups, regmatch_t *found)
{
	found[0].rm_so = 0;
	found[0].rm_eo = (regoff_t)text->len;
	return regexec(re, text->at, groups, found, REG_STARTEND) == 0;
}

static void
show(struct log_shown *out, const struct span *text)
{
	str_printable(out->text, sizeof(out->text), text->at, text->len);
}

static void
take_field(struct log_scan *scan, size_t i, const struct span *record)
{
	const struct log_pattern *field = &scan->rules->fields[i];
	regmatch_t found[LOG_GROUPS] = { { 0 } };
	const regmatch_t *number = &found[field->group];
	char text[64], *end;
	double value;
	size_t len;

	if (!fits(&field->re, record, LOG_GROUPS, found) || number->rm_so < 0)
		return;
	len = (size_t)(number->rm_eo - number->rm_so);
	if (len == 0 || len >= sizeof(text))
		return;
	memcpy(text, record->at + number->rm_so, len);
	text[len] = '\0';
	value = strtod(text, &end);
	if (end == text || !isfinite(value))
		return;
	value *= log_rules_scale(
		field, record->at + number->rm_eo, record->len - (size_t)number->rm_eo);
	scan->values[i][(size_t)scan->field_counts[i] % LOG_VALUES] = value;
	if (scan->field_counts[i] == 0 || value > scan->field_most[i]) {
		scan->field_most[i] = value;
		show(&scan->slowest[i], record);
	}
	scan->field_counts[i]++;
	scan->field_sums[i] += value;
}

static bool
is_ignored(const struct log_scan *scan, const struct span *record)
{
	regmatch_t found[1];

	for (size_t i = 0; i < scan->rules->ignore_count; i++)
		if (fits(&scan->rules->ignore[i], record, 1, found))
			return true;
	return false;
}

static void
take_level(struct log_scan *scan, const struct span *record)
{
	char message[LOG_MESSAGE_MAX];
	const char *word;
	enum line_level level = log_level_of(record->at, record->len, &word);

	if (level == LINE_PLAIN)
		return;
	scan->errors++;
	scan->panics += level == LINE_PANIC;
	log_message_of(record->at, record->len, message);
	log_top_add(&scan->top, message, 1);
}

static void
judge(struct log_scan *scan, const char *at, size_t len)
{
	struct span record = { at, len < LOG_LINE_MAX ? len : LOG_LINE_MAX };
	regmatch_t found[1];
	bool is_match = false;

	if (record.len > 0 && record.len == len && at[len - 1] == '\r')
		record.len--;
	if (record.len > 0)
		show(&scan->final_line, &record);
	if (is_ignored(scan, &record))
		return;
	take_level(scan, &record);
	for (size_t i = 0; i < scan->rules->pattern_count; i++) {
		if (!fits(&scan->rules->patterns[i].re, &record, 1, found))
			continue;
		is_match = true;
		scan->counts[i]++;
		show(&scan->last[i], &record);
	}
	for (size_t i = 0; i < scan->rules->field_count; i++)
		take_field(scan, i, &record);
	if (!is_match)
		return;
	scan->matches++;
	show(&scan->recent[scan->recent_count++ % LOG_RECENT], &record);
}

static bool
continues(const struct log_scan *scan, const char *at, size_t len)
{
	struct span line = { at, len < LOG_LINE_MAX ? len : LOG_LINE_MAX };
	regmatch_t found[1];

	return scan->rules->has_continuation && fits(&scan->rules->continuation, &line, 1, found);
}

/* The record that is being gathered; `at` NULL: none. */
struct record {
	const char *at;
	size_t len;
	double lines;
};

static void
end_record(struct log_scan *scan, struct record *record)
{
	if (record->at == NULL)
		return;
	judge(scan, record->at, record->len);
	scan->lines += record->lines;
	scan->consumed = (size_t)(record->at + record->len - scan->bytes);
	if (scan->consumed < scan->len && scan->bytes[scan->consumed] == '\n')
		scan->consumed++;
	record->at = NULL;
}

static void
take_line(struct log_scan *scan, struct record *record, const char *at, size_t len)
{
	bool is_more = continues(scan, at, len);

	if (is_more && record->at != NULL) {
		record->len = (size_t)(at + len - record->at);
		record->lines++;
	} else if (is_more && scan->carry.is_continuing) {
		scan->lines++;
		scan->consumed = (size_t)(at + len - scan->bytes) + 1;
	} else {
		end_record(scan, record);
		*record = (struct record){ at, len, 1 };
		scan->carry.is_continuing = false;
	}
	/* Without a rule for what continues nothing is waited for, nor with a record this long. */
	if (record->at != NULL && (!scan->rules->has_continuation || record->len >= LOG_LINE_MAX)) {
		end_record(scan, record);
		scan->carry.is_continuing = true;
	}
}

/* Past the rest of a line that was too long; false: it goes on beyond this piece. */
static bool
skip_rest(struct log_scan *scan, const char **at, const char *end)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));

	if (!scan->carry.is_skipping)
		return true;
	*at = stop != NULL ? stop + 1 : end;
	scan->carry.is_skipping = stop == NULL && !scan->is_final;
	scan->consumed = (size_t)(*at - scan->bytes);
	return stop != NULL;
}

/* What stands behind the last line end. */
static void
take_rest(struct log_scan *scan, struct record *record, const char *at, size_t len)
{
	if (scan->is_final && len > 0)
		take_line(scan, record, at, len);
	else if (len >= LOG_LINE_MAX) {
		take_line(scan, record, at, len);
		end_record(scan, record);
		scan->carry.is_skipping = scan->carry.is_continuing = true;
	}
	if (scan->is_final || scan->is_settled) {
		scan->carry.is_continuing |= record->at != NULL;
		end_record(scan, record);
	}
	if (scan->is_final)
		scan->consumed = scan->len;
}

void
log_scan(struct log_scan *scan)
{
	const char *at = scan->bytes, *end = scan->bytes + scan->len, *stop;
	struct record record = { .at = NULL };

	scan->consumed = 0;
	if (scan->len == 0 || !skip_rest(scan, &at, end))
		return;
	while (at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		take_line(scan, &record, at, (size_t)(stop - at));
		at = stop + 1;
	}
	take_rest(scan, &record, at, (size_t)(end - at));
}
