/*
 * D-Bus without its library's types: calls with deadlines, signals, and arguments as JSON (variants
 * are what they hold, dictionaries are objects, structs are lists; numbers beyond 63 bits, which
 * mean "no limit" or "not known" where they occur, are null).
 *
 * One connection to each bus, made when it is first needed, never waited for; lost ones come back
 * by themselves as long as somebody listens.  Only unix sockets: there are no names to look up.
 */
#ifndef IO_BUS_H
#define IO_BUS_H

#include <jansson.h>

#include "base/err.h"
#include "io/loop.h"

struct bus;
struct bus_call;
struct bus_ear;

struct bus *bus_new(struct loop *loop);
void bus_free(struct bus *bus); /* calls and ears must be gone; NULL is fine */

/* "unix:path=/run/dbus/system_bus_socket"; the system's own for NULL ($DBUS_SYSTEM_BUS_ADDRESS). */
const char *bus_address(const char *address);
int bus_address_check(const char *address, struct err *e);

struct bus_ask {
	const char *address; /* NULL: the system's bus */
	const char *to, *path, *interface, *member;
	const char *const *texts; /* string arguments, NULL-terminated; NULL: none */
	const char *const *list;  /* then one list of strings; NULL: none */
};

enum bus_end {
	BUS_ANSWERED,
	BUS_REFUSED, /* by whoever was asked: `error` is its name for it */
	BUS_SILENT,  /* not within the time */
	BUS_ABSENT,  /* no bus, or it hung up; `code` is an errno */
};

struct bus_reply {
	enum bus_end end;
	const json_t *args; /* a list; of an answer */
	const char *error;  /* "org.freedesktop.DBus.Error.AccessDenied"; "" */
	const char *text;   /* for people */
	int code;
};

/* fn is called once, later, never from inside; what it is shown is gone afterwards. */
typedef void (*bus_fn)(void *arg, const struct bus_reply *reply);
struct bus_call *bus_call_start(
	struct bus *bus, const struct bus_ask *ask, usec_t timeout_us, bus_fn fn, void *arg);
void bus_call_cancel(struct bus_call *call); /* no call of fn; NULL is fine */

/* Who is listened to; NULL members: any. */
struct bus_want {
	const char *address;
	const char *from, *path, *interface, *member;
	bool is_below; /* `path` and all below it */
};

enum bus_news { BUS_SIGNAL, BUS_BACK, BUS_LOST };

/* BUS_BACK: connected anew; what happened meanwhile was missed. */
typedef void (*bus_ear_fn)(void *arg, enum bus_news news, const char *member, const json_t *args);
struct bus_ear *bus_ear_open(
	struct bus *bus, const struct bus_want *want, bus_ear_fn fn, void *arg);
void bus_ear_close(struct bus_ear *ear); /* NULL is fine; may be called from fn */

#endif
