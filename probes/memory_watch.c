/*
 * Three ways in which the kernel says that memory is short, each of them optional:
 *
 *	inotify on our cgroup's memory.events      v2 only, at once
 *	a PSI trigger on pressure/memory           at once; some kernels take it and never fire
 *	oom_kill in vmstat, looked at by a timer   always there; 11 us every two seconds
 *
 * Each only asks for a run: what is true is measured there.
 */
#include "probes/memory_watch.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/inotify.h"
#include "io/watch.h"
#include "probes/host_file.h"
#include "probes/memory_files.h"
#include "probes/pressure.h"

#define LOOK_EVERY_US (2 * USEC_PER_SEC)
/* Pressure is the whole host's in every container, so ours will do; and what is mounted below
 * host_root is not written to. */
#define PRESSURE   "/proc/pressure/memory"
#define VMSTAT_MAX 16384
/* All tasks stalled for 200 ms of 2 s.  Without CAP_SYS_RESOURCE the window must be a multiple of
 * two seconds. */
static const char trigger[] = "full 200000 2000000";
/* Pressure that nobody's trigger told: this share of the time between two looks. */
#define STALLED_PERCENT 10

static double
kills_now(const struct probe_watch *watch)
{
	char text[VMSTAT_MAX];

	if (host_read_shared(probe_watch_env(watch), "proc/vmstat", text, sizeof(text), NULL) < 0)
		return NAN;
	return host_field(text, "oom_kill");
}

static double
stalled_now_us(const struct probe_watch *watch)
{
	char text[512];
	struct pressure p;

	if (host_read_shared(
		    probe_watch_env(watch), "proc/pressure/memory", text, sizeof(text), NULL) < 0 ||
		!pressure_parse(&p, text, "full"))
		return NAN;
	return p.total_us;
}

static void
on_look(void *arg)
{
	struct probe_watch *watch = arg;
	struct memory_watch *state = probe_watch_state(watch);
	double kills = kills_now(watch), stalled_us = stalled_now_us(watch);
	double limit_us = (double)LOOK_EVERY_US * STALLED_PERCENT / 100;

	/* a comparison with NAN is false */
	if (kills > state->kills || stalled_us - state->pressure_us > limit_us)
		probe_watch_poke(watch);
	if (!isnan(kills))
		state->kills = kills;
	if (!isnan(stalled_us))
		state->pressure_us = stalled_us;
	timer_after(&state->look, LOOK_EVERY_US);
}

static double
own_kills_now(const struct memory_watch *state)
{
	char text[1024];

	if (cgroup_read(&state->own, cgroup_memory_events(&state->own), text, sizeof(text)) < 0)
		return NAN;
	return host_field(text, "oom_kill");
}

/* A group that lives at its limit counts `max` all day long: only kills are news. */
static void
on_events(void *arg, uint32_t mask, const char *name)
{
	struct probe_watch *watch = arg;
	struct memory_watch *state = probe_watch_state(watch);
	double kills = own_kills_now(state);

	(void)name;
	if ((mask & IN_MODIFY) != 0 && kills > state->own_kills)
		probe_watch_poke(watch);
	if (!isnan(kills))
		state->own_kills = kills;
}

static void
close_pressure(struct memory_watch *state)
{
	watch_free(state->pressure);
	state->pressure = NULL;
	fd_close(&state->epoll_fd);
	fd_close(&state->pressure_fd);
}

static void
on_pressure(void *arg, unsigned ready)
{
	struct probe_watch *watch = arg;
	struct memory_watch *state = probe_watch_state(watch);
	struct epoll_event event;

	(void)ready;
	if (epoll_wait(state->epoll_fd, &event, 1, 0) != 1)
		return;
	if ((event.events & EPOLLERR) != 0) /* the file is gone: it would be ready for ever */
		close_pressure(state);
	else
		probe_watch_poke(watch);
}

/* The trigger speaks by EPOLLPRI, which the loop does not know: an epoll descriptor of its own is
 * readable then. */
static int
arm_pressure(struct memory_watch *state)
{
	struct epoll_event want = { .events = EPOLLPRI };

	state->pressure_fd = open(PRESSURE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (state->pressure_fd < 0 ||
		write(state->pressure_fd, trigger, sizeof(trigger)) != (ssize_t)sizeof(trigger))
		return -1;
	state->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (state->epoll_fd < 0)
		return -1;
	return epoll_ctl(state->epoll_fd, EPOLL_CTL_ADD, state->pressure_fd, &want);
}

static void
watch_pressure(struct probe_watch *watch)
{
	struct memory_watch *state = probe_watch_state(watch);
	const struct io_env *env = probe_watch_env(watch);

	state->pressure_fd = state->epoll_fd = -1;
	if (arm_pressure(state) < 0) {
		close_pressure(state);
		return;
	}
	state->pressure = watch_new(env->loop, state->epoll_fd, WATCH_READ, on_pressure, watch);
}

static void
watch_events(struct probe_watch *watch)
{
	struct memory_watch *state = probe_watch_state(watch);
	const struct io_env *env = probe_watch_env(watch);
	char path[CGROUP_PATH_MAX + 512];

	if (env->inotify == NULL || !cgroup_find_own(&state->own, "memory") || state->own.is_v1)
		return; /* version 1 does not announce changes of its files */
	cgroup_file(&state->own, cgroup_memory_events(&state->own), path, sizeof(path));
	state->own_kills = own_kills_now(state);
	state->events = inotify_add(env->inotify, path, IN_MODIFY, on_events, watch);
}

void
memory_watch_open(struct probe_watch *watch)
{
	struct memory_watch *state = probe_watch_state(watch);

	state->kills = kills_now(watch);
	state->pressure_us = stalled_now_us(watch);
	watch_pressure(watch);
	watch_events(watch);
	timer_init(&state->look, probe_watch_env(watch)->loop, on_look, watch);
	timer_after(&state->look, LOOK_EVERY_US);
}

void
memory_watch_close(struct probe_watch *watch)
{
	struct memory_watch *state = probe_watch_state(watch);

	timer_stop(&state->look);
	inotify_remove(state->events);
	close_pressure(state);
}
