/*
 * Pages.  The next one begins after the last thing of this one, by name: what comes in or ends
 * meanwhile neither repeats anything nor leaves anything out, as a number would.
 */
#include "api/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"

int
page_number(struct api_call *call, const char *name, size_t min, size_t max, size_t *out)
{
	char text[32];
	int64_t number;

	if (!call_query(call, name, text, sizeof(text)))
		return 0;
	if (value_int(text, &number, NULL) == -1 || number < (int64_t)min ||
		number > (int64_t)max) {
		reply_problem(call, 400, "%s: a number from %zu to %zu", name, min, max);
		return -1;
	}
	*out = (size_t)number;
	return 0;
}

int
page_word(struct api_call *call, const char *name, const char *const *words)
{
	struct buf list;
	char text[64];

	if (!call_query(call, name, text, sizeof(text)))
		return -1;
	for (int i = 0; words[i] != NULL; i++)
		if (str_eq(words[i], text))
			return i;
	buf_init(&list, 0);
	for (int i = 0; words[i] != NULL; i++)
		buf_addf(&list, "%s%s", i == 0 ? "" : ", ", words[i]);
	reply_problem(call, 400, "%s: one of %s", name, buf_text(&list));
	buf_fini(&list);
	return -2;
}

static void
add_encoded(struct buf *out, const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		if (strchr("-_.~", *c) != NULL || (*c >= '0' && *c <= '9') ||
			(*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z'))
			buf_add(out, c, 1);
		else
			buf_addf(out, "%%%02X", (unsigned char)*c);
	}
}

char *
page_next(const struct api_call *call, const char *name, const char *value)
{
	size_t name_len = strlen(name);
	struct buf out;

	buf_init(&out, 0);
	buf_addf(&out, "%s?", call->path);
	for (const char *p = call->query; *p != '\0';) {
		size_t len = strcspn(p, "&");

		/* An offset was for the first page. */
		if (len > 0 && !(strncmp(p, name, name_len) == 0 && p[name_len] == '=') &&
			!str_starts(p, "offset="))
			buf_addf(&out, "%.*s&", (int)len, p);
		p += len + (p[len] == '&');
	}
	buf_addf(&out, "%s=", name);
	add_encoded(&out, value);
	return buf_take_text(&out);
}
