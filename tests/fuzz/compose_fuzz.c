/*
 * A compose file, whatever it holds: it is refused with words, or a configuration is made of it,
 * which is YAML again, on the host and beside the services.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/text_format.h"
#include "setup/init.h"

#define TEXT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
make(const struct compose *compose, bool is_sidecar)
{
	const struct init_options options = {
		.is_sidecar = is_sidecar,
		.has_fills = !is_sidecar,
		.fills = "triaged.env",
	};
	static const struct init_host host = {
		.listeners = { { "127.0.0.1", 22, "sshd" }, { "::1", 5432, "postgres" } },
		.listener_count = 2,
	};
	struct init_plan *plan = init_plan_new(compose, &host, &options);
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 0);
	init_write(plan, &out);
	assert(text_format_check(TEXT_YAML, buf_text(&out), buf_left(&out), &e) == 0);
	buf_reset(&out);
	init_write_fills(plan, true, &out);
	buf_fini(&out);
	init_plan_free(plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints *complaints = complaints_new();
	char *text = xstrndup((const char *)data, size < TEXT_MAX ? size : TEXT_MAX);
	struct compose *compose = compose_parse(text, strlen(text), complaints);

	if (complaints_errors(complaints) == 0) {
		make(compose, false);
		make(compose, true);
	}
	compose_free(compose);
	complaints_free(complaints);
	free(text);
	return 0;
}
