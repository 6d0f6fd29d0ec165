/* What a probe or a receiver may use to reach the world.  Made once by the app; borrowed. */
#ifndef IO_ENV_H
#define IO_ENV_H

#include "base/secret.h"
#include "base/stat.h"

struct loop;
struct resolver;
struct tls_pool;
struct http_client;
struct fs_pool;
struct offload;
struct inotify;
struct inbox;
struct bus;

struct io_env {
	struct loop *loop;
	struct resolver *resolver;
	struct tls_pool *tls;
	struct http_client *http;
	struct fs_pool *fs;
	struct offload *offload;
	struct inotify *inotify;
	struct inbox *inbox; /* pings from outside; NULL in a one-shot run */
	struct bus *bus;     /* the system bus, connected at its first use */
	struct stats *stats;
	const struct secret_set *secrets; /* NULL: nothing to mask */
	const char *host_root;            /* "/" or where the host is mounted in a sidecar */
	const char *version;              /* "0.1.0" */
};

#endif
