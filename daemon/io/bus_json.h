/* A message's arguments as JSON; for daemon/io only. */
#ifndef IO_BUS_JSON_H
#define IO_BUS_JSON_H

#include <jansson.h>
#include <systemd/sd-bus.h>

/* A list of all arguments; NULL: not to be read, or more than we take. */
json_t *bus_json(sd_bus_message *message);

#endif
