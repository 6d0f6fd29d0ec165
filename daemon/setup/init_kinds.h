/* What init knows of the programs that it meets: tables, and the look-up in them. */
#ifndef SETUP_INIT_KINDS_H
#define SETUP_INIT_KINDS_H

#include "setup/compose.h"

struct init_kind {
	const char *name;      /* for people */
	const char *images;    /* globs between blanks; one with "/" is of the whole repository */
	const char *words;     /* commands of a healthcheck that give it away; NULL */
	const char *processes; /* names of its process on a host; NULL */
	const char *type;      /* of the probe */
	unsigned port;
	bool is_its_port;   /* who listens there is most likely this */
	const char *path;   /* http: what to ask for; NULL: "/" with anything below 500 */
	const char *expect; /* http: of `expect`, in flow style; NULL */
	const char *more;   /* a further line of YAML; NULL */
	const char *note;   /* a line of comment; NULL */
	bool is_server;     /* others need it: a database, a queue, a store */
};

extern const struct init_kind init_kinds[]; /* closed by a NULL name */

/* By its image, else by its healthcheck; NULL: a program that nobody here knows. */
const struct init_kind *init_kind_of(const struct compose_service *service);
const struct init_kind *init_kind_of_process(const char *name);
/* Of a server of the host whose process is hidden: only ports that mean one thing. */
const struct init_kind *init_kind_of_port(unsigned port);
const struct init_kind *init_kind_of_type(const char *type);

/* The pack of etc/packs that was made for the system of this service, by its image or the name of
 * its container; NULL: none. */
const char *init_pack_of(const struct compose_service *service);

/* Variables under which the parts of a login go; NULL ends each list. */
struct init_names {
	const char *type;
	const char *const *users, *const *passwords, *const *databases;
	const char *dflt_user; /* NULL: none */
};

extern const struct init_names init_server_names[]; /* of the servers' images; NULL type closes */

/* DB_HOST and its like, of applications. */
struct init_family {
	const char *prefix;
	const char *type; /* NULL: either, the port or the server tells */
};

extern const struct init_family init_families[]; /* closed by a NULL prefix */

/* Variables that hold the address of a receiver. */
struct init_receiver {
	const char *variable, *type, *key;
	const char *other_variable, *other_key; /* NULL: none */
	bool is_other_required;
};

extern const struct init_receiver init_receivers[]; /* closed by a NULL variable */

#endif
