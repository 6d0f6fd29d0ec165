/*
 * A first configuration, made from what is here: a compose project (compose.h) and this host.  Pure
 * but for init_host_look: facts in, a plan out, and the plan as text.
 *
 * Passwords are referred to and never copied into the configuration: by the name that they have in
 * .env or an env_file, by the file of a secret, or, where one stands in the compose file itself, by
 * a name that people give a value to in a file of its own (a "fill").
 */
#ifndef SETUP_INIT_H
#define SETUP_INIT_H

#include "base/buf.h"
#include "base/err.h"
#include "setup/compose.h"

#define INIT_LISTENERS_MAX 64

struct init_listener {
	char address[64]; /* where to reach it: "127.0.0.1" for one of all interfaces */
	unsigned port;
	char owner[32]; /* name of its process; "": not shown to us */
};

struct init_host {
	char docker_socket[108]; /* "": none */
	bool is_docker_open;     /* we may use it */
	bool has_systemd;
	struct init_listener listeners[INIT_LISTENERS_MAX];
	size_t listener_count;
	unsigned mounts; /* with a disk or a server behind them */
	unsigned cpus;
	double memory_bytes; /* 0: not known */
};

/* What there is to see on this host; never fails, what is not known is left out. */
void init_host_look(struct init_host *host);

struct init_options {
	bool is_sidecar;   /* the daemon runs as a service of the project */
	bool is_copying;   /* the values are copied into that file */
	bool has_fills;    /* there will be a file with values beside; else they may stay unset */
	const char *fills; /* its path as the configuration names it: "triaged.env" */
	const char *out_folder; /* absolute: where the configuration will lie; NULL: elsewhere */
};

/* A value that stands where it cannot be referred to. */
struct init_fill {
	char *name;
	char *value; /* for those who ask to have it copied */
	char *where; /* "docker-compose.yml:31" */
};

struct init_check {
	char *name;
	const char *type; /* of a probe */
	char *target;     /* for the report; no secrets */
	char *from;       /* "postgres:15", "this host" */
	struct buf about; /* lines of comment */
	struct buf keys;  /* lines of YAML, without indentation */
	struct compose_words needs;
	bool is_off;                           /* written, but not measured */
	const struct compose_service *service; /* NULL: none */
	unsigned db;                           /* of redis: the number in its URL */
};

struct init_plan {
	const struct compose *compose;
	const struct init_host *host;
	const struct init_options *options;
	struct init_check **checks;
	size_t count;
	struct init_fill *fills;
	size_t fill_count;
	struct compose_words env_files; /* paths, that hold what is referred to */
	struct compose_words secrets;   /* of the project, that a daemon beside it must have */
	struct compose_words guesses;   /* for people */
	struct buf receivers;           /* lines of YAML below `receivers:` */
};

struct init_plan *init_plan_new(const struct compose *compose, const struct init_host *host,
	const struct init_options *options);
void init_plan_free(struct init_plan *plan);
/* The configuration. */
void init_write(const struct init_plan *plan, struct buf *out);
/* The file of values: empty ones, or with `is_filled` as they are. */
void init_write_fills(const struct init_plan *plan, bool is_filled, struct buf *out);

/* --- for the room: the planner's parts --- */

struct init_kind;

/* A check with a name that is free and allowed, made from `name`. */
struct init_check *init_check_new(struct init_plan *plan, const char *name, const char *type);
bool init_has_check(const struct init_plan *plan, const char *name);
const struct init_check *init_check_of(
	const struct init_plan *plan, const struct compose_service *service);
void init_about(struct init_check *check, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "key: value", quoted where YAML wants it. */
void init_key(struct init_check *check, const char *key, const char *value);
/* Where a value that is to be filled in stands. */
void init_about_fill(
	const struct init_plan *plan, struct init_check *check, const struct init_fill *fill);
void init_guess(struct init_plan *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void init_scalar(struct buf *out, const char *text);
/* Each line of a text, indented. */
void init_add_lines(struct buf *out, const char *indent, const char *text);

/* Where the daemon reaches a port of a service's container; false: nowhere. */
bool init_place(const struct init_plan *plan, const struct compose_service *service, unsigned port,
	char host[256], unsigned *host_port);
/* Is `test` an address inside of the container itself? */
bool init_is_self(const char *host);

/* A text of the configuration and what it will be once it is read. */
struct init_text {
	char *text, *value;
};

void init_text_fini(struct init_text *text);
/* A user, a database: by its name in .env if that is all there is, else as it is. */
struct init_text init_plain(struct init_plan *plan, const struct compose_var *var);
struct init_text init_literal(const char *value);
/* A password: only ever by a name.  `name` and `pos` are used where it has none. */
struct init_text init_secret(struct init_plan *plan, const struct compose_service *service,
	const char *value, const char *name, const struct conf_pos *pos);
/* The same of a variable, NAME or NAME_FILE; text NULL: the service has neither. */
struct init_text init_secret_var(
	struct init_plan *plan, const struct compose_service *service, const char *name);
/* A value under a name of its own. */
struct init_text init_fill(
	struct init_plan *plan, const char *name, const char *value, const struct conf_pos *pos);
/* A data source name as it is written, if all that is secret in it are names of .env; text NULL:
 * not so. */
struct init_text init_keep(struct init_plan *plan, const struct compose_var *var);
/* The same password under a name whose value is percent-encoded, for URLs. */
struct init_text init_encoded(struct init_plan *plan, const struct init_text *password);
/* What a URL cannot hold as it is, percent-encoded; references stay; owned. */
char *init_percent(const char *text);
/* A whole variable by its name; text NULL: it cannot be referred to. */
struct init_text init_refer(struct init_plan *plan, const struct compose_var *var);
/* $NAME and ${NAME} as a shell in the container replaces them; owned. */
char *init_in_container(const struct compose_service *service, const char *text);

struct init_login {
	struct init_text user, password, database;
};

/* DB_HOST and what belongs to it, of one service. */
struct init_parts {
	const struct compose_var *host, *user, *database; /* NULL: not set */
	unsigned port;                                    /* 0: not said */
	char password[64];                                /* the variable's name */
	bool has_password;                                /* it or its _FILE is set */
	const char *type;                                 /* of a probe; NULL: it does not tell */
};

struct init_family;
/* False: it has no such host. */
bool init_parts_read(const struct compose_service *service, const struct init_family *family,
	struct init_parts *parts);

void init_login_fini(struct init_login *login);
/* What the server's own variables say, and then what its clients say. */
void init_login_find(struct init_plan *plan, const struct compose_service *service,
	const struct init_kind *kind, struct init_login *login);
/* A data source name of a database that is watched, of any grammar; false: it is none, or `e` (may
 * be NULL) says, without a secret, why nothing can be made of it.  A good one goes to dsn_fini. */
struct dsn;
bool init_dsn_read(const char *value, struct dsn *dsn, struct err *e);
/* The data source name for a place, checked by its own grammar; owned. */
char *init_dsn(struct init_plan *plan, const char *type, struct init_login *login, const char *host,
	unsigned port);

void init_plan_service(struct init_plan *plan, const struct compose_service *service);
void init_plan_links(struct init_plan *plan);
void init_plan_queues(struct init_plan *plan);
void init_plan_containers(struct init_plan *plan);
void init_plan_host(struct init_plan *plan);
void init_plan_receivers(struct init_plan *plan);

#endif
