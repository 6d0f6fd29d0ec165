/*
 * A disk that goes bad under the process that this is loaded into:
 *
 *	ROT_UNDER=FOLDER  files below it are on that disk
 *	ROT_CONTROL=FILE  a byte for what writing meets, a byte for what reading meets: an errno, or
 *0
 *
 * The file can be written at any time.  What that process starts is left alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { ON_WRITE, ON_READ, KINDS };

static const volatile unsigned char *control;
static char under[PATH_MAX];
static size_t under_len;

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("ROT_CONTROL"), *folder = getenv("ROT_UNDER");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0 && folder != NULL) {
		void *page = mmap(NULL, KINDS, PROT_READ, MAP_SHARED, fd, 0);

		snprintf(under, sizeof(under), "%s/", folder);
		under_len = strlen(under);
		control = page != MAP_FAILED ? page : NULL;
	}
	if (fd >= 0)
		close(fd);
	unsetenv("LD_PRELOAD");
}

/* True: this call fails, errno says with what. */
static bool
is_bad(int fd, int kind)
{
	char link[64], path[PATH_MAX];
	int error = control != NULL ? control[kind] : 0;
	ssize_t len;

	if (error == 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	if (len < (ssize_t)under_len || memcmp(path, under, under_len) != 0)
		return false;
	errno = error;
	return true;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t
write(int fd, const void *data, size_t len)
{
	return is_bad(fd, ON_WRITE) ? -1 : NEXT(write)(fd, data, len);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	return is_bad(fd, ON_WRITE) ? -1 : NEXT(pwrite)(fd, data, len, at);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return is_bad(fd, ON_WRITE) ? -1 : NEXT(pwrite64)(fd, data, len, at);
}

int
fsync(int fd)
{
	return is_bad(fd, ON_WRITE) ? -1 : NEXT(fsync)(fd);
}

int
fdatasync(int fd)
{
	return is_bad(fd, ON_WRITE) ? -1 : NEXT(fdatasync)(fd);
}

int
ftruncate(int fd, off_t size)
{
	return is_bad(fd, ON_WRITE) ? -1 : NEXT(ftruncate)(fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return is_bad(fd, ON_WRITE) ? -1 : NEXT(ftruncate64)(fd, size);
}

int
posix_fallocate(int fd, off_t at, off_t len)
{
	return is_bad(fd, ON_WRITE) ? errno : NEXT(posix_fallocate)(fd, at, len);
}

ssize_t
pread(int fd, void *data, size_t len, off_t at)
{
	return is_bad(fd, ON_READ) ? -1 : NEXT(pread)(fd, data, len, at);
}

ssize_t
pread64(int fd, void *data, size_t len, off64_t at)
{
	return is_bad(fd, ON_READ) ? -1 : NEXT(pread64)(fd, data, len, at);
}
