/*
 * Told, and provably: owns the outlets, brings settings and stored documents to them, and lends
 * them their durability.  What an event makes of them is in events.c.
 */
#include "deliver/deliver.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"
#include "deliver/route.h"
#include "deliver/trial.h"

#define TROUBLE_MAX 1000 /* bytes of the sentence about who is not reached */

struct deliver *
deliver_new(const struct deliver_options *options)
{
	struct deliver *deliver = xcalloc(1, sizeof(*deliver));

	deliver->options = *options;
	deliver->daemon_name = xstrdup(options->daemon_name);
	deliver->options.daemon_name = deliver->daemon_name;
	deliver->loop = options->env->loop;
	deliver->swept_us = loop_now(deliver->loop);
	list_init(&deliver->outlets);
	list_init(&deliver->trials);
	mute_init(&deliver->mute);
	return deliver;
}

static const struct receiver_type *
fallback_type(void)
{
	return receiver_find(DELIVER_FALLBACK);
}

static void
free_fallback(struct deliver *deliver)
{
	const struct receiver_type *type = fallback_type();

	if (deliver->fallback_conf == NULL)
		return;
	if (type->release != NULL)
		type->release(deliver->fallback_conf);
	conf_clear(type->fields, deliver->fallback_conf);
	free(deliver->fallback_conf);
}

void
deliver_free(struct deliver *deliver)
{
	if (deliver == NULL)
		return;
	trials_cancel(deliver, "triaged is stopping");
	LIST_EACH_SAFE(it, &deliver->outlets)
	outlet_free(LIST_ENTRY(it, struct outlet, in_deliver));
	free_fallback(deliver);
	mute_fini(&deliver->mute);
	free(deliver->now);
	free(deliver->daemon_name);
	free(deliver);
}

struct outlet *
deliver_outlet(const struct deliver *deliver, const char *name)
{
	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (str_eq(outlet->name, name))
			return outlet;
	}
	return NULL;
}

/* ---- durability, news, figures ---- */

static void
pump_all(struct deliver *deliver)
{
	LIST_EACH(it, &deliver->outlets)
	outlet_pump(LIST_ENTRY(it, struct outlet, in_deliver));
}

static void ask_durable(struct deliver *deliver);

/* Not durable means that the store cannot write: then memory has to do, which the app says. */
static void
on_durable(void *arg, bool is_durable)
{
	struct deliver *deliver = arg;

	if (!is_durable)
		log_debug("deliver: sending from memory");
	deliver->is_asking = false;
	deliver->is_unsaved = !is_durable;
	deliver->durable = deliver->asked;
	if (is_durable)
		deliver->written = deliver->asked;
	pump_all(deliver);
	LIST_EACH(it, &deliver->outlets)
	spill_park(LIST_ENTRY(it, struct outlet, in_deliver));
	ask_durable(deliver);
}

static void
ask_durable(struct deliver *deliver)
{
	if (deliver->is_asking || deliver->kept == deliver->durable)
		return;
	deliver->is_asking = true;
	deliver->asked = deliver->kept;
	deliver->options.when_durable(deliver->options.arg, on_durable, deliver);
}

/* While another receiver still fails, its trouble is the news. */
static const struct outlet *
find_trouble(const struct deliver *deliver, const struct outlet *first)
{
	if (first->trouble != NULL)
		return first;
	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (outlet->trouble != NULL)
			return outlet;
	}
	return first;
}

/* "no such channel; not reached either: mail, hook"; owned, NULL: nobody is in trouble. */
static char *
say_trouble(const struct deliver *deliver, const struct outlet *which)
{
	size_t count = 0;
	struct buf text;

	if (which->trouble == NULL)
		return NULL;
	buf_init(&text, TROUBLE_MAX);
	buf_add_text(&text, which->trouble);
	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *other = LIST_ENTRY(it, struct outlet, in_deliver);

		if (other != which && other->trouble != NULL)
			buf_addf(&text, "%s%s", count++ == 0 ? "; not reached either: " : ", ",
				other->name);
	}
	return buf_take_text(&text);
}

static void
tell_news(struct deliver *deliver)
{
	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);
		const struct outlet *which;
		char *text;

		if (!outlet->has_news)
			continue;
		outlet->has_news = false; /* before the call, which may come back here */
		which = find_trouble(deliver, outlet);
		text = say_trouble(deliver, which);
		deliver->options.on_trouble(deliver->options.arg, which->name, text);
		free(text);
	}
}

void
deliver_settle(struct deliver *deliver)
{
	size_t depth = 0;

	tell_news(deliver);
	ask_durable(deliver);
	LIST_EACH(it, &deliver->outlets)
	depth += LIST_ENTRY(it, struct outlet, in_deliver)->box.count;
	stats_set(deliver->options.env->stats, STAT_OUTBOX_DEPTH, (double)depth);
}

/* ---- restore and apply ---- */

void
deliver_restore(struct deliver *deliver, const char *kind, const char *key, const json_t *doc)
{
	const char *receiver = json_string_value(json_object_get(doc, "receiver"));
	struct outlet *outlet;
	struct err e;
	int result;

	if (str_eq(kind, "silence") || str_eq(kind, "muted")) {
		result = mute_restore(deliver, kind, key, doc, &e);
	} else if (receiver == NULL || receiver[0] == '\0') {
		err_set(&e, 0, "it names no receiver");
		result = -1;
	} else {
		outlet = deliver_outlet(deliver, receiver);
		if (outlet == NULL)
			outlet = outlet_new(deliver, receiver);
		if (str_eq(kind, "trouble"))
			result = outlet_restore_trouble(outlet, doc, &e);
		else if (str_eq(kind, "outbox"))
			result = outbox_restore_letter(&outlet->box, doc, &e);
		else
			result = outbox_restore_lane(&outlet->box, doc, &e);
	}
	/* A program that can read it may come: an older or a later one, or this one, mended. */
	if (result < 0)
		log_error("%s: a stored document cannot be used and is left as it is: %s", kind,
			e.text);
}

static void *
fallback_conf(struct deliver *deliver)
{
	const struct receiver_type *type = fallback_type();
	struct complaints *complaints;
	struct conf_part part;

	if (deliver->fallback_conf != NULL)
		return deliver->fallback_conf;
	deliver->fallback_conf = xcalloc(1, type->conf_size);
	part = (struct conf_part){ type->fields, deliver->fallback_conf };
	complaints = complaints_new();
	conf_fill(&part, 1, NULL, DELIVER_FALLBACK, NULL, complaints);
	if (type->check != NULL)
		type->check(deliver->fallback_conf, NULL, deliver->options.env->tls, complaints);
	complaints_free(complaints);
	return deliver->fallback_conf;
}

/* Puts a receiver in force, at the end of the list. */
static struct outlet *
install(struct deliver *deliver, const char *name, const struct receiver_type *type,
	const void *conf)
{
	struct outlet *outlet = deliver_outlet(deliver, name);

	if (outlet == NULL)
		outlet = outlet_new(deliver, name);
	list_remove(&outlet->in_deliver);
	list_append(&deliver->outlets, &outlet->in_deliver);
	if (outlet->type != NULL &&
		(outlet->type != type || !conf_same(type->fields, outlet->conf, conf)))
		outlet_reset(outlet);
	outlet_detach(outlet);
	outlet_attach(outlet, type, conf);
	outlet_expire(outlet, true); /* what grew old while it was away is nobody's fault */
	return outlet;
}

static bool
is_listed(const struct receiver_spec *const *receivers, size_t count, const struct outlet *outlet)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(receivers[i]->name, outlet->name))
			return true;
	}
	return false;
}

/* What no route takes goes to syslog, also where nobody configured one. */
static void
install_fallback(
	struct deliver *deliver, const struct receiver_spec *const *receivers, size_t count)
{
	const struct receiver_type *type = fallback_type();

	for (size_t i = 0; i < count; i++) {
		if (receivers[i]->type == type || str_eq(receivers[i]->name, DELIVER_FALLBACK))
			return;
	}
	if (type != NULL)
		install(deliver, DELIVER_FALLBACK, type, fallback_conf(deliver))->is_fallback =
			true;
}

/* The old settings are still good here: `install` compares with them before it lets them go. */
void
deliver_apply(struct deliver *deliver, const struct receiver_spec *const *receivers,
	size_t receiver_count, const struct route_spec *const *routes, size_t route_count)
{
	trials_cancel(deliver, "the settings were reloaded meanwhile");
	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (is_listed(receivers, receiver_count, outlet))
			continue;
		outlet_detach(outlet);
		outlet_reset(outlet);
		outlet_absolve(outlet);
	}
	for (size_t i = 0; i < receiver_count; i++)
		install(deliver, receivers[i]->name, receivers[i]->type, receivers[i]->conf);
	install_fallback(deliver, receivers, receiver_count);
	deliver->routes = routes;
	deliver->route_count = route_count;
	deliver->now_s = 0;
	deliver->receiver_count = receiver_count;
	deliver->is_running = true;
	pump_all(deliver);
	deliver_settle(deliver);
}

void
deliver_set_language(struct deliver *deliver, enum language language)
{
	deliver->language = language;
}

/* ---- shutdown ---- */

bool
deliver_is_idle(const struct deliver *deliver)
{
	if (deliver->trial_count > 0)
		return false;
	LIST_EACH(it, &deliver->outlets)
	{
		if (LIST_ENTRY(it, struct outlet, in_deliver)->flights > 0)
			return false;
	}
	return true;
}

void
deliver_drain(struct deliver *deliver)
{
	deliver->is_draining = true;
	pump_all(deliver); /* stops the timers */
}
