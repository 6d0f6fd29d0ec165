/*
 * A compose project as its files describe it: compose.yaml or docker-compose.yml in one folder, its
 * override files, .env and the env_files of its services.  Both forms of the file are read (the
 * first one has its services at the top), anchors and merge keys are followed, later files are laid
 * over earlier ones as compose does it.  Variables are replaced as compose does it; what was
 * written stays at hand, so that a password can be referred to by its name.
 *
 * What compose would refuse too is a complaint with its place; what is only not understood here is
 * a warning.  Files are at most 4 MB, and every list is bounded.
 */
#ifndef SETUP_COMPOSE_H
#define SETUP_COMPOSE_H

#include <stdarg.h>

#include "base/clock.h"
#include "base/map.h"
#include "conf/tree.h"

#define COMPOSE_FILES_MAX    16
#define COMPOSE_SERVICES_MAX 500
#define COMPOSE_ITEMS_MAX    500 /* of one list of one service */

struct compose_var {
	char *name;
	char *raw;            /* as written; NULL: handed on from the shell */
	char *value;          /* with variables replaced; NULL: not set */
	const char *env_file; /* the env_file it came from; NULL: `environment` */
	struct conf_pos pos;
};

/* Ports first..first+count-1 of the container, seen from the host at host_first.. */
struct compose_port {
	char *host_ip;       /* NULL: all interfaces */
	unsigned host_first; /* 0: one that the engine chooses */
	unsigned first, count;
	bool is_udp;
};

enum compose_condition { COMPOSE_STARTED, COMPOSE_HEALTHY, COMPOSE_COMPLETED };

struct compose_need {
	char *service;
	enum compose_condition condition;
};

struct compose_health {
	bool is_disabled;
	char *test;                              /* its words joined by blanks, NULL: none */
	char *interval, *timeout, *start_period; /* durations that were checked; NULL: not said */
	unsigned retries;                        /* 0: not said */
	struct conf_pos pos;
};

struct compose_secret {
	char *name;
	char *path;     /* of its file, absolute; NULL */
	char *variable; /* `environment:`; NULL */
};

struct compose_words {
	char **all;
	size_t count;
};

struct compose_service {
	char *name;
	char *image;          /* NULL: built */
	char *container_name; /* NULL: made by compose */
	char *network_mode;   /* "host", "service:x"; NULL */
	char *command;        /* words joined by blanks; NULL: the image's own */
	char *restart;        /* NULL: not said */
	char *extends;        /* what it extends: not followed; NULL */
	bool is_built;
	struct compose_health health;
	struct compose_var *vars;
	size_t var_count;
	struct compose_port *ports;
	size_t port_count;
	struct compose_need *needs;
	size_t need_count;
	struct compose_words expose;   /* container ports */
	struct compose_words aliases;  /* other names by which it is reached */
	struct compose_words networks; /* none: the project's own */
	struct compose_words links;    /* "db:database": names that this service has for others */
	struct compose_words volumes;  /* named volumes */
	struct compose_words profiles; /* started only when one of them is asked for */
	struct conf_pos pos, command_pos;
};

struct compose {
	char *folder; /* absolute */
	char *project;
	struct compose_words files; /* names of the files that were read */
	struct map *env;            /* of .env: name -> char *; empty without one */
	char *env_path;             /* of .env; NULL: there is none that can be read */
	struct compose_service *services;
	size_t service_count;
	struct compose_secret *secrets;
	size_t secret_count;
	struct compose_words volumes; /* named ones of the project */
	struct compose_words notes;   /* what is not carried over, for people */
	/* Of the reader's own. */
	struct complaints *complaints;
	struct conf_tree **trees; /* texts and positions live in them */
	size_t tree_count;
	struct compose_words env_files; /* paths of the services' */
};

/* The project in a folder; without a compose file one without services.  Complaints tell whether it
 * is to be trusted. */
struct compose *compose_load(const char *folder, struct complaints *complaints);
/* The same of one text, which lies in no folder (tests, fuzzing). */
struct compose *compose_parse(const char *text, size_t len, struct complaints *complaints);
void compose_free(struct compose *compose);

/* By its name, its container's name or an alias; NULL. */
const struct compose_service *compose_find(const struct compose *compose, const char *name);
const struct compose_var *compose_var(const struct compose_service *service, const char *name);
/* Value of a variable as a container of this service has it; NULL: not set or empty. */
const char *compose_value(const struct compose_service *service, const char *name);

/* Does another service wait for this one's end? */
bool compose_is_job(const struct compose *compose, const struct compose_service *service);

/* --- for the room: the reader's parts --- */

/* Takes one file's services, secrets and volumes in, over those of earlier files. */
void compose_take_root(struct compose *compose, const struct conf_node *root);
void compose_take_service(
	struct compose *compose, struct compose_service *service, const struct conf_node *node);
void compose_take_ports(
	struct compose *compose, struct compose_service *service, const struct conf_node *node);
void compose_take_env(
	struct compose *compose, struct compose_service *service, const struct conf_node *node);
void compose_take_env_files(
	struct compose *compose, struct compose_service *service, const struct conf_node *node);
void compose_take_health(
	struct compose *compose, struct compose_service *service, const struct conf_node *node);

/* ${NAME}, ${NAME:-default}, ${NAME:?why}, ${NAME:+other}, $NAME, $$; owned.  An unset name is
 * empty, as in compose. */
char *compose_expand(const struct compose *compose, const char *raw);
/* The value of a name for that: of .env, else of the environment; NULL. */
const char *compose_lookup(const struct compose *compose, const char *name);

/* The expanded text of a scalar (owned), or NULL after a warning that says what was expected. */
char *compose_text(struct compose *compose, const struct conf_node *node, const char *what);
/* One text, or the words of a list joined by blanks; owned, NULL: absent. */
char *compose_joined(struct compose *compose, const struct conf_node *node, const char *what);
/* Adds (owned); false: it was there already, or the list is full. */
bool compose_add_word(struct compose_words *words, const char *word);
void compose_add_words(struct compose_words *words, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void compose_words_fini(struct compose_words *words);
bool compose_has_word(const struct compose_words *words, const char *word);
/* Frees a text that may be a password. */
void compose_free_secret(void *text);
void compose_note(struct compose *compose, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* False, after a complaint, when a list of a service is full. */
bool compose_has_room(struct compose *compose, size_t count, const struct conf_node *node);

#endif
