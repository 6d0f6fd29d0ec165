/*
 * A post office for tests: a fake clock, a store that forgets what was not committed, receivers
 * that answer as the test says and remember every try.
 */
#ifndef TESTS_DELIVER_SCENE_H
#define TESTS_DELIVER_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts/receiver.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "io/loop.h"
#include "io/timer.h"
#include "model/digest.h"

#define SCENE_WALL   (INT64_C(1767323045) * USEC_PER_SEC) /* 2026-01-02T03:04:05Z */
#define SCENE_TRIES  20000
#define SCENE_WRITES 4096
#define SCENE_READS  64

struct fake_conf {
	char *tag;
};

struct try_made {
	char receiver[32], id[NOTICE_ID_LEN + 1], type[32], reason[32], incident[16];
	unsigned sequence;
	usec_t at_us; /* monotonic */
	bool is_taken;
	bool is_resolved;
	enum severity severity;
	struct digest *digest; /* a copy; NULL: of one incident */
};

struct scene_write {
	char *key;   /* "<kind>\n<key>" */
	json_t *doc; /* NULL: forget */
};

struct scene_read {
	char *key; /* "<kind>\n<key>" */
	void (*fn)(void *arg, const char *key, const json_t *doc);
	void *arg;
};

struct scene {
	struct clock clock;
	struct loop *loop;
	struct stats stats;
	struct io_env env;
	struct deliver *deliver;
	struct receiver_spec specs[4];
	const struct receiver_spec *receivers[4];
	struct fake_conf confs[4];
	size_t receiver_count;
	const struct route_spec *routes[4];
	size_t route_count;
	/* The store. */
	struct map *disk;
	struct scene_write writes[SCENE_WRITES];
	size_t write_count;
	void (*waiter)(void *arg, bool is_durable);
	void *waiter_arg;
	struct scene_read reads[SCENE_READS];
	size_t read_count, reads_made;
	struct timer read_timer;
	bool reads_nothing; /* the store has lost it */
	bool reads_fail;    /* it cannot be read now */
	bool commits_late;  /* only at scene_commit */
	bool store_fails;
	/* The receivers. */
	enum send_result (*answer)(struct scene *scene, const struct try_made *made);
	usec_t asked_us;                                         /* Retry-After of every LATER */
	void (*look)(struct scene *scene, struct send_run *run); /* at each try; may be NULL */
	struct try_made *tries;
	size_t try_count;
	struct digest *digests[8192]; /* of the tries */
	size_t digest_count;
	unsigned flights, flights_most;
	/* What the app was told. */
	char trouble[256];
	unsigned troubles, recoveries;
	int extra; /* the test's own */
};

/* The receivers' start() has no other way to find the test. */
static struct scene *scene_now;

static inline void
fake_start(struct send_run *run)
{
	const struct fake_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);
	struct scene *scene = scene_now;
	struct try_made *made = &scene->tries[scene->try_count];
	enum send_result result;

	assert_true(scene->try_count < SCENE_TRIES);
	scene->try_count++;
	memset(made, 0, sizeof(*made));
	str_copy(made->receiver, sizeof(made->receiver), conf->tag);
	str_copy(made->id, sizeof(made->id), notice->id);
	str_copy(made->type, sizeof(made->type), notice->type);
	str_copy(made->reason, sizeof(made->reason), notice->reason);
	str_copy(made->incident, sizeof(made->incident), notice->incident.id);
	made->sequence = notice->sequence;
	made->is_resolved = notice->is_resolved;
	made->severity = notice->severity;
	if (notice->digest != NULL) {
		assert_true(scene->digest_count < 8192);
		made->digest = digest_dup(notice->digest);
		scene->digests[scene->digest_count++] = made->digest;
	}
	made->at_us = loop_now(scene->loop);
	if (++scene->flights > scene->flights_most)
		scene->flights_most = scene->flights;
	if (scene->look != NULL)
		scene->look(scene, run);
	result = scene->answer == NULL ? SEND_OK : scene->answer(scene, made);
	made->is_taken = result == SEND_OK;
	if (result != SEND_NONE)
		send_done(run, result, result == SEND_LATER ? scene->asked_us : 0, "answer %d",
			(int)result);
}

static inline void
fake_stop(struct send_run *run)
{
	(void)run;
	scene_now->flights--;
}

static const struct conf_field fake_fields[] = {
	{ "tag", STRING_AT(struct fake_conf, tag), .doc = "Its name." },
	{ .type = CONF_END },
};

static const struct receiver_type fake_machine = {
	.name = "fake",
	.summary = "Answers as the test says.",
	.fields = fake_fields,
	.conf_size = sizeof(struct fake_conf),
	.timeout_us = 10 * USEC_PER_SEC,
	.start = fake_start,
	.stop = fake_stop,
};

/* Read by people, one message a second. */
static const struct receiver_type fake_people = {
	.name = "fake-people",
	.summary = "Answers as the test says.",
	.fields = fake_fields,
	.conf_size = sizeof(struct fake_conf),
	.is_for_people = true,
	.rate_per_second = 1,
	.timeout_us = 10 * USEC_PER_SEC,
	.start = fake_start,
	.stop = fake_stop,
};

/* Forgets within a minute, and keeps what ended for five. */
static const struct receiver_type fake_forgetful = {
	.name = "fake-forgetful",
	.summary = "Answers as the test says.",
	.fields = fake_fields,
	.conf_size = sizeof(struct fake_conf),
	.refresh_us = USEC_PER_MIN,
	.linger_us = 5 * USEC_PER_MIN,
	.timeout_us = 10 * USEC_PER_SEC,
	.start = fake_start,
	.stop = fake_stop,
};

static inline void
scene_commit(struct scene *scene)
{
	void (*waiter)(void *, bool) = scene->waiter;

	for (size_t i = 0; i < scene->write_count; i++) {
		struct scene_write *write = &scene->writes[i];

		if (!scene->store_fails)
			json_decref(write->doc == NULL ? map_remove(scene->disk, write->key)
						       : map_put(scene->disk, write->key,
								 json_incref(write->doc)));
		json_decref(write->doc);
		free(write->key);
	}
	scene->write_count = 0;
	scene->waiter = NULL;
	if (waiter != NULL)
		waiter(scene->waiter_arg, !scene->store_fails);
}

static inline void
scene_keep(void *arg, const char *kind, const char *key, const json_t *doc)
{
	struct scene *scene = arg;
	struct scene_write *write = &scene->writes[scene->write_count];

	if (scene->write_count == SCENE_WRITES - 1) {
		assert_false(scene->commits_late);
		scene_commit(scene);
		write = &scene->writes[0];
	}
	write->key = xasprintf("%s\n%s", kind, key);
	write->doc = doc == NULL ? NULL : json_deep_copy(doc);
	scene->write_count++;
}

static inline void
scene_when_durable(void *arg, void (*fn)(void *arg2, bool is_durable), void *arg2)
{
	struct scene *scene = arg;

	assert_null(scene->waiter);
	scene->waiter = fn;
	scene->waiter_arg = arg2;
	if (!scene->commits_late)
		scene_commit(scene);
}

static inline void
scene_on_read(void *arg)
{
	struct scene *scene = arg;

	while (scene->read_count > 0) {
		struct scene_read read = scene->reads[--scene->read_count];

		json_t *doc = scene->reads_nothing ? NULL : map_get(scene->disk, read.key);

		read.fn(read.arg, strchr(read.key, '\n') + 1,
			scene->reads_fail ? json_null() : doc);
		free(read.key);
	}
}

static inline void
scene_read(void *arg, const char *kind, const char *key,
	void (*fn)(void *arg2, const char *key2, const json_t *doc), void *arg2)
{
	struct scene *scene = arg;

	assert_true(scene->read_count < SCENE_READS);
	scene->reads[scene->read_count++] =
		(struct scene_read){ xasprintf("%s\n%s", kind, key), fn, arg2 };
	scene->reads_made++;
	timer_after(&scene->read_timer, 1);
}

static inline void
scene_trouble(void *arg, const char *receiver, const char *text)
{
	struct scene *scene = arg;

	if (text == NULL) {
		scene->recoveries++;
		return;
	}
	scene->troubles++;
	snprintf(scene->trouble, sizeof(scene->trouble), "%s: %s", receiver, text);
}

static inline void
scene_apply(struct scene *scene)
{
	deliver_apply(scene->deliver, scene->receivers, scene->receiver_count, scene->routes,
		scene->route_count);
}

static inline void
scene_boot(struct scene *scene)
{
	const struct deliver_options options = {
		.env = &scene->env,
		.daemon_name = "web-1",
		.on_keep = scene_keep,
		.when_durable = scene_when_durable,
		.read = scene_read,
		.on_trouble = scene_trouble,
		.arg = scene,
	};
	static const char *const kinds[] = { "ledger", "outbox", "trouble", "silence", "muted" };

	scene->deliver = deliver_new(&options);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const char *key;
		size_t at = 0;
		void *doc;

		while (map_next(scene->disk, &at, &key, &doc)) {
			if (str_starts(key, kinds[k]))
				deliver_restore(
					scene->deliver, kinds[k], key + strlen(kinds[k]) + 1, doc);
		}
	}
	scene_apply(scene);
}

/* kill -9: what was not committed is gone, and so is everything in memory. */
static inline void
scene_kill(struct scene *scene)
{
	for (size_t i = 0; i < scene->write_count; i++) {
		json_decref(scene->writes[i].doc);
		free(scene->writes[i].key);
	}
	scene->write_count = 0;
	scene->waiter = NULL;
	while (scene->read_count > 0)
		free(scene->reads[--scene->read_count].key);
	timer_stop(&scene->read_timer);
	deliver_free(scene->deliver);
	loop_advance(scene->loop, 0);
}

static inline void
scene_add_type(struct scene *scene, const char *name, const struct receiver_type *type)
{
	size_t n = scene->receiver_count++;

	scene->confs[n].tag = xstrdup(name);
	scene->specs[n].name = scene->confs[n].tag;
	scene->specs[n].type = type;
	scene->specs[n].conf = &scene->confs[n];
	scene->receivers[n] = &scene->specs[n];
}

static inline void
scene_add(struct scene *scene, const char *name)
{
	scene_add_type(scene, name, &fake_machine);
}

static inline struct scene *
scene_new(void)
{
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err e;

	scene_now = scene;
	clock_init_fake(&scene->clock, 1000 * USEC_PER_SEC, SCENE_WALL);
	scene->loop = loop_new(&scene->clock, &e);
	assert_non_null(scene->loop);
	timer_init(&scene->read_timer, scene->loop, scene_on_read, scene);
	scene->env.loop = scene->loop;
	scene->env.stats = &scene->stats;
	scene->env.version = "0.0.0";
	scene->disk = map_new();
	scene->tries = xcalloc(SCENE_TRIES, sizeof(*scene->tries));
	return scene;
}

static inline void
scene_forget_tries(struct scene *scene)
{
	while (scene->digest_count > 0)
		digest_free(scene->digests[--scene->digest_count]);
	scene->try_count = 0;
}

static inline void
scene_drop_doc(void *doc)
{
	json_decref(doc);
}

static inline void
scene_free(struct scene *scene)
{
	scene_kill(scene);
	loop_free(scene->loop);
	map_free(scene->disk, scene_drop_doc);
	for (size_t i = 0; i < 4; i++)
		free(scene->confs[i].tag);
	scene_forget_tries(scene);
	free(scene->tries);
	free(scene);
}

/* An incident of check "api", critical; the caller changes what matters. */
static inline void
scene_incident(struct incident *incident, const char *id)
{
	incident_init(incident);
	str_copy(incident->id, sizeof(incident->id), id);
	incident->severity = SEVERITY_CRITICAL;
	xstrset(&incident->host, "web-1");
	xstrset(&incident->title, "api refuses connections");
	xstrset(&incident->check, "api");
	xstrset(&incident->type, "http");
	xstrset(&incident->rule, "check-down");
	xstrset(&incident->cause_code, "net.refused");
	incident->started_us = incident->detected_us = SCENE_WALL;
}

static inline void
scene_event(struct scene *scene, struct incident *incident, enum incident_event_type type,
	const char *reason)
{
	const struct delivery_event event = {
		.type = type,
		.reason = reason,
		.incident = incident,
		.at_us = loop_wall(scene->loop),
	};

	incident->sequence++;
	deliver_incident(scene->deliver, &event);
	loop_advance(scene->loop, 0);
}

static inline void
scene_wait(struct scene *scene, usec_t us)
{
	loop_advance(scene->loop, us);
}

static inline const struct try_made *
scene_try(const struct scene *scene, size_t n)
{
	assert_true(n < scene->try_count);
	return &scene->tries[n];
}

static inline size_t
scene_docs(struct scene *scene, const char *kind)
{
	size_t at = 0, count = 0;
	const char *key;
	void *doc;

	if (!scene->commits_late)
		scene_commit(scene);
	while (map_next(scene->disk, &at, &key, &doc))
		count += str_starts(key, kind);
	return count;
}

/* ---- the usual bed, and the usual answers ---- */

static inline int
scene_setup(void **state)
{
	struct scene *scene = scene_new();

	scene_add(scene, "hook");
	scene_boot(scene);
	*state = scene;
	return 0;
}

static inline int
scene_teardown(void **state)
{
	scene_free(*state);
	return 0;
}

static inline enum send_result
scene_always_later(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	(void)made;
	return SEND_LATER;
}

static inline enum send_result
scene_never_answers(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	(void)made;
	return SEND_NONE;
}

static inline enum send_result
scene_refuses(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	(void)made;
	return SEND_NEVER;
}

static inline enum send_result
scene_is_gone(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	(void)made;
	return SEND_DISABLE;
}

#endif
