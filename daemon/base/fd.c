/* Small descriptor chores.  Reading /proc is the one read that the loop may do: it never waits. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd < 0)
		return;
	close(*fd); /* on Linux the number is gone even after EINTR: never repeated */
	*fd = -1;
	errno = saved;
}

int
fd_set_nonblock(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "cannot make descriptor %d non-blocking", fd);
	return 0;
}

int
fd_read_proc(const char *path, char *out, size_t size, struct err *e)
{
	size_t used = 0;

	if (!size)
		return err_set(e, EINVAL, "cannot read %s: no room", path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "cannot open %s", path);
	while (used < size - 1) {
		ssize_t got = read(fd, out + used, size - 1 - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			err_sys(e, "cannot read %s", path);
			fd_close(&fd);
			return -1;
		}
		if (got == 0)
			break;
		used += (size_t)got;
	}
	fd_close(&fd);
	out[used] = '\0';
	return 0;
}
