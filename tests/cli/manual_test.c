/* Text for roff: nothing of it is a request, and Markdown keeps its form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/manual.h"
#include "cli/option.h"

static void
test_text(void **state)
{
	static const struct {
		const char *text, *roff;
	} rows[] = {
		{ "plain", "plain\n" },
		{ ".so /etc/passwd", "\\&.so /etc/passwd\n" },
		{ "it's a\\b", "it\\(aqs a\\eb\n" },
		{ "`--json` prints", "\\fB\\-\\-json\\fR prints\n" },
		{ "see [cli](cli.md) and [below](#x)", "see cli (cli.md) and below\n" },
		{ "[a, b] or `[c](d)`", "[a, b] or \\fB[c](d)\\fR\n" },
		{ "**bold**", "bold\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		buf_init(&out, 0);
		roff_text(&out, rows[i].text);
		assert_string_equal(buf_text(&out), rows[i].roff);
		buf_fini(&out);
	}
}

static void
test_markdown(void **state)
{
	static const char markdown[] = "# Title\n\nOne.\nTwo.\n\nThree.\n\n"
				       "| a | b | c |\n|---|---|---|\n| `k` | x | y \\| z |\n\n"
				       "- item\n1. first\n\n```yaml\n.a: b\n```\n";
	static const char roff[] = ".SH Title\nOne.\nTwo.\n.PP\nThree.\n"
				   ".TP\n\\fBk\\fR\nx\n\\(en y | z\n"
				   ".IP \\(bu 4\nitem\n.IP 1. 4\nfirst\n"
				   ".PP\n.RS 4\n.nf\n\\&.a: b\n.fi\n.RE\n";
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	roff_markdown(&out, markdown);
	assert_string_equal(buf_text(&out), roff);
	buf_fini(&out);
}

/* Every verb and each of its options stands in the page, in the reference and in each script. */
static void
test_nothing_is_left_out(void **state)
{
	static const char *const pages[] = { "triage.1", "cli-reference.md" };
	static const char *const shells[] = { "bash", "zsh", "fish" };
	struct buf texts[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		buf_init(&texts[i], 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(manual_write(pages[i], &texts[i]), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(completion_write(shells[i], &texts[2 + i]), 0);
	for (size_t v = 0; verb_table[v] != NULL; v++) {
		const struct cli_option *row = verb_table[v]->options;

		if (verb_table[v]->is_hidden)
			continue;
		/* fish asks for the verbs when it needs them. */
		for (size_t i = 0; i < 4; i++)
			assert_non_null(strstr(buf_text(&texts[i]), verb_table[v]->name));
		for (; row != NULL && row->name != NULL; row++)
			for (size_t i = 1; i < 5; i++)
				assert_non_null(strstr(buf_text(&texts[i]), row->name));
	}
	assert_null(strstr(buf_text(&texts[0]), "__page"));
	for (size_t i = 0; i < 5; i++)
		buf_fini(&texts[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_nothing_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
