/* The line splitter: cut anywhere it consumes everything once and counts as if it were whole. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probes/log_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct log_rules *
make_rules(void)
{
	static char name[] = "x", expression[] = "X|^at", continuation[] = "^[[:space:]]";
	static char number[] = "n", number_expression[] = "n=([0-9.eE+-]+)";
	struct conf_pair pair = { .name = name, .value = expression };
	struct conf_pair field = { .name = number, .value = number_expression };
	const struct log_rules_conf conf = {
		.patterns = { &pair, 1 },
		.fields = { &field, 1 },
		.continuation = continuation,
	};
	struct complaints *complaints = complaints_new();
	struct log_rules *rules = log_rules_new(&conf, NULL, complaints);

	complaints_free(complaints);
	return rules;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log_rules *rules;
	size_t cut = size > 0 ? data[0] * size / 256 : 0;
	struct log_scan whole, first, rest;
	char *text;

	if (rules == NULL)
		rules = make_rules();
	if (size > 8000)
		return 0;
	text = calloc(1, size + 1);
	memcpy(text, data, size);
	whole = (struct log_scan){ .rules = rules, .bytes = text, .len = size, .is_final = true };
	log_scan(&whole);
	assert(whole.consumed == size);
	first = (struct log_scan){ .rules = rules, .bytes = text, .len = cut };
	log_scan(&first);
	assert(first.consumed <= cut);
	rest = (struct log_scan){ .rules = rules,
		.bytes = text + first.consumed,
		.len = size - first.consumed,
		.is_final = true,
		.carry = first.carry };
	log_scan(&rest);
	assert(first.consumed + rest.consumed == size);
	assert(first.lines + rest.lines == whole.lines);
	assert(first.counts[0] + rest.counts[0] == whole.counts[0]);
	free(text);
	return 0;
}
