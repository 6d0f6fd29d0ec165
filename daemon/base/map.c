/*
 * Open addressing with linear probing; removal shifts the followers back, so there are no
 * tombstones.  Keys can come from outside: the hash is keyed (SipHash-1-3) with a secret drawn once
 * per process, so that nobody can choose keys that collide.
 */
#include "base/map.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"

#define ROOM_MIN 8

struct slot {
	char *key; /* NULL: free */
	void *value;
	uint64_t hash;
};

struct map {
	struct slot *slots;
	size_t count, room; /* room is a power of two, or 0 */
};

/* Two threads may draw at once: the first one stored wins for both. */
static uint64_t
seed(void)
{
	static _Atomic uint64_t stored;
	uint64_t value = atomic_load(&stored);

	if (value)
		return value;
	uint64_t drawn, expected = 0;
	rand_bytes(&drawn, sizeof drawn);
	drawn |= 1;
	return atomic_compare_exchange_strong(&stored, &expected, drawn) ? drawn : expected;
}

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t
hash_of(const char *key)
{
	uint64_t k0 = seed(), k1 = rotate(k0, 29) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t v[4] = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
	size_t len = strlen(key);
	uint64_t last = (uint64_t)len << 56;

	for (size_t left = len; left >= 8; left -= 8, key += 8) {
		uint64_t word;
		memcpy(&word, key, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < len % 8; i++)
		last |= (uint64_t)(unsigned char)key[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *
map_new(void)
{
	return xcalloc(1, sizeof(struct map));
}

void
map_free(struct map *map, void (*free_value)(void *))
{
	if (!map)
		return;
	for (size_t i = 0; i < map->room; i++) {
		if (map->slots[i].key && free_value)
			free_value(map->slots[i].value);
		free(map->slots[i].key);
	}
	free(map->slots);
	free(map);
}

/* The slot that holds `key`, or the free one where it belongs.  The map has room. */
static struct slot *
find(const struct map *map, const char *key, uint64_t hash)
{
	size_t at = hash & (map->room - 1);

	for (;; at = (at + 1) & (map->room - 1)) {
		struct slot *slot = &map->slots[at];
		if (!slot->key || (slot->hash == hash && strcmp(slot->key, key) == 0))
			return slot;
	}
}

static void
grow(struct map *map)
{
	struct slot *old = map->slots;
	size_t old_room = map->room;

	map->room = old_room ? old_room * 2 : ROOM_MIN;
	map->slots = xcalloc(map->room, sizeof(struct slot));
	for (size_t i = 0; i < old_room; i++)
		if (old[i].key)
			*find(map, old[i].key, old[i].hash) = old[i];
	free(old);
}

void *
map_get(const struct map *map, const char *key)
{
	if (!map->count)
		return NULL;
	return find(map, key, hash_of(key))->value;
}

void *
map_put(struct map *map, const char *key, void *value)
{
	uint64_t hash = hash_of(key);

	if ((map->count + 1) * 4 > map->room * 3)
		grow(map);
	struct slot *slot = find(map, key, hash);
	void *replaced = slot->value;
	if (!slot->key) {
		*slot = (struct slot){ .key = xstrdup(key), .hash = hash };
		map->count++;
	}
	slot->value = value;
	return replaced;
}

void *
map_remove(struct map *map, const char *key)
{
	if (!map->count)
		return NULL;
	struct slot *gap = find(map, key, hash_of(key));
	if (!gap->key)
		return NULL;
	void *value = gap->value;
	free(gap->key);
	map->count--;
	/* Whoever was pushed past the gap by its owner moves into it, and leaves a new gap. */
	size_t mask = map->room - 1, hole = (size_t)(gap - map->slots);
	for (size_t at = (hole + 1) & mask; map->slots[at].key; at = (at + 1) & mask) {
		size_t home = map->slots[at].hash & mask;
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		map->slots[hole] = map->slots[at];
		hole = at;
	}
	map->slots[hole] = (struct slot){ .key = NULL };
	return value;
}

size_t
map_count(const struct map *map)
{
	return map->count;
}

bool
map_next(const struct map *map, size_t *at, const char **key, void **value)
{
	for (; *at < map->room; ++*at) {
		const struct slot *slot = &map->slots[*at];
		if (!slot->key)
			continue;
		if (key)
			*key = slot->key;
		if (value)
			*value = slot->value;
		++*at;
		return true;
	}
	return false;
}
