/*
 * The entries lie one behind the other; a table of places, probed linearly, says where: 24 bits of
 * the entry's number and eight of its hash, so that few keys are compared in vain.  Removal shifts
 * the followers back and moves the last entry into the gap: there are no tombstones.  Keys can come
 * from outside: the hash is keyed (SipHash-1-3) with a secret drawn once per process, so that
 * nobody can choose keys that collide.
 */
#include "base/map.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"

#define ROOM_MIN    8
#define NUMBER_BITS 24
#define NUMBER_MASK ((UINT32_C(1) << NUMBER_BITS) - 1)

struct entry {
	char *key;
	void *value;
};

struct map {
	struct entry *entries;
	uint32_t *places; /* 0: free; else the entry's number from 1, below its hash's tag */
	size_t count, entry_room;
	size_t room;       /* places: a power of two, or 0 */
	bool is_borrowing; /* keys are somebody else's */
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

struct map *
map_new_borrowing(void)
{
	struct map *map = map_new();

	map->is_borrowing = true;
	return map;
}

static void
let_key_go(const struct map *map, char *key)
{
	if (!map->is_borrowing)
		free(key);
}

void
map_free(struct map *map, void (*free_value)(void *))
{
	if (!map)
		return;
	for (size_t i = 0; i < map->count; i++) {
		let_key_go(map, map->entries[i].key);
		if (free_value)
			free_value(map->entries[i].value);
	}
	free(map->entries);
	free(map->places);
	free(map);
}

static uint32_t
place_of(size_t number, uint64_t hash)
{
	return (uint32_t)(number + 1) | (uint32_t)(hash >> (64 - 32 + NUMBER_BITS)) << NUMBER_BITS;
}

static struct entry *
entry_at(const struct map *map, size_t at)
{
	return &map->entries[(map->places[at] & NUMBER_MASK) - 1];
}

/* Where `key` is, or the free place where it belongs.  The map has room. */
static size_t
find(const struct map *map, const char *key, uint64_t hash)
{
	size_t mask = map->room - 1;

	for (size_t at = hash & mask;; at = (at + 1) & mask) {
		uint32_t place = map->places[at];
		if (place == 0)
			return at;
		if (((place ^ place_of(0, hash)) & ~NUMBER_MASK) == 0 &&
			strcmp(entry_at(map, at)->key, key) == 0)
			return at;
	}
}

static void
grow(struct map *map)
{
	map->room = map->room ? map->room * 2 : ROOM_MIN;
	free(map->places);
	map->places = xcalloc(map->room, sizeof(*map->places));
	for (size_t i = 0; i < map->count; i++) {
		uint64_t hash = hash_of(map->entries[i].key);
		size_t at = hash & (map->room - 1);
		while (map->places[at] != 0)
			at = (at + 1) & (map->room - 1);
		map->places[at] = place_of(i, hash);
	}
}

void *
map_get(const struct map *map, const char *key)
{
	if (!map->count)
		return NULL;
	size_t at = find(map, key, hash_of(key));
	return map->places[at] ? entry_at(map, at)->value : NULL;
}

static char *
borrow(const char *key)
{
	return (char *)(uintptr_t)key;
}

static void
add(struct map *map, size_t at, uint64_t hash, const struct entry *entry)
{
	assert(map->count < NUMBER_MASK);
	if (map->count == map->entry_room) {
		map->entry_room += map->entry_room / 4 + ROOM_MIN / 2;
		map->entries = xreallocarray(map->entries, map->entry_room, sizeof(*map->entries));
	}
	map->places[at] = place_of(map->count, hash);
	map->entries[map->count++] = *entry;
}

void *
map_put(struct map *map, const char *key, void *value)
{
	uint64_t hash = hash_of(key);

	if ((map->count + 1) * 4 > map->room * 3)
		grow(map);
	size_t at = find(map, key, hash);
	if (!map->places[at]) {
		char *own = map->is_borrowing ? borrow(key) : xstrdup(key);
		add(map, at, hash, &(struct entry){ own, value });
		return NULL;
	}
	struct entry *entry = entry_at(map, at);
	void *replaced = entry->value;
	entry->value = value;
	if (map->is_borrowing)
		entry->key = borrow(key);
	return replaced;
}

/* Whoever was pushed past the gap by its owner moves into it, and leaves a new gap. */
static void
close_gap(struct map *map, size_t hole)
{
	size_t mask = map->room - 1;

	for (size_t at = (hole + 1) & mask; map->places[at]; at = (at + 1) & mask) {
		size_t home = hash_of(entry_at(map, at)->key) & mask;
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		map->places[hole] = map->places[at];
		hole = at;
	}
	map->places[hole] = 0;
}

void *
map_remove(struct map *map, const char *key)
{
	if (!map->count)
		return NULL;
	size_t at = find(map, key, hash_of(key));
	if (!map->places[at])
		return NULL;
	struct entry *entry = entry_at(map, at), *last = &map->entries[map->count - 1];
	struct entry gone = *entry;
	close_gap(map, at);
	if (entry != last) {
		uint64_t hash = hash_of(last->key);
		map->places[find(map, last->key, hash)] =
			place_of((size_t)(entry - map->entries), hash);
		*entry = *last;
	}
	map->count--;
	let_key_go(map, gone.key);
	return gone.value;
}

size_t
map_count(const struct map *map)
{
	return map->count;
}

bool
map_next(const struct map *map, size_t *at, const char **key, void **value)
{
	if (*at >= map->count)
		return false;
	const struct entry *entry = &map->entries[(*at)++];
	if (key)
		*key = entry->key;
	if (value)
		*value = entry->value;
	return true;
}
