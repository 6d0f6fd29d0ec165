/* What a healthcheck's command asks for over HTTP. */
#ifndef SETUP_INIT_HEALTH_H
#define SETUP_INIT_HEALTH_H

#include "setup/compose.h"

struct init_asked {
	bool is_https;
	unsigned port;
	char host[256];
	char path[512]; /* begins with "/" */
	char json[128]; /* what a grep for a field of JSON means: "success == true"; "" */
	bool is_lax;    /* -k: any certificate will do */
};

/* False: it asks nobody over HTTP. */
bool init_asked_of(const struct compose_service *service, struct init_asked *asked);

#endif
