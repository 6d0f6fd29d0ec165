/* Numbers about this process, for its own metrics. */
#include "base/process.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* statm, in bytes. */
struct statm {
	double all, resident, shared; /* the last two have files' pages in common */
};

static struct statm
read_statm(void)
{
	char text[128];
	double page = (double)sysconf(_SC_PAGESIZE);
	struct statm m;

	if (fd_read_proc("/proc/self/statm", text, sizeof(text), NULL) < 0 ||
		sscanf(text, "%lf %lf %lf", &m.all, &m.resident, &m.shared) != 3)
		return (struct statm){ NAN, NAN, NAN };
	return (struct statm){ m.all * page, m.resident * page, m.shared * page };
}

double
process_virtual_bytes(void)
{
	return read_statm().all;
}

double
process_rss_bytes(void)
{
	return read_statm().resident;
}

double
process_private_bytes(void)
{
	struct statm m = read_statm();

	return m.resident - m.shared;
}

double
process_open_fds(void)
{
	struct stat st;
	double count = 0;
	DIR *dir;

	/* Linux 6.2 and later: the number at one glance. */
	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (double)st.st_size;
	dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return NAN;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 3; /* ".", ".." and the folder itself */
}

double
process_max_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return NAN;
	return limit.rlim_cur == RLIM_INFINITY ? (double)INFINITY : (double)limit.rlim_cur;
}

double
process_threads(void)
{
	struct stat st;

	/* A folder has a link from itself, one from its parent, and one from each folder in it. */
	if (stat("/proc/self/task", &st) != 0 || st.st_nlink < 3)
		return NAN;
	return (double)st.st_nlink - 2;
}

double
process_cpu_seconds(void)
{
	struct rusage use;

	if (getrusage(RUSAGE_SELF, &use) != 0)
		return NAN;
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}
