/*
 * Memory that runs out once, at a chosen allocation of the process that this is loaded into:
 *
 *	STARVE_AT=N       the N-th allocation fails, those after it do not; 0: none does
 *	STARVE_SITES=FILE each call path that asks for the first time is noted there: its N, a line
 *
 * What that process starts is left alone, and what libc does to find a group by its name: its own
 * look at /etc/nsswitch.conf dies of it (glibc 2.36: an assertion, a null pointer), which nobody
 * else can mend.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <grp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH    24
#define SEEN_MAX 65536

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *p, size_t size);
	void (*free)(void *p);
} libc;

static char early[16384]; /* for dlsym() itself, before there is anything else */
static size_t early_used;
static atomic_long count;
static long starve_at;
static bool is_on, is_finding;
static FILE *sites;
static uint64_t seen[SEEN_MAX];
static __thread bool is_spared;

static void *
alloc_early(size_t size)
{
	void *p = early + early_used;

	early_used += (size + 15) & ~(size_t)15;
	if (early_used > sizeof(early))
		abort();
	return p;
}

static bool
is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + sizeof(early);
}

/* True: libc's are known. */
static bool
find_libc(void)
{
	if (libc.malloc == NULL && !is_finding) {
		is_finding = true;
		libc.free = dlsym(RTLD_NEXT, "free");
		libc.calloc = dlsym(RTLD_NEXT, "calloc");
		libc.realloc = dlsym(RTLD_NEXT, "realloc");
		libc.malloc = dlsym(RTLD_NEXT, "malloc");
	}
	return libc.malloc != NULL;
}

static bool
is_new(uint64_t path)
{
	size_t at = path % SEEN_MAX;

	while (seen[at] != 0 && seen[at] != path)
		at = (at + 1) % SEEN_MAX;
	if (seen[at] == path)
		return false;
	seen[at] = path;
	return true;
}

static void
note_site(long n)
{
	void *frames[DEPTH];
	uint64_t path = 14695981039346656037u;
	int depth;

	is_spared = true;
	depth = backtrace(frames, DEPTH);
	for (int i = 0; i < depth; i++)
		path = (path ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211u;
	if (is_new(path)) {
		fprintf(sites, "%ld\n", n);
		fflush(sites);
	}
	is_spared = false;
}

static bool
is_refused(void)
{
	long n;

	if (!is_on || is_spared)
		return false;
	n = atomic_fetch_add(&count, 1) + 1;
	if (sites != NULL)
		note_site(n);
	if (n == starve_at)
		errno = ENOMEM;
	return n == starve_at;
}

static void __attribute__((constructor)) begin(void)
{
	const char *at = getenv("STARVE_AT"), *path = getenv("STARVE_SITES");
	void *frame[1];

	backtrace(frame, 1); /* its first call allocates */
	if (path != NULL)
		sites = fopen(path, "w");
	if (at != NULL)
		starve_at = atol(at);
	is_on = at != NULL;
	unsetenv("LD_PRELOAD");
	unsetenv("STARVE_AT");
	unsetenv("STARVE_SITES");
}

void *
malloc(size_t size)
{
	if (!find_libc())
		return alloc_early(size);
	return is_refused() ? NULL : libc.malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	if (!find_libc())
		return alloc_early(n * size);
	return is_refused() ? NULL : libc.calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	void *moved;

	if (!is_early(p) && find_libc())
		return is_refused() ? NULL : libc.realloc(p, size);
	moved = malloc(size);
	if (moved != NULL && p != NULL)
		memcpy(moved, p, size);
	return moved;
}

void
free(void *p)
{
	if (!is_early(p) && p != NULL && find_libc())
		libc.free(p);
}

struct group *
getgrnam(const char *name)
{
	struct group *(*find)(const char *name) = dlsym(RTLD_NEXT, "getgrnam");
	struct group *found;

	is_spared = true;
	found = find(name);
	is_spared = false;
	return found;
}
