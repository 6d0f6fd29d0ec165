/*
 * Calls and ears over the links.  A call's answer, its deadline and the loss of its link are three
 * ways to its one end; an ear lives over any number of connections.
 */
#include "io/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/bus_int.h"
#include "io/bus_json.h"

#define MATCH_MAX 1024

struct bus_call {
	struct list node;
	struct bus_link *link;
	sd_bus_slot *slot; /* NULL: never sent */
	bus_fn fn;
	void *arg;
	struct timer timer; /* the deadline, or at once where it could not be sent */
	int failed;         /* errno known at the start */
};

struct bus_ear {
	struct list node;
	struct bus_link *link;
	sd_bus_slot *slot; /* NULL: not connected */
	char match[MATCH_MAX];
	bus_ear_fn fn;
	void *arg;
};

struct bus *
bus_new(struct loop *loop)
{
	struct bus *bus = xcalloc(1, sizeof(*bus));

	bus->loop = loop;
	list_init(&bus->links);
	return bus;
}

void
bus_free(struct bus *bus)
{
	if (bus == NULL)
		return;
	LIST_EACH_SAFE(it, &bus->links)
	bus_link_free(LIST_ENTRY(it, struct bus_link, node));
	free(bus);
}

/* --- calls --- */

static void
call_free(struct bus_call *call)
{
	list_remove(&call->node);
	timer_stop(&call->timer);
	sd_bus_slot_unref(call->slot);
	free(call);
}

static void
call_end(struct bus_call *call, const struct bus_reply *reply)
{
	bus_fn fn = call->fn;
	void *arg = call->arg;

	call_free(call);
	fn(arg, reply);
}

static void
call_lose(struct bus_call *call, int code)
{
	char text[300];
	struct bus_reply reply = { .end = BUS_ABSENT, .error = "", .text = text, .code = code };

	snprintf(text, sizeof(text), "no bus at %s: %s", call->link->address, strerror(code));
	call_end(call, &reply);
}

static void
on_call_timer(void *arg)
{
	struct bus_call *call = arg;
	struct bus_reply reply = { .end = BUS_SILENT, .error = "", .text = "no answer in time" };

	if (call->failed != 0)
		call_lose(call, call->failed);
	else
		call_end(call, &reply);
}

static int
on_answer(sd_bus_message *message, void *arg, sd_bus_error *unused)
{
	struct bus_call *call = arg;
	const sd_bus_error *error = sd_bus_message_get_error(message);
	struct bus_reply reply = { .end = BUS_ANSWERED, .error = "", .text = "" };
	json_t *args = NULL;

	(void)unused;
	if (error != NULL && sd_bus_is_open(call->link->bus) <= 0) {
		call_lose(call, ECONNRESET); /* the library's own answer for it */
		return 1;
	}
	if (error != NULL) {
		reply.end = BUS_REFUSED;
		reply.error = error->name != NULL ? error->name : "";
		reply.text = error->message != NULL ? error->message : reply.error;
	} else {
		args = bus_json(message);
		if (args == NULL) {
			reply.end = BUS_REFUSED;
			reply.text = "an answer that cannot be read";
		}
	}
	reply.args = args;
	call_end(call, &reply);
	json_decref(args);
	return 1;
}

static int
append_list(sd_bus_message *message, const char *const *list)
{
	int r = sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "s");

	for (; r >= 0 && *list != NULL; list++)
		r = sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, *list);
	return r >= 0 ? sd_bus_message_close_container(message) : r;
}

static int
send_ask(struct bus_call *call, const struct bus_ask *ask)
{
	sd_bus *bus = call->link->bus;
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(
		bus, &message, ask->to, ask->path, ask->interface, ask->member);

	/* Nobody is to be started, and nobody asked for a password, because we look. */
	if (r >= 0)
		r = sd_bus_message_set_auto_start(message, 0);
	for (const char *const *t = ask->texts; r >= 0 && t != NULL && *t != NULL; t++)
		r = sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, *t);
	if (r >= 0 && ask->list != NULL)
		r = append_list(message, ask->list);
	if (r >= 0)
		r = sd_bus_call_async(bus, &call->slot, message, on_answer, call, UINT64_MAX);
	sd_bus_message_unref(message);
	return r;
}

struct bus_call *
bus_call_start(struct bus *bus, const struct bus_ask *ask, usec_t timeout_us, bus_fn fn, void *arg)
{
	struct bus_call *call = xcalloc(1, sizeof(*call));
	int r;

	call->link = bus_link_of(bus, ask->address);
	call->fn = fn;
	call->arg = arg;
	timer_init(&call->timer, bus->loop, on_call_timer, call);
	r = bus_link_open(call->link);
	if (r >= 0)
		r = send_ask(call, ask);
	list_append(&call->link->calls, &call->node);
	if (r < 0) {
		call->failed = -r;
		timer_after(&call->timer, 0);
		return call;
	}
	timer_after(&call->timer, timeout_us);
	bus_link_arm(call->link);
	return call;
}

void
bus_call_cancel(struct bus_call *call)
{
	if (call != NULL)
		call_free(call);
}

/* Those that are started by what they do now meet a link without a connection, and make one. */
void
bus_calls_lose(struct bus_link *link, int code)
{
	LIST_EACH(it, &link->calls)
	{
		struct bus_call *call = LIST_ENTRY(it, struct bus_call, node);

		sd_bus_slot_unref(call->slot);
		call->slot = NULL;
		call->failed = code;
		timer_after(&call->timer, 0);
	}
}

/* --- ears --- */

static int
on_signal(sd_bus_message *message, void *arg, sd_bus_error *unused)
{
	struct bus_ear *ear = arg;
	const char *member = sd_bus_message_get_member(message);
	json_t *args = bus_json(message);

	(void)unused;
	if (args != NULL)
		ear->fn(ear->arg, BUS_SIGNAL, member != NULL ? member : "", args);
	json_decref(args);
	return 0; /* others may want it too */
}

/* Without one, a refused match would end the whole connection. */
static int
on_matched(sd_bus_message *message, void *arg, sd_bus_error *unused)
{
	(void)message;
	(void)arg;
	(void)unused;
	return 1;
}

static void
attach(struct bus_ear *ear)
{
	if (ear->slot == NULL)
		sd_bus_add_match_async(
			ear->link->bus, &ear->slot, ear->match, on_signal, on_matched, ear);
}

void
bus_ears_attach(struct bus_link *link)
{
	LIST_EACH(it, &link->ears)
	attach(LIST_ENTRY(it, struct bus_ear, node));
}

static void
tell_all(struct bus_link *link, enum bus_news news)
{
	LIST_EACH_SAFE(it, &link->ears)
	{
		struct bus_ear *ear = LIST_ENTRY(it, struct bus_ear, node);

		ear->fn(ear->arg, news, "", NULL);
	}
}

void
bus_ears_tell_back(struct bus_link *link)
{
	tell_all(link, BUS_BACK);
}

void
bus_ears_lose(struct bus_link *link)
{
	LIST_EACH(it, &link->ears)
	{
		struct bus_ear *ear = LIST_ENTRY(it, struct bus_ear, node);

		sd_bus_slot_unref(ear->slot);
		ear->slot = NULL;
	}
	tell_all(link, BUS_LOST);
}

static void
add_condition(char *match, const char *name, const char *value)
{
	size_t len = strlen(match);

	if (value != NULL)
		snprintf(match + len, MATCH_MAX - len, ",%s='%s'", name, value);
}

struct bus_ear *
bus_ear_open(struct bus *bus, const struct bus_want *want, bus_ear_fn fn, void *arg)
{
	struct bus_ear *ear = xcalloc(1, sizeof(*ear));

	ear->link = bus_link_of(bus, want->address);
	ear->fn = fn;
	ear->arg = arg;
	snprintf(ear->match, sizeof(ear->match), "type='signal'");
	add_condition(ear->match, "sender", want->from);
	add_condition(ear->match, want->is_below ? "path_namespace" : "path", want->path);
	add_condition(ear->match, "interface", want->interface);
	add_condition(ear->match, "member", want->member);
	list_append(&ear->link->ears, &ear->node);
	if (ear->link->bus != NULL) {
		attach(ear);
		bus_link_arm(ear->link);
	} else if (bus_link_open(ear->link) < 0) {
		ear->link->is_owed = true;
		if (!timer_runs(&ear->link->retry))
			timer_after(&ear->link->retry, ear->link->retry_us);
	}
	return ear;
}

void
bus_ear_close(struct bus_ear *ear)
{
	struct bus_link *link;

	if (ear == NULL)
		return;
	link = ear->link;
	list_remove(&ear->node);
	sd_bus_slot_unref(ear->slot);
	free(ear);
	bus_link_arm(link); /* the match is taken back */
}
