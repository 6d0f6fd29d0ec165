/* A MySQL server's side of the conversation, byte by byte, for scripts of peers. */
#ifndef TESTS_PROBES_MYSQL_SCENE_H
#define TESTS_PROBES_MYSQL_SCENE_H

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "probes/mysql_wire.h"
#include "tests/help/peer.h"

#define SCENE_SCRAMBLE "abcdefghijklmnopqrst"
#define SCENE_CAPS                                                                                 \
	(MYSQL_LONG_PASSWORD | MYSQL_LONG_FLAG | MYSQL_WITH_DB | MYSQL_PROTOCOL_41 |               \
		MYSQL_TRANSACTIONS | MYSQL_SECURE_CONNECTION | MYSQL_PLUGIN_AUTH |                 \
		MYSQL_ATTRIBUTES)

/* Scripts are made in here; up to this many steps. */
struct scene {
	struct peer_step steps[32];
	unsigned count;
	struct buf bytes[32]; /* of each step */
};

static inline void
scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
}

static inline void
scene_fini(struct scene *s)
{
	for (unsigned i = 0; i < s->count; i++)
		buf_fini(&s->bytes[i]);
}

/* The step that is being written: packets gather in it. */
static inline struct buf *
scene_send(struct scene *s)
{
	if (s->count == 0 || s->steps[s->count - 1].verb != PEER_DO_SEND)
		s->steps[s->count++].verb = PEER_DO_SEND;
	return &s->bytes[s->count - 1];
}

static inline const struct peer_step *
scene_script(struct scene *s)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->steps[i].verb == PEER_DO_SEND) {
			s->steps[i].text = buf_head(&s->bytes[i]);
			s->steps[i].len = buf_left(&s->bytes[i]);
		}
	s->steps[s->count] = (struct peer_step)PEER_END;
	return s->steps;
}

static inline void
scene_step(struct scene *s, struct peer_step step)
{
	s->steps[s->count++] = step;
}

static inline void
scene_packet(struct scene *s, unsigned sequence, const void *data, size_t len)
{
	mysql_put_bytes(scene_send(s), data, len, sequence);
}

static inline void
scene_greet(struct scene *s, const char *version, const char *plugin, uint32_t caps)
{
	const unsigned char low[] = { (unsigned char)caps, (unsigned char)(caps >> 8), 45, 2, 0,
		(unsigned char)(caps >> 16), (unsigned char)(caps >> 24), 21 };
	struct buf b;

	buf_init(&b, 0);
	buf_add(&b, "\x0a", 1);
	buf_add(&b, version, strlen(version) + 1);
	buf_add(&b, "\x07\0\0\0", 4);
	buf_add(&b, SCENE_SCRAMBLE, 8);
	buf_add(&b, "", 1);
	buf_add(&b, low, sizeof(low));
	buf_add(&b, "\0\0\0\0\0\0\0\0\0\0", 10);
	buf_add(&b, SCENE_SCRAMBLE + 8, 13);
	buf_add(&b, plugin, strlen(plugin) + 1);
	scene_packet(s, 0, buf_head(&b), buf_left(&b));
	buf_fini(&b);
}

static inline void
scene_ok(struct scene *s, unsigned sequence)
{
	scene_packet(s, sequence, "\0\0\0\2\0\0\0", 7);
}

static inline void
scene_error(struct scene *s, unsigned sequence, unsigned number, const char *text)
{
	struct buf b;
	const unsigned char head[] = { 0xff, (unsigned char)number, (unsigned char)(number >> 8) };

	buf_init(&b, 0);
	buf_add(&b, head, sizeof(head));
	buf_add_text(&b, text);
	scene_packet(s, sequence, buf_head(&b), buf_left(&b));
	buf_fini(&b);
}

static inline void
scene_put_text(struct buf *b, const char *text)
{
	const unsigned char len = text != NULL ? (unsigned char)strlen(text) : 0xfb;

	buf_add(b, &len, 1);
	if (text != NULL)
		buf_add_text(b, text);
}

/* Names of the columns, then cells row by row; "NULL" is one, a NULL pointer ends. */
static inline void
scene_rows(struct scene *s, unsigned columns, ...)
{
	unsigned char count = (unsigned char)columns;
	unsigned sequence = 1;
	struct buf b;
	const char *cell;
	va_list ap;

	scene_packet(s, sequence++, &count, 1);
	buf_init(&b, 0);
	va_start(ap, columns);
	for (unsigned i = 0; i < columns; i++) {
		buf_reset(&b);
		buf_add(&b, "\3def\0\0", 6);
		scene_put_text(&b, "");
		scene_put_text(&b, va_arg(ap, const char *));
		buf_add(&b, "\0\x0c\x2d\0\0\1\0\0\xfd\0\0\0\0\0", 14);
		scene_packet(s, sequence++, buf_head(&b), buf_left(&b));
	}
	scene_packet(s, sequence++, "\xfe\0\0\2\0", 5);
	while ((cell = va_arg(ap, const char *)) != NULL) {
		buf_reset(&b);
		for (unsigned i = 0; i < columns; i++) {
			scene_put_text(&b, strcmp(cell, "NULL") == 0 ? NULL : cell);
			if (i + 1 < columns)
				cell = va_arg(ap, const char *);
		}
		scene_packet(s, sequence++, buf_head(&b), buf_left(&b));
	}
	va_end(ap);
	scene_packet(s, sequence, "\xfe\0\0\2\0", 5);
	buf_fini(&b);
}

/* Goes on when this was heard (a literal). */
#define scene_expect(s, text) scene_step((s), (struct peer_step)PEER_EXPECT(text))

/* What follows on a login that is accepted: the session is made harmless. */
static inline void
scene_harmless(struct scene *s)
{
	scene_expect(s, "autocommit");
	scene_ok(s, 1);
}

/* The answer to SELECT 1. */
static inline void
scene_one(struct scene *s)
{
	scene_expect(s, "SELECT 1");
	scene_rows(s, 1, "1", "1", NULL);
}

/* Greeting, OK, and OK to what makes the session harmless. */
static inline void
scene_login(struct scene *s, const char *version, const char *plugin)
{
	scene_greet(s, version, plugin, SCENE_CAPS);
	scene_expect(s, "triaged");
	scene_ok(s, 2);
	scene_harmless(s);
}

#define SCENE_MARIADB "5.5.5-10.11.19-MariaDB-0+deb12u1"
#define SCENE_NATIVE  "mysql_native_password"
#define SCENE_CACHING "caching_sha2_password"

#endif
