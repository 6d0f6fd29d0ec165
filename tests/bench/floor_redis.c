/*
 * The least that a client of Redis costs: bare sockets and PING, at the daemon's pace (a batch each
 * tick).  Usage: floor_redis PORT new|kept COUNT TICK_MS SECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char ping[] = "*1\r\n$4\r\nPING\r\n";

static double
now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
connect_to(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
		perror("floor_redis: connect");
		exit(1);
	}
	return fd;
}

static void
say_ping(int fd)
{
	if (send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(ping) - 1)
		exit(1);
}

static void
hear_pong(int fd)
{
	char in[64];

	if (recv(fd, in, sizeof(in), 0) < 5 || memcmp(in, "+PONG", 5) != 0) {
		fprintf(stderr, "floor_redis: no PONG\n");
		exit(1);
	}
}

static void
ask_anew(int port)
{
	int fd = connect_to(port);

	say_ping(fd);
	hear_pong(fd);
	close(fd);
}

/* Asks `count` of them at once, and takes the answers as they come. */
static void
ask_kept(const int *all, int count)
{
	struct pollfd *fds = calloc((size_t)count, sizeof(*fds));
	int left = count;

	for (int i = 0; i < count; i++) {
		say_ping(all[i]);
		fds[i] = (struct pollfd){ .fd = all[i], .events = POLLIN };
	}
	while (left > 0) {
		poll(fds, (nfds_t)count, -1);
		for (int i = 0; i < count; i++) {
			if (!(fds[i].revents & POLLIN))
				continue;
			hear_pong(all[i]);
			fds[i].fd = -1;
			left--;
		}
	}
	free(fds);
}

int
main(int argc, char **argv)
{
	int is_kept = argc == 6 && strcmp(argv[2], "kept") == 0;
	int count = argc == 6 ? atoi(argv[3]) : 0, tick_ms = argc == 6 ? atoi(argv[4]) : 0;
	int batch = tick_ms > 0 ? count * tick_ms / 1000 : 0, at = 0, *fds;
	double begin, cpu;
	long asked = 0;

	if (batch < 1)
		return 2;
	fds = calloc((size_t)count, sizeof(*fds));
	for (int i = 0; is_kept && i < count; i++)
		fds[i] = connect_to(atoi(argv[1]));
	begin = now_s(CLOCK_MONOTONIC);
	cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	for (long tick = 1; now_s(CLOCK_MONOTONIC) - begin < atoi(argv[5]); tick++) {
		double rest;

		if (is_kept) {
			ask_kept(fds + at, batch);
			at = at + 2 * batch <= count ? at + batch : 0;
		}
		for (int i = 0; !is_kept && i < batch; i++)
			ask_anew(atoi(argv[1]));
		asked += batch;
		rest = begin + (double)tick * tick_ms / 1000 - now_s(CLOCK_MONOTONIC);
		if (rest > 0)
			nanosleep(&(struct timespec){ .tv_nsec = (long)(rest * 1e9) }, NULL);
	}
	printf("cpu_us=%.2f\n", (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)asked);
	return 0;
}
