/* A container as the API describes it, and what that means.  Pure: JSON in, verdict out. */
#ifndef PROBES_CONTAINER_STATE_H
#define PROBES_CONTAINER_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum container_want { CONTAINER_RUNNING, CONTAINER_FINISHED };

/* Texts are borrowed from the JSON; never NULL.  Numbers: NAN unknown. */
struct container {
	const char *id, *name, *image, *status, *error, *started, *finished, *restart_policy;
	const char *health; /* "", "starting", "healthy", "unhealthy" */
	bool is_oom_killed;
	int exit_code;
	double restarts, health_failures, memory_limit_bytes;
	const json_t *health_command; /* a list; NULL: none */
	const char *health_output;    /* of the last check, "" */
	int health_exit;              /* of the last check; -1: unknown */
};

struct container_verdict {
	const char *cause; /* NULL: as it should be */
	char text[300];
};

void container_read(struct container *c, const json_t *inspected);
void container_judge(
	struct container_verdict *v, const struct container *c, enum container_want want);

/* "exit 137: killed (SIGKILL): often for want of memory". */
void container_exit_words(int code, char *out, size_t size);
/* The healthcheck as it would be typed; "" when there is none. */
void container_health_command(const struct container *c, char *out, size_t size);
/* Memory in use without what is only cache, as `docker stats` reckons; NAN: not in there. */
double container_memory(const json_t *stats);
/* CPU seconds used since the start; NAN. */
double container_cpu(const json_t *stats);

#endif
