/* For receivers' tests: settings from YAML, one notice, one try, its verdict. */
#ifndef TESTS_ALERTS_DESK_H
#define TESTS_ALERTS_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts/receiver.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/complain.h"
#include "conf/schema.h"
#include "conf/tree.h"
#include "io/loop.h"

#define DESK_WALL (INT64_C(1767323045) * USEC_PER_SEC) /* 2026-01-02T03:04:05Z */

struct desk {
	struct clock clock;
	struct loop *loop;
	struct stats stats;
	struct io_env env;
	const struct receiver_type *type;
	void *conf;
	struct conf_tree *tree;
	struct complaints *complaints;
	struct notice notice;
	/* The verdict. */
	unsigned verdicts;
	enum send_result result;
	enum send_class class;
	usec_t retry_after_us, took_us;
	char text[512];
	char *transcript;
	/* Given to the next try, and kept from the last one. */
	json_t *memory;
	enum language language;
	const struct notice *const *refresh;
	size_t refresh_count;
};

static inline void
desk_open(struct desk *desk, bool is_fake)
{
	struct err e;

	memset(desk, 0, sizeof(*desk));
	if (is_fake)
		clock_init_fake(&desk->clock, 1000 * USEC_PER_SEC, DESK_WALL);
	else
		clock_init_real(&desk->clock);
	desk->loop = loop_new(&desk->clock, &e);
	assert_non_null(desk->loop);
	desk->env.loop = desk->loop;
	desk->env.stats = &desk->stats;
	desk->env.version = "1.2.3";
}

/* Fills and checks settings as setup does; the number of errors. */
static inline unsigned
desk_configure(struct desk *desk, const struct receiver_type *type, const char *yaml)
{
	struct conf_part part;

	desk->type = type;
	desk->conf = xcalloc(1, type->conf_size);
	desk->complaints = complaints_new();
	desk->tree = conf_tree_parse("test.yaml", yaml, strlen(yaml), desk->complaints);
	part = (struct conf_part){ type->fields, desk->conf };
	conf_fill(&part, 1, desk->tree->root, type->name, NULL, desk->complaints);
	if (type->check != NULL)
		type->check(desk->conf, desk->tree->root, desk->env.tls, desk->complaints);
	return complaints_errors(desk->complaints);
}

static inline void
desk_forget(struct desk *desk)
{
	if (desk->conf == NULL)
		return;
	if (desk->type->release != NULL)
		desk->type->release(desk->conf);
	conf_clear(desk->type->fields, desk->conf);
	free(desk->conf);
	desk->conf = NULL;
	conf_tree_free(desk->tree);
	complaints_free(desk->complaints);
}

/* The caller frees what else the env points at, between these two. */
static inline void
desk_close(struct desk *desk)
{
	desk_forget(desk);
	notice_fini(&desk->notice);
	json_decref(desk->memory);
	free(desk->transcript);
	loop_free(desk->loop);
}

static inline void
desk_write(struct desk *desk, enum incident_event_type type)
{
	struct notice *notice = &desk->notice;
	struct incident *incident = &notice->incident;

	notice_fini(notice);
	str_copy(notice->id, sizeof(notice->id), "msg_0123456789abcdefghijABCDEF");
	notice->type = xstrdup(incident_event_name(type));
	notice->reason = xstrdup("first");
	notice->at_us = DESK_WALL;
	notice->sequence = 1;
	notice->severity = SEVERITY_CRITICAL;
	notice->is_resolved = type == INCIDENT_ENDED;
	incident_init(incident);
	str_copy(incident->id, sizeof(incident->id), "3f9c2a7d41b8");
	incident->severity = SEVERITY_CRITICAL;
	xstrset(&incident->host, "web-1");
	xstrset(&incident->title, "api refuses connections");
	xstrset(&incident->summary, "127.0.0.1:3000 refused");
	xstrset(&incident->check, "api");
	xstrset(&incident->type, "http");
	xstrset(&incident->rule, "check-down");
	xstrset(&incident->cause_code, "net.refused");
	incident->started_us = incident->detected_us = DESK_WALL - 192 * USEC_PER_SEC;
	if (notice->is_resolved) {
		incident->status = INCIDENT_RESOLVED;
		incident->resolved_us = DESK_WALL;
	}
}

static inline void
desk_verdict(void *arg, const struct send_outcome *outcome)
{
	struct desk *desk = arg;

	desk->verdicts++;
	desk->result = outcome->result;
	desk->class = outcome->class;
	desk->retry_after_us = outcome->retry_after_us;
	desk->took_us = outcome->took_us;
	str_copy(desk->text, sizeof(desk->text), outcome->text);
	free(desk->transcript);
	desk->transcript = xstrdup(outcome->transcript);
	if (outcome->has_memory) {
		json_decref(desk->memory);
		desk->memory = json_deep_copy(outcome->memory);
	}
}

static inline struct send_run *
desk_start(struct desk *desk)
{
	const struct send_job job = {
		.type = desk->type,
		.conf = desk->conf,
		.notice = &desk->notice,
		.refresh = desk->refresh,
		.refresh_count = desk->refresh_count,
		.memory = desk->memory,
		.language = desk->language,
		.is_shown = true,
		.env = &desk->env,
		.daemon_name = "web-1",
		.receiver = "hook",
	};

	desk->verdicts = 0;
	return send_run_start(&job, desk_verdict, desk);
}

static inline bool
desk_has_verdict(void *arg)
{
	return ((const struct desk *)arg)->verdicts > 0;
}

/* One try with real descriptors; fails the test if no verdict comes. */
static inline enum send_result
desk_send(struct desk *desk)
{
	desk_start(desk);
	assert_int_equal(desk->verdicts, 0); /* never from within the start */
	assert_true(loop_turn_until(desk->loop, desk_has_verdict, desk, 2000));
	assert_int_equal(desk->verdicts, 1);
	return desk->result;
}

#endif
