/* Running one probe here and now, without a daemon: a loop and all that probes need around it. */
#ifndef CLI_LOCAL_H
#define CLI_LOCAL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "io/tls.h"
#include "model/judge.h"
#include "probes/probe.h"

struct local_job {
	const struct probe_type *type;
	const void *conf;
	const char *instance;
	usec_t timeout_us;
	struct tls_pool *tls;
	const struct secret_set *secrets; /* NULL: none */
	const char *host_root;
};

/* One run, to its end.  The sample as JSON, or NULL and e. */
json_t *local_run(const struct local_job *job, struct err *e);

#endif
