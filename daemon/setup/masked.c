/*
 * The configuration in force as YAML without its secrets, for `GET /api/v1/config`.  Checks are the
 * most of it and can be printed at any time: what is kept is the text before them and behind them,
 * which comes from a tree that is gone by then.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "deliver/maintenance.h"
#include "setup/load.h"

static void
print_block(const char *name, const struct conf_field *fields, const void *at, struct buf *out)
{
	struct buf block;
	buf_init(&block, 0);
	conf_print(fields, at, true, 2, &block);
	if (buf_left(&block) > 0)
		buf_addf(out, "%s:\n%s", name, buf_text(&block));
	buf_fini(&block);
}

static void
print_checks(const struct settings *s, struct buf *out)
{
	if (s->check_count + s->disabled_count > 0)
		buf_add_text(out, "checks:\n");
	for (size_t i = 0; i < s->check_count + s->disabled_count; i++) {
		const struct check_spec *spec =
			i < s->check_count ? s->checks[i] : s->disabled[i - s->check_count];
		const struct probe_type *type = spec->probe_type;
		buf_addf(out, "  %s:\n    type: %s\n", spec->name, spec->type);
		conf_print(type->fields, spec->conf, false, 4, out);
		conf_print(check_fields, &spec->common, false, 4, out);
	}
}

static void
print_node(const struct settings *s, const char *key, struct buf *out)
{
	const struct conf_node *node = conf_get(s->tree->root, key);
	if (conf_is_absent(node))
		return;
	buf_addf(out, "%s:\n", key);
	conf_print_node(node, 2, out);
}

static void
print_receivers(const struct settings *s, struct buf *out)
{
	buf_add_text(out, "receivers:\n");
	for (size_t i = 0; i < s->receiver_count + s->disabled_receiver_count; i++) {
		const struct receiver_spec *spec =
			i < s->receiver_count ? s->receivers[i]
					      : s->disabled_receivers[i - s->receiver_count];
		const struct receiver_type *type = spec->type;
		buf_addf(out, "  %s:\n    type: %s\n", spec->name, type->name);
		conf_print(type->fields, spec->conf, false, 4, out);
		conf_print(receiver_fields, &spec->common, false, 4, out);
	}
}

static void
print_routes(const struct settings *s, struct buf *out)
{
	buf_add_text(out, "routes:\n");
	for (size_t i = 0; i < s->route_count; i++) {
		buf_add_text(out, "  -\n");
		conf_print(route_fields, s->routes[i], false, 4, out);
	}
	if (s->maintenance_count > 0)
		buf_add_text(out, "maintenance:\n");
	for (size_t i = 0; i < s->maintenance_count; i++) {
		buf_add_text(out, "  -\n");
		conf_print(maintenance_fields, s->maintenance[i], false, 4, out);
	}
}

/* Few, whatever the size of the file: rows mask themselves, but a text may hold ${file:}. */
static void
add_file_secrets(const struct conf_node *node, struct secret_set *set)
{
	if (node->is_secret)
		secret_set_add(set, node->text);
	for (size_t i = 0; i < node->count; i++)
		add_file_secrets(node->items[i], set);
}

/* To its size: it is kept. */
static char *
text_of(struct buf *out)
{
	char *text = xstrdup(buf_text(out));

	buf_fini(out);
	return text;
}

void
masked_prepare(struct settings *s)
{
	struct buf out;

	buf_init(&out, 0);
	for (const struct top_block *block = top_blocks; block->name != NULL; block++)
		if (!block->is_optional || !conf_is_absent(conf_get(s->tree->root, block->name)))
			print_block(
				block->name, block->fields, (const char *)s + block->offset, &out);
	s->masked.before = text_of(&out);
	buf_init(&out, 0);
	print_node(s, "rules", &out);
	print_node(s, "builtin_rules", &out);
	print_receivers(s, &out);
	print_routes(s, &out);
	s->masked.behind = text_of(&out);
	s->masked.secrets = secret_set_new();
	add_file_secrets(s->tree->root, s->masked.secrets);
}

void
masked_clear(struct settings *s)
{
	free(s->masked.before);
	free(s->masked.behind);
	secret_set_free(s->masked.secrets);
}

char *
settings_masked(const struct settings *s)
{
	struct buf out;
	char *text;

	buf_init(&out, 0);
	if (s->masked.before != NULL)
		buf_add_text(&out, s->masked.before);
	print_checks(s, &out);
	if (s->masked.behind != NULL)
		buf_add_text(&out, s->masked.behind);
	text = text_of(&out);
	secret_mask(s->masked.secrets, text);
	return text;
}
