/* Tests of daemon/conf/schema.c and field.c: filling, refusing, comparing, clearing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/conf/sample.h"

struct filled {
	struct conf_tree *tree;
	struct complaints *complaints;
	struct sample_block block;
	char *said;
};

static void
fill(struct filled *f, const char *text)
{
	static const char *const ignore[] = { "type", NULL };
	struct buf out;
	memset(f, 0, sizeof(*f));
	f->complaints = complaints_new();
	f->tree = conf_tree_parse("s.yaml", text, strlen(text), f->complaints);
	struct conf_part part = { sample_fields, &f->block };
	conf_fill(&part, 1, f->tree->root, "check \"x\"", ignore, f->complaints);
	buf_init(&out, 0);
	complaints_print(f->complaints, &out);
	f->said = buf_take_text(&out);
}

static void
done(struct filled *f)
{
	static const struct sample_block zero;
	conf_clear(sample_fields, &f->block);
	assert_memory_equal(&f->block, &zero, sizeof(zero));
	free(f->said);
	complaints_free(f->complaints);
	conf_tree_free(f->tree);
}

static void
assert_says(const char *text, const char *wanted)
{
	struct filled f;
	fill(&f, text);
	if (strstr(f.said, wanted) == NULL)
		fail_msg("%s\ngave: %s\nwanted: %s", text, f.said, wanted);
	if (complaints_errors(f.complaints) != 1)
		fail_msg("%s\ngave: %s", text, f.said);
	done(&f);
}

static void
test_defaults(void **state)
{
	struct filled f;
	(void)state;
	fill(&f, "url: http://h/\ntype: ignored\n");
	assert_string_equal(f.said, "");
	assert_string_equal(f.block.text, "hello");
	assert_null(f.block.secret);
	assert_string_equal(f.block.path, "/");
	assert_int_equal(f.block.whole, 5);
	assert_int_equal(f.block.size, 1000000);
	assert_true(f.block.real == 2.5);
	assert_true(f.block.flag);
	assert_int_equal(f.block.wait_us, 10 * USEC_PER_SEC);
	assert_int_equal(f.block.level, 1);
	assert_int_equal(f.block.mood, -1);
	assert_int_equal(f.block.list.count, 0);
	assert_int_equal(f.block.fixed.count, 2);
	assert_string_equal(f.block.fixed.all[1], "b");
	assert_null(f.block.node);
	assert_int_equal(f.block.inner.depth, 3);
	assert_null(f.block.inner.word); /* required only where the group is written */
	done(&f);
}

static void
test_values(void **state)
{
	struct filled f;
	(void)state;
	fill(&f,
		"text: \"\"\nsecret: s\nurl: https://u:p@[::1]:80/x?y#z\npath: /a\nregex: ^a|b$\n"
		"whole: 10\nsize: 1GiB\nreal: 50%\nflag: off\nwait: 1m30s\nlevel: high\nmood: low\n"
		"list: one\nfixed: [1, true]\npairs: { a: 1, b: \"x y\" }\nheaders:\nnode: { q: "
		"[1] }\n"
		"inner: { depth: 9, word: w }\n");
	/* 1GiB is above 1GB: the one complaint */
	assert_int_equal(complaints_errors(f.complaints), 1);
	assert_non_null(strstr(f.said, "size: must be at most 1GB"));
	assert_string_equal(f.block.text, "");
	assert_string_equal(f.block.secret, "s");
	assert_int_equal(f.block.whole, 10);
	assert_true(f.block.real == 50);
	assert_false(f.block.flag);
	assert_int_equal(f.block.wait_us, 90 * USEC_PER_SEC);
	assert_int_equal(f.block.level, 2);
	assert_int_equal(f.block.mood, 0);
	assert_string_equal(f.block.list.all[0], "one");
	assert_string_equal(f.block.fixed.all[1], "true");
	assert_int_equal(f.block.pairs.count, 2);
	assert_string_equal(f.block.pairs.all[1].value, "x y");
	assert_int_equal(f.block.pairs.all[1].pos.line, 15);
	assert_int_equal(f.block.headers.count, 0);
	assert_int_equal(f.block.node->kind, CONF_MAP);
	assert_int_equal(f.block.inner.depth, 9);
	assert_string_equal(f.block.inner.word, "w");
	done(&f);
}

/* What another type calls `address` is `url` here, where that is not written yet. */
static void
test_the_same_thing_by_another_name(void **state)
{
	struct filled f;
	(void)state;
	fill(&f, "address: http://h/\n");
	assert_non_null(strstr(f.said, "unknown key \"address\", did you mean \"url\"?"));
	assert_non_null(strstr(f.said, "url is missing"));
	done(&f);
}

static void
test_keys(void **state)
{
	(void)state;
	assert_says("url: http://h/\ntexd: 1\n",
		"s.yaml:2:1: error: unknown key \"texd\", did you mean \"text\"?");
	assert_says("url: http://h/\naddress: h\n", "unknown key \"address\" in ");
	assert_says("url: http://h/\nbanana: 1\n", "s.yaml:2:1: error: unknown key \"banana\" in "
						   "check \"x\"; its keys are type, text");
	assert_says("url: http://h/\ninner: { word: w, deptth: 1 }\n",
		"s.yaml:2:19: error: unknown key \"deptth\", did you mean \"depth\"?");
	assert_says("url: http://h/\ninner: { word: w, zzzzzzz: 1 }\n",
		"unknown key \"zzzzzzz\" in check \"x\" inner; its keys are depth, word");
	assert_says(
		"text: a\n", "s.yaml:1:1: error: check \"x\": url is missing (http://127.0.0.1/)");
	assert_says("url: http://h/\ninner: { depth: 1 }\n",
		"s.yaml:2:1: error: check \"x\": inner.word is missing");
}

static void
test_wrong_values(void **state)
{
	static const struct {
		const char *line, *wanted;
	} rows[] = {
		{ "text: [a]",
			"2:7: error: text: must be a text, not a list; a text that begins with [" },
		{ "text: { a: 1 }",
			"2:7: error: text: must be a text, not a map; a text that begins" },
		{ "text:", "text: has no value (a text that begins with # must be quoted)" },
		{ "text: #x", "text: has no value (a text that begins with # must be quoted)" },
		{ "path: a/b", "2:7: error: path: \"a/b\" must be an absolute path" },
		{ "regex: \"(\"", "2:8: error: regex: \"(\" is not a regular expression" },
		{ "whole: 11", "2:8: error: whole: must be at most 10" },
		{ "whole: 0", "2:8: error: whole: must be at least 1" },
		{ "whole: many", "whole: \"many\" is not a whole number" },
		{ "real: 101%", "real: must be at most 100" },
		{ "flag: yes", "2:7: error: flag: \"yes\" is not a boolean here: write true" },
		{ "wait: 5", "2:7: error: wait: \"5\" needs a unit, such as 5s (ms, s, m, h, d)" },
		{ "wait: 5ms", "wait: must be at least 10ms" },
		{ "wait: [5s]", "wait: must be a duration, such as 10s, not a list" },
		{ "size: 512", "size: \"512\" needs a unit" },
		{ "level: hihg",
			"level: \"hihg\" is not one of low, medium, high, did you mean \"high\"?" },
		{ "level: zzz", "level: \"zzz\" is not one of low, medium, high" },
		{ "list: { a: 1 }", "list: must be a text or a list of texts, not a map" },
		{ "list: [a, [b]]",
			"2:11: error: list: must be a text or a list of texts, not a list" },
		{ "pairs: [a]", "pairs: must be a map of names and texts, not a list" },
		{ "pairs: { a: [1] }", "2:13: error: pairs.a: must be a text, not a list" },
		{ "inner: 5", "2:8: error: inner: must be a map, not text" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf text;
		buf_init(&text, 0);
		buf_addf(&text, "url: http://h/\n%s\n", rows[i].line);
		assert_says(buf_text(&text), rows[i].wanted);
		buf_fini(&text);
	}
}

static void
test_urls(void **state)
{
	static const char *const good[] = { "http://h", "https://h:8080/a?b=c#d", "http://u:p@h:1/",
		"http://[::1]:80/", "redis://:p@h:6379/0", "unix:///run/x.sock", "http://h?x=y" };
	static const char *const bad[] = { "h", "http//h", "http:/h", "://h", "http://",
		"http://:80/", "http://h:99999/", "http://h:8o/", "http://a b/", "http://[::1/",
		"1http://h", "" };
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct filled f;
		struct buf text;
		buf_init(&text, 0);
		buf_addf(&text, "url: \"%s\"\n", good[i]);
		fill(&f, buf_text(&text));
		assert_string_equal(f.said, "");
		done(&f);
		buf_fini(&text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf text;
		buf_init(&text, 0);
		buf_addf(&text, "url: \"%s\"\n", bad[i]);
		assert_says(buf_text(&text), "s.yaml:1:6: error: url: ");
		buf_fini(&text);
	}
}

static void
test_secrets_are_not_quoted(void **state)
{
	struct filled f;
	(void)state;
	setenv("ST_URL", "http://user:hunter2@h:port/", 1);
	fill(&f, "url: ${ST_URL}\nsecret: [hunter2]\n");
	assert_int_equal(complaints_errors(f.complaints), 2);
	assert_non_null(strstr(f.said, "the port must be a number"));
	struct buf out;
	buf_init(&out, 0);
	assert_null(strstr(f.said, "user:hunter2"));
	buf_fini(&out);
	done(&f);
}

static void
test_empty_secret_is_none(void **state)
{
	struct filled f;
	(void)state;
	unsetenv("ST_NONE");
	fill(&f, "url: http://h/\nsecret: ${ST_NONE:-}\n");
	assert_string_equal(f.said, "");
	assert_null(f.block.secret);
	done(&f);
}

static void
test_a_required_secret_is_not_empty(void **state)
{
	struct key {
		char *key;
	} key = { NULL };
	static const struct conf_field rows[] = {
		{ "key", SECRET_AT(struct key, key), .flags = CONF_REQUIRED },
		{ .type = CONF_END },
	};
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree = conf_tree_parse("s.yaml", "key: \"\"\n", 8, complaints);
	struct conf_part part = { rows, &key };
	char said[200];

	(void)state;
	conf_fill(&part, 1, tree->root, "x", NULL, complaints);
	complaints_first(complaints, said, sizeof(said));
	assert_non_null(strstr(said, "1:6: error: key: is empty"));
	assert_null(key.key);
	conf_clear(rows, &key);
	conf_tree_free(tree);
	complaints_free(complaints);
}

static void
test_all_at_once_in_order(void **state)
{
	struct filled f;
	(void)state;
	fill(&f, "wait: 5\nflag: yes\nbanana: 1\nurl: ${ST_UNSET_X}\n");
	assert_int_equal(complaints_errors(f.complaints), 4);
	const char *first = strstr(f.said, "s.yaml:1:7"), *last = strstr(f.said, "s.yaml:4:6");
	assert_true(first != NULL && last != NULL && first < last);
	done(&f);
}

static void
test_same(void **state)
{
	static const char base[] = "url: http://h/\nlist: [a]\npairs: { a: 1 }\nnode: { a: [1, 2] "
				   "}\ninner: { word: w }\n";
	static const char *const changes[] = {
		"url: http://i/\nlist: [a]\npairs: { a: 1 }\nnode: { a: [1, 2] }\ninner: { word: w "
		"}\n",
		"url: http://h/\nlist: [b]\npairs: { a: 1 }\nnode: { a: [1, 2] }\ninner: { word: w "
		"}\n",
		"url: http://h/\nlist: [a]\npairs: { a: 2 }\nnode: { a: [1, 2] }\ninner: { word: w "
		"}\n",
		"url: http://h/\nlist: [a]\npairs: { a: 1 }\nnode: { a: [1, 3] }\ninner: { word: w "
		"}\n",
		"url: http://h/\nlist: [a]\npairs: { a: 1 }\nnode: { a: [1, 2] }\ninner: { word: v "
		"}\n",
		"url: http://h/\nlist: [a]\npairs: { a: 1 }\nnode: { b: [1, 2] }\ninner: { word: w "
		"}\n",
		"url: http://h/\nwait: 11s\nlist: [a]\npairs: { a: 1 }\nnode: { a: [1, 2] }\n"
		"inner: { word: w }\n",
	};
	struct filled a, b;
	(void)state;
	fill(&a, base);
	fill(&b, "inner: { word: w, depth: 3 }\nnode:\n  a:\n  - 1\n  - \"2\"\n"
		 "pairs: { a: \"1\" }\nlist: a\nurl: http://h/\n");
	assert_string_equal(b.said, "");
	assert_true(conf_same(sample_fields, &a.block, &b.block));
	done(&b);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		fill(&b, changes[i]);
		assert_string_equal(b.said, "");
		assert_false(conf_same(sample_fields, &a.block, &b.block));
		done(&b);
	}
	done(&a);
}

static void
test_no_map_gives_defaults(void **state)
{
	struct complaints *complaints = complaints_new();
	struct sample_block block;
	struct conf_part part = { sample_fields, &block };
	(void)state;
	memset(&block, 0, sizeof(block));
	conf_fill(&part, 1, NULL, "x", NULL, complaints);
	assert_int_equal(complaints_errors(complaints), 0);
	assert_string_equal(block.text, "hello");
	conf_clear(sample_fields, &block);
	complaints_free(complaints);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_the_same_thing_by_another_name),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_secrets_are_not_quoted),
		cmocka_unit_test(test_empty_secret_is_none),
		cmocka_unit_test(test_a_required_secret_is_not_empty),
		cmocka_unit_test(test_all_at_once_in_order),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_no_map_gives_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
