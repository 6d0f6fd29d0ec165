/* A fact about PostgreSQL against a scripted server, which answers one connection after another. */
#ifndef TESTS_FACTS_PG_SCENE_H
#define TESTS_FACTS_PG_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/help/fact_bench.h"
#include "tests/help/peer.h"
#include "tests/help/pg_answer.h"

struct pg_scene {
	struct fact_bench *b;
	struct peer *peer;
	struct buf login, answer;
	struct peer_step script[8];
};

/* Fill `answer` before the scene opens; it is what all statements are answered with. */
static inline void
scene_init(struct pg_scene *s, void **state, const char *version)
{
	memset(s, 0, sizeof(*s));
	s->b = *state;
	buf_init(&s->login, 0);
	buf_init(&s->answer, 0);
	pg_answer_login(&s->login, version);
	for (int i = 0; i < 3; i++)
		pg_answer_done(&s->answer, "SET");
}

static inline void
scene_open(struct pg_scene *s, const char *database)
{
	char yaml[256];

	pg_answer_ready(&s->answer);
	s->script[0] = (struct peer_step)PEER_EXPECT("application_name");
	s->script[1] = (struct peer_step){ PEER_DO_SEND, buf_head(&s->login), buf_left(&s->login) };
	s->script[2] = (struct peer_step)PEER_EXPECT("SELECT");
	s->script[3] =
		(struct peer_step){ PEER_DO_SEND, buf_head(&s->answer), buf_left(&s->answer) };
	s->script[4] = (struct peer_step)PEER_EXPECT("SELECT");
	s->script[5] = s->script[3];
	s->script[6] = (struct peer_step)PEER_END;
	s->peer = peer_open(s->b->probe->loop, s->script);
	snprintf(yaml, sizeof(yaml), "dsn: \"postgresql://mon:s3cret@%s/%s?sslmode=disable\"\n",
		peer_address(s->peer), database);
	fact_bench_check(s->b, "postgres", yaml);
}

static inline void
scene_close(struct pg_scene *s)
{
	fact_bench_forget(s->b);
	peer_free(s->peer);
	buf_fini(&s->login);
	buf_fini(&s->answer);
}

static inline void
assert_says(const struct fact_bench *b, const char *part)
{
	if (strstr(b->fact.text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, b->fact.text);
}

/* The script hears statements with NULs before them: the startup message. */
static inline bool
was_asked(const struct pg_scene *s, const char *part)
{
	return memmem(peer_heard(s->peer, 0), peer_heard_len(s->peer, 0), part, strlen(part)) !=
	       NULL;
}

static inline bool
is_left(void *arg)
{
	return peer_living(((struct pg_scene *)arg)->peer) == 0;
}

/* No connection stays behind. */
static inline void
assert_left(struct pg_scene *s)
{
	assert_true(loop_turn_until(s->b->probe->loop, is_left, s, 100));
}

#define ROWS(out, columns, rows, ...)                                                              \
	pg_answer_rows(out, columns, rows, (const char *const[]){ __VA_ARGS__ })

#endif
