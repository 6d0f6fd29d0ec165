/*
 * Who is not told at present: silences and maintenance, and which open incidents they have kept
 * quiet.  Owned by deliver; persists through its on_keep.
 */
#ifndef DELIVER_MUTE_H
#define DELIVER_MUTE_H

#include "base/map.h"
#include "deliver/maintenance.h"
#include "deliver/silence.h"

struct mute {
	struct silence **silences; /* in the order in which they were made */
	size_t silence_count;
	const struct maintenance_spec *const *works;
	size_t work_count;
	struct map *muted; /* incident id -> itself: something was not told of it */
};

void mute_init(struct mute *mute);
void mute_fini(struct mute *mute);

/* What mutes it, in words, and until when. */
bool mute_holds(const struct mute *mute, const struct incident *incident, usec_t wall_us, char *why,
	size_t size, usec_t *until_us);

/* Inside of deliver. */
int mute_restore(struct deliver *deliver, const char *kind, const char *key, const json_t *doc,
	struct err *e);
void mute_mark(struct deliver *deliver, const char *incident, bool is_muted);
bool mute_is_marked(const struct deliver *deliver, const char *incident);
void mute_forget_expired(struct deliver *deliver);

#endif
