/*
 * The world as the rule language sees it: each fact is a sample of a check of its name, and
 * `target`, `peers`, `needs` and `this` are made from what triage knows.  Values are borrowed from
 * the world; a fact that did not come has none, and is unknown.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/probe.h"
#include "triage/playbook_inside.h"

#define TEXT_ROW(name, help)                                                                       \
	{                                                                                          \
		name, METRIC_MOMENT, UNIT_TEXT, help                                               \
	}
#define NUMBER_ROW(name, help)                                                                     \
	{                                                                                          \
		name, METRIC_MOMENT, UNIT_NONE, help                                               \
	}

/* In the order of target_text and target_number. */
enum { TARGET_TEXTS = 21 };
static const struct metric_desc target_keys[] = {
	TEXT_ROW("check", "The check in trouble."),
	TEXT_ROW("type", "Its probe type."),
	TEXT_ROW("url", "What it looks at, for people, masked."),
	TEXT_ROW("host", "The host that its settings name."),
	TEXT_ROW("address", "The address that the name last had."),
	TEXT_ROW("socket", "The path of its unix socket."),
	TEXT_ROW("path", "The file, folder or mount point that it looks at."),
	TEXT_ROW("unit", "The systemd unit it is about, or that the listener belongs to."),
	TEXT_ROW("container", "The container it is about, or that the listener runs in."),
	TEXT_ROW("process", "The process that its settings name."),
	TEXT_ROW("user", "The user that it logs in as."),
	TEXT_ROW("database", "The database that it uses."),
	TEXT_ROW("text", "What the sample, or the alert, said."),
	TEXT_ROW("cause", "The code of what was found."),
	TEXT_ROW("rule", "The rule that fired."),
	TEXT_ROW("comm", "The name of the listener's process, while it was last seen."),
	TEXT_ROW("exe", "The program of the listener."),
	TEXT_ROW("data_dir", "Where the server keeps its data."),
	TEXT_ROW("log_path", "Where the server writes its log."),
	TEXT_ROW("instance", "Of a child: the mount point, interface..."),
	TEXT_ROW("place", "Where it looks, in one word: host:port, else a socket or path."),
	NUMBER_ROW("port", "Its port."),
	NUMBER_ROW("pid", "The listener's process, while it was last seen."),
	{ "local", METRIC_FLAG, UNIT_BOOL, "Whether it is on this host." },
	{ .name = NULL },
};

static const struct metric_desc peers_keys[] = {
	NUMBER_ROW("same_address", "Other checks of the same host and port."),
	NUMBER_ROW("same_address_failing", "Those of them that fail."),
	NUMBER_ROW("same_host", "Other checks of the same host."),
	NUMBER_ROW("same_host_failing", "Those of them that fail."),
	NUMBER_ROW("remote", "All checks of other hosts."),
	NUMBER_ROW("remote_failing", "Those of them that fail."),
	{ .name = NULL },
};

static const struct metric_desc needs_keys[] = {
	TEXT_ROW("failing", "A check that this one needs and that is not well."),
	TEXT_ROW("failing_cause", "The code of what that one found."),
	TEXT_ROW("slow", "A check that this one needs and that answers, but has trouble."),
	TEXT_ROW("slow_text", "What that trouble is."),
	{ .name = NULL },
};

enum { PEERS_KEYS = 6, NEEDS_KEYS = 4, TARGET_KEYS = TARGET_TEXTS + 3 };

static const struct {
	const char *name;
	const struct metric_desc *keys;
} always[] = {
	{ "target", target_keys },
	{ "peers", peers_keys },
	{ "needs", needs_keys },
};

#define ALWAYS (sizeof(always) / sizeof(*always))

/* --- names --- */

static const struct metric_desc *
metrics_of(const void *arg, const char *name)
{
	const struct playbook_body *body = arg;

	for (size_t i = 0; i < ALWAYS; i++)
		if (str_eq(always[i].name, name))
			return always[i].keys;
	for (size_t i = 0; body->of->set->facts[i]; i++)
		if (str_eq(body->of->set->facts[i]->name, name))
			return body->of->set->facts[i]->keys;
	return NULL;
}

static const char *
name_at(const void *arg, size_t n)
{
	const struct playbook_body *body = arg;

	if (n < ALWAYS)
		return always[n].name;
	const struct fact_type *const *facts = body->of->set->facts;
	for (size_t i = 0; facts[i]; i++)
		if (i == n - ALWAYS)
			return facts[i]->name;
	return NULL;
}

void
playbook_names(struct expr_names *names, const struct playbook_body *body)
{
	*names = (struct expr_names){
		.arg = body,
		.metrics_of = metrics_of,
		.check_at = name_at,
		.this_metrics = body->this_metrics,
		.check_word = "fact",
		.metric_word = "key",
		.no_windows = "a fact has no past",
	};
}

const struct metric_desc *
playbook_keys_of(const char *name)
{
	for (size_t i = 0; i < ALWAYS; i++)
		if (str_eq(always[i].name, name))
			return always[i].keys;
	return NULL;
}

bool
playbook_always_at(size_t n, const char **name, const struct metric_desc **keys)
{
	if (n >= ALWAYS)
		return false;
	*name = always[n].name;
	*keys = always[n].keys;
	return true;
}

static bool
is_about(const struct playbook *p, const char *type)
{
	for (size_t i = 0; i < p->symptom_count; i++) {
		const struct conf_strings *types = &p->symptoms[i].type;
		if (types->count == 0)
			return true;
		for (size_t n = 0; n < types->count; n++)
			if (str_eq(types->all[n], type))
				return true;
	}
	return false;
}

/* Where types differ in what a name means, the first in the table is meant. */
struct metric_desc *
playbook_this_metrics(const struct playbook *p)
{
	size_t count = 0, room = 0;

	for (size_t i = 0; probe_table[i]; i++)
		if (is_about(p, probe_table[i]->name))
			room += metric_count(probe_table[i]->metrics);
	struct metric_desc *rows = xcalloc(room + 1, sizeof(*rows));
	for (size_t i = 0; probe_table[i]; i++) {
		const struct metric_desc *row = probe_table[i]->metrics;
		if (!is_about(p, probe_table[i]->name))
			continue;
		for (; row->name; row++)
			if (metric_index(rows, row->name) < 0)
				rows[count++] = *row;
	}
	return rows;
}

/* --- texts --- */

static void
give_place(struct playbook_view *view)
{
	const struct subject *s = view->world->subject;
	const char *host = s && s->host ? s->host : "";
	bool is_v6 = strchr(host, ':') != NULL;

	if (!s)
		return;
	if (*host && s->port > 0)
		snprintf(view->place, sizeof(view->place), is_v6 ? "[%s]:%u" : "%s:%u", host,
			s->port);
	else if (*host)
		str_copy(view->place, sizeof(view->place), host);
	else if (s->socket || s->path)
		str_copy(view->place, sizeof(view->place), s->socket ? s->socket : s->path);
	else if (s->port > 0)
		snprintf(view->place, sizeof(view->place), ":%u", s->port);
}

static const char *
target_text(const struct playbook_view *view, int key)
{
	const struct playbook_world *w = view->world;
	const struct subject *s = w->subject;
	const struct check_spec *c = w->check;
	const char *texts[TARGET_TEXTS] = { c ? c->name : NULL, c ? c->type : NULL, w->target,
		s ? s->host : NULL, s ? s->address : NULL, s ? s->socket : NULL, s ? s->path : NULL,
		s ? s->unit : NULL, s ? s->container : NULL, s ? s->process : NULL,
		s ? s->user : NULL, s ? s->database : NULL, w->text, w->cause, w->rule,
		s ? s->comm : NULL, s ? s->exe : NULL, s ? s->data_dir : NULL,
		s ? s->log_path : NULL, c ? c->instance : NULL, view->place };

	return key < TARGET_TEXTS ? texts[key] : NULL;
}

static const char *
needs_text(const struct playbook_needs *needs, int key)
{
	const char *texts[NEEDS_KEYS] = { needs->failing, needs->failing_cause, needs->slow,
		needs->slow_text };

	return texts[key];
}

bool
playbook_view_concerns(const struct playbook_view *view, const char *name)
{
	const struct fact_type *const *types = view->body->of->set->facts;
	const struct subject *s = view->world->subject;

	if (!s || !subject_is_elsewhere(s))
		return true;
	for (size_t i = 0; types[i]; i++)
		if (str_eq(types[i]->name, name))
			return !types[i]->is_near;
	return true;
}

static const struct fact *
fact_of(const struct playbook_view *view, const char *name, size_t *at)
{
	if (!playbook_view_concerns(view, name))
		return NULL;
	for (size_t i = 0; i < view->world->fact_count; i++) {
		const struct fact *fact = view->world->facts[i];
		if (!str_eq(fact->name, name) || fact->end == FACT_NONE)
			continue;
		if (at)
			*at = i;
		return fact;
	}
	return NULL;
}

static const char *
text_of(void *arg, const char *name, int key)
{
	const struct playbook_view *view = arg;
	const char *text = NULL;

	if (str_eq(name, "target")) {
		text = target_text(view, key);
	} else if (str_eq(name, "needs")) {
		text = needs_text(&view->world->needs, key);
	} else {
		const struct fact *fact = fact_of(view, name, NULL);
		text = fact && fact->texts ? fact->texts[key] : NULL;
	}
	return text && *text ? text : NULL;
}

/* --- numbers --- */

static double
known_number(double number)
{
	return number > 0 ? number : NAN; /* of ports and processes 0 is none */
}

static void
give_rows(struct sample *sample, const struct metric_desc *metrics, size_t count)
{
	*sample = (struct sample){
		.outcome = OUTCOME_OK,
		.metrics = metrics,
		.values = xcalloc(count, sizeof(double)),
		.metric_count = (uint32_t)count,
	};
	for (size_t i = 0; i < count; i++)
		sample->values[i] = NAN;
}

static void
give_target(struct playbook_view *view)
{
	const struct subject *s = view->world->subject;

	give_rows(&view->target, target_keys, TARGET_KEYS);
	if (!s)
		return;
	double *numbers = view->target.values + TARGET_TEXTS;
	numbers[0] = known_number(s->port);
	numbers[1] = known_number((double)s->pid);
	numbers[2] = s->is_local;
}

static void
give_peers(struct playbook_view *view)
{
	const struct playbook_peers *p = &view->world->peers;
	const unsigned counts[PEERS_KEYS] = { p->same_address, p->same_address_failing,
		p->same_host, p->same_host_failing, p->remote, p->remote_failing };

	give_rows(&view->peers, peers_keys, PEERS_KEYS);
	for (size_t i = 0; i < PEERS_KEYS; i++)
		view->peers.values[i] = counts[i];
}

/* The sample's values in the places that the body's conditions know. */
static void
give_this(struct playbook_view *view)
{
	const struct sample *from = view->world->sample;
	size_t count = metric_count(view->body->this_metrics);

	give_rows(&view->self, view->body->this_metrics, count);
	if (!from)
		return;
	view->self.outcome = from->outcome;
	view->self.cause = from->cause;
	view->self.text = from->text;
	view->self.state = from->state;
	view->self.failures = from->failures;
	for (size_t i = 0; i < from->metric_count; i++) {
		int at = metric_index(view->self.metrics, from->metrics[i].name);
		if (at >= 0 && view->self.metrics[at].unit == from->metrics[i].unit)
			view->self.values[at] = from->values[i];
	}
}

static const struct sample *
sample_of(void *arg, const char *name)
{
	const struct playbook_view *view = arg;
	size_t at;

	if (str_eq(name, "target"))
		return &view->target;
	if (str_eq(name, "peers"))
		return &view->peers;
	if (str_eq(name, "this"))
		return &view->self;
	return fact_of(view, name, &at) ? &view->samples[at] : NULL;
}

void
playbook_view_init(struct playbook_view *view, const struct playbook_body *body,
	const struct playbook_world *world, enum language language)
{
	*view = (struct playbook_view){ .body = body, .world = world, .language = language };
	view->expr = (struct expr_world){
		.arg = view,
		.sample_of = sample_of,
		.text_of = text_of,
	};
	view->samples = xcalloc(world->fact_count + 1, sizeof(*view->samples));
	for (size_t i = 0; i < world->fact_count; i++)
		view->samples[i] = (struct sample){
			.outcome = OUTCOME_OK,
			.metrics = world->facts[i]->keys,
			.values = world->facts[i]->numbers,
			.metric_count = metric_count(world->facts[i]->keys),
		};
	give_place(view);
	give_target(view);
	give_peers(view);
	give_this(view);
}

void
playbook_view_fini(struct playbook_view *view)
{
	free(view->target.values);
	free(view->peers.values);
	free(view->self.values);
	free(view->samples);
}

bool
playbook_view_holds(const struct playbook_view *view, const struct expr *when)
{
	if (!when)
		return true;
	struct expr_value value = expr_eval(when, &view->expr);
	return value.is_known && value.number != 0;
}
