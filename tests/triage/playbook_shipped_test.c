/* Every shipped playbook, whole: what people get when a host is in trouble must not fail then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "triage/playbook_inside.h"

static void
each_is_without_fault(void **state)
{
	struct complaints *complaints = complaints_new();
	struct playbooks *set = playbooks_load(NULL, complaints);
	struct buf out;
	size_t n = 0;

	(void)state;
	for (const struct playbook_text *text = playbook_shipped; text->name; text++, n++)
		if (!playbooks_named(set, text->name))
			fail_msg("%s cannot be found: its head is not usable", text->name);
	assert_int_equal(set->count, n);
	for (size_t i = 0; i < set->count; i++)
		playbook_check(set->all[i], true, complaints);
	buf_init(&out, 0);
	complaints_print(complaints, &out);
	if (complaints_errors(complaints) > 0)
		print_error("%s", buf_text(&out));
	assert_int_equal(complaints_errors(complaints), 0);
	buf_fini(&out);
	playbooks_free(set);
	complaints_free(complaints);
}

/* The head alone is read at the start: what comes after `causes:` would be missed. */
static void
causes_come_last(void **state)
{
	(void)state;
	for (const struct playbook_text *text = playbook_shipped; text->name; text++) {
		const char *causes = strstr(text->text, "\ncauses:\n");
		if (!causes)
			fail_msg("%s: no `causes:` in a line of its own", text->name);
		for (const char *line = causes + strlen("\ncauses:\n"); line && *line;) {
			if (*line != ' ' && *line != '#' && *line != '\n')
				fail_msg("%s: \"%.20s\" comes after `causes:`", text->name, line);
			line = strchr(line, '\n');
			line = line ? line + 1 : NULL;
		}
	}
}

/* Judged with nothing known, as happens when no fact could be had: nothing breaks. */
static void
nothing_known_breaks_nothing(void **state)
{
	struct complaints *complaints = complaints_new();
	struct playbooks *set = playbooks_load(NULL, complaints);
	char name[] = "x";
	const struct check_spec check = { .name = name, .type = "tcp" };
	const struct playbook_world world = { .check = &check, .target = "x", .text = "y" };
	const struct playbook *p;
	struct diagnosis diagnosis;

	(void)state;
	for (size_t n = 0; (p = playbooks_at(set, n)); n++) {
		struct incident incident;
		incident_init(&incident);
		if (playbook_judge(p, &world, &diagnosis)) {
			playbook_write(&diagnosis, &world, LANG_ZH, &incident);
			assert_true(str_starts(incident.finding, playbook_name(p)));
			assert_true(*incident.title);
		}
		incident_fini(&incident);
		json_decref(playbook_json(p, LANG_EN));
	}
	playbooks_free(set);
	complaints_free(complaints);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_without_fault),
		cmocka_unit_test(causes_come_last),
		cmocka_unit_test(nothing_known_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
