/* The configuration in force.  Of many checks it is megabytes of text: they are made on a thread.
 */
#include <stdlib.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "io/offload.h"
#include "setup/settings.h"

struct page {
	struct api_call *call;
	struct settings *settings;
	struct offload_job *job;
	char *yaml;
};

static void
page_free(void *arg)
{
	struct page *page = arg;

	settings_unref(page->settings);
	free(page->yaml);
	free(page);
}

static void
write_page(void *arg)
{
	struct page *page = arg;

	page->yaml = settings_masked(page->settings);
}

static void
on_written(void *arg)
{
	struct page *page = arg;
	struct api_call *call = page->call;

	call->forget = NULL;
	call->waiting = NULL;
	reply_text(call, 200, "text/yaml; charset=utf-8", page->yaml);
	page_free(page);
	call->on_answer(call->on_answer_arg);
}

static void
forget(struct api_call *call)
{
	struct page *page = call->waiting;

	call->forget = NULL;
	call->waiting = NULL;
	offload_cancel(page->job, page_free);
}

void
handle_config(struct api_call *call)
{
	struct page *page = xcalloc(1, sizeof(*page));

	page->call = call;
	page->settings = call_hold_settings(call);
	call->waiting = page;
	call->forget = forget;
	page->job = offload_start(call->world->env->offload, write_page, on_written, page);
}
