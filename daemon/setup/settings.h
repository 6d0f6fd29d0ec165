/*
 * The whole configuration, checked and typed: an immutable snapshot with a reference count. Loading
 * is pure (files in, snapshot and complaints out) and may run off the loop.
 */
#ifndef SETUP_SETTINGS_H
#define SETUP_SETTINGS_H

#include <stdio.h>

#include "base/secret.h"
#include "conf/complain.h"
#include "deliver/deliver.h"
#include "deliver/heartbeat.h"
#include "io/log_writer.h"
#include "model/check.h"
#include "probes/probe.h"
#include "rules/rules.h"
#include "triage/playbook.h"

struct daemon_settings {
	char *name;
	char *state_dir;
	int language; /* enum language */
	char *host_root;
	struct conf_pairs labels;
	int64_t loops;  /* 0: auto */
	int log_level;  /* enum log_level */
	int log_format; /* enum log_format */
	bool sandbox;
};

struct api_settings {
	struct conf_strings listen; /* "127.0.0.1:8421", "unix:/path", "off" */
	char *token;
	char *public_url;
};

struct history_settings {
	int64_t max_size;
};

struct triage_settings {
	usec_t reopen_within_us;
	usec_t triage_wait_us, facts_wait_us;
	char *playbooks; /* a folder; NULL: `playbooks` beside the settings file, if there is one */
};

struct settings {
	unsigned refs;
	char *path;
	struct daemon_settings daemon;
	struct api_settings api;
	struct history_settings history;
	struct triage_settings triage;
	struct heartbeat_settings heartbeat;
	struct check_spec **checks;
	size_t check_count;
	struct check_spec **disabled; /* `enabled: false`: rules may name them, nobody runs them */
	size_t disabled_count;
	struct rule_set *rules;
	struct playbooks *playbooks;
	struct receiver_spec **receivers;
	size_t receiver_count;
	bool is_syslog_implicit; /* no receiver is written: the only one is this host's syslog */
	struct receiver_spec **disabled_receivers; /* `enabled: false`: nothing is sent there */
	size_t disabled_receiver_count;
	struct route_spec **routes;
	size_t route_count;
	struct maintenance_spec **maintenance;
	size_t maintenance_count;
	struct secret_set *secrets;
	struct {
		char *before, *behind;      /* the checks */
		struct secret_set *secrets; /* those of files, wherever they stand */
	} masked;                           /* what settings_masked is made of */
	struct conf_tree *tree; /* files, and the few nodes that the above borrow: no root */
};

struct settings_context {
	struct tls_pool *tls;
	const struct judge *judge;
};

/* NULL when there were errors; complaints say which.  The caller holds one reference. */
struct settings *settings_load(
	const char *path, const struct settings_context *context, struct complaints *complaints);
/* The whole as YAML, without its secrets; owned by the caller. */
char *settings_masked(const struct settings *settings);
struct settings *settings_ref(struct settings *settings);
void settings_unref(struct settings *settings);
/* Keys that changed but only take effect at the next start, one line each; "" if none. */
void settings_restart_needed(
	const struct settings *old, const struct settings *new_, struct buf *out);

/* Where the settings that nobody named are missing, says what else lies here: `command` is what is
 * typed before a path. */
void settings_hint(const char *path, const char *command, FILE *out);
/* $TRIAGED_CONFIG, else /etc/triaged/triaged.yaml. */
const char *settings_default_path(void);
/* From the tables: whole documents. */
void settings_json_schema(struct buf *out);
void settings_manual(struct buf *out); /* docs/configuration.md */

#endif
