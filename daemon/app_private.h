/* The app's own state: what app.c and app_reload.c share, and nobody else sees. */
#ifndef APP_PRIVATE_H
#define APP_PRIVATE_H

#include "api/api.h"
#include "app.h"
#include "deliver/deliver.h"
#include "deliver/heartbeat.h"
#include "io/timer.h"
#include "rules/rules.h"
#include "sched/sched.h"
#include "store/record.h"
#include "store/store.h"
#include "triage/triage.h"

struct reload;
struct app_past;
struct app_backup;
struct app_loop;
struct backup;

struct app {
	struct clock clock;
	struct stats stats;
	struct io_env env;
	struct settings *settings;
	struct settings *former; /* those before, NULL: to be let go when there is time */
	struct tls_pool *tls;
	struct log_writer *log;
	struct sandbox *sandbox; /* NULL: switched off */
	struct notify *notify;   /* main's */
	struct store *store;
	struct recorder *recorder;
	struct rules *rules;
	struct app_past *past;
	struct triage *triage;
	struct deliver *deliver;
	struct heartbeat *heartbeat;
	struct daily *daily;
	struct sched *sched;
	struct app_loop **loops; /* besides the main one */
	size_t loop_count, loops_used;
	struct api *api;
	struct api_world world;
	struct timer rules_timer, triage_timer, chores_timer, watchdog_timer, drain_timer;
	usec_t triage_until_us; /* the share of this turn that triage may take */
	struct map *notes;      /* check -> what its samples say besides */
	struct reload *reload;  /* under way; NULL: none */
	struct offload_job *reload_job;
	struct app_backup *backup; /* under way; NULL: none */
	double least_bytes;        /* of memory, for memory_trim_grown */
	usec_t grown_looked_us;
	unsigned trims_due; /* settings were read: most of what that took is free again */
	bool is_settled;    /* triage knows which incidents of before the start go on */
	bool wants_reload;  /* asked for again while one was under way */
	char *config_trouble, *store_trouble;
	char said[256];       /* the last line of status */
	uint64_t turns_seen;  /* by the watchdog */
	uint64_t turns_heard; /* by the heartbeat */
	usec_t drain_until_us;
	usec_t aside_until_us; /* 0: no database was set aside */
};

struct triage_moment app_moment(const struct app *app);
extern const struct triage_asks app_triage_asks; /* what triage asks of the rooms beside it */

/* Looks at the rules' clock and arms their timer. */
void app_arm_rules(struct app *app);
void app_on_incident(void *arg, const struct incident_event *event);
void app_keep_incident(void *arg, const char *id, const json_t *doc);

/* app_notes.c: said when they begin and end. */
void app_say_notes(struct map *notes, const char *check, const struct sample *sample);
void app_forget_notes(struct map *notes);

/* app_loops.c: as many loops as the settings in force want, before sched_apply. */
void app_settle_loops(struct app *app);
bool app_stop_loops(struct app *app); /* false: one does not end, and all is left to it */
void app_free_loops(struct app *app); /* after sched_free */

/* app_restore.c */
int app_restore_all(struct app *app, struct err *e);

/* app_service.c: what whoever started us hears. */
void app_service_start(struct app *app); /* we are ready; signs of life from now on */
void app_service_ready(struct app *app); /* again */
void app_service_say(struct app *app);   /* how it goes, if that has changed */
void app_service_reloading(struct app *app);
void app_service_stopping(struct app *app);

/* app_uptime.c: 1 up, 0 down, NAN: this sample says neither, and no uptime is charged. */
double app_tells_up(
	const struct app *app, const struct check_spec *check, const struct sample *sample);

/* app_backup.c: as api_world.backup; and what a stop does to one. */
int app_start_backup(void *arg, void (*done)(void *arg2, const struct backup *backup), void *arg2);
void app_cancel_backup(struct app *app);

/* app_heartbeat.c: the one that we send, with its evidence. */
struct heartbeat *app_heartbeat_new(struct app *app);

/* app_past.c: rules_options.past, and what waits for the store's answers. */
struct app_past *app_past_new(struct app *app);
void app_past_free(struct app_past *past);
void app_ask_past(void *arg, const char *check, const char *metric, usec_t span_us);

/* app_reload.c: puts app->settings in force everywhere; the rooms compare with what they have. */
void app_apply(struct app *app);
void app_configure_triage(struct app *app);
/* done(arg, text) when it is over: NULL, or what was wrong.  done may be NULL. */
void app_start_reload(struct app *app, void (*done)(void *arg, const char *text), void *arg);
void app_cancel_reload(struct app *app); /* its asker hears that we stop */

#endif
