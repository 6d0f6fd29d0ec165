/*
 * Fields of stored documents.  Owns nothing; promises that no text, however broken, is lost as a
 * whole, and that no document, however wrong, does more than return an error.
 */
#include "model/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

json_t *
record_text(const char *text)
{
	json_t *value = json_string(text ? text : "");
	if (value)
		return value;
	size_t size = strlen(text) + 1;
	char *shown = xmalloc(size);
	str_printable(shown, size, text, size - 1);
	value = json_string(shown);
	free(shown);
	return value;
}

json_t *
record_time(usec_t wall_us)
{
	char text[CLOCK_RFC3339_SIZE];
	if (wall_us == 0)
		return json_null();
	clock_format_rfc3339(wall_us, text);
	return json_string(text);
}

void
record_put_text(json_t *doc, const char *key, const char *text)
{
	if (text)
		json_object_set_new(doc, key, record_text(text));
}

/* The field, or NULL when it is missing or null. */
static const json_t *
look_up(const json_t *doc, const char *key)
{
	const json_t *value = json_object_get(doc, key);
	return json_is_null(value) ? NULL : value;
}

int
record_get_text(const json_t *doc, const char *key, char **text, struct err *e)
{
	const json_t *value = look_up(doc, key);
	if (!value)
		return 0;
	if (!json_is_string(value))
		return err_set(e, 0, "\"%s\" is not a text", key);
	xstrset(text, json_string_value(value));
	return 0;
}

int
record_get_time(const json_t *doc, const char *key, usec_t *wall_us, struct err *e)
{
	const json_t *value = look_up(doc, key);
	if (!value)
		return 0;
	/* Beyond the year 9999 no time can be written down any more. */
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > INT64_C(253402300799) * USEC_PER_SEC)
		return err_set(e, 0, "\"%s\" is not a time", key);
	*wall_us = json_integer_value(value);
	return 0;
}

int
record_get_count(const json_t *doc, const char *key, unsigned *count, struct err *e)
{
	const json_t *value = look_up(doc, key);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > INT32_MAX)
		return err_set(e, 0, "\"%s\" is not a count", key);
	*count = (unsigned)json_integer_value(value);
	return 0;
}

int
record_get_flag(const json_t *doc, const char *key, bool *flag, struct err *e)
{
	const json_t *value = look_up(doc, key);
	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return err_set(e, 0, "\"%s\" is neither true nor false", key);
	*flag = json_is_true(value);
	return 0;
}

int
record_get_severity(const json_t *doc, const char *key, enum severity *severity, struct err *e)
{
	const json_t *value = look_up(doc, key);
	if (!value)
		return 0;
	int level = json_is_string(value) ? severity_parse(json_string_value(value)) : -1;
	if (level < 0)
		return err_set(e, 0, "\"%s\" is not a severity", key);
	*severity = (enum severity)level;
	return 0;
}

int
record_get_object(const json_t *doc, const char *key, json_t **object, struct err *e)
{
	const json_t *value = look_up(doc, key);
	if (!value)
		return 0;
	if (!json_is_object(value))
		return err_set(e, 0, "\"%s\" is not an object", key);
	json_decref(*object);
	*object = json_deep_copy(value);
	return 0;
}

int
record_get_list(const json_t *doc, const char *key, const json_t **list, struct err *e)
{
	const json_t *value = look_up(doc, key);
	if (!value)
		return 0;
	if (!json_is_array(value))
		return err_set(e, 0, "\"%s\" is not a list", key);
	*list = value;
	return 0;
}
