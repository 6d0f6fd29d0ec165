/* The reader of Uptime Kuma's exports: what its two parts share. */
#ifndef SETUP_IMPORT_KUMA_H
#define SETUP_IMPORT_KUMA_H

#include "setup/import_inside.h"

/* A notification that became a receiver. */
struct kuma_receiver {
	double id;
	const struct import_item *item;
};

struct kuma {
	struct import *import;
	const json_t *root, *list, *monitor;
	struct kuma_receiver *receivers;
	size_t receiver_count;
	char where[200]; /* "monitor 3 \"api\"" */
};

char *kuma_text(const json_t *map, const char *key); /* in our words, owned; NULL: none */
double kuma_number(const json_t *map, const char *key, double fallback);
bool kuma_is_true(const json_t *map, const char *key);
char *kuma_raw(const json_t *value); /* as it is; NULL: none */
/* Our key with the text of theirs; nothing where there is none. */
void kuma_add_text(
	struct kuma *kuma, struct import_item *check, const char *ours, const char *theirs);
/* A secret of this key of ours, instead of `text`, which is taken; owned. */
char *kuma_hide(struct kuma *kuma, const char *check, const char *ours, char *text);
void kuma_add_secret(
	struct kuma *kuma, struct buf *keys, const char *check, const char *ours, const char *text);
void kuma_note(struct kuma *kuma, const char *key, const char *text);

void kuma_make_http(struct kuma *kuma, struct import_item *check);
void kuma_make_keyword(struct kuma *kuma, struct import_item *check);
void kuma_make_json(struct kuma *kuma, struct import_item *check);

void kuma_take_receivers(struct kuma *kuma);
void kuma_take_routes(struct kuma *kuma, const struct import_item *check);
/* The name of the group that a monitor is in, owned; NULL: in none. */
char *kuma_group(const struct kuma *kuma);
void kuma_fini(struct kuma *kuma);

#endif
