/*
 * The API from its socket to its handlers, the live feed among them: whatever is sent, each request
 * has one answer with a status, and nothing is read or written where it should not be.  The first
 * byte says which way it came in and whether it was cut in two.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "api/api.h"
#include "api/server.h"
#include "store/store.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/house.h"

#define TURNS 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct house house;
static struct api_world world;

static void
reload(void *arg, void (*done)(void *arg2, const char *text), void *arg2)
{
	(void)arg;
	done(arg2, "checks: nothing of this can be read");
}

static int
backup(void *arg, void (*done)(void *arg2, const struct backup *backup), void *arg2)
{
	(void)arg;
	(void)done;
	(void)arg2;
	return -1;
}

static int
run_check(void *arg, const char *check)
{
	(void)arg;
	return check[0] == 'a' ? 0 : -1;
}

static void
tidy(void)
{
	store_close(world.store, USEC_PER_SEC);
}

static void
open_world(void)
{
	char aside[STORE_ASIDE_MAX];
	struct err e;

	house_open(&house);
	world = (struct api_world){ .env = &house.env,
		.settings = house.settings,
		.started_wall_us = HOUSE_WALL,
		.reload = reload,
		.backup = backup,
		.run_check = run_check };
	world.store = store_open(&(struct store_options){ .dir = fuzz_folder_make(),
					 .loop = house.env.loop,
					 .stats = &house.stats,
					 .history_max_bytes = 1 << 20 },
		aside, &e);
	if (world.store == NULL)
		abort();
	atexit(tidy);
}

/* Everything that comes is text of HTTP, one answer after the other. */
static void
hear(int fd)
{
	static char chunk[65536];
	ssize_t len;

	while ((len = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0)
		;
}

static void
ask(struct api *api, const uint8_t *data, size_t size, uint8_t way)
{
	size_t cut = (way & 2) != 0 ? size / 2 : size;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		abort();
	conn_accept(api, ends[0], (way & 1) == 0, "localhost");
	if (send(ends[1], data, cut, MSG_NOSIGNAL) == -1)
		abort();
	loop_turn(house.env.loop, false);
	if (cut < size && send(ends[1], data + cut, size - cut, MSG_NOSIGNAL) == -1)
		assert(errno == EPIPE || errno == ECONNRESET || errno == EAGAIN);
	for (int i = 0; i < TURNS; i++) {
		loop_turn(house.env.loop, false);
		if (i % 8 == 0)
			hear(ends[1]);
	}
	if ((way & 4) != 0)
		loop_advance(house.env.loop, 31 * USEC_PER_SEC);
	hear(ends[1]);
	close(ends[1]);
	loop_turn(house.env.loop, false);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct api *api; /* its OpenAPI document takes long to make */
	struct triage_moment at;

	if (size < 2 || size > 65536)
		return 0;
	if (api == NULL) {
		open_world();
		api = api_new(&world);
		str_copy(api->token, sizeof(api->token), "secret-token");
	}
	house_begin(&house);
	house_apply(&house);
	at = house_moment(&house);
	triage_self(house.triage, "self.store", "the disk is full", &at);
	triage_tick(house.triage, &at);
	world.sched = house.sched;
	world.rules = house.rules;
	world.triage = house.triage;
	world.deliver = house.deliver;
	ask(api, data + 1, size - 1, data[0]);
	conn_close_all(api);
	loop_turn(house.env.loop, false);
	house_end(&house);
	return 0;
}
