/* The heartbeat that we send, as the API shows it: where to, when it last got through, why not. */
#include "api/show.h"
#include "deliver/heartbeat.h"
#include "model/record.h"

static json_t *
show_place(const struct heartbeat_view *view)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "target", record_text(view->origin));
	json_object_set_new(doc, "form", record_text(view->form));
	json_object_set_new(doc, "last_success_at", record_time(view->last_ok_us));
	json_object_set_new(doc, "sent", json_integer((json_int_t)view->sent));
	json_object_set_new(doc, "failed", json_integer((json_int_t)view->failed));
	json_object_set_new(doc, "last_error", record_text(view->last_error));
	return doc;
}

json_t *
show_heartbeat(const struct heartbeat *heartbeat)
{
	json_t *doc, *places = json_array();
	struct heartbeat_view view;
	const char *withheld;
	uint64_t count;

	if (heartbeat_count(heartbeat) == 0) {
		json_decref(places);
		return json_null();
	}
	for (size_t n = 0; heartbeat_view(heartbeat, n, &view); n++)
		json_array_append_new(places, show_place(&view));
	doc = json_object();
	withheld = heartbeat_withheld(heartbeat, &count);
	json_object_set_new(
		doc, "silent_because", withheld == NULL ? json_null() : record_text(withheld));
	json_object_set_new(doc, "left_out", json_integer((json_int_t)count));
	json_object_set_new(doc, "places", places);
	return doc;
}
