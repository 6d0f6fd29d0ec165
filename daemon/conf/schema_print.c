/* Blocks shown as YAML, masked; and their secrets told to those who mask elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/field.h"
#include "conf/value.h"

#define SHORT_KEY_MAX 200 /* escaped, four bytes each, it must stay below 1024 */

/* --- text as YAML --- */

static bool
is_plain_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("_-./:+=()<> $%,*", c) != NULL;
}

/* True where YAML would read `text` without quotes as this very text. */
static bool
is_plain_text(const char *text)
{
	size_t len = strlen(text);
	if (len == 0 || len > 200 || strchr("-:<>=%*,+ ?", text[0]) != NULL ||
		text[len - 1] == ' ' || text[len - 1] == ':')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_plain_char(text[i]))
			return false;
		if (text[i] == ':' && text[i + 1] == ' ')
			return false;
	}
	return strcmp(text, "null") != 0 && strcmp(text, "~") != 0;
}

void
yaml_add_text(struct buf *out, const char *text)
{
	if (is_plain_text(text) && strchr(text, ',') == NULL) {
		buf_add_text(out, text);
		return;
	}
	buf_add_text(out, "\"");
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			buf_addf(out, "\\%c", *c);
		else if (*c == '\n')
			buf_add_text(out, "\\n");
		else if ((unsigned char)*c < 0x20 || *c == 0x7f)
			buf_addf(out, "\\x%02x", (unsigned char)*c);
		else
			buf_add(out, c, 1);
	}
	buf_add_text(out, "\"");
}

/* YAML wants a key that is long, as it is written, to be announced. */
void
yaml_add_key(struct buf *out, const char *key, int indent)
{
	bool is_long = strlen(key) > SHORT_KEY_MAX;

	buf_addf(out, "%*s%s", indent, "", is_long ? "? " : "");
	yaml_add_text(out, key);
	if (is_long)
		buf_addf(out, "\n%*s", indent, "");
	buf_add_text(out, ":");
}

/* --- values --- */

static void
format_duration(usec_t us, struct buf *out)
{
	static const struct {
		const char *name;
		usec_t size;
	} units[] = {
		{ "d", USEC_PER_DAY },
		{ "h", USEC_PER_HOUR },
		{ "m", USEC_PER_MIN },
		{ "s", USEC_PER_SEC },
		{ "ms", USEC_PER_MSEC },
		{ "us", 1 },
	};
	if (us <= 0)
		buf_add_text(out, "0");
	for (size_t i = 0; us > 0; i++) {
		if (us >= units[i].size)
			buf_addf(out, "%lld%s", (long long)(us / units[i].size), units[i].name);
		us %= units[i].size;
	}
}

static void
format_size(int64_t bytes, struct buf *out)
{
	static const struct {
		const char *name;
		int64_t size;
	} units[] = {
		{ "TiB", INT64_C(1) << 40 },
		{ "TB", INT64_C(1000000000000) },
		{ "GiB", INT64_C(1) << 30 },
		{ "GB", INT64_C(1000000000) },
		{ "MiB", INT64_C(1) << 20 },
		{ "MB", INT64_C(1000000) },
		{ "KiB", INT64_C(1) << 10 },
		{ "kB", INT64_C(1000) },
		{ "B", 1 },
	};
	size_t i = 0;
	while (bytes % units[i].size != 0 || (bytes == 0 && units[i].size != 1))
		i++;
	buf_addf(out, "%lld%s", (long long)(bytes / units[i].size), units[i].name);
}

static void
format_text(const struct conf_field *field, const char *text, struct buf *out)
{
	if (text == NULL) {
		buf_add_text(out, "null");
	} else if (field->type == CONF_SECRET) {
		buf_add_text(out, "\"" SECRET_MASK "\"");
	} else if (field->type == CONF_URL || field->type == CONF_DSN) {
		char *masked = field->type == CONF_URL ? field_url_masked(field, text)
						       : field_dsn_masked(field, text);
		yaml_add_text(out, masked);
		free(masked);
	} else {
		yaml_add_text(out, text);
	}
}

static void
format_strings(const struct conf_field *field, const struct conf_strings *list, struct buf *out)
{
	bool is_masked = (field->flags & CONF_MASKED) != 0;
	if (list->count != 1)
		buf_add_text(out, "[");
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buf_add_text(out, ", ");
		yaml_add_text(out, is_masked ? SECRET_MASK : list->all[i]);
	}
	if (list->count != 1)
		buf_add_text(out, "]");
}

void
field_format(const struct conf_field *field, const void *slot, struct buf *out)
{
	switch (field->type) {
	case CONF_INT:
		if (field->word != NULL && *(const int64_t *)slot == 0)
			buf_add_text(out, field->word);
		else
			buf_addf(out, "%lld", (long long)*(const int64_t *)slot);
		break;
	case CONF_NUMBER:
		buf_addf(
			out, "%.15g%s", *(const double *)slot, str_eq(field->unit, "%") ? "%" : "");
		break;
	case CONF_BOOL:
		buf_add_text(out, *(const bool *)slot ? "true" : "false");
		break;
	case CONF_DURATION:
		format_duration(*(const usec_t *)slot, out);
		break;
	case CONF_SIZE:
		format_size(*(const int64_t *)slot, out);
		break;
	case CONF_ENUM:
		buf_add_text(
			out, *(const int *)slot < 0 ? "null" : field->choices[*(const int *)slot]);
		break;
	case CONF_STRINGS:
		format_strings(field, slot, out);
		break;
	default:
		format_text(field, *(char *const *)slot, out);
		break;
	}
}

/* --- blocks --- */

static void
print_pairs(
	const struct conf_field *field, const struct conf_pairs *pairs, int indent, struct buf *out)
{
	bool is_masked = (field->flags & CONF_MASKED) != 0;
	buf_addf(out, "%*s%s:\n", indent, "", field->name);
	for (size_t i = 0; i < pairs->count; i++) {
		yaml_add_key(out, pairs->all[i].name, indent + 2);
		buf_add_text(out, " ");
		yaml_add_text(out, is_masked ? SECRET_MASK : pairs->all[i].value);
		buf_add_text(out, "\n");
	}
}

static bool
is_block(const struct conf_node *node)
{
	return node->kind != CONF_SCALAR && node->count > 0;
}

static void
print_on_one_line(const struct conf_node *node, struct buf *out)
{
	if (node->kind != CONF_SCALAR)
		buf_add_text(out, node->kind == CONF_LIST ? "[]" : "{}");
	else if (node->is_null)
		buf_add_text(out, "null");
	else
		yaml_add_text(out, node->is_secret ? SECRET_MASK : node->text);
	buf_add_text(out, "\n");
}

static void
print_child(const struct conf_node *node, int indent, struct buf *out)
{
	if (is_block(node)) {
		buf_add_text(out, "\n");
		conf_print_node(node, indent + 2, out);
		return;
	}
	buf_add_text(out, " ");
	print_on_one_line(node, out);
}

void
conf_print_node(const struct conf_node *node, int indent, struct buf *out)
{
	if (!is_block(node)) {
		buf_addf(out, "%*s", indent, "");
		print_on_one_line(node, out);
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == CONF_MAP)
			yaml_add_key(out, node->items[i]->key, indent);
		else
			buf_addf(out, "%*s-", indent, "");
		print_child(node->items[i], indent, out);
	}
}

/* Scratch for any scalar or list value, to compare with the default. */
union any_value {
	char *text;
	int64_t whole;
	double real;
	bool flag;
	int index;
	struct conf_strings strings;
	struct conf_pairs pairs;
	const struct conf_node *node;
};

static bool
is_default(const struct conf_field *field, const void *slot)
{
	union any_value dflt;
	memset(&dflt, 0, sizeof(dflt));
	field_set_default(field, &dflt);
	bool is_same = field_is_same(field, slot, &dflt);
	field_clear(field, &dflt);
	return is_same;
}

static bool
is_absent(const struct conf_field *field, const void *slot)
{
	switch (field->type) {
	case CONF_ENUM:
		return *(const int *)slot < 0;
	case CONF_STRINGS:
		return ((const struct conf_strings *)slot)->count == 0;
	case CONF_PAIRS:
		return ((const struct conf_pairs *)slot)->count == 0;
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_URL:
	case CONF_DSN:
	case CONF_PATH:
	case CONF_REGEX:
		return *(char *const *)slot == NULL;
	case CONF_NODE:
		return *(const struct conf_node *const *)slot == NULL;
	default:
		return false;
	}
}

static void
print_group(const struct conf_field *field, const void *slot, bool all, int indent, struct buf *out)
{
	struct buf inner;
	buf_init(&inner, 0);
	conf_print(field->fields, slot, all, indent + 2, &inner);
	if (buf_left(&inner) > 0)
		buf_addf(out, "%*s%s:\n%s", indent, "", field->name, buf_text(&inner));
	buf_fini(&inner);
}

static void
print_field(const struct conf_field *field, const void *slot, bool all, int indent, struct buf *out)
{
	if (field->type == CONF_GROUP) {
		print_group(field, slot, all, indent, out);
		return;
	}
	if (is_absent(field, slot) || (!all && is_default(field, slot)))
		return;
	if (field->type == CONF_PAIRS) {
		print_pairs(field, slot, indent, out);
		return;
	}
	buf_addf(out, "%*s%s:", indent, "", field->name);
	if (field->type == CONF_NODE) {
		print_child(*(const struct conf_node *const *)slot, indent, out);
		return;
	}
	buf_add_text(out, " ");
	field_format(field, slot, out);
	buf_add_text(out, "\n");
}

void
conf_print(const struct conf_field *fields, const void *at, bool all, int indent, struct buf *out)
{
	for (const struct conf_field *row = fields; row->type != CONF_END; row++)
		print_field(row, field_slot_const(row, at), all, indent, out);
}

/* --- secrets --- */

/* Headers whose values are ordinary words: masking those would shred every message. */
static bool
is_harmless_name(const char *name)
{
	static const char *const names[] = { "Accept", "Accept-Encoding", "Accept-Language",
		"Cache-Control", "Connection", "Content-Type", "Host", "Origin", "User-Agent" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

/* "Bearer abc" is known by its last word, too. */
static void
add_secret(struct secret_set *set, const char *text)
{
	const char *space = strrchr(text, ' ');
	secret_set_add(set, text);
	if (space != NULL)
		secret_set_add(set, space + 1);
}

static void
add_field_secrets(const struct conf_field *field, const void *slot, struct secret_set *set)
{
	const struct conf_strings *strings = slot;
	const struct conf_pairs *pairs = slot;
	bool is_masked = (field->flags & CONF_MASKED) != 0;
	if (field->type == CONF_SECRET && *(char *const *)slot != NULL) {
		secret_set_add(set, *(char *const *)slot);
	} else if (field->type == CONF_URL && *(char *const *)slot != NULL) {
		field_url_secrets(field, *(char *const *)slot, set);
	} else if (field->type == CONF_DSN && *(char *const *)slot != NULL) {
		field_dsn_secrets(field, *(char *const *)slot, set);
	} else if (field->type == CONF_STRINGS && is_masked) {
		for (size_t i = 0; i < strings->count; i++)
			add_secret(set, strings->all[i]);
	} else if (field->type == CONF_PAIRS && is_masked) {
		for (size_t i = 0; i < pairs->count; i++)
			if (!is_harmless_name(pairs->all[i].name))
				add_secret(set, pairs->all[i].value);
	} else if (field->type == CONF_GROUP) {
		conf_secrets(field->fields, slot, set);
	}
}

void
conf_secrets(const struct conf_field *fields, const void *at, struct secret_set *set)
{
	for (const struct conf_field *row = fields; row->type != CONF_END; row++)
		add_field_secrets(row, field_slot_const(row, at), set);
}
