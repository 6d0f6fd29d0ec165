/* The hosts file: read again when it changed, looked at no more than once a second. */
#ifndef IO_HOSTS_H
#define IO_HOSTS_H

#include <stdbool.h>

#include "base/clock.h"
#include "io/dns_channel.h"

struct hosts;

struct hosts *hosts_new(const char *path);
void hosts_free(struct hosts *hosts);
/* `name` in lower case, without a trailing dot.  "localhost" is always known. */
bool hosts_find(struct hosts *hosts, usec_t now_us, const char *name, struct dns_reply *v6,
	struct dns_reply *v4);

#endif
