/* The tables of init: a new program is one row. */
#include "setup/init_kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* The first row that fits counts. */
const struct init_kind init_kinds[] = {
	{
		.name = "PostgreSQL",
		.images = "postgres postgresql postgis pgvector timescaledb* timescale/* "
			  "supabase/postgres citusdata/citus",
		.words = "pg_isready",
		.processes = "postgres",
		.type = "postgres",
		.port = 5432,
		.is_its_port = true,
		.is_server = true,
	},
	{
		.name = "MySQL",
		.images = "mysql mariadb mysql-server percona percona-server",
		.words = "mysqladmin mariadb-admin healthcheck.sh",
		.processes = "mysqld mariadbd",
		.type = "mysql",
		.port = 3306,
		.is_its_port = true,
		.is_server = true,
	},
	{
		.name = "Redis",
		.images = "redis valkey keydb redis-stack redis-stack-server dragonfly",
		.words = "redis-cli valkey-cli keydb-cli",
		.processes = "redis-server valkey-server keydb-server",
		.type = "redis",
		.port = 6379,
		.is_its_port = true,
		.is_server = true,
	},
	{
		.name = "MongoDB",
		.images = "mongo mongodb mongodb-community-server percona-server-mongodb",
		.words = "mongosh mongo",
		.processes = "mongod",
		.type = "tcp",
		.port = 27017,
		.is_its_port = true,
		.note = "MongoDB has no check of its own yet: that its port accepts is all that is "
			"seen.",
		.is_server = true,
	},
	{
		.name = "Kafka",
		.images = "kafka cp-kafka redpanda",
		.words = "kafka-topics.sh kafka-broker-api-versions.sh kafka-topics",
		.type = "tcp",
		.port = 9092,
		.note = "Kafka has no check of its own yet: that its port accepts is all that is "
			"seen.",
		.is_server = true,
	},
	{
		.name = "ZooKeeper",
		.images = "zookeeper cp-zookeeper",
		.words = "zkServer.sh",
		.type = "tcp",
		.port = 2181,
		.note = "ZooKeeper has no check of its own yet: that its port accepts is all that "
			"is seen.",
		.is_server = true,
	},
	{
		.name = "etcd",
		.images = "etcd",
		.words = "etcdctl",
		.processes = "etcd",
		.type = "tcp",
		.port = 2379,
		.is_its_port = true,
		.note = "etcd has no check of its own yet.  Where it speaks plain HTTP this one "
			"sees more:\n  type: http\n  url: http://HOST:PORT/health\n"
			"  expect: { json: 'health == \"true\"' }",
		.is_server = true,
	},
	{
		.name = "MinIO",
		.images = "minio",
		.type = "http",
		.port = 9000,
		.path = "/minio/health/live",
		.note = "MinIO has no check of its own yet: this asks whether it lives.",
		.is_server = true,
	},
	{
		.name = "RabbitMQ",
		.images = "rabbitmq",
		.words = "rabbitmq-diagnostics rabbitmqctl",
		.type = "tcp",
		.port = 5672,
		.is_server = true,
	},
	{
		.name = "Memcached",
		.images = "memcached",
		.processes = "memcached",
		.type = "tcp",
		.port = 11211,
		.is_its_port = true,
		.is_server = true,
	},
	{
		.name = "Elasticsearch",
		.images = "elasticsearch opensearch",
		.type = "tcp",
		.port = 9200,
		.note = "Where it wants no login this one sees more:\n  type: http\n"
			"  url: http://HOST:PORT/_cluster/health\n"
			"  expect: { json: 'status != \"red\"' }",
		.is_server = true,
	},
	{
		.name = "ClickHouse",
		.images = "clickhouse clickhouse-server",
		.type = "http",
		.port = 8123,
		.path = "/ping",
		.is_server = true,
	},
	{
		.name = "new-api",
		.images = "new-api one-api",
		.type = "http",
		.port = 3000,
		.path = "/api/status",
		.expect = "{ json: success == true }",
		.more = "track: data.start_time",
	},
	{
		.name = "nginx",
		.images = "nginx nginx-unprivileged openresty httpd apache caddy traefik",
		.processes = "nginx apache2 httpd caddy traefik",
		.type = "http",
		.port = 80,
		.is_its_port = true,
	},
	{
		.name = "Grafana",
		.images = "grafana grafana-oss grafana-enterprise",
		.processes = "grafana grafana-server",
		.type = "http",
		.port = 3000,
		.path = "/api/health",
		.expect = "{ json: database == \"ok\" }",
	},
	{
		.name = "Prometheus",
		.images = "prometheus",
		.processes = "prometheus",
		.type = "http",
		.port = 9090,
		.path = "/-/healthy",
	},
	{
		.name = "Alertmanager",
		.images = "alertmanager",
		.processes = "alertmanager",
		.type = "http",
		.port = 9093,
		.path = "/-/healthy",
	},
	{
		.name = "a web application",
		.images = "wordpress phpmyadmin phppgadmin adminer ghost drupal joomla mediawiki "
			  "matomo nextcloud roundcubemail redmine",
		.type = "http",
		.port = 80,
	},
	{
		.name = "Gitea",
		.images = "gitea forgejo",
		.type = "http",
		.port = 3000,
		.path = "/api/healthz",
	},
	{
		.name = "sshd",
		.images = "openssh-server",
		.processes = "sshd",
		.type = "tcp",
		.port = 22,
		.is_its_port = true,
		.more = "expect: ^SSH-",
	},
	{ .name = NULL },
};

#define LIST(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

const struct init_names init_server_names[] = {
	{
		.type = "postgres",
		.users = LIST("POSTGRES_USER", "POSTGRESQL_USERNAME"),
		.passwords = LIST("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"),
		.databases = LIST("POSTGRES_DB", "POSTGRESQL_DATABASE"),
		.dflt_user = "postgres",
	},
	{
		.type = "mysql",
		.users = LIST("MYSQL_USER", "MARIADB_USER"),
		.passwords = LIST("MYSQL_PASSWORD", "MARIADB_PASSWORD"),
		.databases = LIST("MYSQL_DATABASE", "MARIADB_DATABASE"),
	},
	{
		.type = "mysql",
		.users = LIST("MYSQL_ROOT_USER"),
		.passwords = LIST("MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"),
		.databases = LIST("MYSQL_DATABASE", "MARIADB_DATABASE"),
		.dflt_user = "root",
	},
	{
		.type = "redis",
		.users = LIST("-"),
		.passwords = LIST("REDIS_PASSWORD", "VALKEY_PASSWORD", "KEYDB_PASSWORD"),
		.databases = LIST("-"),
	},
	{ .type = NULL },
};

const struct init_family init_families[] = {
	{ "DB_", NULL },
	{ "DATABASE_", NULL },
	{ "POSTGRES_", "postgres" },
	{ "PG", "postgres" },
	{ "MYSQL_", "mysql" },
	{ "MARIADB_", "mysql" },
	{ "REDIS_", "redis" },
	{ NULL, NULL },
};

const struct init_receiver init_receivers[] = {
	{ "SLACK_WEBHOOK_URL", "slack", "url", NULL, NULL, false },
	{ "SLACK_WEBHOOK", "slack", "url", NULL, NULL, false },
	{ "DISCORD_WEBHOOK_URL", "discord", "url", NULL, NULL, false },
	{ "DISCORD_WEBHOOK", "discord", "url", NULL, NULL, false },
	{ "TEAMS_WEBHOOK_URL", "teams", "url", NULL, NULL, false },
	{ "MATTERMOST_WEBHOOK_URL", "mattermost", "url", NULL, NULL, false },
	{ "FEISHU_WEBHOOK_URL", "feishu", "url", "FEISHU_SECRET", "secret", false },
	{ "LARK_WEBHOOK_URL", "feishu", "url", "LARK_SECRET", "secret", false },
	{ "DINGTALK_WEBHOOK_URL", "dingtalk", "url", "DINGTALK_SECRET", "secret", false },
	{ "WECOM_WEBHOOK_URL", "wecom", "url", NULL, NULL, false },
	{ "TELEGRAM_BOT_TOKEN", "telegram", "token", "TELEGRAM_CHAT_ID", "chat_id", true },
	{ "TELEGRAM_TOKEN", "telegram", "token", "TELEGRAM_CHAT_ID", "chat_id", true },
	{ "NTFY_TOPIC", "ntfy", "topic", "NTFY_TOKEN", "token", false },
	{ NULL, NULL, NULL, NULL, NULL, false },
};

/* A system whose services have no name of their own (a server in Go, built here) has no row. */
static const struct {
	const char *pack;
	const char *images;     /* as of init_kinds; NULL: any */
	const char *containers; /* globs between blanks; NULL */
} packs[] = {
	{ "new-api", "new-api one-api", NULL },
	{ "openim", "openim-server", "openim-server openim-api" },
	{ "kpi", NULL, "kpi_backend kpi_worker kpi-backend kpi-worker" },
};

/* --- look-up --- */

/* "registry:5000/team/postgres:15@sha256:..." is team/postgres; owned. */
static char *
repository_of(const char *image)
{
	size_t first = strcspn(image, "/");
	bool has_registry =
		image[first] == '/' &&
		(memchr(image, '.', first) != NULL || memchr(image, ':', first) != NULL ||
			(first == 9 && str_starts(image, "localhost")));
	char *repository = xstrdup(has_registry ? image + first + 1 : image);
	repository[strcspn(repository, "@")] = '\0';
	char *slash = strrchr(repository, '/');
	char *colon = strchr(slash != NULL ? slash : repository, ':');
	if (colon != NULL)
		*colon = '\0';
	return repository;
}

/* Does one of the globs between blanks fit?  One with "/" is of the whole. */
static bool
fits_one(const char *globs, const char *whole)
{
	const char *slash = strrchr(whole, '/');
	const char *last = slash != NULL ? slash + 1 : whole;
	while (globs != NULL && *globs != '\0') {
		size_t len = strcspn(globs, " ");
		char *glob = xstrndup(globs, len);
		bool fits = str_matches_glob(strchr(glob, '/') != NULL ? whole : last, glob);
		free(glob);
		if (fits)
			return true;
		globs += len + strspn(globs + len, " ");
	}
	return false;
}

/* Is one of the words between blanks a word of the text? */
static bool
has_word(const char *words, const char *text)
{
	static const char breaks[] = " '\"/;|&()";
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, breaks);
		char *word = xstrndup(text, len);
		bool fits = len > 0 && fits_one(words, word);
		free(word);
		if (fits)
			return true;
		text += len + strspn(text + len, breaks);
	}
	return false;
}

static const struct init_kind *
kind_of_image(const char *image)
{
	char *repository = repository_of(image);
	const struct init_kind *kind = init_kinds;
	while (kind->name != NULL && !fits_one(kind->images, repository))
		kind++;
	free(repository);
	return kind->name != NULL ? kind : NULL;
}

const struct init_kind *
init_kind_of(const struct compose_service *service)
{
	const struct init_kind *kind =
		service->image != NULL ? kind_of_image(service->image) : NULL;
	if (kind != NULL)
		return kind;
	for (kind = init_kinds; kind->name != NULL; kind++)
		if (kind->words != NULL && has_word(kind->words, service->health.test))
			return kind;
	return NULL;
}

const struct init_kind *
init_kind_of_process(const char *name)
{
	for (const struct init_kind *kind = init_kinds; kind->name != NULL; kind++)
		if (fits_one(kind->processes, name))
			return kind;
	return NULL;
}

const struct init_kind *
init_kind_of_port(unsigned port)
{
	for (const struct init_kind *kind = init_kinds; kind->name != NULL; kind++)
		if (kind->is_its_port && kind->port == port)
			return kind;
	return NULL;
}

const struct init_kind *
init_kind_of_type(const char *type)
{
	for (const struct init_kind *kind = init_kinds; kind->name != NULL; kind++)
		if (str_eq(kind->type, type))
			return kind;
	return NULL;
}

const char *
init_pack_of(const struct compose_service *service)
{
	char *repository = service->image != NULL ? repository_of(service->image) : NULL;
	const char *found = NULL;
	for (size_t i = 0; i < sizeof(packs) / sizeof(*packs) && found == NULL; i++)
		if ((repository != NULL && fits_one(packs[i].images, repository)) ||
			(service->container_name != NULL &&
				fits_one(packs[i].containers, service->container_name)))
			found = packs[i].pack;
	free(repository);
	return found;
}
