/* For the docker client's own parts. */
#ifndef PROBES_DOCKER_REQUEST_H
#define PROBES_DOCKER_REQUEST_H

#include "io/stream.h"

void docker_request_write(struct stream *stream, const char *path);

#endif
