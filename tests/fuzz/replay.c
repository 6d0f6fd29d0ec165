/*
 * Runs a fuzz target without a fuzzer: its seeds, and a few thousand changed copies of them, the
 * same in every run.  Usage: NAME_fuzz [--once] [FILE|FOLDER...]; --once: the seeds as they are.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SEED_MAX 65536
/* Of all seeds together, so that a target takes its time however many it has; and of each. */
#define MUTATIONS_ALL 4000
#define MUTATIONS_MAX 400
#define MUTATIONS_MIN 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target that takes its time for each says so: it gets a tenth. */
extern const int fuzz_is_slow __attribute__((weak));

static uint64_t state = 88172645463325252ULL;
static int mutations; /* of the next seed */

static size_t
below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return limit == 0 ? 0 : (size_t)(state % limit);
}

/* An exact heap copy each time, so that one byte too far is seen. */
static void
feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		exit(1);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void
change(uint8_t *data, size_t *size)
{
	static const uint8_t odd[] = { 0, 0xff, 0x7f, 0x80, '\r', '\n', '-', '9', '"', '{' };
	size_t at = below(*size);

	switch (below(5)) {
	case 0:
		*size = at;
		break;
	case 1:
		data[at] = (uint8_t)below(256);
		break;
	case 2:
		data[at] = odd[below(sizeof(odd))];
		break;
	case 3: {
		size_t len = below(*size - at);

		memmove(data + at, data + at + len, *size - at - len);
		*size -= len;
		break;
	}
	default: {
		size_t from = below(*size), len = below(*size - from);

		if (*size + len <= 2 * SEED_MAX) {
			memmove(data + at + len, data + at, *size - at);
			memmove(data + at, data + (from < at ? from : from + len), len);
			*size += len;
		}
	}
	}
}

static void
play(const uint8_t *seed, size_t size)
{
	static uint8_t work[2 * SEED_MAX];

	feed(seed, size);
	for (int i = 0; size > 0 && i < mutations; i++) {
		size_t len = size;

		memcpy(work, seed, size);
		for (size_t n = 1 + below(4); n > 0 && len > 0; n--)
			change(work, &len);
		feed(work, len);
	}
}

static int
play_file(const char *path)
{
	static uint8_t seed[SEED_MAX];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	size = fread(seed, 1, sizeof(seed), f);
	fclose(f);
	play(seed, size);
	return 0;
}

/* The order of the bytes, whatever language the machine speaks. */
static int
compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
share(int seeds)
{
	int each = MUTATIONS_ALL / (seeds > 0 ? seeds : 1);

	if (mutations > 0)
		mutations = each > MUTATIONS_MAX   ? MUTATIONS_MAX
			    : each < MUTATIONS_MIN ? MUTATIONS_MIN
						   : each;
	if (&fuzz_is_slow != NULL)
		mutations = (mutations + 9) / 10;
}

static int
play_folder(const char *path)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, compare), bad = 0;

	share(count - 2);
	for (int i = 0; i < count; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			bad |= play_file(file);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return bad || count < 3; /* a target without a seed tests nothing */
}

int
main(int argc, char **argv)
{
	bool is_once = argc > 1 && strcmp(argv[1], "--once") == 0;
	struct stat st;
	int bad = 0;

	mutations = is_once ? 0 : MUTATIONS_MAX;
	play((const uint8_t *)"", 0);
	for (int i = 1 + is_once; i < argc; i++)
		bad |= stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? play_folder(argv[i])
								      : play_file(argv[i]);
	return bad;
}
