/*
 * Settings as text: whatever the bytes, they become a tree or a complaint with a place inside the
 * text; a tree can be printed as YAML that is read again; .env files and ${...} end, within bounds.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/interpolate.h"
#include "conf/schema.h"
#include "conf/tree.h"

#define TEXT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print_again(const struct conf_node *root)
{
	struct complaints *complaints = complaints_new();
	struct conf_tree *again;
	struct buf out;

	buf_init(&out, 1 << 20);
	conf_print_node(root, 0, &out);
	if (!out.is_over) {
		again = conf_tree_parse_raw("again", buf_text(&out), buf_left(&out), complaints);
		assert(complaints_errors(complaints) == 0);
		conf_tree_free(again);
	}
	buf_fini(&out);
	complaints_free(complaints);
}

static void
parse(const char *text, size_t len)
{
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree = conf_tree_parse_raw("fuzz.yaml", text, len, complaints);
	struct buf words;

	if (tree->root == NULL)
		assert(complaints_errors(complaints) > 0);
	else if (complaints_errors(complaints) == 0 && tree->node_count < 1000)
		print_again(tree->root);
	buf_init(&words, 1 << 16);
	complaints_print(complaints, &words);
	buf_fini(&words);
	conf_tree_free(tree);
	complaints_free(complaints);
}

/* What is quoted for an .env file is read as it was. */
static void
quote(const char *value)
{
	struct map *env = map_new();
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, 0);
	buf_add_text(&out, "A=");
	env_file_quote(value, &out);
	if (strpbrk(value, "\r\n") == NULL && env_file_parse(env, buf_text(&out), &e) == 0)
		assert(strcmp(map_get(env, "A"), value) == 0);
	buf_fini(&out);
	map_free(env, free);
}

static void
expand(const char *text)
{
	struct map *env = map_new();
	const struct interpolate_env around = { .env_file = env };
	bool is_secret = false;
	struct err e = { 0 };
	char *out;

	env_file_parse(env, text, &e);
	/* files are not ours to read here */
	if (strstr(text, "file:") == NULL && strstr(text, "credential:") == NULL) {
		e.text[0] = '\0';
		out = interpolate(text, &around, &is_secret, &e);
		assert((out == NULL) == (e.text[0] != '\0') && !is_secret);
		free(out);
	}
	map_free(env, free);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size > TEXT_MAX)
		return 0;
	parse((const char *)data, size);
	text = xstrndup((const char *)data, size);
	expand(text);
	quote(text);
	free(text);
	return 0;
}
