/* D-Bus values to JSON.  The bus bounds a message; we bound how many values of it we take. */
#include "io/bus_json.h"

#include <stdint.h>
#include <stdio.h>

#define VALUES_MAX 200000
#define DEPTH_MAX  32
#define KEY_MAX    64

struct reader {
	sd_bus_message *message;
	unsigned values;
};

static json_t *read_value(struct reader *r, unsigned depth);

union basic {
	uint8_t byte;
	int boolean; /* how the library hands them out */
	int16_t i16;
	uint16_t u16;
	int32_t i32;
	uint32_t u32;
	int64_t i64;
	uint64_t u64;
	double real;
	const char *text;
};

static json_t *
basic_json(char type, const union basic *v)
{
	switch (type) {
	case SD_BUS_TYPE_BYTE:
		return json_integer(v->byte);
	case SD_BUS_TYPE_BOOLEAN:
		return json_boolean(v->boolean);
	case SD_BUS_TYPE_INT16:
		return json_integer(v->i16);
	case SD_BUS_TYPE_UINT16:
		return json_integer(v->u16);
	case SD_BUS_TYPE_INT32:
		return json_integer(v->i32);
	case SD_BUS_TYPE_UINT32:
		return json_integer(v->u32);
	case SD_BUS_TYPE_INT64:
		return json_integer(v->i64);
	case SD_BUS_TYPE_UINT64:
		return v->u64 <= INT64_MAX ? json_integer((json_int_t)v->u64) : json_null();
	case SD_BUS_TYPE_DOUBLE:
		return json_real(v->real); /* NULL for what is no number */
	case SD_BUS_TYPE_STRING:
	case SD_BUS_TYPE_OBJECT_PATH:
	case SD_BUS_TYPE_SIGNATURE:
		return json_string(v->text);
	default:
		return json_null(); /* a descriptor: not ours to keep */
	}
}

static json_t *
read_basic(struct reader *r, char type)
{
	union basic v = { .u64 = 0 };
	json_t *value;

	if (sd_bus_message_read_basic(r->message, type, &v) <= 0)
		return NULL;
	value = basic_json(type, &v);
	return value != NULL ? value : json_null();
}

/* All that is left in this container. */
static json_t *
read_list(struct reader *r, unsigned depth)
{
	json_t *list = json_array();

	while (sd_bus_message_at_end(r->message, 0) == 0) {
		json_t *value = read_value(r, depth);

		if (value == NULL) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, value);
	}
	return list;
}

static int
read_entry(struct reader *r, unsigned depth, json_t *object)
{
	char key[KEY_MAX];
	json_t *name, *value;

	if (sd_bus_message_enter_container(r->message, SD_BUS_TYPE_DICT_ENTRY, NULL) <= 0)
		return -1;
	name = read_value(r, depth);
	value = name != NULL ? read_value(r, depth) : NULL;
	if (value == NULL || sd_bus_message_exit_container(r->message) < 0) {
		json_decref(name);
		json_decref(value);
		return -1;
	}
	snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(name));
	json_object_set_new(object, json_is_string(name) ? json_string_value(name) : key, value);
	json_decref(name);
	return 0;
}

static json_t *
read_dictionary(struct reader *r, unsigned depth)
{
	json_t *object = json_object();

	while (sd_bus_message_at_end(r->message, 0) == 0)
		if (read_entry(r, depth, object) != 0) {
			json_decref(object);
			return NULL;
		}
	return object;
}

static json_t *
read_container(struct reader *r, char type, const char *contents, unsigned depth)
{
	json_t *value;

	if (sd_bus_message_enter_container(r->message, type, contents) < 0)
		return NULL;
	if (type == SD_BUS_TYPE_VARIANT)
		value = read_value(r, depth);
	else if (type == SD_BUS_TYPE_ARRAY && contents[0] == SD_BUS_TYPE_DICT_ENTRY_BEGIN)
		value = read_dictionary(r, depth);
	else
		value = read_list(r, depth);
	if (value != NULL && sd_bus_message_exit_container(r->message) < 0) {
		json_decref(value);
		return NULL;
	}
	return value;
}

static json_t *
read_value(struct reader *r, unsigned depth)
{
	const char *contents = NULL;
	char type;

	if (depth >= DEPTH_MAX || ++r->values > VALUES_MAX)
		return NULL;
	if (sd_bus_message_peek_type(r->message, &type, &contents) <= 0)
		return NULL;
	if (type == SD_BUS_TYPE_ARRAY || type == SD_BUS_TYPE_STRUCT || type == SD_BUS_TYPE_VARIANT)
		return read_container(r, type, contents, depth + 1);
	return read_basic(r, type);
}

json_t *
bus_json(sd_bus_message *message)
{
	struct reader r = { .message = message };

	sd_bus_message_rewind(message, 1);
	return read_list(&r, 0);
}
