/*
 * The bus against a real dbus-daemon of the test's own.  The daemon itself is who is asked and who
 * is heard: it answers calls and tells of every connection that comes and goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/bus.h"
#include "io/loop.h"

#define TURNS  1000
#define DRIVER "org.freedesktop.DBus"

struct world {
	struct clock clock;
	struct loop *loop;
	struct bus *bus;
	char dir[64], path[100], address[128];
	pid_t daemon;
};

struct answer {
	unsigned count;
	enum bus_end end;
	int code;
	char error[100], text[300];
	json_t *args;
};

struct heard {
	unsigned signals, backs, losses;
	json_t *args;
};

static void
start_daemon(struct world *w)
{
	static const char config[] =
		"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration "
		"1.0//EN\" "
		"\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig>"
		"<listen>%s</listen><policy context=\"default\"><allow user=\"*\"/><allow "
		"own=\"*\"/>"
		"<allow send_destination=\"*\"/><allow receive_sender=\"*\"/>"
		"<deny send_interface=\"org.freedesktop.DBus\" "
		"send_member=\"GetAdtAuditSessionData\"/></policy></busconfig>\n";
	char file[128], option[160];
	char name[] = "dbus-daemon", nofork[] = "--nofork", nopid[] = "--nopidfile";
	char *argv[] = { name, option, nofork, nopid, NULL };
	posix_spawn_file_actions_t files;
	FILE *out;

	snprintf(file, sizeof(file), "%s/bus.conf", w->dir);
	snprintf(option, sizeof(option), "--config-file=%s", file);
	out = fopen(file, "w");
	assert_non_null(out);
	fprintf(out, config, w->address);
	fclose(out);
	posix_spawn_file_actions_init(&files); /* what it logs is no news */
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawnp(&w->daemon, name, &files, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&files);
}

static bool
is_listening(void *arg)
{
	struct world *w = arg;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;

	strncpy(at.sun_path, w->path, sizeof(at.sun_path) - 1);
	r = connect(fd, (struct sockaddr *)&at, sizeof(at));
	close(fd);
	return r == 0;
}

static void
stop_daemon(struct world *w)
{
	if (w->daemon == 0)
		return;
	kill(w->daemon, SIGKILL);
	waitpid(w->daemon, NULL, 0);
	w->daemon = 0;
	unlink(w->path);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/triaged-bus-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/bus", w->dir);
	snprintf(w->address, sizeof(w->address), "unix:path=%s", w->path);
	clock_init_fake(&w->clock, USEC_PER_HOUR, INT64_C(1700000000) * USEC_PER_SEC);
	w->loop = loop_new(&w->clock, NULL);
	w->bus = bus_new(w->loop);
	*state = w;
	return 0;
}

static int
set_up_with_daemon(void **state)
{
	struct world *w;

	set_up(state);
	w = *state;
	start_daemon(w);
	assert_true(loop_turn_until(w->loop, is_listening, w, TURNS));
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	char command[100];

	bus_free(w->bus);
	loop_free(w->loop);
	stop_daemon(w);
	snprintf(command, sizeof(command), "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static void
on_reply(void *arg, const struct bus_reply *reply)
{
	struct answer *a = arg;

	a->count++;
	a->end = reply->end;
	a->code = reply->code;
	snprintf(a->error, sizeof(a->error), "%s", reply->error);
	snprintf(a->text, sizeof(a->text), "%s", reply->text);
	a->args = reply->args != NULL ? json_deep_copy(reply->args) : NULL;
}

static bool
is_answered(void *arg)
{
	return ((struct answer *)arg)->count > 0;
}

static struct bus_call *
begin(struct world *w, const char *member, const char *text, struct answer *a)
{
	const char *texts[] = { text, NULL };
	const struct bus_ask ask = { .address = w->address,
		.to = DRIVER,
		.path = "/org/freedesktop/DBus",
		.interface = DRIVER,
		.member = member,
		.texts = texts };
	struct bus_call *call;

	memset(a, 0, sizeof(*a));
	call = bus_call_start(w->bus, &ask, 10 * USEC_PER_SEC, on_reply, a);
	assert_int_equal(a->count, 0); /* never from inside */
	return call;
}

static void
ask(struct world *w, const char *member, const char *text, struct answer *a)
{
	begin(w, member, text, a);
	assert_true(loop_turn_until(w->loop, is_answered, a, TURNS));
	assert_int_equal(a->count, 1);
}

static void
asks_and_is_answered(void **state)
{
	struct world *w = *state;
	struct answer a;

	ask(w, "NameHasOwner", DRIVER, &a);
	assert_int_equal(a.end, BUS_ANSWERED);
	assert_true(json_is_true(json_array_get(a.args, 0)));
	json_decref(a.args);
	ask(w, "ListNames", NULL, &a);
	assert_true(json_array_size(json_array_get(a.args, 0)) >= 2);
	json_decref(a.args);
	ask(w, "GetConnectionCredentials", DRIVER, &a); /* a{sv} */
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(a.args, 0), "UnixUserID")),
		getuid());
	json_decref(a.args);
}

static void
hears_why_it_was_refused(void **state)
{
	struct world *w = *state;
	struct answer a;

	ask(w, "NoSuchThing", NULL, &a);
	assert_int_equal(a.end, BUS_REFUSED);
	assert_string_equal(a.error, DRIVER ".Error.UnknownMethod");
	assert_true(a.text[0] != '\0');
	ask(w, "GetAdtAuditSessionData", DRIVER, &a);
	assert_string_equal(a.error, DRIVER ".Error.AccessDenied");
}

static void
no_bus_is_said_later(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w, "ListNames", NULL, &a);
	loop_advance(w->loop, 0);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.end, BUS_ABSENT);
	assert_int_equal(a.code, ENOENT);
	assert_non_null(strstr(a.text, w->path));
	start_daemon(w); /* and the next call finds one that was started meanwhile */
	assert_true(loop_turn_until(w->loop, is_listening, w, TURNS));
	ask(w, "ListNames", NULL, &a);
	assert_int_equal(a.end, BUS_ANSWERED);
	json_decref(a.args);
}

static void
silence_ends_at_the_deadline(void **state)
{
	struct world *w = *state;
	struct answer a, b;

	ask(w, "GetId", NULL, &a);
	json_decref(a.args);
	kill(w->daemon, SIGSTOP);
	begin(w, "GetId", NULL, &a);
	bus_call_cancel(begin(w, "GetId", NULL, &b));
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop, true);
	loop_advance(w->loop, 10 * USEC_PER_SEC);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.end, BUS_SILENT);
	kill(w->daemon, SIGCONT);
	for (int i = 0; i < 20; i++)
		loop_turn(w->loop, true);
	assert_int_equal(a.count, 1); /* late answers go nowhere */
	assert_int_equal(b.count, 0);
}

static void
a_bus_that_goes_away_ends_calls(void **state)
{
	struct world *w = *state;
	struct answer a;

	ask(w, "GetId", NULL, &a);
	json_decref(a.args);
	kill(w->daemon, SIGSTOP);
	begin(w, "GetId", NULL, &a);
	stop_daemon(w);
	assert_true(loop_turn_until(w->loop, is_answered, &a, TURNS));
	assert_int_equal(a.end, BUS_ABSENT);
}

static void
on_heard(void *arg, enum bus_news news, const char *member, const json_t *args)
{
	struct heard *h = arg;

	(void)member;
	h->signals += news == BUS_SIGNAL;
	h->backs += news == BUS_BACK;
	h->losses += news == BUS_LOST;
	if (args != NULL) {
		json_decref(h->args);
		h->args = json_deep_copy(args);
	}
}

static bool
has_heard(void *arg)
{
	return ((struct heard *)arg)->signals > 0;
}

static bool
has_lost(void *arg)
{
	return ((struct heard *)arg)->losses > 0;
}

static struct bus_ear *
listen_in(struct world *w, struct heard *h)
{
	const struct bus_want want = { .address = w->address,
		.from = DRIVER,
		.path = "/org/freedesktop/DBus",
		.interface = DRIVER,
		.member = "NameOwnerChanged" };

	memset(h, 0, sizeof(*h));
	return bus_ear_open(w->bus, &want, on_heard, h);
}

/* Another connection comes: the bus tells everybody who listens. */
static void
make_noise(struct world *w)
{
	struct world other = *w;
	struct answer a;

	other.bus = bus_new(w->loop);
	ask(&other, "GetId", NULL, &a);
	json_decref(a.args);
	bus_free(other.bus);
}

static void
hears_signals(void **state)
{
	struct world *w = *state;
	struct bus_ear *ear;
	struct heard h;
	struct answer a;

	ear = listen_in(w, &h);
	ask(w, "GetId", NULL, &a); /* behind it the match is known to be set */
	json_decref(a.args);
	make_noise(w);
	assert_true(loop_turn_until(w->loop, has_heard, &h, TURNS));
	assert_int_equal(json_array_size(h.args), 3);
	bus_ear_close(ear);
	h.signals = 0;
	ask(w, "GetId", NULL, &a);
	json_decref(a.args);
	make_noise(w);
	assert_int_equal(h.signals, 0);
	json_decref(h.args);
}

static void
ears_outlive_the_bus(void **state)
{
	struct world *w = *state;
	struct bus_ear *ear;
	struct heard h;
	struct answer a;

	ear = listen_in(w, &h);
	ask(w, "GetId", NULL, &a);
	json_decref(a.args);
	assert_int_equal(h.backs, 0);
	stop_daemon(w);
	assert_true(loop_turn_until(w->loop, has_lost, &h, TURNS));
	loop_advance(w->loop, USEC_PER_SEC); /* nobody there */
	start_daemon(w);
	assert_true(loop_turn_until(w->loop, is_listening, w, TURNS));
	loop_advance(w->loop, USEC_PER_SEC);
	assert_int_equal(h.backs, 0); /* not yet: it waits longer each time */
	loop_advance(w->loop, USEC_PER_SEC);
	assert_int_equal(h.backs, 1);
	ask(w, "GetId", NULL, &a);
	json_decref(a.args);
	make_noise(w);
	assert_true(loop_turn_until(w->loop, has_heard, &h, TURNS));
	bus_ear_close(ear);
	json_decref(h.args);
}

static void
an_ear_waits_for_the_first_bus(void **state)
{
	struct world *w = *state;
	struct bus_ear *ear;
	struct heard h;

	ear = listen_in(w, &h);
	start_daemon(w);
	assert_true(loop_turn_until(w->loop, is_listening, w, TURNS));
	loop_advance(w->loop, USEC_PER_SEC);
	assert_int_equal(h.backs, 1);
	bus_ear_close(ear);
}

/* Somebody else sits at the socket. */
static void
a_stranger_at_the_socket_is_no_bus(void **state)
{
	struct world *w = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), one;
	struct answer a;

	strncpy(at.sun_path, w->path, sizeof(at.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	begin(w, "GetId", NULL, &a);
	one = accept(fd, NULL, NULL);
	assert_int_equal(write(one, "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
	close(one);
	assert_true(loop_turn_until(w->loop, is_answered, &a, TURNS));
	assert_int_equal(a.end, BUS_ABSENT);
	begin(w, "GetId", NULL, &a); /* silence */
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop, true);
	loop_advance(w->loop, 10 * USEC_PER_SEC);
	assert_int_equal(a.end, BUS_SILENT);
	close(fd);
	unlink(w->path);
}

static void
addresses_are_unix_sockets(void **state)
{
	(void)state;
	assert_int_equal(bus_address_check("unix:path=/run/x", NULL), 0);
	assert_int_equal(bus_address_check("tcp:host=a.example,port=1", NULL), -1);
	assert_int_equal(bus_address_check("unix:path=/x;tcp:host=a", NULL), -1);
	assert_int_equal(bus_address_check("unixexec:path=/bin/sh", NULL), -1);
	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
	assert_string_equal(bus_address(NULL), "unix:path=/run/dbus/system_bus_socket");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/elsewhere", 1);
	assert_string_equal(bus_address(NULL), "unix:path=/elsewhere");
	assert_string_equal(bus_address("unix:path=/here"), "unix:path=/here");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up_with_daemon, tear_down)
#define U(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(asks_and_is_answered),
		T(hears_why_it_was_refused),
		U(no_bus_is_said_later),
		T(silence_ends_at_the_deadline),
		T(a_bus_that_goes_away_ends_calls),
		T(hears_signals),
		T(ears_outlive_the_bus),
		U(an_ear_waits_for_the_first_bus),
		U(a_stranger_at_the_socket_is_no_bus),
		U(addresses_are_unix_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
