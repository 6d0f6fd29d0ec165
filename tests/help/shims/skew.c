/*
 * Clocks that jump under the process that this is loaded into.  SKEW_CONTROL names a file of two
 * numbers of eight bytes, microseconds: by how much the wall clock is off, and how long this host
 * has been suspended besides.  It can be written at any time; while the second grows, the wall
 * clock should grow with it, as it does when a host sleeps.  What that process starts is left
 * alone.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
	int64_t wall_us, slept_us;
};

static const volatile struct control *control;
static __typeof__(&clock_gettime) get;

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("SKEW_CONTROL");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		void *page = mmap(NULL, sizeof(*control), PROT_READ, MAP_SHARED, fd, 0);

		control = page != MAP_FAILED ? page : NULL;
		close(fd);
	}
	unsetenv("LD_PRELOAD");
}

static int64_t
off_by_us(clockid_t id)
{
	if (control == NULL)
		return 0;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		return control->wall_us;
	return id == CLOCK_BOOTTIME ? control->slept_us : 0;
}

int
clock_gettime(clockid_t id, struct timespec *at)
{
	int64_t ns;
	int rc;

	if (get == NULL)
		get = (__typeof__(get))dlsym(RTLD_NEXT, "clock_gettime");
	rc = get(id, at);
	if (rc != 0 || off_by_us(id) == 0)
		return rc;
	ns = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + off_by_us(id) * 1000;
	at->tv_sec = ns / 1000000000 - (ns % 1000000000 < 0);
	at->tv_nsec = ns - (int64_t)at->tv_sec * 1000000000;
	return 0;
}

int
gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;
	int rc = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
