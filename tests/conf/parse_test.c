/* Tests of daemon/conf/parse.c, explain.c and tree.c: YAML text to nodes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/tree.h"

struct parsed {
	struct conf_tree *tree;
	struct complaints *complaints;
	char *said;
};

static struct parsed
parse_bytes(const char *text, size_t len)
{
	struct parsed p = { .complaints = complaints_new() };
	struct buf out;
	p.tree = conf_tree_parse("t.yaml", text, len, p.complaints);
	buf_init(&out, 0);
	complaints_print(p.complaints, &out);
	p.said = buf_take_text(&out);
	return p;
}

static struct parsed
parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void
done(struct parsed *p)
{
	free(p->said);
	complaints_free(p->complaints);
	conf_tree_free(p->tree);
}

static void
assert_says(const char *text, const char *wanted)
{
	struct parsed p = parse(text);
	if (strstr(p.said, wanted) == NULL)
		fail_msg("%s\ngave: %s\nwanted: %s", text, p.said, wanted);
	done(&p);
}

static void
test_kinds_and_places(void **state)
{
	struct parsed p = parse("# c\na: 1\nb:\n  - x\n  - \"y\"\nc: { d: ~, e: }\n");
	(void)state;
	assert_string_equal(p.said, "");
	const struct conf_node *root = p.tree->root;
	assert_int_equal(root->count, 3);
	const struct conf_node *b = conf_get(root, "b");
	assert_int_equal(b->kind, CONF_LIST);
	assert_int_equal(b->key_pos.line, 3);
	assert_int_equal(b->items[1]->pos.line, 5);
	assert_int_equal(b->items[1]->pos.column, 5);
	assert_true(b->items[0]->is_plain);
	assert_false(b->items[1]->is_plain);
	const struct conf_node *c = conf_get(root, "c");
	assert_true(c->is_flow);
	assert_true(conf_is_absent(conf_get(c, "d")));
	assert_true(conf_is_absent(conf_get(c, "e")));
	assert_true(conf_is_absent(conf_get(c, "nope")));
	assert_string_equal(conf_get(root, "a")->text, "1");
	done(&p);
}

static void
test_aliases_and_merges(void **state)
{
	struct parsed p = parse("base: &b { x: 1, y: 2 }\n"
				"more: &m { y: 3, z: 4 }\n"
				"one: { <<: *b, y: 9 }\n"
				"two: { <<: [*b, *m], w: 0 }\n"
				"same: *b\n"
				"quoted: { \"<<\": 5 }\n");
	(void)state;
	assert_string_equal(p.said, "");
	const struct conf_node *one = conf_get(p.tree->root, "one");
	assert_int_equal(one->count, 2);
	assert_string_equal(conf_get(one, "x")->text, "1");
	assert_string_equal(conf_get(one, "y")->text, "9");
	const struct conf_node *two = conf_get(p.tree->root, "two");
	assert_int_equal(two->count, 4);
	assert_string_equal(conf_get(two, "y")->text, "2"); /* the first of the list counts */
	assert_string_equal(conf_get(conf_get(p.tree->root, "same"), "x")->text, "1");
	assert_string_equal(conf_get(conf_get(p.tree->root, "quoted"), "<<")->text, "5");
	done(&p);
}

static void
test_expansion_happens_once(void **state)
{
	struct parsed p =
		parse("a: &a \"$${X}\"\nb: *a\nc: &c { d: \"$${Y}\" }\ne: *c\nf: { <<: *c }\n");
	(void)state;
	assert_string_equal(p.said, "");
	assert_string_equal(conf_get(p.tree->root, "a")->text, "${X}");
	assert_string_equal(conf_get(p.tree->root, "b")->text, "${X}");
	assert_string_equal(conf_get(conf_get(p.tree->root, "e"), "d")->text, "${Y}");
	assert_string_equal(conf_get(conf_get(p.tree->root, "f"), "d")->text, "${Y}");
	done(&p);
}

static void
test_expansion_cannot_inject(void **state)
{
	setenv("PT_EVIL", "x\nother: 1 # {", 1);
	struct parsed p = parse("a: ${PT_EVIL}\n");
	(void)state;
	assert_string_equal(p.said, "");
	assert_int_equal(p.tree->root->count, 1);
	assert_string_equal(conf_get(p.tree->root, "a")->text, "x\nother: 1 # {");
	done(&p);
}

static void
test_duplicates(void **state)
{
	(void)state;
	assert_says("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: error: \"a\" is already written in line 1");
	struct buf many;
	buf_init(&many, 0);
	for (int i = 0; i < 100; i++)
		buf_addf(&many, "k%d: 1\n", i);
	buf_add_text(&many, "k7: 2\nk8: 2\n");
	struct parsed p = parse(buf_text(&many));
	assert_int_equal(complaints_errors(p.complaints), 2);
	assert_non_null(strstr(p.said, "t.yaml:101:1: error: \"k7\" is already written in line 8"));
	assert_string_equal(conf_get(p.tree->root, "k7")->text, "1");
	done(&p);
	buf_fini(&many);
}

static void
test_tabs(void **state)
{
	(void)state;
	assert_says("a:\n\tb: 1\n", "t.yaml:2:1: error: a tab is used for indentation");
	assert_says("a:\n  b: 1\n\tc: 1\n", "t.yaml:3:1: error: a tab is used for indentation");
	assert_says("a:\n  b:\n  \tc: 1\n", "t.yaml:3:3: error: a tab is used for indentation");
}

static void
test_missing_quotes(void **state)
{
	static const struct {
		const char *value, *place;
	} rows[] = {
		{ "{a} == 1", "2:7: error: a text that begins with {" },
		{ "[a] == 1", "2:7: error: a text that begins with [" },
		{ "> api.total_time", "2:7: error: a text that begins with >" },
		{ "| x", "2:7: error: a text that begins with |" },
		{ "*db", "2:7: error: unknown alias \"*db\"; a text that begins with * must be "
			 "quoted" },
		{ "*", "2:7: error: a text that begins with *" },
		{ "& x", "2:7: error: a text that begins with &" },
		{ "!up(api)", "2:7: error: \"!up(api)\" is a YAML tag" },
		{ "%x", "2:7: error: a text that begins with %" },
		{ "@x", "2:7: error: a text that begins with @" },
		{ "{{x}} is full", "2:8: error: a key must be a word; a text that begins with {" },
		{ "disk: full", "2:7: error: a text that contains \": \" must be quoted" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf text;
		buf_init(&text, 0);
		buf_addf(&text, "a: 1\nwhen: %s\nb: 2\n", rows[i].value);
		assert_says(buf_text(&text), rows[i].place);
		buf_fini(&text);
	}
}

static void
test_brackets(void **state)
{
	(void)state;
	assert_says("a: { b: 1\nc: 2\n", "t.yaml:1:4: error: this bracket is not closed");
	assert_says("a: [1, 2\n", "t.yaml:1:4: error: this bracket is not closed");
}

static void
test_not_text(void **state)
{
	struct parsed p = parse_bytes("a: 1\nb: x\0y\n", 12);
	(void)state;
	assert_non_null(strstr(p.said, "t.yaml:2:5: error: is not a text file: byte 0x00"));
	assert_null(p.tree->root);
	done(&p);
	p = parse_bytes("\x7f"
			"ELF\x02\x01\x01",
		7);
	assert_non_null(strstr(p.said, "t.yaml:1:1: error: is not a text file"));
	done(&p);
	p = parse_bytes("\xff\xfe"
			"a\0",
		4);
	assert_non_null(strstr(p.said, "UTF-16"));
	done(&p);
	p = parse("a: 1\nb: caf\xe9\n");
	assert_non_null(strstr(p.said, "t.yaml:2:1: error: is not UTF-8"));
	done(&p);
	p = parse("\xef\xbb\xbf"
		  "a: 1\n");
	assert_string_equal(p.said, "");
	assert_string_equal(conf_get(p.tree->root, "a")->text, "1");
	done(&p);
}

static void
test_empty(void **state)
{
	(void)state;
	assert_says("", "t.yaml: error: the file is empty");
	assert_says("# only a comment\n", "t.yaml: error: the file is empty");
	assert_says("---\n", "t.yaml: error: the file is empty");
	assert_says("- a\n", "a configuration is a map of keys, not a list");
	assert_says("hello\n", "a configuration is a map of keys, not text");
	assert_says("a: 1\n---\nb: 2\n", "a second document begins here");
	assert_says("? [a]\n: 1\n", "a key must be a word");
	assert_says("\"\": 1\n", "a key is missing");
	assert_says(": 1\n", "t.yaml:1:1: error: ");
	assert_says("a: \"x\\0y\"\n", "cannot contain \\0");
	assert_says("a: { <<: 5 }\n", "<< takes a map");
	assert_says("a: &x { b: *x }\n", "alias \"*x\" contains itself");
}

static void
test_depth(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add_text(&text, "a: ");
	for (int i = 0; i < 100000; i++)
		buf_add_text(&text, "[");
	assert_says(buf_text(&text), "is nested too deeply: more than 64 levels");
	buf_fini(&text);
}

static void
test_alias_bomb(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 30; i++) {
		buf_addf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_addf(&text, "%s*a%d", k > 0 ? ", " : "", i - 1);
		buf_add_text(&text, "]\n");
	}
	assert_says(buf_text(&text), "once its aliases are followed");
	buf_fini(&text);
}

static void
test_too_large(void **state)
{
	size_t len = 10 * 1024 * 1024;
	char *text = malloc(len);
	(void)state;
	memset(text, '#', len);
	struct parsed p = parse_bytes(text, len);
	assert_non_null(strstr(p.said, "too large: at most 4 MB"));
	done(&p);
	free(text);
}

static void
test_many_values(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add_text(&text, "a: [");
	for (int i = 0; i < 1000001; i++)
		buf_add_text(&text, "1,");
	buf_add_text(&text, "]\n");
	assert_says(buf_text(&text), "too large: more than 1000000 values");
	buf_fini(&text);
}

static void
test_unset_is_broken_once(void **state)
{
	unsetenv("PT_UNSET");
	struct parsed p = parse("a: ${PT_UNSET}\n");
	(void)state;
	assert_int_equal(complaints_errors(p.complaints), 1);
	assert_non_null(strstr(p.said, "t.yaml:1:4: error: ${PT_UNSET} is not set"));
	assert_true(conf_get(p.tree->root, "a")->is_broken);
	done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_and_places),
		cmocka_unit_test(test_aliases_and_merges),
		cmocka_unit_test(test_expansion_happens_once),
		cmocka_unit_test(test_expansion_cannot_inject),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_tabs),
		cmocka_unit_test(test_missing_quotes),
		cmocka_unit_test(test_brackets),
		cmocka_unit_test(test_not_text),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_unset_is_broken_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
