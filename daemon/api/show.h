/* Parts of answers that more than one handler, or a file of their own, makes. */
#ifndef API_SHOW_H
#define API_SHOW_H

#include <jansson.h>

struct api_call;
struct api;
struct api_world;
struct check_view;
struct heartbeat;

json_t *door_show(const struct api *api); /* door.c: where the API listens */
json_t *show_check(const struct api_world *world, const struct check_view *view);
/* What changes of a check from run to run: for the live feed. */
json_t *show_check_news(const struct api_world *world, const struct check_view *view);
json_t *show_heartbeat(const struct heartbeat *heartbeat); /* null where none is configured */
/* 404, with what may have been meant and what there is. */
void reply_unknown_receiver(struct api_call *call);

/* The number that says most about a check, by name; NULL: it knows none. */
struct sample;
const char *show_telling_metric(const struct sample *last);

#endif
