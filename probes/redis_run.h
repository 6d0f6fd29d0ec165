/*
 * One run of a redis check, shared by its files: redis_talk.c leads through the dialogue,
 * redis_login.c, redis_look.c, redis_keys.c and redis_sentinel.c know what is said in it,
 * redis_tell.c makes metrics and the verdict of it.
 */
#ifndef PROBES_REDIS_RUN_H
#define PROBES_REDIS_RUN_H

#include <hiredis/hiredis.h>

#include "base/list.h"
#include "io/fs.h"
#include "io/timer.h"
#include "io/tls.h"
#include "probes/redis_conf.h"
#include "probes/redis_info.h"
#include "probes/redis_link.h"
#include "probes/redis_metrics.h"

/* What each outstanding command was; replies come in the same order. */
enum redis_ask {
	ASK_AUTH,
	ASK_SELECT,
	ASK_PING,
	ASK_INFO,
	ASK_ROLE,
	ASK_MAXCLIENTS,
	ASK_DIR,
	ASK_CLUSTER,
	ASK_TYPE,
	ASK_LENGTH,
	ASK_SET,
	ASK_GET,
	ASK_DEL,
	ASK_SCAN,
	ASK_SIZE,
	ASK_MASTER,
	ASK_COUNT
};

#define REDIS_ASKS_MAX 256
#define REDIS_SCAN_MAX 100
#define REDIS_KEY_MAX  256

/* Between runs, for one check. */
struct redis_watch {
	struct redis_link *link; /* NULL: none is kept, or it is lent */
	struct list borrowers;   /* redis_loan: who waits for it; the first may have it */
	usec_t opened_us;        /* when it was made, login and all */
	struct probe_run *run;   /* the one under way */
	struct timer patience;   /* with a kept connection, or a sentinel, that says nothing */
	bool must_prove;         /* others were turned away: make it anew */
	bool is_full;            /* no chair was free: make it anew, and leave this one alone */
	/* From here on few runs look at it. */
	char big_key[REDIS_KEY_MAX]; /* the biggest of the last whole round, as it is; "": none */
	struct place place;          /* where the last good run was; host and path "": none yet */
};

/* From run to run. */
struct redis_memory {
	char run_id[48];
	double hits, misses, rejected;
	bool is_aof_on;
	char dir[256];   /* where a local server keeps its append-only file; "": not known */
	char cursor[24]; /* of the scan for big keys; "": at its start */
	double biggest, biggest_so_far; /* of the last whole round, of this one */
	bool has_biggest;
	double big, big_so_far; /* how many are big */
	char biggest_key_so_far[REDIS_KEY_MAX];
};

struct redis_run {
	struct redis_link *link;
	struct place place; /* of the server: the settings', or what a sentinel said */
	bool is_kept;       /* the connection is an earlier run's */
	bool is_over;       /* the verdict is given */
	bool is_good;       /* and the connection may be kept */
	unsigned stage;
	unsigned asks_at, asks_end; /* a run asks less than REDIS_ASKS_MAX times in all */
	usec_t asked_us, first_us, ping_us, write_us; /* 0: not yet */
	const char *cause; /* a verdict that waits for INFO's facts; NULL: none */
	char text[256];
	bool has_pong, has_info;
	struct redis_info info;
	double maxclients; /* when INFO does not tell */
	char cluster_state[16];
	char value[32];                 /* of the write test */
	bool is_overwriting;            /* a value of an earlier, ended run is in its place */
	bool is_again;                  /* what was written was gone: by somebody else's test? */
	char denied[120], grants[120];  /* the first refusal for want of a right, and all rights */
	char (*scanned)[REDIS_KEY_MAX]; /* REDIS_SCAN_MAX names of a scan, cut; NULL: none */
	double longest;                 /* of the lengths */
	unsigned longest_at;
	bool has_longest;
	unsigned sentinel;   /* which one is asked */
	char sentinels[256]; /* what those before answered */
	struct fs_call *disk;
	struct {
		unsigned char ask;
		unsigned char which;
	} asks[REDIS_ASKS_MAX]; /* from here on not zeroed */
};

/* --- redis_talk.c --- */

void redis_talk_start(struct probe_run *run);
void redis_talk_to(struct probe_run *run, const struct place *place); /* a fresh connection */
void redis_talk_stop(struct probe_run *run);
void redis_ask(struct probe_run *run, enum redis_ask ask, unsigned which, const char *const *words,
	size_t count);
#define REDIS_ASK(run, ask, which, ...)                                                            \
	redis_ask(run, ask, which, (const char *const[]){ __VA_ARGS__ },                           \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))
void redis_give_up_kept(struct probe_run *run); /* goes on with a fresh connection */

typedef void (*redis_reply_fn)(
	struct probe_run *run, unsigned which, const struct redisReply *reply);

/* --- redis_lend.c: the kept connection, for a fact's questions when no other is to be had --- */

struct redis_loan {
	struct list node; /* zeroed: not asked for */
	struct redis_watch *watch;
	struct redis_link *link; /* lent; NULL: still waits, or there is none */
	void (*fn)(void *arg, struct redis_link *link); /* at once or later; NULL: there is none */
	void *arg;
};

void redis_lend_init(struct redis_watch *watch);
void redis_lend(struct redis_watch *watch, struct redis_loan *loan);
void redis_lend_end(struct redis_loan *loan);    /* gives back; fine to repeat */
void redis_lend_stop(struct redis_watch *watch); /* the watch ends: nobody gets it any more */

/* --- redis_login.c: AUTH, SELECT, PING --- */

void redis_login_ask(struct probe_run *run);
void redis_ping_ask(struct probe_run *run);
void redis_on_auth(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_select(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_ping(struct probe_run *run, unsigned which, const struct redisReply *reply);

/* --- redis_look.c: INFO and what it leaves open --- */

void redis_look_ask(struct probe_run *run);
void redis_look_closer(struct probe_run *run);
void redis_on_info(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_role(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_maxclients(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_dir(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_cluster(struct probe_run *run, unsigned which, const struct redisReply *reply);
/* Nobody listens: is that because its disk is full?  False: that is not to be known. */
bool redis_look_at_disk(struct probe_run *run);

/* --- redis_keys.c: lengths, the write test, big keys --- */

void redis_write_ask(struct probe_run *run);
void redis_scan_ask(struct probe_run *run);
void redis_on_type(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_length(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_set(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_get(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_del(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_scan(struct probe_run *run, unsigned which, const struct redisReply *reply);
void redis_on_size(struct probe_run *run, unsigned which, const struct redisReply *reply);

/* --- redis_sentinel.c --- */

void redis_sentinel_start(struct probe_run *run);
void redis_sentinel_next(struct probe_run *run, const char *why); /* this one is of no use */
const char *redis_sentinel_name(const struct probe_run *run);

/* --- redis_tell.c --- */

void redis_tell_end(struct probe_run *run); /* everything was asked: metrics and verdict */
void redis_tell_network(struct probe_run *run);
void redis_fail(struct probe_run *run, const char *cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* An error reply to a command that had to work: a verdict, now or after INFO. */
void redis_refused(struct probe_run *run, const char *command, const struct redisReply *reply);
/* An error reply to a command that some metrics need: says what is missing. */
void redis_note_error(struct probe_run *run, const char *command, const struct redisReply *reply);
bool redis_is_error(const struct redisReply *reply);
/* The key is another cluster node's: nothing is wrong with this one. */
bool redis_is_elsewhere(const struct redisReply *reply);
/* What an ACL lets be granted: the user as Redis calls it. */
const char *redis_user(const struct probe_run *run);

#endif
