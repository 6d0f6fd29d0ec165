/*
 * What of a check lives between its runs: the type's own state, opened and closed once, and its two
 * ways out: "run me now" and "remember this".
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "probes/run.h"

struct probe_watch {
	struct probe_watch_options o;
	char *instance;
	json_t *kept;
	max_align_t state[];
};

bool
probe_has_watch(const struct probe_type *type, const void *conf)
{
	return type->open != NULL && (type->watches == NULL || type->watches(conf));
}

struct probe_watch *
probe_watch_open(const struct probe_watch_options *o)
{
	struct probe_watch *watch = xcalloc(1, sizeof(*watch) + o->type->watch_size);

	watch->o = *o;
	watch->instance = o->instance != NULL ? xstrdup(o->instance) : NULL;
	watch->kept = o->kept != NULL ? json_deep_copy(o->kept) : NULL;
	o->type->open(watch);
	return watch;
}

void
probe_watch_close(struct probe_watch *watch)
{
	if (watch == NULL)
		return;
	watch->o.type->close(watch);
	json_decref(watch->kept);
	free(watch->instance);
	free(watch);
}

void
probe_watch_move(struct probe_watch *watch, const void *conf)
{
	if (watch != NULL)
		watch->o.conf = conf;
}

const void *
probe_watch_conf(const struct probe_watch *watch)
{
	return watch->o.conf;
}

void *
probe_watch_state(struct probe_watch *watch)
{
	return watch->state;
}

const struct io_env *
probe_watch_env(const struct probe_watch *watch)
{
	return watch->o.env;
}

const char *
probe_watch_instance(const struct probe_watch *watch)
{
	return watch->instance;
}

void
probe_watch_poke(struct probe_watch *watch)
{
	if (watch->o.on_poke != NULL)
		watch->o.on_poke(watch->o.arg);
}

void
probe_watch_keep(struct probe_watch *watch, const json_t *state)
{
	json_decref(watch->kept);
	watch->kept = json_deep_copy(state);
	if (watch->o.on_keep != NULL)
		watch->o.on_keep(watch->o.arg, watch->kept);
}

const json_t *
probe_watch_kept(const struct probe_watch *watch)
{
	return watch->kept;
}
