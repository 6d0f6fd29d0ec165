/*
 * Writes metric families in the two formats that Prometheus asks for.  Owns the lines of each
 * family until they are joined; promises that the result is valid or absent, never half.
 */
#include "api/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

struct family {
	struct exposition *ex;
	struct family *next;
	char *name;
	char *unit;
	char *help;
	enum family_type type;
	struct buf lines;
	size_t last_at; /* where its last line begins */
};

struct exposition {
	bool is_openmetrics;
	size_t bytes_max, bytes;
	struct map *by_name;
	struct family *first, *last;
};

struct exposition *
exposition_new(bool is_openmetrics, size_t bytes_max)
{
	struct exposition *ex = xcalloc(1, sizeof(*ex));

	ex->is_openmetrics = is_openmetrics;
	ex->bytes_max = bytes_max;
	ex->by_name = map_new();
	return ex;
}

static void
free_family(struct family *family)
{
	buf_fini(&family->lines);
	free(family->name);
	free(family->unit);
	free(family->help);
	free(family);
}

void
exposition_free(struct exposition *ex)
{
	if (ex == NULL)
		return;
	while (ex->first != NULL) {
		struct family *family = ex->first;

		ex->first = family->next;
		free_family(family);
	}
	map_free(ex->by_name, NULL);
	free(ex);
}

struct family *
exposition_family(struct exposition *ex, const char *name, enum family_type type, const char *unit,
	const char *help)
{
	struct family *family = map_get(ex->by_name, name);

	if (family != NULL)
		return family;
	family = xcalloc(1, sizeof(*family));
	family->ex = ex;
	family->name = xstrdup(name);
	family->unit = xstrdup(unit == NULL ? "" : unit);
	family->help = xstrdup(help);
	family->type = type;
	buf_init(&family->lines, ex->bytes_max);
	if (ex->last == NULL)
		ex->first = family;
	else
		ex->last->next = family;
	ex->last = family;
	map_put(ex->by_name, family->name, family);
	return family;
}

/* `quote` too is escaped in label values, and in HELP by OpenMetrics. */
static void
add_escaped(struct buf *out, const char *text, bool escapes_quote)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n')
			buf_add_text(out, "\\n");
		else if (*p == '\\')
			buf_add_text(out, "\\\\");
		else if (*p == '"' && escapes_quote)
			buf_add_text(out, "\\\"");
		else if (*p != '\r')
			buf_add(out, p, 1);
	}
}

void
labels_add(struct buf *labels, const char *name, const char *value)
{
	if (buf_left(labels) > 0)
		buf_add_text(labels, ",");
	buf_add_text(labels, name);
	buf_add_text(labels, "=\"");
	if (str_is_utf8(value, strlen(value))) {
		add_escaped(labels, value, true);
	} else {
		char shown[256];

		str_printable(shown, sizeof(shown), value, strlen(value));
		add_escaped(labels, shown, true);
	}
	buf_add_text(labels, "\"");
}

void
labels_clean_name(char *out, size_t size, const char *name)
{
	size_t at = 0;

	if (*name >= '0' && *name <= '9' && size > 1)
		out[at++] = '_';
	for (; *name != '\0' && at + 1 < size; name++) {
		bool is_fit = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
			      (*name >= '0' && *name <= '9');

		out[at++] = is_fit ? *name : '_';
	}
	out[at] = '\0';
}

void
exposition_number(double value, char out[EXPOSITION_NUMBER])
{
	if (isnan(value)) {
		str_copy(out, EXPOSITION_NUMBER, "NaN");
		return;
	}
	if (isinf(value)) {
		str_copy(out, EXPOSITION_NUMBER, value > 0 ? "+Inf" : "-Inf");
		return;
	}
	snprintf(out, EXPOSITION_NUMBER, "%.15g", value);
	if (strtod(out, NULL) < value || strtod(out, NULL) > value)
		snprintf(out, EXPOSITION_NUMBER, "%.17g", value);
}

static bool
eat(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

/*
 * Two names of a target's own (perfdata "a_time" and "a_seconds") may become one here.  The same
 * series twice would make the whole invalid: the first one stays.
 */
static bool
is_said(const struct family *family, const char *suffix, const char *labels)
{
	const char *at = buf_text(&family->lines) + family->last_at;

	if (!eat(&at, family->name) || !eat(&at, suffix))
		return false;
	if (labels != NULL && *labels != '\0')
		return eat(&at, "{") && eat(&at, labels) && eat(&at, "} ");
	return *at == ' ';
}

static void
add_line(struct family *family, const char *suffix, const char *labels, const char *number)
{
	size_t before = buf_left(&family->lines);

	if (is_said(family, suffix, labels))
		return;
	family->last_at = before;
	buf_add_text(&family->lines, family->name);
	buf_add_text(&family->lines, suffix);
	if (labels != NULL && *labels != '\0') {
		buf_add_text(&family->lines, "{");
		buf_add_text(&family->lines, labels);
		buf_add_text(&family->lines, "}");
	}
	buf_add_text(&family->lines, " ");
	buf_add_text(&family->lines, number);
	buf_add_text(&family->lines, "\n");
	family->ex->bytes += buf_left(&family->lines) - before;
	if (family->lines.is_over)
		family->ex->bytes = family->ex->bytes_max + 1;
}

/* Once over the cap nothing more is kept: the whole is refused at the end. */
static bool
is_full(const struct exposition *ex)
{
	return ex->bytes > ex->bytes_max;
}

void
family_add(struct family *family, const char *labels, double value)
{
	static const char *const suffixes[] = {
		[FAMILY_GAUGE] = "",
		[FAMILY_COUNTER] = "_total",
		[FAMILY_HISTOGRAM] = "",
		[FAMILY_INFO] = "_info",
	};
	char number[EXPOSITION_NUMBER];

	if (is_full(family->ex))
		return;
	exposition_number(value, number);
	add_line(family, suffixes[family->type], labels, number);
}

void
family_add_with(struct family *family, const char *labels, const char *name, const char *value,
	double number)
{
	struct buf all;

	buf_init(&all, 0);
	buf_add_text(&all, labels);
	labels_add(&all, name, value);
	family_add(family, buf_text(&all), number);
	buf_fini(&all);
}

void
family_add_hist(struct family *family, const char *labels, const struct hist *hist)
{
	struct buf with_le;
	char number[EXPOSITION_NUMBER];
	uint64_t below = 0;

	if (is_full(family->ex))
		return;
	buf_init(&with_le, 4096);
	for (size_t i = 0; i <= HIST_BUCKETS; i++) {
		double bound = i == HIST_BUCKETS ? INFINITY : (double)hist_bound(i) / 1e6;

		below += hist->bucket[i];
		buf_reset(&with_le);
		buf_add_text(&with_le, labels == NULL ? "" : labels);
		exposition_number(bound, number);
		labels_add(&with_le, "le", number);
		exposition_number((double)below, number);
		add_line(family, "_bucket", buf_text(&with_le), number);
	}
	buf_fini(&with_le);
	exposition_number((double)below, number);
	add_line(family, "_count", labels, number);
	exposition_number(hist->sum_us / 1e6, number);
	add_line(family, "_sum", labels, number);
}

/* TYPE, UNIT, HELP, in this order; 0.0.4 knows no info, no unit, and names counters in full. */
static void
write_head(const struct family *family, struct buf *out)
{
	static const char *const types[] = {
		[FAMILY_GAUGE] = "gauge",
		[FAMILY_COUNTER] = "counter",
		[FAMILY_HISTOGRAM] = "histogram",
		[FAMILY_INFO] = "info",
	};
	bool is_openmetrics = family->ex->is_openmetrics;
	const char *type = types[family->type];
	const char *suffix = "";

	if (!is_openmetrics && family->type == FAMILY_COUNTER)
		suffix = "_total";
	if (!is_openmetrics && family->type == FAMILY_INFO) {
		suffix = "_info";
		type = "gauge";
	}
	buf_addf(out, "# TYPE %s%s %s\n", family->name, suffix, type);
	if (is_openmetrics && *family->unit != '\0' && str_ends(family->name, family->unit))
		buf_addf(out, "# UNIT %s %s\n", family->name, family->unit);
	buf_addf(out, "# HELP %s%s ", family->name, suffix);
	add_escaped(out, family->help, is_openmetrics);
	buf_add_text(out, "\n");
}

static int
by_name(const void *a, const void *b)
{
	const struct family *const *one = a, *const *other = b;

	return strcmp((*one)->name, (*other)->name);
}

/* Sorted, so that two scrapes can be compared whatever the checks did in between. */
static struct family **
sort_families(const struct exposition *ex, size_t *count)
{
	struct family **all = NULL;

	*count = 0;
	for (struct family *family = ex->first; family != NULL; family = family->next)
		++*count;
	all = xcalloc(*count + 1, sizeof(struct family *));
	*count = 0;
	for (struct family *family = ex->first; family != NULL; family = family->next)
		if (buf_left(&family->lines) > 0)
			all[(*count)++] = family;
	qsort(all, *count, sizeof(struct family *), by_name);
	return all;
}

bool
exposition_write(struct exposition *ex, struct buf *out)
{
	size_t count;
	struct family **all = sort_families(ex, &count);

	for (size_t i = 0; i < count; i++) {
		struct family *family = all[i];

		write_head(family, out);
		buf_add(out, buf_head(&family->lines), buf_left(&family->lines));
		/* Joined: the peak is the whole plus one family, not twice the whole. */
		buf_fini(&family->lines);
		buf_init(&family->lines, ex->bytes_max);
		family->last_at = 0;
	}
	free(all);
	if (ex->is_openmetrics)
		buf_add_text(out, "# EOF\n");
	return !is_full(ex) && !out->is_over;
}

const char *
exposition_content_type(bool is_openmetrics)
{
	return is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			      : "text/plain; version=0.0.4; charset=utf-8";
}
