/* Files of other programs: whatever they hold, what comes of it loads, or nothing comes of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/tree.h"
#include "setup/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is written is YAML at least, and has its own notes. */
static void
look(struct import *import)
{
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree;
	struct buf out;

	buf_init(&out, 0);
	import_write(import, "triaged.env", &out);
	tree = conf_tree_parse_raw("out", buf_text(&out), buf_left(&out), complaints);
	if (complaints_errors(complaints) > 0)
		abort();
	conf_tree_free(tree);
	buf_reset(&out);
	import_write_env(import, true, &out);
	buf_fini(&out);
	complaints_free(complaints);
	import_free(import);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints *complaints = complaints_new();
	char *text = xstrndup((const char *)data, size);
	struct err e = { 0 };
	struct import *import = import_gatus_text("in", text, strlen(text), complaints);

	if (import != NULL)
		look(import);
	import = import_kuma("in", text, strlen(text), &e);
	if (import != NULL)
		look(import);
	complaints_free(complaints);
	free(text);
	return 0;
}
