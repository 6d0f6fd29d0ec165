/* What the parts of the bus share: the link to one bus, its calls and its ears. */
#ifndef IO_BUS_INT_H
#define IO_BUS_INT_H

#include <systemd/sd-bus.h>

#include "base/list.h"
#include "io/bus.h"
#include "io/timer.h"
#include "io/watch.h"

struct bus {
	struct loop *loop;
	struct list links;
};

/* To one bus; made for the first who wants it, kept until the end. */
struct bus_link {
	struct list node;
	struct loop *loop;
	char *address;
	sd_bus *bus; /* NULL: not connected */
	struct watch *watch;
	int watched_fd;
	struct timer timer; /* what the library wants, or the rest of what came in */
	struct timer retry;
	usec_t retry_us;
	struct timer back; /* ears are told of a new connection, from the loop */
	bool is_owed;      /* they are, as soon as there is one */
	struct list calls, ears;
};

struct bus_link *bus_link_of(struct bus *bus, const char *address);
/* Connected, or begun to be; else -errno. */
int bus_link_open(struct bus_link *link);
/* Something was queued: the descriptor may have to be written to. */
void bus_link_arm(struct bus_link *link);
void bus_link_free(struct bus_link *link);

/* For the link: the connection is gone, or there is a new one. */
void bus_calls_lose(struct bus_link *link, int code);
void bus_ears_lose(struct bus_link *link);
void bus_ears_attach(struct bus_link *link);
void bus_ears_tell_back(struct bus_link *link);

#endif
