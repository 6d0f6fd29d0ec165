/* Looks at what was passed, and keeps what can be listened on. */
#include "io/passed.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#define FIRST_FD  3    /* sd_listen_fds(3) */
#define COUNT_MAX 1024 /* of descriptors that are looked at */

/* How many were passed to this very process. */
static int
count_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *text = getenv("LISTEN_FDS");
	char *end;
	long count;

	if (pid == NULL || text == NULL || strtoll(pid, NULL, 10) != (long long)getpid())
		return 0;
	count = strtol(text, &end, 10);
	if (end != text && *end == '\0' && count >= 0 && count <= COUNT_MAX)
		return (int)count;
	log_warn("LISTEN_FDS is no number of sockets: none of them is listened on");
	return 0;
}

static bool
is_on(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

static bool
look(int fd, struct addr *addr)
{
	int family;

	if (!is_on(fd, SO_TYPE, SOCK_STREAM) || !is_on(fd, SO_ACCEPTCONN, 1))
		return false;
	addr->len = sizeof(addr->any);
	if (getsockname(fd, &addr->sa, &addr->len) == -1)
		return false;
	family = addr_family(addr);
	return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

/* The name of the next one, of "a:b:c"; "": none was given. */
static const char *
next_name(const char *names, char *out, size_t size)
{
	size_t len = strcspn(names, ":");

	str_copy(out, len < size ? len + 1 : size, names);
	return names + len + (names[len] == ':');
}

static void
take(struct passed *passed, int fd, const char *name)
{
	struct passed_socket *slot = &passed->sockets[passed->count];
	struct addr addr = { .len = 0 };

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return;
	if (passed->count == PASSED_MAX || !look(fd, &addr)) {
		log_warn("descriptor %d (%s) was passed to listen on, and is %s: closed", fd, name,
			passed->count == PASSED_MAX ? "one too many"
						    : "no listening stream socket");
		close(fd);
		return;
	}
	slot->fd = fd;
	slot->addr = addr;
	str_copy(slot->name, sizeof(slot->name), name);
	passed->count++;
}

void
passed_take(struct passed *passed)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = count_passed();
	char name[sizeof(passed->sockets[0].name)];

	memset(passed, 0, sizeof(*passed));
	names = names == NULL ? "" : names;
	for (int i = 0; i < count; i++) {
		names = next_name(names, name, sizeof(name));
		take(passed, FIRST_FD + i, name);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

void
passed_close(struct passed *passed)
{
	for (size_t i = 0; i < passed->count; i++)
		fd_close(&passed->sockets[i].fd);
	passed->count = 0;
}
