/* A desk and a datagram socket of this host that somebody reads, for receivers with a `socket`. */
#ifndef TESTS_ALERTS_DGRAM_DESK_H
#define TESTS_ALERTS_DGRAM_DESK_H

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/alerts/desk.h"

struct dgram_desk {
	struct desk desk;
	char dir[64], path[96];
	int fd;
	char entry[65536];
	size_t len;
};

static inline void
dgram_desk_listen(struct dgram_desk *f)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	str_copy(at.sun_path, sizeof(at.sun_path), f->path);
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(f->fd >= 0);
	assert_int_equal(bind(f->fd, (const struct sockaddr *)&at, sizeof(at)), 0);
}

static inline struct dgram_desk *
dgram_desk_open(const struct receiver_type *type)
{
	struct dgram_desk *f = xcalloc(1, sizeof(*f));
	char *yaml;

	str_copy(f->dir, sizeof(f->dir), "/tmp/triaged-dgram-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/socket", f->dir);
	dgram_desk_listen(f);
	desk_open(&f->desk, true);
	yaml = xasprintf("socket: %s\n", f->path);
	assert_int_equal(desk_configure(&f->desk, type, yaml), 0);
	free(yaml);
	desk_write(&f->desk, INCIDENT_OPENED);
	return f;
}

static inline int
dgram_desk_close(void **state)
{
	struct dgram_desk *f = *state;

	desk_close(&f->desk);
	close(f->fd);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static inline enum send_result
dgram_desk_try(struct dgram_desk *f)
{
	desk_start(&f->desk);
	loop_advance(f->desk.loop, 0);
	assert_int_equal(f->desk.verdicts, 1);
	return f->desk.result;
}

#endif
