/* One table with a row of every type: what the tests of schema*.c work on. */
#ifndef TESTS_CONF_SAMPLE_H
#define TESTS_CONF_SAMPLE_H

#include "conf/schema.h"

struct sample_inner {
	int64_t depth;
	char *word;
};

struct sample_block {
	char *text, *secret, *url, *hook, *path, *regex;
	int64_t whole, size;
	double real;
	bool flag;
	usec_t wait_us;
	int level;
	int mood; /* an enum without default */
	struct conf_strings list, fixed;
	struct conf_pairs pairs, headers;
	const struct conf_node *node;
	struct sample_inner inner;
};

static const char *const sample_levels[] = { "low", "medium", "high", NULL };

static const struct conf_field sample_inner_fields[] = {
	{ .name = "depth",
		INT_AT(struct sample_inner, depth),
		.dflt = "3",
		.min = "1",
		.max = "9" },
	{ .name = "word", STRING_AT(struct sample_inner, word), .flags = CONF_REQUIRED },
	{ .type = CONF_END },
};

static const struct conf_field sample_fields[] = {
	{ .name = "text",
		STRING_AT(struct sample_block, text),
		.dflt = "hello",
		.doc = "A text, or | two." },
	{ .name = "secret", SECRET_AT(struct sample_block, secret), .doc = "Hidden." },
	{ .name = "url",
		URL_AT(struct sample_block, url),
		.flags = CONF_REQUIRED,
		.doc = "Where.",
		.example = "http://127.0.0.1/" },
	{ .name = "hook",
		URL_AT(struct sample_block, hook),
		.flags = CONF_MASKED,
		.doc = "Its path is a secret." },
	{ .name = "path", PATH_AT(struct sample_block, path), .dflt = "/", .doc = "A path." },
	{ .name = "regex", REGEX_AT(struct sample_block, regex), .doc = "A pattern." },
	{ .name = "whole",
		INT_AT(struct sample_block, whole),
		.dflt = "5",
		.min = "1",
		.max = "10",
		.doc = "How many." },
	{ .name = "size",
		SIZE_AT(struct sample_block, size),
		.dflt = "1MB",
		.max = "1GB",
		.doc = "How large." },
	{ .name = "real",
		NUMBER_AT(struct sample_block, real),
		.dflt = "2.5",
		.unit = "%",
		.max = "100",
		.doc = "How much." },
	{ .name = "flag", BOOL_AT(struct sample_block, flag), .dflt = "true", .doc = "Whether." },
	{ .name = "wait",
		DURATION_AT(struct sample_block, wait_us),
		.dflt = "10s",
		.min = "10ms",
		.doc = "How long." },
	{ .name = "level",
		ENUM_AT(struct sample_block, level, sample_levels),
		.dflt = "medium",
		.doc = "Which." },
	{ .name = "mood", ENUM_AT(struct sample_block, mood, sample_levels), .doc = "If any." },
	{ .name = "list", STRINGS_AT(struct sample_block, list), .doc = "Some." },
	{ .name = "fixed",
		STRINGS_AT(struct sample_block, fixed),
		.dflt = "[a, b]",
		.doc = "Two." },
	{ .name = "pairs", PAIRS_AT(struct sample_block, pairs), .doc = "Labels." },
	{ .name = "headers",
		PAIRS_AT(struct sample_block, headers),
		.flags = CONF_MASKED,
		.doc = "Headers." },
	{ .name = "node",
		NODE_AT(struct sample_block, node),
		.doc = "Anything.",
		.flags = CONF_ADVANCED },
	{ .name = "inner",
		GROUP_AT(struct sample_block, inner, sample_inner_fields),
		.doc = "A group." },
	{ .type = CONF_END },
};

#endif
