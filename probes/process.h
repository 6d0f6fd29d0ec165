/*
 * The inside of the process probe: process.c (steps), process_conf.c (settings), process_keep.c
 * (what is remembered from run to run), process_judge.c (numbers and verdict), process_env.c.
 */
#ifndef PROBES_PROCESS_H
#define PROBES_PROCESS_H

#include "io/procs.h"
#include "probes/probe.h"
#include "probes/proc_match.h"

#define PROCESS_LOOKS_MAX   32  /* processes whose details are read in one run */
#define PROCESS_KEPT_MAX    256 /* that are recognised in the next one */
#define PROCESS_ZOMBIES_MAX 65536
#define PROCESS_POINTS      64
#define PROCESS_STARTS      16
#define PROCESS_FP_SIZE     8 /* hex digits of a fingerprint */

enum process_row {
	ROW_TOTAL_TIME,
	ROW_COUNT,
	ROW_RSS,
	ROW_RSS_GROWTH,
	ROW_CPU,
	ROW_FDS,
	ROW_FDS_PERCENT,
	ROW_THREADS,
	ROW_ZOMBIES,
	ROW_STOPPED,
	ROW_DSTATE,
	ROW_RESTARTS,
	ROW_AGE,
};

enum process_per { PER_CHECK, PER_PID };
enum env_same { ENV_ANY, ENV_INSTANCES, ENV_FILE };
/* By which grammar a value must be readable; SQL: as programs choose that know several. */
enum env_dsn { ENV_DSN_POSTGRES, ENV_DSN_MYSQL, ENV_DSN_REDIS, ENV_DSN_SQLITE, ENV_DSN_SQL };

/* One variable of `env`. */
struct env_rule {
	char *name;
	bool is_wanted;
	struct conf_strings refused;
	char *same_as;
	int64_t min_length;
	int dsn;            /* enum env_dsn; -1: it is none */
	enum env_same same; /* made of same_as */
};

struct process_conf {
	struct proc_match match;
	int64_t min, max; /* max -1: any number */
	int per;
	usec_t dstate_us, hung_us; /* hung 0: never */
	int64_t crash_restarts;
	usec_t crash_window_us;
	const struct conf_node *env;
	char *fingerprint_key;
	/* made by check */
	struct env_rule *rules;
	size_t rule_count;
	char *env_names; /* a line each; NULL: none */
};

extern const struct conf_field process_fields[];
void process_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);
void process_release(void *conf);

/* --- what is remembered --- */

struct process_kept {
	uint32_t pid;
	bool is_root; /* its parent is none of them */
	uint64_t start_ticks, cpu_ticks;
	usec_t stuck_us; /* in state D without progress since; 0: not */
};

struct process_memory {
	usec_t at_us; /* of the last run; 0: none yet */
	struct process_kept all[PROCESS_KEPT_MAX];
	unsigned count;
	unsigned gone;  /* roots that ended and were not replaced yet */
	usec_t gone_us; /* when the last of them was missed */
	double restarts;
	usec_t starts[PROCESS_STARTS]; /* of the last restarts, a ring */
	unsigned start_count;
	size_t living;    /* in the last run */
	double oom_kills; /* the kernel's count then; NAN: not known */
	double oom_since; /* kills while what is missing went */
	usec_t progress_us;
	struct {
		usec_t at_us;
		double rss;
	} points[PROCESS_POINTS];
	unsigned point_count;
	unsigned blind_runs; /* command lines are not asked for: reading them hangs */
};

struct process_seen {
	const struct procs *procs;
	size_t living, zombies, stopped, dstate;
	double rss_bytes, threads, cpu_percent;     /* percent: NAN: first run */
	const struct proc *main;                    /* the oldest */
	const struct proc *zombie, *halted, *stuck; /* examples of those that match; NULL: none */
	usec_t stuck_us;
	unsigned restarts; /* seen in this very run */
};

/* Among those that are looked at, which are in the order of their pids; NULL: it is none of them.
 */
const struct proc *process_find(const struct procs *procs, uint32_t pid);
bool process_is_kept(const struct process_memory *m, const struct proc *proc);
/* Compares with the last run and remembers this one. */
void process_keep(struct process_memory *m, const struct process_conf *conf,
	struct process_seen *seen, usec_t now, double oom_kills);
unsigned process_recent_starts(
	const struct process_memory *m, const struct process_conf *conf, usec_t now);
double process_growth(const struct process_memory *m, usec_t now); /* bytes/s; NAN: not yet */

/* --- environment --- */

/* What one variable is in all processes that were looked at. */
struct env_state {
	bool is_seen, is_set, is_different, is_in_file;
	char fingerprint[PROCESS_FP_SIZE + 1]; /* of the first one; "" when it is not set */
	char file_fingerprint[PROCESS_FP_SIZE + 1];
	uint32_t pid;
	size_t len;
	const char *cause; /* the worst that was found; NULL */
	char text[200];
};

/* The file that `same_as` names was read; NULL: it could not be. */
void process_env_file(const struct process_conf *conf, struct env_state *states, size_t rule,
	const char *text, size_t len);
void process_env_look(const struct process_conf *conf, struct env_state *states,
	const struct proc *proc, const struct procs_look *look);
/* The verdict if something is wrong; true: it was given. */
bool process_env_judge(
	struct probe_run *run, const struct process_conf *conf, const struct env_state *states);

/* --- one run --- */

struct process_run {
	struct procs_call *call;
	struct fs_call *file;
	uint32_t pid;      /* of the pid file */
	uint32_t unknown;  /* that may match, for all we can see */
	uint32_t unmapped; /* likewise, as their user has no number in our user namespace */
	bool is_blind;     /* command lines were not asked for */
	const char *step;
	struct procs procs;       /* our own copy of those that match */
	uint32_t *zombie_parents; /* of all others that nobody waited for */
	size_t zombie_count, zombie_room;
	struct process_seen seen;
	/* details */
	size_t looked, at;
	size_t rule_at;
	double fds, fds_percent;
	unsigned fds_known, denied, overwritten;
	struct env_state env[PROCS_ENV_MAX];
};

void process_judge(struct probe_run *run);

#endif
