/* Patterns: bombs are refused before they are compiled, what people write is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/pattern.h"

static void
test_good(void **state)
{
	static const char *const good[] = {
		"",
		"ok",
		"^(OK|ready)$",
		"[^]{}(]+",
		"[[:alpha:]]{1,255}",
		"[]a]{3}",
		"([0-9]{1,3}\\.){3}[0-9]{1,3}",
		".{0,1000}x",
		"\\{not a bound\\}",
		"((((a+)+)+)+)+",
		"a{,3}b{2,}",
		"^(a*)*$",
		"^([a-z]+ *)*$",
		"(([a-z]*-)*x){20}",
		"^([0-9]+,? *){20}$",
		"^a?b?c?d?e?f?g?h?i?j?k?l?$",
		"^(a*|b)(c*|d)(e*|f)(g*|h)(i*|j)(k*|l)",
		"^a$|^b$|^c$|^d$|^e$|^f$|^g$",
		"\\ba\\b.*\\bb\\b.*\\bc\\b.*\\bd\\b.*\\be\\b",
		"((^|,)[a-z]+($|,)){20}",
		"^([a-z]*,?){1,20}$",
		"([a-z]*( [a-z]*)?)*",
		"(\\ba?\\b){4}",
	};
	struct err e;
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (pattern_check(good[i], &e) != 0)
			fail_msg("%s: %s", good[i], e.text);
}

static void
refuse(const char *text, const char *why)
{
	struct err e;
	assert_int_equal(pattern_check(text, &e), -1);
	if (strstr(e.text, why) == NULL)
		fail_msg("%s: %s", text, e.text);
}

static void
test_none(void **state)
{
	(void)state;
	refuse("(((((", "is not a regular expression: ");
	refuse("[a", "is not a regular expression: ");
	refuse("a{2,1}", "is not a regular expression: ");
}

static void
test_bombs(void **state)
{
	char text[1100] = "";
	(void)state;
	refuse("((a{1,255}){1,255}){1,255}", "grows too large");
	refuse("a{1,32767}", "grows too large");
	refuse("a{99999999999999999999}", "grows too large");
	refuse("([^]]{1,50}){1,50}", "grows too large");
	refuse("l*+|$m**{1,255}$", "repeat what may be nothing");
	refuse("^(a|b**){1,18}", "repeat what may be nothing");
	refuse("^(|a*)*{18}", "repeat what may be nothing");
	refuse("^(()*)*{18}", "repeat what may be nothing");
	refuse("(^)**{18}", "repeat what may be nothing");
	refuse("^((a{0,1}b{,3}|c)*){18}", "repeat what may be nothing");
	refuse("^((a*){2,}){18}", "repeat what may be nothing");
	refuse("^(((a*b?)+){3}){6}", "repeat what may be nothing");
	refuse("^(a?){1,255}(b?){1,255}", "repeat what may be nothing");
	refuse("\\b(a?){1,255}(b?){1,255}", "repeat what may be nothing");
	refuse("^((a?|b?|c?)?){128}", "repeat what may be nothing");
	refuse("^((a?|b?|c?){1,2}){64}", "repeat what may be nothing");
	refuse("^((a?b?c?)?d?){200}", "repeat what may be nothing");
	refuse("\\b(\\b){1,56}", "repeat what may be nothing");
	refuse("^(\\ba?){1,13}", "repeat what may be nothing");
	refuse("(a?\\b){0,40}", "repeat what may be nothing");
	refuse("((x|\\b)(y|\\b)){16}", "repeat what may be nothing");
	refuse("^a((a*){1,22}\\b^^)*a{1,36}b{1,7}", "repeat what may be nothing");
	refuse("\\b\\b\\b\\b\\b(\\b\\b\\b\\b\\bx)", "repeat what may be nothing");
	refuse("(\\){1,50}){1,50}){1,50}", "grows too large");
	for (int i = 0; i < 20; i++)
		strcat(text, "(");
	strcat(text, "a");
	for (int i = 0; i < 20; i++)
		strcat(text, "+)");
	refuse(text, "grows too large");
	memset(text, '(', 400);
	text[400] = '\0';
	refuse(text, "grows too large");
	memset(text, 'a', 1050);
	text[1050] = '\0';
	refuse(text, "at most 1000 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_bombs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
