/*
 * The least that proving a TCP port costs: connect and close, at the daemon's pace (a batch each
 * tick).  Usage: floor_tcp PORT COUNT TICK_MS SECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double
now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
prove(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
		perror("floor_tcp: connect");
		exit(1);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	int count = argc == 5 ? atoi(argv[2]) : 0, tick_ms = argc == 5 ? atoi(argv[3]) : 0;
	int batch = tick_ms > 0 ? count * tick_ms / 1000 : 0;
	double begin = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	long asked = 0;

	if (batch < 1)
		return 2;
	for (long tick = 1; now_s(CLOCK_MONOTONIC) - begin < atoi(argv[4]); tick++) {
		double rest;

		for (int i = 0; i < batch; i++)
			prove(atoi(argv[1]));
		asked += batch;
		rest = begin + (double)tick * tick_ms / 1000 - now_s(CLOCK_MONOTONIC);
		if (rest > 0)
			nanosleep(&(struct timespec){ .tv_nsec = (long)(rest * 1e9) }, NULL);
	}
	printf("cpu_us=%.2f\n", (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)asked);
	return 0;
}
