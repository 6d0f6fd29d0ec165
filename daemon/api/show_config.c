/* The configuration in force. */
#include "api/handlers.h"
#include "setup/settings.h"

void
handle_config(struct api_call *call)
{
	const char *yaml = call->world->settings->masked_yaml;

	reply_text(call, 200, "text/yaml; charset=utf-8", yaml == NULL ? "" : yaml);
}
