/*
 * The connection to one bus on our loop.  The library says anew after every step which descriptor
 * it wants watched, for what and until when.
 *
 *	absent -> (somebody wants it) connected -> lost -> (ears: after a while) connected ...
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/bus_int.h"

#define SYSTEM_BUS   "unix:path=/run/dbus/system_bus_socket"
#define STEPS_MAX    64 /* messages in one turn */
#define RETRY_MIN_US USEC_PER_SEC
#define RETRY_MAX_US USEC_PER_MIN

const char *
bus_address(const char *address)
{
	const char *system = getenv("DBUS_SYSTEM_BUS_ADDRESS");

	if (address != NULL)
		return address;
	return system != NULL && bus_address_check(system, NULL) == 0 ? system : SYSTEM_BUS;
}

int
bus_address_check(const char *address, struct err *e)
{
	if (str_starts(address, "unix:") && strchr(address, ';') == NULL)
		return 0;
	return err_set(e, 0, "a bus is unix:path=/run/dbus/system_bus_socket or the like");
}

static void
let_go(struct bus_link *link)
{
	watch_free(link->watch);
	link->watch = NULL;
	link->watched_fd = -1;
	timer_stop(&link->timer);
}

/* Everybody who waits is told; ears wait for the next connection. */
static void
lose(struct bus_link *link, int code)
{
	sd_bus *bus = link->bus;

	let_go(link);
	link->bus = NULL;
	link->is_owed = !list_is_empty(&link->ears);
	bus_calls_lose(link, code);
	bus_ears_lose(link);
	sd_bus_close(bus);
	sd_bus_unref(bus);
	if (!list_is_empty(&link->ears) && !timer_runs(&link->retry))
		timer_after(&link->retry, link->retry_us);
}

/* Until when the library wants to be called by itself. */
static void
arm_timer(struct bus_link *link)
{
	uint64_t until = UINT64_MAX, now_us;
	struct timespec now;

	if (sd_bus_get_timeout(link->bus, &until) < 0 || until == UINT64_MAX) {
		timer_stop(&link->timer);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	timer_after(&link->timer, until > now_us ? (usec_t)(until - now_us) : 0);
}

static void
step(struct bus_link *link)
{
	int r = 1;

	for (unsigned i = 0; r > 0 && link->bus != NULL; i++) {
		if (i == STEPS_MAX) { /* the others on the loop want their turn too */
			timer_after(&link->timer, 0);
			return;
		}
		r = sd_bus_process(link->bus, NULL);
	}
	if (r < 0 && link->bus != NULL) {
		lose(link, -r);
		return;
	}
	if (sd_bus_is_ready(link->bus) > 0)
		link->retry_us = RETRY_MIN_US;
	bus_link_arm(link);
}

static void
on_ready(void *arg, unsigned ready)
{
	(void)ready;
	step(arg);
}

static void
on_timer(void *arg)
{
	step(arg);
}

void
bus_link_arm(struct bus_link *link)
{
	int fd, events;
	unsigned want;

	if (link->bus == NULL)
		return;
	fd = sd_bus_get_fd(link->bus);
	events = sd_bus_get_events(link->bus);
	if (fd < 0 || events < 0) { /* it hung up: the next step says so */
		let_go(link);
		timer_after(&link->timer, 0);
		return;
	}
	want = (events & POLLIN ? WATCH_READ : 0U) | (events & POLLOUT ? WATCH_WRITE : 0U);
	if (fd != link->watched_fd) {
		watch_free(link->watch);
		link->watch = watch_new(link->loop, fd, want, on_ready, link);
		link->watched_fd = fd;
	} else {
		watch_set(link->watch, want);
	}
	arm_timer(link);
}

static int
connect_to(const char *address, sd_bus **out)
{
	sd_bus *bus;
	int r = sd_bus_new(&bus);

	if (r < 0)
		return r;
	r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, 1);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0) {
		sd_bus_unref(bus);
		return r;
	}
	*out = bus;
	return 0;
}

int
bus_link_open(struct bus_link *link)
{
	int r;

	if (link->bus != NULL)
		return 0;
	r = connect_to(link->address, &link->bus);
	if (r < 0) {
		link->bus = NULL;
		return r;
	}
	timer_stop(&link->retry);
	if (link->is_owed)
		timer_after(&link->back, 0);
	link->is_owed = false;
	bus_ears_attach(link);
	bus_link_arm(link);
	return 0;
}

static void
on_retry(void *arg)
{
	struct bus_link *link = arg;

	if (link->bus != NULL || list_is_empty(&link->ears))
		return;
	if (link->retry_us < RETRY_MAX_US)
		link->retry_us *= 2;
	if (bus_link_open(link) != 0)
		timer_after(&link->retry, link->retry_us);
}

static void
on_back(void *arg)
{
	bus_ears_tell_back(arg);
}

struct bus_link *
bus_link_of(struct bus *bus, const char *address)
{
	struct bus_link *link;

	address = bus_address(address);
	LIST_EACH(it, &bus->links)
	{
		link = LIST_ENTRY(it, struct bus_link, node);
		if (str_eq(link->address, address))
			return link;
	}
	link = xcalloc(1, sizeof(*link));
	link->loop = bus->loop;
	link->address = xstrdup(address);
	link->watched_fd = -1;
	link->retry_us = RETRY_MIN_US;
	list_init(&link->calls);
	list_init(&link->ears);
	timer_init(&link->timer, bus->loop, on_timer, link);
	timer_init(&link->retry, bus->loop, on_retry, link);
	timer_init(&link->back, bus->loop, on_back, link);
	list_append(&bus->links, &link->node);
	return link;
}

void
bus_link_free(struct bus_link *link)
{
	let_go(link);
	timer_stop(&link->retry);
	timer_stop(&link->back);
	if (link->bus != NULL) {
		sd_bus_close(link->bus);
		sd_bus_unref(link->bus);
	}
	list_remove(&link->node);
	free(link->address);
	free(link);
}
