/*
 * Published ports: "3000", "8080:80", "127.0.0.1:8080:80/tcp", "[::1]:53:53/udp",
 * "9090-9091:8080-8081", and the long form with target and published.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/compose.h"

#define PORT_MAX 65535

/* "80" or "8000-8010" of `len` bytes; false: neither. */
static bool
scan_range(const char *text, size_t len, unsigned *first, unsigned *count)
{
	unsigned ends[2] = { 0, 0 }, n = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '-' && n == 0 && i > 0) {
			n = 1;
			continue;
		}
		if (!isdigit((unsigned char)text[i]))
			return false;
		ends[n] = ends[n] * 10 + (unsigned)(text[i] - '0');
		if (ends[n] > PORT_MAX)
			return false;
	}
	if (n == 0)
		ends[1] = ends[0];
	if (ends[0] == 0 || ends[1] < ends[0])
		return false;
	*first = ends[0];
	*count = ends[1] - ends[0] + 1;
	return true;
}

/* The last ":" outside of brackets in [text, text+len); NULL: none. */
static const char *
last_colon(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != ':' && text[len - 1] != ']')
		len--;
	return len > 0 && text[len - 1] == ':' ? text + len - 1 : NULL;
}

static char *
host_address(const char *text, size_t len)
{
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	char *ip = xstrndup(text, len);
	if (len == 0 || str_eq(ip, "0.0.0.0") || str_eq(ip, "::")) {
		free(ip);
		return NULL;
	}
	return ip;
}

static bool
scan_short(const char *text, struct compose_port *port)
{
	size_t len = strcspn(text, "/");
	unsigned host_count = 0;
	port->is_udp = str_eq(text + len, "/udp");
	const char *colon = last_colon(text, len);
	const char *target = colon != NULL ? colon + 1 : text;
	if (!scan_range(target, len - (size_t)(target - text), &port->first, &port->count))
		return false;
	if (colon == NULL)
		return true;
	size_t left = (size_t)(colon - text);
	const char *host = last_colon(text, left);
	const char *published = host != NULL ? host + 1 : text;
	size_t published_len = left - (size_t)(published - text);
	if (host == NULL && text[0] == '[') /* "[::1]:80": an address and no port of its own */
		published_len = 0;
	if (published_len > 0 &&
		!scan_range(published, published_len, &port->host_first, &host_count))
		return false;
	if (host_count != 0 && host_count != port->count)
		port->host_first = 0; /* one of a range: the engine chooses */
	if (host != NULL)
		port->host_ip = host_address(text, (size_t)(host - text));
	return true;
}

static bool
scan_long(struct compose *compose, const struct conf_node *map, struct compose_port *port)
{
	char *target = compose_text(compose, conf_get(map, "target"), "target");
	char *published = compose_text(compose, conf_get(map, "published"), "published");
	char *ip = compose_text(compose, conf_get(map, "host_ip"), "host_ip");
	char *protocol = compose_text(compose, conf_get(map, "protocol"), "protocol");
	unsigned count = 0;
	bool is_fine =
		target != NULL && scan_range(target, strlen(target), &port->first, &port->count);
	if (is_fine && published != NULL && *published != '\0') {
		is_fine = scan_range(published, strlen(published), &port->host_first, &count);
		if (count != port->count)
			port->host_first = 0;
	}
	port->is_udp = str_eq(protocol, "udp");
	if (is_fine && ip != NULL)
		port->host_ip = host_address(ip, strlen(ip));
	free(target);
	free(published);
	free(ip);
	free(protocol);
	return is_fine;
}

static bool
is_same(const struct compose_port *a, const struct compose_port *b)
{
	return a->host_first == b->host_first && a->first == b->first && a->count == b->count &&
	       a->is_udp == b->is_udp && str_eq(a->host_ip, b->host_ip);
}

static void
add_port(struct compose *compose, struct compose_service *service, struct compose_port *port,
	const struct conf_node *at)
{
	bool is_known = false;
	for (size_t i = 0; i < service->port_count; i++)
		is_known = is_known || is_same(&service->ports[i], port);
	if (is_known || !compose_has_room(compose, service->port_count, at)) {
		free(port->host_ip);
		return;
	}
	service->ports =
		xreallocarray(service->ports, service->port_count + 1, sizeof(*service->ports));
	service->ports[service->port_count++] = *port;
}

void
compose_take_ports(
	struct compose *compose, struct compose_service *service, const struct conf_node *node)
{
	for (size_t i = 0; node != NULL && node->kind == CONF_LIST && i < node->count; i++) {
		const struct conf_node *item = node->items[i];
		struct compose_port port = { .count = 0 };
		char *text =
			item->kind == CONF_SCALAR ? compose_text(compose, item, "ports") : NULL;
		bool is_fine = item->kind == CONF_MAP ? scan_long(compose, item, &port)
						      : text != NULL && scan_short(text, &port);
		if (is_fine)
			add_port(compose, service, &port, item);
		else
			complain_warn(compose->complaints, &item->pos,
				"ports: \"%.60s\" is not understood, and left out",
				text != NULL ? text : conf_kind_name(item));
		free(text);
	}
}
