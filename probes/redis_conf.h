/* The settings of a redis check, and what `check` makes of them. */
#ifndef PROBES_REDIS_CONF_H
#define PROBES_REDIS_CONF_H

#include "conf/dsn.h"
#include "io/addr.h"
#include "io/tls.h"
#include "probes/probe.h"

#define REDIS_LENGTHS_MAX 64

enum redis_role { REDIS_ANY, REDIS_PRIMARY, REDIS_REPLICA, REDIS_SENTINEL };

struct redis_conf {
	char *url, *master, *sentinel_user, *sentinel_password, *write_test;
	int role;
	struct conf_pairs lengths;
	usec_t reconnect_us;
	int64_t big_keys;
	bool is_measured, is_verified, wants_keys;
	char *ca, *cert, *key, *server_name;
	/* made by check */
	bool is_read; /* `dsn` and what follows is filled */
	struct dsn dsn;
	struct place places[DSN_HOSTS_MAX]; /* of the server, or of the sentinels */
	unsigned db;
	struct tls_ctx *tls; /* NULL: plain */
	char *shown;
	const struct metric_desc *rows;
};

extern const struct conf_field redis_fields[];

void redis_conf_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);
struct tls_options redis_conf_tls(const struct redis_conf *conf);
void redis_conf_release(void *conf);

#endif
