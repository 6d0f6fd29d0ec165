/*
 * The helper's look at the kernel's log: the newest records that fit into an answer, as text.  What
 * nobody asks for is left out on the way: the fields behind a record, and the table of all
 * processes that comes with an OOM kill and would push the kill itself out.  Runs in the helper
 * process alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "io/fs_walk.h"
#include "io/fs_wire.h"

#define RECORD_MAX  8192
#define RECORDS_MAX 100000
#define ROOM        (FS_DATA_MAX - sizeof(struct fs_walk_head))

/* The newest lines, whole ones, oldest first. */
struct tail {
	char bytes[2 * ROOM];
	size_t len;
};

static void
trim(struct tail *tail, size_t most)
{
	const char *end;

	if (tail->len <= most)
		return;
	end = memchr(tail->bytes + (tail->len - most), '\n', most);
	if (end == NULL) {
		tail->len = 0;
		return;
	}
	tail->len -= (size_t)(end + 1 - tail->bytes);
	memmove(tail->bytes, end + 1, tail->len);
}

/* "[  1234]     0  1234 ...": a row of the OOM killer's table. */
static bool
is_wanted(const char *line, size_t len)
{
	const char *text = memchr(line, ';', len);
	size_t at;

	if (len == 0 || line[0] == ' ')
		return false;
	if (text == NULL)
		return true;
	text++;
	at = (size_t)(text - line);
	if (at < len && line[at] == '[') {
		at++;
		while (at < len && (line[at] == ' ' || (line[at] >= '0' && line[at] <= '9')))
			at++;
		return at >= len || line[at] != ']';
	}
	return true;
}

/* A record of a few lines. */
static void
take(struct tail *tail, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *end = memchr(bytes, '\n', len);
		size_t line = end != NULL ? (size_t)(end - bytes) : len;

		if (is_wanted(bytes, line) && line < ROOM) {
			if (tail->len + line + 1 > sizeof(tail->bytes))
				trim(tail, ROOM - RECORD_MAX);
			memcpy(tail->bytes + tail->len, bytes, line);
			tail->len += line;
			tail->bytes[tail->len++] = '\n';
		}
		line += end != NULL;
		bytes += line;
		len -= line;
	}
}

static int
read_device(struct tail *tail, int fd)
{
	char record[RECORD_MAX];

	for (unsigned i = 0; i < RECORDS_MAX; i++) {
		ssize_t got = read(fd, record, sizeof(record));

		if (got < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL))
			continue; /* overwritten meanwhile, or larger than any record is */
		if (got < 0)
			return errno == EAGAIN ? 0 : errno;
		if (got == 0)
			return 0;
		take(tail, record, (size_t)got);
	}
	return 0;
}

static int
read_plain(struct tail *tail, int fd, off_t size)
{
	static char bytes[ROOM];
	ssize_t got = pread(fd, bytes, sizeof(bytes),
		size > (off_t)sizeof(bytes) ? size - (off_t)sizeof(bytes) : 0);

	if (got < 0)
		return errno;
	take(tail, bytes, (size_t)got);
	return 0;
}

static uint64_t
kernel_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int
fs_helper_kmsg(const struct fs_ask *ask, struct fs_answer *answer)
{
	static struct tail tail;
	struct fs_walk_head head = { .count = 0 };
	char path[FS_PATH_MAX];
	struct stat st;
	int fd, error = fs_helper_resolve(ask->path, ask->root_len, true, path);

	if (error != 0)
		return error;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	tail.len = 0;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (S_ISCHR(st.st_mode))
		error = read_device(&tail, fd);
	else
		error = S_ISREG(st.st_mode) ? read_plain(&tail, fd, st.st_size) : EINVAL;
	close(fd);
	if (error != 0)
		return error;
	trim(&tail, ROOM);
	head.bytes = S_ISCHR(st.st_mode) ? kernel_clock_us() : 0;
	memcpy(answer->data, &head, sizeof(head));
	memcpy(answer->data + sizeof(head), tail.bytes, tail.len);
	answer->result.data_len = (uint32_t)(sizeof(head) + tail.len);
	return 0;
}
