/* The heartbeat that we send: when it beats, when it is silent, what counts as heard. */
#include "tests/deliver/scene.h"

#include "deliver/heartbeat.h"
#include "io/http.h"
#include "io/resolve.h"
#include "tests/help/peer.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"

static const struct peer_step well[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_SEND(OK_REPLY),
	PEER_CLOSE,
	PEER_END,
};
static const struct peer_step broken[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
	PEER_CLOSE,
	PEER_END,
};
static const struct peer_step moved[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n"
		  "Connection: close\r\n\r\n"),
	PEER_CLOSE,
	PEER_END,
};
#define WORDS "0123456789012345678901234567890123456789012345"

/* Cut within the secret. */
#define REFUSED(words)                                                                             \
	{                                                                                          \
		PEER_EXPECT("\r\n\r\n"),                                                           \
			PEER_SEND("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"            \
				  "{\"ok\":false,\"msg\":\"" words " s3cret-token-of-ours\"}"),    \
			PEER_CLOSE, PEER_END                                                       \
	}
static const struct peer_step refused_in_words[] = REFUSED(WORDS " " WORDS);
static const struct peer_step refused_at_length[] =
	REFUSED(WORDS " " WORDS " " WORDS " " WORDS " " WORDS " " WORDS);
/* What Uptime Kuma says to a token that it does not know. */
static const struct peer_step refused[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/1.1 404 Not Found\r\nContent-Length: 71\r\nConnection: close\r\n\r\n"
		  "{\"ok\":false,\"msg\":\"Monitor not found: /api/push/s3cret-token-of-ours\"}\n"),
	PEER_CLOSE,
	PEER_END,
};
static const struct peer_step refused_with_200[] = {
	PEER_EXPECT("\r\n\r\n"),
	PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 31\r\nConnection: close\r\n\r\n"
		  "{\"ok\":false,\"msg\":\"not active\"}"),
	PEER_CLOSE,
	PEER_END,
};
static const struct peer_step silent[] = {
	PEER_STALL,
	PEER_END,
};

struct stage {
	struct scene *scene;
	struct secret_set *secrets;
	struct peer *peer;
	struct heartbeat *heartbeat;
	struct heartbeat_settings settings;
	char *urls[2];
	const char *doubt;
	unsigned troubles, recoveries;
	char trouble[320];
};

static const char *
stage_doubt(void *arg)
{
	return ((struct stage *)arg)->doubt;
}

static usec_t
stage_round(void *arg)
{
	(void)arg;
	return 12300;
}

static void
stage_trouble(void *arg, const char *text)
{
	struct stage *stage = arg;

	if (text == NULL)
		stage->recoveries++;
	else
		stage->troubles++;
	str_copy(stage->trouble, sizeof(stage->trouble), text);
}

static int
setup(void **state)
{
	struct stage *stage = xcalloc(1, sizeof(*stage));
	struct scene *scene = scene_new();
	const struct heartbeat_options options = {
		.env = &scene->env,
		.doubt = stage_doubt,
		.round_us = stage_round,
		.on_trouble = stage_trouble,
		.arg = stage,
	};
	struct heartbeat_options filled = options;

	stage->scene = scene;
	stage->secrets = secret_set_new();
	scene->env.secrets = stage->secrets;
	scene->env.resolver = resolver_new(scene->loop, NULL);
	scene->env.tls = tls_pool_new();
	scene->env.http = http_client_new(scene->loop, scene->env.resolver, scene->env.tls);
	scene_add(scene, "hook");
	scene_add(scene, "other");
	scene_boot(scene);
	filled.deliver = scene->deliver;
	stage->heartbeat = heartbeat_new(&filled);
	stage->settings = (struct heartbeat_settings){
		.url = { stage->urls, 1 },
		.interval_us = USEC_PER_MIN,
		.timeout_us = 10 * USEC_PER_SEC,
		.stuck_after_us = 10 * USEC_PER_MIN,
		.verify = true,
	};
	*state = stage;
	return 0;
}

static int
teardown(void **state)
{
	struct stage *stage = *state;
	struct scene *scene = stage->scene;

	heartbeat_free(stage->heartbeat);
	if (stage->peer != NULL)
		peer_free(stage->peer);
	http_client_free(scene->env.http);
	resolver_free(scene->env.resolver);
	loop_turn(scene->loop, false);
	tls_pool_free(scene->env.tls);
	scene_free(scene);
	secret_set_free(stage->secrets);
	free(stage->urls[0]);
	free(stage->urls[1]);
	free(stage);
	return 0;
}

/* A place that plays this script, and a heartbeat that goes there. */
static void
begin(struct stage *stage, const struct peer_step *script, const char *path)
{
	static const struct heartbeat_settings none = { .interval_us = USEC_PER_MIN };

	heartbeat_apply(stage->heartbeat, &none);
	stage->peer = peer_open(stage->scene->loop, script);
	free(stage->urls[0]);
	stage->urls[0] = xasprintf("http://127.0.0.1:%u%s", peer_port(stage->peer), path);
	heartbeat_secrets(&stage->settings, stage->secrets);
	heartbeat_apply(stage->heartbeat, &stage->settings);
}

static struct heartbeat_view
look(const struct stage *stage)
{
	struct heartbeat_view view;

	assert_true(heartbeat_view(stage->heartbeat, 0, &view));
	return view;
}

static bool
has_settled(void *arg)
{
	struct stage *stage = arg;

	return look(stage).sent + look(stage).failed >= (uint64_t)stage->scene->extra;
}

/* Time goes by until so many beats have been answered. */
static void
beats(struct stage *stage, usec_t us, int count)
{
	scene_wait(stage->scene, us);
	stage->scene->extra = count;
	if (!loop_turn_until(stage->scene->loop, has_settled, stage, 500))
		fail_msg("%llu sent, %llu failed, wanted %d", (unsigned long long)look(stage).sent,
			(unsigned long long)look(stage).failed, count);
}

static void
it_beats_at_its_interval(void **state)
{
	struct stage *stage = *state;

	begin(stage, well, "/ping/0123-4567");
	beats(stage, USEC_PER_SEC, 1);
	assert_int_equal(look(stage).sent, 1);
	assert_non_null(strstr(peer_heard(stage->peer, 0), "GET /ping/0123-4567 HTTP/1.1\r\n"));
	assert_non_null(strstr(peer_heard(stage->peer, 0), "triaged/0.0.0"));
	assert_true(look(stage).last_ok_us > SCENE_WALL);
	scene_wait(stage->scene, 59 * USEC_PER_SEC);
	assert_int_equal(look(stage).sent, 1);
	beats(stage, USEC_PER_SEC, 2);
	/* A reload that changes nothing does not move the clock. */
	scene_wait(stage->scene, 50 * USEC_PER_SEC);
	heartbeat_apply(stage->heartbeat, &stage->settings);
	beats(stage, 10 * USEC_PER_SEC, 3);
	assert_int_equal(look(stage).failed, 0);
	assert_string_equal(look(stage).form, "plain");
}

static void
without_evidence_it_is_silent(void **state)
{
	struct stage *stage = *state;
	uint64_t left_out;

	stage->doubt = "not every check has run once yet";
	begin(stage, well, "/");
	scene_wait(stage->scene, 10 * USEC_PER_MIN);
	assert_int_equal(look(stage).sent, 0);
	assert_string_equal(heartbeat_withheld(stage->heartbeat, &left_out), stage->doubt);
	assert_int_equal(left_out, 0);
	stage->doubt = NULL; /* then it begins at once */
	beats(stage, USEC_PER_SEC, 1);
	stage->doubt = "the loop makes no progress";
	scene_wait(stage->scene, 10 * USEC_PER_MIN);
	assert_int_equal(look(stage).sent, 1);
	assert_non_null(heartbeat_withheld(stage->heartbeat, &left_out));
	assert_int_equal(left_out, 10);
	stage->doubt = NULL;
	beats(stage, USEC_PER_MIN, 2);
	assert_null(heartbeat_withheld(stage->heartbeat, &left_out));
	assert_int_equal(stage->troubles, 0); /* silence is not trouble */
}

static void
a_push_monitor_is_told_how_long_the_round_took(void **state)
{
	struct stage *stage = *state;

	begin(stage, well, "/api/push/s3cret-token-of-ours?status=up&msg=&ping=");
	beats(stage, USEC_PER_SEC, 1);
	assert_non_null(strstr(peer_heard(stage->peer, 0),
		"GET /api/push/s3cret-token-of-ours?status=up&msg=OK&ping=13 HTTP/1.1\r\n"));
	assert_string_equal(look(stage).form, "uptime-kuma");
}

static void
what_is_no_success(void **state)
{
	static const struct {
		const struct peer_step *script;
		const char *words;
	} cases[] = {
		{ broken, "status 500" },
		{ moved, "redirects are not followed" },
		{ refused, "ok: false, Monitor not found: " },
		{ refused_in_words, "ok: false, 0123" },
		{ refused_at_length, "ok: false, 0123" },
		{ refused_with_200, "ok: false, not active" },
	};
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(stage, cases[i].script, "/api/push/s3cret-token-of-ours");
		beats(stage, USEC_PER_SEC, 1);
		assert_int_equal(look(stage).failed, 1);
		if (strstr(look(stage).last_error, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].words, look(stage).last_error);
		assert_null(strstr(look(stage).last_error, "s3cret"));
		peer_free(stage->peer);
		stage->peer = NULL;
	}
}

static void
a_try_that_hangs_ends_at_its_timeout(void **state)
{
	struct stage *stage = *state;

	begin(stage, silent, "/");
	scene_wait(stage->scene, USEC_PER_SEC);
	for (int i = 0; i < 20; i++)
		loop_turn(stage->scene->loop, false);
	beats(stage, 11 * USEC_PER_SEC, 1);
	assert_int_equal(look(stage).failed, 1);
}

/* One warning, after ten minutes; and its end. */
static void
a_heartbeat_that_never_arrives_is_said_once(void **state)
{
	struct stage *stage = *state;

	begin(stage, broken, "/hc/s3cret-path");
	for (int i = 1; i <= 10; i++)
		beats(stage, i == 1 ? USEC_PER_SEC : USEC_PER_MIN, i);
	assert_int_equal(stage->troubles, 0);
	for (int i = 11; i <= 30; i++)
		beats(stage, USEC_PER_MIN, i);
	assert_int_equal(stage->troubles, 1);
	assert_non_null(strstr(stage->trouble, "http://127.0.0.1"));
	assert_non_null(strstr(stage->trouble, "status 500"));
	assert_null(strstr(stage->trouble, "s3cret-path"));
	/* Taken out of the settings it is nobody's trouble any more. */
	const struct heartbeat_settings none = { .interval_us = USEC_PER_MIN };
	heartbeat_apply(stage->heartbeat, &none);
	assert_int_equal(stage->recoveries, 1);
	assert_int_equal(heartbeat_count(stage->heartbeat), 0);
	heartbeat_apply(stage->heartbeat, &stage->settings);
}

static void
two_places_are_told_apart(void **state)
{
	struct stage *stage = *state;
	struct peer *dead = peer_open(stage->scene->loop, broken);
	struct heartbeat_view view;

	stage->urls[1] = xasprintf("http://127.0.0.1:%u/b", peer_port(dead));
	stage->settings.url.count = 2;
	begin(stage, well, "/a");
	beats(stage, USEC_PER_SEC, 1);
	for (int i = 0; i < 500; i++) {
		loop_turn(stage->scene->loop, false);
		heartbeat_view(stage->heartbeat, 1, &view);
		if (view.failed > 0)
			break;
	}
	assert_int_equal(view.failed, 1);
	assert_int_equal(look(stage).sent, 1);
	assert_int_equal(look(stage).failed, 0);
	heartbeat_free(stage->heartbeat);
	stage->heartbeat = NULL;
	peer_free(dead);
}

/* ---- do notices reach anybody? ---- */

static enum send_result
hook_is_dead(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	return str_eq(made->receiver, "hook") ? SEND_LATER : SEND_OK;
}

static enum send_result
all_are_dead(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	(void)made;
	return SEND_LATER;
}

static bool
is_stuck(struct scene *scene)
{
	char why[200] = "";

	return deliver_is_stuck(scene->deliver, 10 * USEC_PER_MIN, why, sizeof(why));
}

static void
stuck_is_when_nobody_is_told(void **state)
{
	struct stage *stage = *state;
	struct scene *scene = stage->scene;
	struct incident incident;

	assert_false(is_stuck(scene));
	scene->answer = all_are_dead;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_wait(scene, 9 * USEC_PER_MIN);
	assert_false(is_stuck(scene));
	scene_wait(scene, 2 * USEC_PER_MIN);
	assert_true(is_stuck(scene));
	/* A day later it is given up and said: the heartbeat does not lie for ever. */
	scene_wait(scene, USEC_PER_DAY);
	assert_false(is_stuck(scene));
	incident_fini(&incident);
}

static void
one_dead_receiver_beside_another_is_not_stuck(void **state)
{
	struct stage *stage = *state;
	struct scene *scene = stage->scene;
	struct incident incident;

	scene->answer = hook_is_dead;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_wait(scene, USEC_PER_HOUR);
	assert_false(is_stuck(scene));
	/* Nor after a restart: the ledger knows who took it. */
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	scene_wait(scene, USEC_PER_HOUR);
	assert_false(is_stuck(scene));
	incident_fini(&incident);
}

static void
mistakes_in_the_block_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "{ interval: 60s }", "url is missing" },
		{ "{ url: \"ftp://a/b\" }", "must begin with https" },
		{ "{ url: [\"http://a/b\", nonsense] }", "write https://host/path" },
		{ "{ url: \"http://a/b\", interval: 1s }", "interval" },
		{ "{ url: \"http://a/b\", every: 60s }", "every" },
		{ "{ url: \"\" }", NULL },
		{ "{ url: [\"http://a/b\", \"https://c/api/push/x\"] }", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *yaml = xasprintf("heartbeat: %s\n", cases[i][0]);
		struct complaints *complaints = complaints_new();
		struct conf_tree *tree = conf_tree_parse("t.yaml", yaml, strlen(yaml), complaints);
		struct heartbeat_settings settings = { .interval_us = 0 };
		struct conf_part part = { heartbeat_fields, &settings };
		const struct conf_node *node = conf_get(tree->root, "heartbeat");
		struct buf text;

		conf_fill(&part, 1, node, "heartbeat", NULL, complaints);
		heartbeat_check(&settings, node, NULL, complaints);
		buf_init(&text, 0);
		complaints_print(complaints, &text);
		if (cases[i][1] == NULL ? complaints_errors(complaints) > 0
					: strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		conf_clear(heartbeat_fields, &settings);
		conf_tree_free(tree);
		complaints_free(complaints);
		free(yaml);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(it_beats_at_its_interval),
		TEST(without_evidence_it_is_silent),
		TEST(a_push_monitor_is_told_how_long_the_round_took),
		TEST(what_is_no_success),
		TEST(a_try_that_hangs_ends_at_its_timeout),
		TEST(a_heartbeat_that_never_arrives_is_said_once),
		TEST(two_places_are_told_apart),
		TEST(stuck_is_when_nobody_is_told),
		TEST(one_dead_receiver_beside_another_is_not_stuck),
		cmocka_unit_test(mistakes_in_the_block_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
