/* A whole file or none, and never in place of another one. */
#include "cli/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

int
new_file_write(const char *path, const struct buf *text, mode_t mode, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	const char *at = buf_text(text);
	size_t left = buf_left(text);

	if (fd < 0)
		return err_sys(e, "cannot write %s", path);
	while (left > 0) {
		ssize_t put = write(fd, at, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			err_sys(e, "cannot write %s", path);
			fd_close(&fd);
			unlink(path);
			return -1;
		}
		at += put;
		left -= (size_t)put;
	}
	fd_close(&fd);
	return 0;
}
