/*
 * The floor: the cheapest HTTP check client that is still a correct one.  Every cost that `make
 * bench` prints is a ratio to this program, measured in the same run.
 *
 * Bare epoll, a new connection for each check or one that is kept, starts gathered on the daemon's
 * own tick, one reply read and its status looked at; no parser, no rules, no store.
 *
 *	floor PORT CHECKS INTERVAL_MS TICK_MS SECONDS new|kept
 *
 * Check I asks for /c/I on 127.0.0.1.  Prints one line: checks done, failures, starts that were
 * due while the last run was not over, CPU microseconds per check, peak resident kB.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum step { IDLE, CONNECTING, ASKED };

struct check {
	int fd;
	int id;
	enum step step;
};

struct floor {
	int epoll;
	bool is_kept;
	struct sockaddr_in target;
	unsigned long done, failed, overdue;
};

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
end_check(struct floor *f, struct check *c, bool good)
{
	if (!f->is_kept || !good) {
		close(c->fd);
		c->fd = -1;
	}
	c->step = IDLE;
	f->done++;
	f->failed += good ? 0 : 1;
}

static void ask(struct floor *f, struct check *c);

static void
begin_check(struct floor *f, struct check *c)
{
	struct epoll_event want = { .events = EPOLLOUT, .data.ptr = c };

	if (c->step != IDLE) {
		f->overdue++;
		return;
	}
	if (c->fd != -1) {
		ask(f, c);
		return;
	}
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1) {
		f->done++;
		f->failed++;
		return;
	}
	c->step = CONNECTING;
	if (connect(c->fd, (struct sockaddr *)&f->target, sizeof(f->target)) == -1 &&
		errno != EINPROGRESS) {
		end_check(f, c, false);
		return;
	}
	epoll_ctl(f->epoll, EPOLL_CTL_ADD, c->fd, &want);
}

static void
ask(struct floor *f, struct check *c)
{
	struct epoll_event want = { .events = EPOLLIN, .data.ptr = c };
	char text[160];
	int len = snprintf(text, sizeof(text),
		"GET /c/%d HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: floor\r\n%s\r\n", c->id,
		f->is_kept ? "" : "Connection: close\r\n");

	if (send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
		end_check(f, c, false);
		return;
	}
	if (c->step == CONNECTING)
		epoll_ctl(f->epoll, EPOLL_CTL_MOD, c->fd, &want);
	c->step = ASKED;
}

static void
on_event(struct floor *f, struct check *c, uint32_t events)
{
	char reply[4096];
	ssize_t got;

	if (c->step == CONNECTING) {
		if (events & (EPOLLERR | EPOLLHUP))
			end_check(f, c, false);
		else
			ask(f, c);
		return;
	}
	got = recv(c->fd, reply, sizeof(reply), 0);
	if (got == -1 && errno == EAGAIN)
		return;
	end_check(f, c, got > 12 && memcmp(reply + 9, "200", 3) == 0);
}

/* Starts on tick `tick` every check whose turn in the interval it is. */
static void
start_due(struct floor *f, struct check *checks, long count, long tick, long ticks)
{
	long slot = tick % ticks;

	for (long i = slot * count / ticks; i < (slot + 1) * count / ticks; i++)
		begin_check(f, &checks[i]);
}

static void
run(struct floor *f, struct check *checks, long count, const long arg[3])
{
	struct epoll_event events[256];
	long tick_us = arg[1] * 1000, ticks = arg[0] / arg[1], tick = 0;
	int64_t begin = now_us(), end = begin + arg[2] * 1000000;

	for (int64_t now = begin; now < end; now = now_us()) {
		int64_t due = begin + tick * tick_us;
		int n, wait_ms;

		if (due <= now) {
			start_due(f, checks, count, tick++, ticks);
			continue;
		}
		wait_ms = (int)((due - now + 999) / 1000);
		n = epoll_wait(f->epoll, events, 256, wait_ms);
		for (int i = 0; i < n; i++)
			on_event(f, events[i].data.ptr, events[i].events);
	}
}

int
main(int argc, char **argv)
{
	struct floor f = { .target = { .sin_family = AF_INET } };
	struct rusage used;
	struct check *checks;
	long count, arg[3];
	double cpu_us;

	if (argc != 7 || (strcmp(argv[6], "new") != 0 && strcmp(argv[6], "kept") != 0)) {
		fprintf(stderr, "usage: floor PORT CHECKS INTERVAL_MS TICK_MS SECONDS new|kept\n");
		return 2;
	}
	f.target.sin_port = htons((uint16_t)atoi(argv[1]));
	f.target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f.is_kept = strcmp(argv[6], "kept") == 0;
	count = atol(argv[2]);
	for (int i = 0; i < 3; i++)
		arg[i] = atol(argv[3 + i]);
	if (count < 1 || arg[1] < 1 || arg[0] < arg[1]) {
		fprintf(stderr,
			"floor: CHECKS, TICK_MS at least 1, INTERVAL_MS at least TICK_MS\n");
		return 2;
	}
	checks = calloc((size_t)count, sizeof(*checks));
	f.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (checks == NULL || f.epoll == -1) {
		perror("floor");
		return 1;
	}
	for (long i = 0; i < count; i++)
		checks[i] = (struct check){ .fd = -1, .id = (int)i };
	run(&f, checks, count, arg);
	getrusage(RUSAGE_SELF, &used);
	cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
		 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	printf("done=%lu failed=%lu overdue=%lu cpu_us=%.2f rss_kb=%ld\n", f.done, f.failed,
		f.overdue, f.done == 0 ? 0.0 : cpu_us / (double)f.done, used.ru_maxrss);
	return 0;
}
