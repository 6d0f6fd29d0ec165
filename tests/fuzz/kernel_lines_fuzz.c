/* The kernel's log may hold any name and any message: whatever the bytes, the news stay bounded. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "probes/facts/kernel_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_news news;

	kernel_lines_read(&news, (const char *)data, size, 0);
	assert(strlen(news.oom_victim) < sizeof(news.oom_victim));
	assert(strlen(news.io_device) < sizeof(news.io_device));
	assert(strlen(news.link_down) < sizeof(news.link_down));
	assert(!news.remounted_read_only || news.io_error);
	kernel_lines_read(&news, (const char *)data, size, 10 * USEC_PER_SEC);
	assert(news.oom || isnan(news.oom_rss_bytes));
	return 0;
}
