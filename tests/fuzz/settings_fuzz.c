/*
 * A whole configuration, whatever it holds: each error has words, and what is accepted can be
 * shown, which shows no secret.  Playbooks have a target of their own and are left out: they are
 * slow.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "io/tls.h"
#include "probes/probe.h"
#include "rules/expr.h"
#include "setup/load.h"
#include "setup/settings.h"

#define TEXT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct metric_desc *
metrics_of_type(const char *type)
{
	const struct probe_type *found = probe_find(type);

	return found != NULL ? found->metrics : NULL;
}

static const struct metric_desc *
metrics_of(const struct check_spec *spec)
{
	return probe_metrics(spec->probe_type, spec->conf);
}

/* As settings.c does, built-in rules only where they are spoken of. */
static void
compile_rules(struct load *l)
{
	struct settings *s = l->settings;
	const struct rule_checks checks = { (const struct check_spec *const *)s->checks,
		s->check_count, metrics_of_type, metrics_of };
	const struct conf_node *builtin = conf_get(l->root, "builtin_rules");

	if (top_map(l, "rules") == NULL && conf_is_absent(builtin))
		return;
	s->rules = rule_set_compile(top_map(l, "rules"), conf_is_absent(builtin) ? NULL : builtin,
		&checks, l->complaints);
}

static void
load(struct load *l)
{
	top_check_keys(l);
	top_load(l);
	checks_load(l);
	needs_check(l);
	receivers_load(l);
	compile_rules(l);
	routes_load(l);
	maintenance_load(l);
	if (complaints_errors(l->complaints) == 0) {
		masked_prepare(l->settings);
		free(settings_masked(l->settings));
	}
}

static void
try_text(const char *text, size_t len, struct tls_pool *tls)
{
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct complaints *complaints = complaints_new();
	struct settings *s = xcalloc(1, sizeof(*s));
	struct buf words;

	s->refs = 1;
	s->path = xstrdup("fuzz.yaml");
	s->secrets = secret_set_new();
	s->tree = conf_tree_parse("fuzz.yaml", text, len, complaints);
	if (s->tree->root != NULL) {
		struct load l = { .settings = s,
			.context = &context,
			.root = s->tree->root,
			.complaints = complaints,
			.check_names = map_new() };

		load(&l);
		map_free(l.check_names, NULL);
	}
	buf_init(&words, 1 << 16);
	complaints_print(complaints, &words);
	assert(complaints_errors(complaints) == 0 || buf_left(&words) > 0);
	buf_fini(&words);
	complaints_free(complaints);
	settings_unref(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tls_pool *tls;
	char *text;

	if (size > TEXT_MAX)
		return 0;
	if (tls == NULL)
		tls = tls_pool_new();
	text = xstrndup((const char *)data, size);
	/* no files of this machine */
	if (strstr(text, "${file:") == NULL)
		try_text(text, strlen(text), tls);
	free(text);
	return 0;
}
