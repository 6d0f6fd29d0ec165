/*
 * Reads a text for its form alone.  YAML goes through the same words of explanation as our own
 * settings do, without their rules (several documents, tags and lists at the top are fine).
 */
#include "conf/text_format.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "conf/parse.h"

#define NAME "-" /* of the text inside the complaint, to be taken off again */

static int
say_first(const struct complaints *complaints, struct err *e)
{
	char line[400];
	unsigned row = 0, column = 0;
	const char *words;

	complaints_first(complaints, line, sizeof(line));
	words = strstr(line, "error: ");
	words = words != NULL ? words + strlen("error: ") : line;
	if (sscanf(line, NAME ":%u:%u:", &row, &column) == 2)
		return err_set(e, 0, "line %u, column %u: %s", row, column, words);
	return err_set(e, 0, "%s", words);
}

static void
report(const yaml_parser_t *parser, const struct conf_file *file, struct complaints *complaints)
{
	struct yaml_trouble trouble = {
		.problem = parser->problem,
		.context = parser->context,
		.line = (unsigned)parser->problem_mark.line + 1,
		.column = (unsigned)parser->problem_mark.column + 1,
	};

	if (parser->context != NULL) {
		trouble.context_line = (unsigned)parser->context_mark.line + 1;
		trouble.context_column = (unsigned)parser->context_mark.column + 1;
	}
	explain_trouble(file, &trouble, complaints);
}

static bool
is_too_deep(const yaml_event_t *event, unsigned *depth)
{
	if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
		++*depth;
	else if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT)
		--*depth;
	return *depth > CONF_DEPTH_MAX;
}

static void
walk_yaml(yaml_parser_t *parser, const struct conf_file *file, struct complaints *complaints)
{
	unsigned depth = 0;
	bool is_over = false;

	while (!is_over) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			if (parser->error == YAML_MEMORY_ERROR)
				mem_end();
			report(parser, file, complaints);
			return;
		}
		is_over = event.type == YAML_STREAM_END_EVENT;
		if (is_too_deep(&event, &depth)) {
			struct conf_pos pos = { file, (unsigned)event.start_mark.line + 1,
				(unsigned)event.start_mark.column + 1 };

			complain(complaints, &pos, "is nested more than %d deep", CONF_DEPTH_MAX);
			is_over = true;
		}
		yaml_event_delete(&event);
	}
}

static int
check_yaml(const char *text, size_t len, struct err *e)
{
	char name[] = NAME, *copy = xmalloc(len + 1);
	struct conf_file file = { .path = name, .text = copy, .len = len };
	struct complaints *complaints = complaints_new();
	yaml_parser_t parser;
	int rc = 0;

	memcpy(copy, text, len); /* NULs and all: it may be no text */
	copy[len] = '\0';
	if (text_is_sane(&file, complaints) && yaml_parser_initialize(&parser)) {
		yaml_parser_set_input_string(&parser, (const unsigned char *)copy, len);
		walk_yaml(&parser, &file, complaints);
		yaml_parser_delete(&parser);
	}
	if (complaints_errors(complaints) > 0)
		rc = say_first(complaints, e);
	complaints_free(complaints);
	free(copy);
	return rc;
}

static int
check_json(const char *text, size_t len, struct err *e)
{
	json_error_t where;
	json_t *doc;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return err_set(e, 0,
			"line 1, column 1: begins with a byte order mark, which JSON does not "
			"allow");
	doc = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
	if (doc == NULL)
		return err_set(
			e, 0, "line %d, column %d: %s", where.line, where.column, where.text);
	json_decref(doc);
	return 0;
}

int
text_format_check(enum text_format format, const char *text, size_t len, struct err *e)
{
	return format == TEXT_JSON ? check_json(text, len, e) : check_yaml(text, len, e);
}
