/* Receivers with the state of their deliveries, and the configuration in force. */
#include "api/handlers.h"
#include "deliver/deliver.h"
#include "model/record.h"
#include "setup/settings.h"

static json_t *
show_receiver(const struct receiver_view *view)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "name", record_text(view->name));
	json_object_set_new(doc, "type", record_text(view->type));
	json_object_set_new(doc, "target", record_text(view->target));
	json_object_set_new(doc, "state", record_text(view->state));
	json_object_set_new(doc, "queued", json_integer((json_int_t)view->queued));
	json_object_set_new(doc, "sent", json_integer((json_int_t)view->sent));
	json_object_set_new(doc, "failed", json_integer((json_int_t)view->failed));
	json_object_set_new(doc, "last_success_at", record_time(view->last_success_us));
	json_object_set_new(doc, "next_try_at", record_time(view->next_try_us));
	json_object_set_new(doc, "oldest_at", record_time(view->oldest_us));
	json_object_set_new(doc, "last_error", record_text(view->last_error));
	return doc;
}

void
handle_receivers(struct api_call *call)
{
	const struct deliver *deliver = call->world->deliver;
	json_t *doc = json_object(), *list = json_array();
	struct receiver_view view;

	for (size_t n = 0; n < deliver_receivers(deliver); n++)
		if (deliver_view(deliver, n, &view))
			json_array_append_new(list, show_receiver(&view));
	json_object_set_new(doc, "receivers", list);
	reply_json(call, 200, doc);
}

void
handle_config(struct api_call *call)
{
	const char *yaml = call->world->settings->masked_yaml;

	reply_text(call, 200, "text/yaml; charset=utf-8", yaml == NULL ? "" : yaml);
}
