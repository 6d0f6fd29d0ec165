/* Settings of the postgres probe, and what is made of them once.  Private to postgres*.c. */
#ifndef PROBES_POSTGRES_CONF_H
#define PROBES_POSTGRES_CONF_H

#include "conf/dsn.h"
#include "conf/schema.h"
#include "io/addr.h"
#include "probes/probe.h"

enum pg_role { PG_ROLE_ANY, PG_ROLE_PRIMARY, PG_ROLE_REPLICA };

/* What applications may open. */
struct pg_pool {
	int64_t size, overflow, instances;
};

struct pg_conf {
	char *text; /* the data source name */
	char *ca;
	int role; /* enum pg_role */
	struct conf_strings tables;
	struct pg_pool pool;
	int64_t replicas; /* that must be there; 0: not said */
	struct conf_pairs queries;
	usec_t reconnect_us;
	/* made by pg_conf_check */
	struct dsn *dsn; /* NULL: it was complained about */
	const struct metric_desc *metrics;
};

/* Rows of pg_metrics that code sets by itself; those behind them are columns of statements. */
enum pg_metric {
	PG_LOGIN_TIME = PHASE_COUNT,
	PG_QUERY_TIME,
	PG_ACCEPTING,
	PG_USABLE,
	PG_POOL,
	PG_REPLICAS_WANTED,
};

extern const struct conf_field pg_fields[];
extern const struct metric_desc pg_metrics[];

void pg_conf_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);
void pg_conf_release(void *conf);
const struct metric_desc *pg_conf_metrics(const void *conf);

/* Parameters for PQconnectStartParams; pointers into `conf` and into this. */
#define PG_KEYS_MAX 32
struct pg_keys {
	const char *keys[PG_KEYS_MAX + 1], *values[PG_KEYS_MAX + 1];
	unsigned count;
	char hostaddr[80], port[8], folder[108];
	char options[1024];
};

/* To `host` at its numeric address (NULL: a unix socket); timeouts in ms, 0: no `options`. */
void pg_keys_make(struct pg_keys *out, const struct pg_conf *conf, const struct dsn_host *host,
	const struct addr *addr, unsigned timeout_ms);

#endif
