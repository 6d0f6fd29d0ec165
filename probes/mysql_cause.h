/* MySQL's and MariaDB's error numbers as cause codes. */
#ifndef PROBES_MYSQL_CAUSE_H
#define PROBES_MYSQL_CAUSE_H

#include <stdbool.h>

#include "probes/mysql_wire.h"

/* "my.auth"...; never NULL: "my.error" for what has no cause of its own. */
const char *mysql_cause(const struct mysql_error *error);
/* A right is missing: nothing is wrong with the server. */
bool mysql_is_denied(const struct mysql_error *error);
/* The connection dies of it. */
bool mysql_is_final(const struct mysql_error *error);

#endif
