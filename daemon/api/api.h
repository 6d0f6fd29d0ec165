/*
 * HTTP on loopback and a unix socket: what is, and a few things to do.  Bounded against slow and
 * oversized clients: connections, head, body, and a deadline per request that bytes do not extend.
 * Reads the other rooms through one view each.
 */
#ifndef API_API_H
#define API_API_H

#include "base/clock.h"
#include "base/err.h"
#include "base/stat.h"
#include "io/env.h"

struct api;
struct sched;
struct rules;
struct triage;
struct deliver;
struct heartbeat;
struct settings;
struct store;
struct incident_event;
struct passed;

/* What it reads and whom it asks.  Borrowed; the app keeps them alive and current. */
struct backup;

struct api_world {
	const struct io_env *env;
	const struct sched *sched;
	const struct rules *rules;
	struct triage *triage;
	struct deliver *deliver;
	const struct heartbeat *heartbeat; /* the one that we send; NULL: none */
	struct store *store;
	struct passed *passed;           /* sockets that were opened for us; NULL: none */
	const struct settings *settings; /* in force */
	const char *config_trouble;      /* the last reload's first error; NULL: none */
	const char *store_trouble;       /* NULL: none */
	usec_t started_wall_us;
	usec_t watchdog_us; /* in which systemd wants to hear of us; 0: nobody asks */
	bool is_draining;
	/* Asks the app.  reload answers through `done` when it is over (text NULL: fine). */
	void (*reload)(void *arg, void (*done)(void *arg2, const char *text), void *arg2);
	/* done is called when it is over; -1: another one is under way. */
	int (*backup)(void *arg, void (*done)(void *arg2, const struct backup *backup), void *arg2);
	int (*run_check)(void *arg, const char *check);
	void *arg;
};

struct api *api_new(const struct api_world *world);
void api_free(struct api *api); /* closes listeners and connections */
/* Opens what was passed, what `listen` says and the unix socket; keeps listeners that are the same.
 * -1: e says which could not be opened; the others are. */
int api_listen(struct api *api, struct err *e);
/* Where it can be reached: "http://127.0.0.1:8421 unix:/run/..." */
void api_where(const struct api *api, char *out, size_t size);

/* What happened, for those who read the live feed; next to nothing while nobody does.  NULL is
 * fine: there is no API yet. */
void api_on_sample(struct api *api, const char *check);
void api_on_checks(struct api *api); /* some came or went */
void api_on_incident(struct api *api, const struct incident_event *event);
void api_on_kept(struct api *api, const char *kind); /* of what delivery keeps */

/* The daemon stops: feeds end, and sockets that were passed to us are left to who comes next. */
void api_drain(struct api *api);
bool api_is_idle(const struct api *api); /* nobody waits for an answer that is being made */

#endif
