/*
 * What a state folder says of letters and ledgers may come from another version, or be damaged: it
 * is dropped with a reason, or told, and a day later the engine has gone on.  One JSON list of
 * {kind, key, doc}; a receiver of people, one of machines and one that forgets take everything.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/receiver.h"
#include "base/log.h"
#include "base/mem.h"
#include "deliver/deliver.h"
#include "io/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOCUMENTS_MAX 64

static void
take(struct send_run *run)
{
	const struct notice *notice = send_notice(run);
	char *body = notice_body(notice, 20000);

	assert(notice->id[0] != '\0' && notice->type != NULL && body != NULL);
	free(body);
	send_remember(run, json_pack("{s:s}", "is", "known"));
	send_done(run, SEND_OK, 0, "taken");
}

static const struct conf_field fields[] = { { .type = CONF_END } };

#define FAKE(...)                                                                                  \
	{                                                                                          \
		.fields = fields, .conf_size = 1, .run_size = 1, .timeout_us = USEC_PER_MIN,       \
		.start = take, __VA_ARGS__                                                         \
	}
static const struct receiver_type types[] = {
	FAKE(.name = "people", .is_for_people = true, .rate_per_second = 1),
	FAKE(.name = "machine"),
	FAKE(.name = "forgetful", .refresh_us = USEC_PER_MIN, .linger_us = 5 * USEC_PER_MIN),
};
#define TYPES (sizeof(types) / sizeof(types[0]))

static void
keep_nothing(void *arg, const char *kind, const char *key, const json_t *doc)
{
	(void)arg;
	assert(kind[0] != '\0' && key[0] != '\0');
	if (doc != NULL)
		free(json_dumps(doc, JSON_COMPACT));
}

static void
at_once(void *arg, void (*fn)(void *arg2, bool is_durable), void *arg2)
{
	(void)arg;
	fn(arg2, true);
}

static void
hear(void *arg, const char *receiver, const char *text)
{
	(void)arg;
	(void)receiver;
	(void)text;
}

static void
restore(struct deliver *deliver, const json_t *documents)
{
	const json_t *one;
	size_t n;

	json_array_foreach(documents, n, one)
	{
		const char *kind = json_string_value(json_object_get(one, "kind"));
		const char *key = json_string_value(json_object_get(one, "key"));
		static const char *const kinds[] = { "ledger", "outbox", "trouble", "silence",
			"muted" };

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (n < DOCUMENTS_MAX && kind != NULL && key != NULL && key[0] != '\0' &&
				strcmp(kinds[k], kind) == 0)
				deliver_restore(
					deliver, kinds[k], key, json_object_get(one, "doc"));
	}
}

static void
live(struct io_env *env, const json_t *documents)
{
	const struct deliver_options options = {
		.env = env,
		.daemon_name = "web-1",
		.on_keep = keep_nothing,
		.when_durable = at_once,
		.on_trouble = hear,
	};
	struct receiver_spec specs[TYPES];
	const struct receiver_spec *receivers[TYPES];
	struct deliver *deliver = deliver_new(&options);
	char conf = 0;

	memset(specs, 0, sizeof(specs));
	for (size_t i = 0; i < TYPES; i++) {
		specs[i].name = xstrdup(types[i].name);
		specs[i].type = &types[i];
		specs[i].conf = &conf;
		receivers[i] = &specs[i];
	}
	restore(deliver, documents);
	deliver_apply(deliver, receivers, TYPES, NULL, 0);
	for (int i = 0; i < 6; i++) {
		loop_advance(env->loop, 10 * USEC_PER_MIN);
		deliver_tick(deliver, NULL, 0);
	}
	json_decref(deliver_ledger(deliver, NULL, NULL, 20));
	json_decref(deliver_queue(deliver, "people", 20));
	loop_advance(env->loop, 31 * USEC_PER_DAY);
	deliver_tick(deliver, NULL, 0);
	deliver_free(deliver);
	loop_advance(env->loop, 0);
	for (size_t i = 0; i < TYPES; i++)
		free(specs[i].name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *documents = json_loadb((const char *)data, size, 0, NULL);
	struct stats stats = { 0 };
	struct clock clock;
	struct io_env env = { .stats = &stats, .version = "0" };
	struct err e;

	if (!json_is_array(documents)) {
		json_decref(documents);
		return 0;
	}
	clock_init_fake(&clock, 1000 * USEC_PER_SEC, INT64_C(1767323045) * USEC_PER_SEC);
	env.loop = loop_new(&clock, &e);
	assert(env.loop != NULL);
	live(&env, documents);
	loop_free(env.loop);
	json_decref(documents);
	return 0;
}
