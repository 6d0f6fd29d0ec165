/* The receivers' descriptors, each defined in its own file. */
#ifndef ALERTS_TABLE_H
#define ALERTS_TABLE_H

#include "alerts/receiver.h"

#define RECEIVER(name) extern const struct receiver_type receiver_type_##name;
#include "alerts/table.def"
#undef RECEIVER

#endif
