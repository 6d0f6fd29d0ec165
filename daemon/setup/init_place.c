/*
 * Where the daemon reaches a service: by its name when it runs beside it, else by the port that is
 * published on this host.
 */
#include <string.h>

#include "base/str.h"
#include "setup/init.h"

#define SHARED_MAX 8 /* of network_mode: service:x that points to another such */

bool
init_is_self(const char *host)
{
	return str_eq(host, "localhost") || str_eq(host, "0.0.0.0") || str_eq(host, "::1") ||
	       str_eq(host, "[::1]") || str_eq(host, "::") || str_starts(host, "127.");
}

/* The service whose network this one uses. */
static const struct compose_service *
owner_of_network(const struct compose *compose, const struct compose_service *service)
{
	static const char prefix[] = "service:";
	for (unsigned n = 0; n < SHARED_MAX && service->network_mode != NULL &&
			     str_starts(service->network_mode, prefix);
		n++) {
		const struct compose_service *next =
			compose_find(compose, service->network_mode + sizeof(prefix) - 1);
		if (next == NULL)
			break;
		service = next;
	}
	return service;
}

bool
init_place(const struct init_plan *plan, const struct compose_service *service, unsigned port,
	char host[256], unsigned *host_port)
{
	const struct compose_service *owner = owner_of_network(plan->compose, service);
	bool is_host = str_eq(owner->network_mode, "host");
	*host_port = port;
	str_copy(host, 256, "127.0.0.1");
	if (plan->options->is_sidecar) {
		str_copy(host, 256, is_host ? "host.docker.internal" : owner->name);
		return port != 0;
	}
	if (is_host)
		return port != 0;
	for (size_t i = 0; i < owner->port_count; i++) {
		const struct compose_port *it = &owner->ports[i];
		if (it->is_udp || it->host_first == 0 || port < it->first ||
			port >= it->first + it->count)
			continue;
		*host_port = it->host_first + (port - it->first);
		if (it->host_ip != NULL)
			str_copy(host, 256, it->host_ip);
		return true;
	}
	return false;
}
