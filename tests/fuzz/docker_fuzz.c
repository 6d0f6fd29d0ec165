/* What a container API may send: descriptions of containers, statistics, events. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probes/container_state.h"
#include "probes/docker_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const json_t *json)
{
	struct container_verdict v;
	struct container c;
	char text[100];

	container_read(&c, json);
	container_judge(&v, &c, CONTAINER_RUNNING);
	container_judge(&v, &c, CONTAINER_FINISHED);
	container_health_command(&c, text, sizeof(text));
	container_exit_words(c.exit_code, text, sizeof(text));
	container_memory(json);
	container_cpu(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t at = 0;
	json_t *json;
	char *what;
	int used;

	while ((used = docker_event_take(bytes + at, size - at, &what)) > 0) {
		at += (size_t)used;
		assert(at <= size);
		free(what);
	}
	free(what);
	json = json_loadb(bytes, size, 0, NULL);
	look(json);
	json_decref(json);
	return 0;
}
