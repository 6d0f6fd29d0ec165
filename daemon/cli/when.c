/* The daemon speaks UTC, as machines of many places must; whoever reads a terminal has one clock.
 */
#include "cli/when.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"

usec_t
when_now(void)
{
	struct clock clock;

	clock_init_real(&clock);
	return clock_wall(&clock);
}

void
when_local(usec_t at_us, usec_t now_us, char out[WHEN_SIZE])
{
	time_t at = (time_t)(at_us / USEC_PER_SEC), now = (time_t)(now_us / USEC_PER_SEC);
	struct tm a = { 0 }, n = { 0 };

	localtime_r(&at, &a);
	localtime_r(&now, &n);
	if (a.tm_year != n.tm_year)
		strftime(out, WHEN_SIZE, "%Y-%m-%d %H:%M", &a);
	else if (a.tm_yday != n.tm_yday)
		strftime(out, WHEN_SIZE, "%b %e %H:%M", &a);
	else
		strftime(out, WHEN_SIZE, "%H:%M:%S", &a);
}

void
when_of(const json_t *doc, const char *key, char out[WHEN_SIZE])
{
	usec_t at_us;

	out[0] = '\0';
	if (clock_parse_rfc3339(answer_text(doc, key), &at_us) == 0)
		when_local(at_us, when_now(), out);
}

void
when_span(const json_t *doc, const char *key, char out[WHEN_SIZE])
{
	usec_t at_us, span_us;
	char span[32];

	out[0] = '\0';
	if (clock_parse_rfc3339(answer_text(doc, key), &at_us) == -1)
		return;
	span_us = at_us - when_now();
	/* Whole seconds: the clocks of two hosts differ anyway. */
	clock_format_duration((span_us < 0 ? -span_us : span_us) / USEC_PER_SEC * USEC_PER_SEC,
		span, sizeof(span));
	if (span_us > -USEC_PER_SEC && span_us < USEC_PER_SEC)
		str_copy(out, WHEN_SIZE, "now");
	else
		snprintf(out, WHEN_SIZE, span_us > 0 ? "in %s" : "%s ago", span);
}

int
when_parse(const char *text, usec_t now_us, usec_t *at_us)
{
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
		"%Y-%m-%dT%H:%M", "%H:%M:%S", "%H:%M" };
	time_t now = (time_t)(now_us / USEC_PER_SEC);

	if (clock_parse_rfc3339(text, at_us) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		bool is_today = forms[i][1] == 'H';
		struct tm at = { 0 };
		const char *end;

		localtime_r(&now, &at);
		at.tm_sec = 0;
		end = strptime(text, forms[i], &at);
		if (end == NULL || *end != '\0')
			continue;
		at.tm_isdst = -1;
		if (is_today && mktime(&at) <= now) {
			at.tm_mday++;
			at.tm_isdst = -1;
		}
		*at_us = (usec_t)mktime(&at) * USEC_PER_SEC;
		return 0;
	}
	return -1;
}

int
when_put(json_t *ask, const char *key, const struct when_typed *typed)
{
	char utc[CLOCK_RFC3339_SIZE];
	usec_t at_us;

	if (typed->text == NULL)
		return 0;
	if (when_parse(typed->text, typed->after_us, &at_us) == -1) {
		fprintf(stderr,
			"triage: --%s \"%s\": a time such as 18:30, \"2026-01-02 18:30\" or "
			"2026-01-02T18:30:00Z\n",
			typed->option, typed->text);
		return -1;
	}
	clock_format_rfc3339(at_us, utc);
	json_object_set_new(ask, key, json_string(utc));
	return 0;
}

/* The length of "2026-01-02T03:04:05.678Z" at the start of `text`; 0: something else. */
static size_t
time_length(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t i = 0;

	for (; form[i] != '\0'; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return 0;
	if (text[i] == '.')
		for (i++; isdigit((unsigned char)text[i]);)
			i++;
	return text[i] == 'Z' ? i + 1 : 0;
}

char *
when_localise(const char *text, usec_t now_us)
{
	struct buf out;
	char *whole;

	buf_init(&out, 0);
	while (*text != '\0') {
		size_t len = time_length(text);
		char *utc = xstrndup(text, len), local[WHEN_SIZE];
		usec_t at_us;

		if (len > 0 && clock_parse_rfc3339(utc, &at_us) == 0) {
			when_local(at_us, now_us, local);
			buf_add_text(&out, local);
		} else {
			len = 1;
			buf_add(&out, text, 1);
		}
		free(utc);
		text += len;
	}
	whole = xstrdup(buf_text(&out));
	buf_fini(&out);
	return whole;
}
