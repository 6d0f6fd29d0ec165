/* The settings of a redis check: their rows, the data source name, TLS, rows for `lengths`. */
#include "probes/redis_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/tls.h"
#include "probes/redis_run.h"
#include "probes/tls_rows.h"

#define NAME_MAX_LEN 48

#define ROW struct redis_conf

static const char *const roles[] = { "any", "primary", "replica", "sentinel", NULL };

const struct conf_field redis_fields[] = {
	{ .name = "url",
		DSN_AT(ROW, url, DSN_REDIS),
		.flags = CONF_REQUIRED,
		.doc = "`redis://[user:password@]host:6379/0`, `rediss://` for TLS, "
		       "`unix:///path?db=0`; or, with `master`, the sentinels: "
		       "`redis://:password@s1:26379,s2:26379/0`. User and password are for the "
		       "server itself.",
		.example = "\"redis://:${REDIS_PASSWORD}@redis:6379/0\"" },
	{ .name = "lengths",
		PAIRS_AT(ROW, lengths),
		.doc = "Queues to measure, `name: key`: each becomes the metric `length_<name>`. A "
		       "list, stream, sorted set, set or hash; a key that does not exist has 0.",
		.example = "{ celery: celery, mail: \"bull:mail:wait\" }" },
	{ .name = "metrics",
		BOOL_AT(ROW, is_measured),
		.dflt = "true",
		.doc = "Off: login and PING (and `role`, `lengths`, `write_test`), no INFO." },
	{ .name = "role",
		ENUM_AT(ROW, role, roles),
		.dflt = "any",
		.doc = "What the server must be. With `master` it must be the primary." },
	{ .name = "expect_keys",
		BOOL_AT(ROW, wants_keys),
		.dflt = "false",
		.doc = "The database of `url` must not be empty: an empty one is probably the "
		       "wrong "
		       "one." },
	{ .name = "write_test",
		STRING_AT(ROW, write_test),
		.doc = "A key that nobody uses: it is set (for a minute at most), read and deleted "
		       "at each run, which proves that writes are accepted.",
		.example = "triaged:write-test" },
	{ .name = "master",
		STRING_AT(ROW, master),
		.doc = "Name of the master that the sentinels of `url` are asked for.",
		.example = "mymaster" },
	{ .name = "sentinel_user",
		STRING_AT(ROW, sentinel_user),
		.flags = CONF_ADVANCED,
		.doc = "User for the sentinels themselves." },
	{ .name = "sentinel_password",
		SECRET_AT(ROW, sentinel_password),
		.flags = CONF_ADVANCED,
		.doc = "Password for the sentinels themselves." },
	{ .name = "reconnect_interval",
		DURATION_AT(ROW, reconnect_us),
		.dflt = "5m",
		.min = "0s",
		.doc = "The connection is kept between runs, and made anew (name, TCP, TLS, login, "
		       "SELECT) so often, and at once when the server turned clients away; "
		       "while it is full, at each run beside the kept one. `0s`: at each run." },
	{ .name = "big_keys",
		SIZE_AT(ROW, big_keys),
		.min = "1kB",
		.flags = CONF_ADVANCED,
		.doc = "Looks, a hundred keys a run, through the database for keys of at least "
		       "this "
		       "size (`SCAN`, `MEMORY USAGE`). Default: it does not.",
		.example = "100MB" },
	TLS_VERIFY_ROW(ROW),
	TLS_CA_ROW(ROW),
	{ .name = "cert",
		PATH_AT(ROW, cert),
		.doc = "Client certificate, PEM, for `tls-auth-clients`." },
	{ .name = "key", PATH_AT(ROW, key), .doc = "Its private key, PEM." },
	{ .name = "server_name",
		STRING_AT(ROW, server_name),
		.flags = CONF_ADVANCED,
		.doc = "Name to ask for and to verify. Default: the host of `url`." },
	{ .type = CONF_END },
};

static bool
is_name(const char *name)
{
	return name[0] != '\0' && strlen(name) <= NAME_MAX_LEN &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* The type's own rows and one for each length; NULL: a name is none. */
static const struct metric_desc *
make_rows(const struct redis_conf *conf, struct complaints *complaints)
{
	size_t own = metric_count(redis_metrics), count = conf->lengths.count;
	struct metric_desc *rows = xcalloc(own + count + 1, sizeof(*rows));
	char **texts = xcalloc(2 * count + 1, sizeof(*texts));
	const struct metric_desc *interned;

	memcpy(rows, redis_metrics, own * sizeof(*rows));
	for (size_t i = 0; i < count; i++) {
		const struct conf_pair *pair = &conf->lengths.all[i];

		if (!is_name(pair->name))
			complain(complaints, &pair->pos,
				"lengths: a name is made of a-z, 0-9 and _, such as mail_queue: "
				"it becomes a metric");
		texts[2 * i] = xasprintf("length_%s", is_name(pair->name) ? pair->name : "x");
		texts[2 * i + 1] = xasprintf("Elements of `%s`.", pair->value);
		rows[own + i] = (struct metric_desc){ texts[2 * i], METRIC_GAUGE, UNIT_NONE,
			texts[2 * i + 1] };
	}
	interned = metric_intern(rows);
	for (size_t i = 0; i < 2 * count; i++)
		free(texts[i]);
	free(texts);
	free(rows);
	return interned;
}

static void
place_of(struct place *place, const struct dsn_host *host)
{
	str_copy(place->host, sizeof(place->host), host->host);
	str_copy(place->path, sizeof(place->path), host->path);
	place->port = host->port;
}

struct tls_options
redis_conf_tls(const struct redis_conf *conf)
{
	return (struct tls_options){
		.ca = conf->ca,
		.cert = conf->cert,
		.key = conf->key,
		.is_unverified = !conf->is_verified || conf->dsn.tls == DSN_TLS_REQUIRE,
	};
}

static void
check_sentinels(
	const struct redis_conf *conf, const struct conf_pos *pos, struct complaints *complaints)
{
	if (conf->master == NULL && conf->dsn.host_count > 1)
		complain(complaints, pos,
			"url: several hosts are sentinels: say which master to ask them for, such "
			"as `master: mymaster`");
	if (conf->master != NULL && (conf->role == REDIS_REPLICA || conf->role == REDIS_SENTINEL))
		complain(complaints, pos, "role: what sentinels call master cannot be a %s",
			roles[conf->role]);
}

void
redis_conf_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct redis_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "url");
	struct err e;

	if (conf->lengths.count > REDIS_LENGTHS_MAX) {
		complain(complaints, &pos, "lengths: more than %d", REDIS_LENGTHS_MAX);
		return;
	}
	conf->rows = make_rows(conf, complaints);
	if (conf->url == NULL || dsn_parse(&conf->dsn, DSN_REDIS, conf->url, &e) < 0)
		return; /* complained about already */
	conf->is_read = true;
	conf->shown = dsn_masked(&conf->dsn);
	conf->db = conf->dsn.database != NULL ? (unsigned)atoi(conf->dsn.database) : 0;
	for (unsigned i = 0; i < conf->dsn.host_count; i++)
		place_of(&conf->places[i], &conf->dsn.hosts[i]);
	check_sentinels(conf, &pos, complaints);
	if (conf->dsn.tls >= DSN_TLS_REQUIRE && setup->tls != NULL) {
		struct tls_options tls = redis_conf_tls(conf);

		conf->tls = tls_ctx_get(setup->tls, &tls, &e);
		if (conf->tls == NULL)
			complain(complaints, &pos, "%s", e.text);
	}
}

void
redis_conf_release(void *conf_)
{
	struct redis_conf *conf = conf_;

	if (!conf->is_read)
		return;
	conf->is_read = false;
	dsn_fini(&conf->dsn);
	free(conf->shown);
	conf->shown = NULL;
}
