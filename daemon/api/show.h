/* Parts of answers that more than one handler, or a file of their own, makes. */
#ifndef API_SHOW_H
#define API_SHOW_H

#include <jansson.h>

struct heartbeat;

json_t *show_heartbeat(const struct heartbeat *heartbeat); /* null where none is configured */

#endif
