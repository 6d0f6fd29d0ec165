/*
 * The least that a client of PostgreSQL costs: libpq and nothing else, SELECT 1, at the daemon's
 * pace (a batch each tick).  Usage: floor_postgres CONNINFO new|kept COUNT TICK_MS SECONDS
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double
now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static PGconn *
connect_to(const char *conninfo)
{
	PGconn *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK) {
		fprintf(stderr, "%s", PQerrorMessage(conn));
		exit(1);
	}
	return conn;
}

static void
check(PGresult *res)
{
	if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1)
		exit(1);
	PQclear(res);
}

static void
ask_anew(const char *conninfo)
{
	PGconn *conn = connect_to(conninfo);

	check(PQexec(conn, "SELECT 1"));
	PQfinish(conn);
}

/* Asks `count` of them at once, and takes the answers as they come. */
static void
ask_kept(PGconn **conns, int count)
{
	struct pollfd *fds = calloc((size_t)count, sizeof(*fds));
	int left = count;

	for (int i = 0; i < count; i++) {
		PQsendQuery(conns[i], "SELECT 1");
		fds[i] = (struct pollfd){ .fd = PQsocket(conns[i]), .events = POLLIN };
	}
	while (left > 0) {
		poll(fds, (nfds_t)count, -1);
		for (int i = 0; i < count; i++) {
			PGresult *res;

			if (!(fds[i].revents & POLLIN))
				continue;
			PQconsumeInput(conns[i]);
			if (PQisBusy(conns[i]))
				continue;
			while ((res = PQgetResult(conns[i])) != NULL)
				check(res);
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
	int batch = tick_ms > 0 ? count * tick_ms / 1000 : 0, at = 0;
	PGconn **conns;
	double begin, cpu;
	long asked = 0;

	if (batch < 1)
		return 2;
	conns = calloc((size_t)count, sizeof(PGconn *));
	for (int i = 0; is_kept && i < count; i++)
		conns[i] = connect_to(argv[1]);
	ask_anew(argv[1]); /* what libraries do once is not counted */
	begin = now_s(CLOCK_MONOTONIC);
	cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	for (long tick = 1; now_s(CLOCK_MONOTONIC) - begin < atoi(argv[5]); tick++) {
		double rest;

		if (is_kept) {
			ask_kept(conns + at, batch);
			at = at + 2 * batch <= count ? at + batch : 0;
		}
		for (int i = 0; !is_kept && i < batch; i++)
			ask_anew(argv[1]);
		asked += batch;
		rest = begin + (double)tick * tick_ms / 1000 - now_s(CLOCK_MONOTONIC);
		if (rest > 0)
			nanosleep(&(struct timespec){ .tv_nsec = (long)(rest * 1e9) }, NULL);
	}
	printf("cpu_us=%.2f\n", (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)asked);
	return 0;
}
