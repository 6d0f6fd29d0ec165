/* What settings say of a place, in the words that triage and the facts use. */
#ifndef PROBES_REVEAL_H
#define PROBES_REVEAL_H

#include "conf/dsn.h"
#include "io/addr.h"
#include "model/subject.h"

/* Host and port, or the path of a unix socket; borrowed from `place`. */
void reveal_place(const struct place *place, struct revealed *out);
/* Of the first host; with user and database. */
void reveal_dsn(const struct dsn *dsn, struct revealed *out);
/* For types that are about this host as a whole. */
void reveal_this_host(const void *conf, const char *instance, struct revealed *out);

#endif
