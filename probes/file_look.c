/* The content of a file: well-formed, with what it must have and without what it must not. */
#include "probes/file_look.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/text_format.h"

#define SHOWN_MAX 120

/* Line and text of the first match; false: none, or no such expression (the rows complained). */
static bool
search(const struct file_look *look, const char *pattern, unsigned *line, char shown[SHOWN_MAX + 1])
{
	regmatch_t span = { .rm_so = 0, .rm_eo = (regoff_t)look->len };
	const char *begin, *end, *stop = look->bytes + look->len;
	bool is_found;
	regex_t re;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NEWLINE) != 0)
		return false;
	is_found = regexec(&re, look->bytes, 1, &span, REG_STARTEND) == 0;
	regfree(&re);
	if (!is_found)
		return false;
	begin = look->bytes + span.rm_so;
	*line = 1;
	for (const char *p = look->bytes; p < begin; p++)
		*line += *p == '\n';
	while (begin > look->bytes && begin[-1] != '\n')
		begin--;
	end = memchr(begin, '\n', (size_t)(stop - begin));
	if (end == NULL)
		end = stop;
	str_printable(shown, SHOWN_MAX + 1, begin, (size_t)(end - begin));
	return true;
}

static void
look_for(struct file_look *look)
{
	char shown[SHOWN_MAX + 1];
	unsigned line;

	if (look->content != NULL && !search(look, look->content, &line, shown)) {
		look->cause = "file.content";
		snprintf(look->text, sizeof(look->text), "/%.200s/ does not appear", look->content);
	} else if (look->not_content != NULL && search(look, look->not_content, &line, shown)) {
		look->cause = "file.content";
		snprintf(look->text, sizeof(look->text), "line %u has what must not be there: %s",
			line, shown);
	}
}

void
file_look(struct file_look *look)
{
	struct err e;

	if (look->format >= 0 &&
		text_format_check((enum text_format)look->format, look->bytes, look->len, &e) < 0) {
		look->cause = "file.syntax";
		snprintf(look->text, sizeof(look->text), "%.*s", (int)sizeof(look->text) - 1,
			e.text);
		return;
	}
	look_for(look);
}

void
file_look_fini(struct file_look *look)
{
	free(look->content);
	free(look->not_content);
	free(look->bytes);
}
