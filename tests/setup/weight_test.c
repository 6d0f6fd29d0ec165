/*
 * What one more check weighs: its settings once they are read, and what the rules keep of it while
 * it is well.  Bytes are counted by the allocator; what is compared is the growth between n and 2n.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "rules/rules.h"
#include "setup/settings.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_COUNTED 0 /* its allocator is another one */
#else
#define IS_COUNTED 1
#endif

#define SETTINGS_BYTES 900 /* of one HTTP check, a short URL in it */
#define RULES_BYTES    500

static size_t
bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void
on_alert(void *arg, const struct alert_event *event)
{
	(void)arg;
	(void)event;
}

static void
on_keep(void *arg, const char *key, const json_t *state)
{
	(void)arg;
	(void)key;
	(void)state;
}

struct weight {
	size_t settings, rules;
};

static struct settings *
load(struct tls_pool *tls, unsigned count)
{
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct complaints *complaints = complaints_new();
	char path[] = "/tmp/weight-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	fputs("checks:\n", f);
	for (unsigned i = 0; i < count; i++)
		fprintf(f,
			"  c%u: {type: http, url: \"http://127.0.0.1:8080/c/%u\", interval: 30s, "
			"timeout: 10s}\n",
			i, i);
	fclose(f);
	struct settings *settings = settings_load(path, &context, complaints);
	unlink(path);
	assert_non_null(settings);
	complaints_free(complaints);
	return settings;
}

static struct weight
weigh(struct tls_pool *tls, unsigned count)
{
	const struct rules_options options = { .on_alert = on_alert, .on_keep = on_keep };
	struct weight weight;
	size_t before = bytes_in_use(), then;
	struct settings *settings = load(tls, count);
	struct rules *rules;

	then = bytes_in_use();
	weight.settings = then - before;
	rules = rules_new(&options);
	rules_apply(rules, settings->rules, (const struct check_spec *const *)settings->checks,
		settings->check_count, USEC_PER_SEC, USEC_PER_SEC);
	weight.rules = bytes_in_use() - then;
	rules_free(rules);
	settings_unref(settings);
	return weight;
}

static void
assert_grows(const char *what, size_t half, size_t whole, unsigned more, size_t each)
{
	size_t grown = (whole - half) / more;

	if (whole < half || grown > each)
		fail_msg("%s: %zu bytes for one more check, at most %zu are planned", what, grown,
			each);
}

static void
test_one_more_check(void **state)
{
	struct weight half, whole, twice;
	struct tls_pool *tls;

	(void)state;
	if (!IS_COUNTED)
		skip();
	tls = tls_pool_new();
	weigh(tls, 100); /* what is made once is made */
	half = weigh(tls, 1000);
	whole = weigh(tls, 2000);
	twice = weigh(tls, 4000);
	assert_grows("settings", half.settings, whole.settings, 1000, SETTINGS_BYTES);
	assert_grows("settings", whole.settings, twice.settings, 2000, SETTINGS_BYTES);
	assert_grows("rules", half.rules, whole.rules, 1000, RULES_BYTES);
	assert_grows("rules", whole.rules, twice.rules, 2000, RULES_BYTES);
	tls_pool_free(tls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_more_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
