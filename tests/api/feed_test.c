/*
 * The live feed over real sockets and a clock that the test turns: what is told when, to readers
 * that are quick, slow, stuck, gone and back.  Client and server share this thread.
 */
#include "tests/sched/toy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"
#include "api/server.h"
#include "base/map.h"
#include "base/str.h"
#include "io/stream.h"
#include "setup/settings.h"
#include "triage/triage.h"

#define TURNS 2000
#define MANY  2000

struct bed {
	struct world *w;
	struct settings settings;
	struct api_world world;
	struct api *api;
	struct triage *triage;
	struct check_spec *specs[MANY];
	size_t spec_count;
	char folder[64], path[80];
	char *listen[1];
};

static void
on_incident(void *arg, const struct incident_event *event)
{
	api_on_incident(((struct bed *)arg)->api, event);
}

static void
on_keep_incident(void *arg, const char *id, const json_t *doc)
{
	(void)arg;
	(void)id;
	(void)doc;
}

static int
open_bed(void **state)
{
	struct bed *bed = xcalloc(1, sizeof(*bed));
	void *world = NULL;
	struct triage_options triage = {
		.on_incident = on_incident, .on_keep = on_keep_incident, .host = "lab", .arg = bed
	};
	struct err e;

	set_up(&world);
	bed->w = world;
	strcpy(bed->folder, "/tmp/triaged-feed-XXXXXX");
	assert_non_null(mkdtemp(bed->folder));
	snprintf(bed->path, sizeof(bed->path), "%s/api.sock", bed->folder);
	setenv("RUNTIME_DIRECTORY", bed->folder, 1);
	bed->w->env.version = "1.2.3";
	bed->listen[0] = xstrdup("off");
	bed->settings.api.listen = (struct conf_strings){ bed->listen, 1 };
	bed->settings.daemon.state_dir = bed->folder;
	bed->triage = triage_new(&triage);
	bed->world = (struct api_world){
		.env = &bed->w->env,
		.sched = bed->w->sched,
		.triage = bed->triage,
		.settings = &bed->settings,
		.started_wall_us = 1700000000 * SECOND,
	};
	bed->api = api_new(&bed->world);
	assert_int_equal(api_listen(bed->api, &e), 0);
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;
	void *world = bed->w;

	api_free(bed->api);
	triage_free(bed->triage);
	tear_down(&world);
	for (size_t i = 0; i < bed->spec_count; i++)
		free_spec(bed->specs[i]);
	assert_int_equal(rmdir(bed->folder), 0);
	free(bed->listen[0]);
	free(bed);
	return 0;
}

/* ---- what there is to tell ---- */

/* Checks c0, c1... that have each run once and run no more for a long time. */
static void
have_checks(struct bed *bed, size_t count)
{
	char name[32];

	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		bed->specs[i] = make_spec(name, 0, 100000 * SECOND);
	}
	bed->spec_count = count;
	sched_apply(bed->w->sched, (const struct check_spec *const *)bed->specs, count, NULL);
}

static void
note_all(struct bed *bed)
{
	for (size_t i = 0; i < bed->spec_count; i++)
		api_on_sample(bed->api, bed->specs[i]->name);
}

static void
open_incident(struct bed *bed, const char *cause, const char *text)
{
	struct triage_moment at = { loop_now(bed->w->env.loop), loop_wall(bed->w->env.loop) };

	triage_self(bed->triage, cause, text, &at);
	triage_tick(bed->triage, &at);
}

/* ---- a reader ---- */

struct reader {
	struct bed *bed;
	int fd;
	struct buf text;
	const char *wanted; /* NULL: the end of the connection */
	bool is_over;
};

static bool
read_some(void *arg)
{
	struct reader *r = arg;
	char chunk[65536];
	ssize_t len;

	while ((len = recv(r->fd, chunk, sizeof(chunk), 0)) > 0)
		buf_add(&r->text, chunk, (size_t)len);
	r->is_over |= len == 0 || (len == -1 && errno != EAGAIN);
	return r->is_over || (r->wanted != NULL && strstr(buf_text(&r->text), r->wanted) != NULL);
}

static void
expect(struct reader *r, const char *wanted)
{
	r->wanted = wanted;
	if (!loop_turn_until(r->bed->w->env.loop, read_some, r, TURNS) ||
		(wanted != NULL && strstr(buf_text(&r->text), wanted) == NULL))
		fail_msg("not heard: %s; heard: %.2000s", wanted, buf_text(&r->text));
}

/* What was heard till now is looked at no more. */
static void
forget(struct reader *r)
{
	buf_drain(&r->text, buf_left(&r->text));
}

static void
turn(struct reader *r)
{
	for (int i = 0; i < 20; i++) {
		loop_turn(r->bed->w->env.loop, false);
		read_some(r);
	}
}

static void
second_later(struct reader *r)
{
	loop_advance(r->bed->w->env.loop, SECOND);
	turn(r);
}

static void
dial(struct reader *r, struct bed *bed, const char *query, const char *headers)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char *request = xasprintf(
		"GET /api/v1/events%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", query, headers);

	*r = (struct reader){ .bed = bed };
	buf_init(&r->text, 0);
	strcpy(addr.sun_path, bed->path);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(r->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(send(r->fd, request, strlen(request), 0), strlen(request));
	free(request);
}

static void
hang_up(struct reader *r)
{
	close(r->fd);
	buf_fini(&r->text);
	for (int i = 0; i < 20; i++)
		loop_turn(r->bed->w->env.loop, false);
}

static void
listen_to(struct reader *r, struct bed *bed, const char *query, const char *headers)
{
	dial(r, bed, query, headers);
	expect(r, "event: hello\n");
	expect(r, "}\n\n");
}

/* The last id heard, as the header that says so. */
static char *
resume(const struct reader *r)
{
	const char *last = NULL;

	for (const char *p = buf_text(&r->text); (p = strstr(p, "\nid: ")) != NULL; p++)
		last = p + strlen("\nid: ");
	assert_non_null(last);
	return xasprintf("Last-Event-ID: %.*s\r\n", (int)strcspn(last, "\n"), last);
}

static unsigned
times(const struct reader *r, const char *text)
{
	unsigned count = 0;

	for (const char *p = buf_text(&r->text); (p = strstr(p, text)) != NULL; p++)
		count++;
	return count;
}

/* ---- stories ---- */

static void
the_head_says_what_it_is(void **state)
{
	struct reader r;

	listen_to(&r, *state, "", "");
	assert_int_equal(times(&r, "Content-Type: text/event-stream\r\n"), 1);
	assert_int_equal(times(&r, "Content-Length"), 0);
	assert_int_equal(times(&r, "Cache-Control: no-store\r\n"), 1);
	assert_int_equal(times(&r, "\nretry: 3000\n"), 1);
	assert_int_equal(times(&r, "\"version\":\"1.2.3\""), 1);
	assert_int_equal(times(&r, "\"resync\":true"), 1);
	hang_up(&r);
}

static void
runs_are_gathered_for_a_second(void **state)
{
	struct bed *bed = *state;
	struct reader r;

	have_checks(bed, 3);
	loop_advance(bed->w->env.loop, SECOND);
	listen_to(&r, bed, "", "");
	for (int i = 0; i < 50; i++)
		api_on_sample(bed->api, "c1");
	turn(&r);
	assert_int_equal(times(&r, "event: checks"), 0);
	second_later(&r);
	assert_int_equal(times(&r, "event: checks"), 1);
	assert_int_equal(times(&r, "\"name\":\"c1\",\"state\":\"up\""), 1);
	assert_int_equal(times(&r, "\"text\":\"fine\""), 1);
	assert_int_equal(times(&r, "\"name\":\"c2\""), 0);
	second_later(&r);
	assert_int_equal(times(&r, "event: checks"), 1);
	hang_up(&r);
}

static void
incidents_are_told_at_once(void **state)
{
	struct bed *bed = *state;
	struct reader r;

	listen_to(&r, bed, "", "");
	open_incident(bed, "self.store", "cannot write");
	turn(&r);
	assert_int_equal(times(&r, "event: incident\n"), 1);
	assert_int_equal(times(&r, "{\"event\":\"incident.opened\",\"reason\":\"first\","), 1);
	assert_int_equal(times(&r, "\"code\":\"self.store\""), 1);
	hang_up(&r);
}

static void
a_reader_may_want_a_few_checks(void **state)
{
	struct bed *bed = *state;
	struct reader r;

	have_checks(bed, 20);
	listen_to(&r, bed, "?checks=c1,c13", "");
	loop_advance(bed->w->env.loop, SECOND);
	note_all(bed);
	second_later(&r);
	assert_int_equal(times(&r, "\"name\":\"c1\""), 1);
	assert_int_equal(times(&r, "\"name\":\"c13\""), 1);
	assert_int_equal(times(&r, "\"name\":"), 2);
	hang_up(&r);
	dial(&r, bed, "?checks=", "");
	expect(&r, "HTTP/1.1 400");
	hang_up(&r);
}

static void
what_changed_as_a_whole_is_named(void **state)
{
	struct bed *bed = *state;
	struct reader r;
	struct err e;

	listen_to(&r, bed, "", "");
	second_later(&r);
	forget(&r);
	api_on_kept(bed->api, "silence");
	api_on_kept(bed->api, "ledger");
	api_on_kept(bed->api, "outbox");
	second_later(&r);
	assert_int_equal(times(&r, "event: silences\n"), 1);
	assert_int_equal(times(&r, "event: receivers\n"), 1);
	assert_int_equal(times(&r, "event: config\n"), 0);
	assert_int_equal(api_listen(bed->api, &e), 0); /* a reload */
	second_later(&r);
	assert_int_equal(times(&r, "event: config\n"), 1);
	hang_up(&r);
}

static void
who_comes_back_soon_has_missed_nothing(void **state)
{
	struct bed *bed = *state;
	struct reader r;
	char *id;

	have_checks(bed, 3);
	listen_to(&r, bed, "", "");
	api_on_sample(bed->api, "c0");
	second_later(&r);
	id = resume(&r);
	hang_up(&r);
	api_on_sample(bed->api, "c2");
	open_incident(bed, "self.store", "cannot write");
	api_on_kept(bed->api, "silence");
	listen_to(&r, bed, "", id);
	second_later(&r);
	assert_int_equal(times(&r, "\"resync\":false"), 1);
	assert_int_equal(times(&r, "event: incident\n"), 1);
	assert_int_equal(times(&r, "event: silences\n"), 1);
	assert_int_equal(times(&r, "\"name\":\"c2\""), 1);
	assert_int_equal(times(&r, "\"name\":\"c0\""), 0);
	hang_up(&r);
	free(id);
}

static void
who_has_missed_too_much_reads_anew(void **state)
{
	static const char *const strange[] = { "Last-Event-ID: 0.0.0.0\r\n", "Last-Event-ID: x\r\n",
		"Last-Event-ID: 60a24181e4000.99.0.1\r\n", "Last-Event-ID: \r\n" };
	struct bed *bed = *state;
	struct incident_event event = { .type = INCIDENT_UPDATED, .reason = "evidence" };
	struct reader r;
	char *id;

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		listen_to(&r, bed, "", strange[i]);
		assert_int_equal(times(&r, "\"resync\":true"), 1);
		id = resume(&r);
		hang_up(&r);
		free(id);
	}
	listen_to(&r, bed, "", "");
	id = resume(&r);
	hang_up(&r);
	open_incident(bed, "self.store", "cannot write");
	event.incident = triage_at(bed->triage, 0);
	for (int i = 0; i < FEED_RING; i++)
		api_on_incident(bed->api, &event);
	listen_to(&r, bed, "", id);
	assert_int_equal(times(&r, "\"resync\":true"), 1);
	hang_up(&r);
	free(id);
}

static void
long_after_the_last_reader_nothing_is_kept(void **state)
{
	struct bed *bed = *state;
	struct reader r;
	char *id;

	have_checks(bed, 3);
	note_all(bed);
	assert_int_equal(map_count(bed->api->feeds.marks.by_name), 0); /* nobody listens */
	listen_to(&r, bed, "", "");
	note_all(bed);
	assert_int_equal(map_count(bed->api->feeds.marks.by_name), 3);
	id = resume(&r);
	hang_up(&r);
	loop_advance(bed->w->env.loop, FEED_LINGER_US + 2 * SECOND);
	note_all(bed);
	assert_int_equal(map_count(bed->api->feeds.marks.by_name), 0);
	listen_to(&r, bed, "", id);
	assert_int_equal(times(&r, "\"resync\":true"), 1);
	hang_up(&r);
	free(id);
}

static struct feed *
only_feed(const struct bed *bed)
{
	assert_int_equal(bed->api->feeds.count, 1);
	return LIST_ENTRY(bed->api->feeds.open.next, struct feed, node);
}

/* It does not read while every check runs 30 times: it is told of each once or twice, no more. */
static void
a_slow_reader_costs_one_event(void **state)
{
	struct bed *bed = *state;
	struct loop *loop = bed->w->env.loop;
	struct reader r;
	unsigned told;

	have_checks(bed, MANY);
	loop_advance(loop, SECOND);
	listen_to(&r, bed, "", "");
	for (int i = 0; i < 30; i++) {
		note_all(bed);
		loop_advance(loop, SECOND);
		for (int n = 0; n < 60; n++)
			loop_turn(loop, false);
		assert_in_range(stream_unsent(only_feed(bed)->stream), 0, 100000);
	}
	assert_true(stream_unsent(only_feed(bed)->stream) > 0);
	for (int n = 0; n < 100; n++)
		second_later(&r);
	told = times(&r, "\"name\":");
	assert_in_range(told, MANY, 2 * MANY);
	assert_int_equal(times(&r, "\"resync\":true"), 1);
	assert_false(r.is_over);
	hang_up(&r);
}

static void
who_takes_nothing_for_a_minute_is_let_go(void **state)
{
	struct bed *bed = *state;
	struct loop *loop = bed->w->env.loop;
	struct reader r;

	have_checks(bed, MANY);
	listen_to(&r, bed, "", "");
	for (int i = 0; i < 55; i++) {
		note_all(bed);
		loop_advance(loop, SECOND);
		for (int n = 0; n < 40; n++)
			loop_turn(loop, false);
	}
	assert_int_equal(bed->api->feeds.count, 1);
	loop_advance(loop, 10 * SECOND);
	assert_int_equal(bed->api->feeds.count, 0);
	expect(&r, NULL);
	hang_up(&r);
}

static void
silence_is_broken_by_a_beat(void **state)
{
	struct bed *bed = *state;
	struct reader r;

	listen_to(&r, bed, "", "");
	second_later(&r);
	forget(&r);
	for (int i = 0; i < 62; i++)
		second_later(&r);
	assert_string_equal(buf_text(&r.text), ":\n\n:\n\n:\n\n:\n\n");
	hang_up(&r);
}

static void
sixteen_may_listen(void **state)
{
	struct bed *bed = *state;
	struct reader all[FEEDS_MAX], more;

	for (size_t i = 0; i < FEEDS_MAX; i++)
		listen_to(&all[i], bed, "", "");
	dial(&more, bed, "", "");
	expect(&more, "HTTP/1.1 503");
	expect(&more, "Retry-After: 30\r\n");
	hang_up(&more);
	assert_int_equal(bed->api->conn_count, 0); /* they leave the other limit alone */
	open_incident(bed, "self.store", "cannot write");
	for (size_t i = 0; i < FEEDS_MAX; i++)
		expect(&all[i], "event: incident\n");
	hang_up(&all[3]);
	listen_to(&all[3], bed, "", "");
	for (size_t i = 0; i < FEEDS_MAX; i++)
		hang_up(&all[i]);
	assert_int_equal(bed->api->feeds.count, 0);
}

static void
all_end_with_the_daemon(void **state)
{
	struct bed *bed = *state;
	struct reader r, late;

	listen_to(&r, bed, "", "");
	bed->world.is_draining = true;
	api_drain(bed->api);
	expect(&r, NULL);
	dial(&late, bed, "", "");
	expect(&late, "HTTP/1.1 503");
	hang_up(&late);
	hang_up(&r);
}

static void
a_check_that_is_gone_is_not_told_of(void **state)
{
	struct bed *bed = *state;
	struct reader r;

	have_checks(bed, 3);
	loop_advance(bed->w->env.loop, SECOND);
	listen_to(&r, bed, "", "");
	note_all(bed);
	sched_apply(bed->w->sched, (const struct check_spec *const *)bed->specs, 1, NULL);
	api_on_checks(bed->api);
	second_later(&r);
	assert_int_equal(times(&r, "\"name\":"), 1);
	assert_int_equal(map_count(bed->api->feeds.marks.by_name), 1);
	api_on_sample(bed->api, "never-was");
	second_later(&r);
	assert_int_equal(times(&r, "\"name\":"), 1);
	hang_up(&r);
}

static void
what_a_reader_says_is_dropped(void **state)
{
	struct bed *bed = *state;
	struct reader r;
	char noise[4000];

	listen_to(&r, bed, "", "");
	memset(noise, 'x', sizeof(noise));
	for (int i = 0; i < 200; i++) {
		assert_true(send(r.fd, noise, sizeof(noise), MSG_NOSIGNAL) > 0);
		turn(&r);
	}
	assert_int_equal(bed->api->feeds.count, 1);
	assert_false(r.is_over);
	hang_up(&r);
}

static void
a_look_at_the_head_takes_no_place(void **state)
{
	struct bed *bed = *state;
	struct reader r;

	dial(&r, bed, "", "");
	hang_up(&r);
	assert_int_equal(bed->api->feeds.count, 0);
	dial(&r, bed, " HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /api/v1/events", "");
	expect(&r, "text/event-stream");
	hang_up(&r);
	assert_int_equal(bed->api->feeds.count, 0);
}

int
main(void)
{
#define STORY(fn) cmocka_unit_test_setup_teardown(fn, open_bed, close_bed)
	const struct CMUnitTest tests[] = {
		STORY(the_head_says_what_it_is),
		STORY(runs_are_gathered_for_a_second),
		STORY(incidents_are_told_at_once),
		STORY(a_reader_may_want_a_few_checks),
		STORY(what_changed_as_a_whole_is_named),
		STORY(who_comes_back_soon_has_missed_nothing),
		STORY(who_has_missed_too_much_reads_anew),
		STORY(long_after_the_last_reader_nothing_is_kept),
		STORY(a_slow_reader_costs_one_event),
		STORY(who_takes_nothing_for_a_minute_is_let_go),
		STORY(silence_is_broken_by_a_beat),
		STORY(sixteen_may_listen),
		STORY(all_end_with_the_daemon),
		STORY(a_check_that_is_gone_is_not_told_of),
		STORY(what_a_reader_says_is_dropped),
		STORY(a_look_at_the_head_takes_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
