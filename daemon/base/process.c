/* Numbers about this process, for its own metrics. */
#include "base/process.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* The n-th number of statm, in bytes: 0 is the whole address space, 1 what is resident. */
static double
statm_bytes(int n)
{
	char text[128];
	double pages[2];

	if (fd_read_proc("/proc/self/statm", text, sizeof(text), NULL) < 0 ||
		sscanf(text, "%lf %lf", &pages[0], &pages[1]) != 2)
		return NAN;
	return pages[n] * (double)sysconf(_SC_PAGESIZE);
}

double
process_virtual_bytes(void)
{
	return statm_bytes(0);
}

double
process_rss_bytes(void)
{
	return statm_bytes(1);
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
