/*
 * The helper's walks over folders: which of them hold the bytes, which files changed last.  One
 * file system only, links are not followed, entries, depth and time are bounded: what was found by
 * then is the answer.  Runs in the helper process alone: everything here may hang.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "io/fs_walk.h"
#include "io/fs_wire.h"

#define DEPTH_MAX    32 /* each level holds a descriptor */
#define NAMED_DEPTH  8  /* folders further down count for those above, without rows of their own */
#define ENTRIES_MAX  2000000
#define ROWS_MAX     96
#define RECENT_MAX   16
#define RECENT_DEPTH 3
#define RECENT_FILES 20000
#define CLOCK_EVERY  256 /* entries between two looks at the clock */

struct walk {
	struct fs_walk_head head;
	dev_t dev;
	uint64_t deadline_ms, entries_max;
	char path[FS_PATH_MAX]; /* of the folder, below the one that was asked */
};

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* False: enough was seen. */
static bool
may_go_on(struct walk *w)
{
	w->head.entries++;
	if (w->head.entries >= w->entries_max ||
		(w->head.entries % CLOCK_EVERY == 0 && now_ms() >= w->deadline_ms))
		w->head.is_cut = 1;
	return w->head.is_cut == 0;
}

static uint64_t
mtime_us(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000 + (uint64_t)st->st_mtim.tv_nsec / 1000;
}

static uint64_t
ctime_us(const struct stat *st)
{
	return (uint64_t)st->st_ctim.tv_sec * 1000000 + (uint64_t)st->st_ctim.tv_nsec / 1000;
}

static bool
is_dots(const char *name)
{
	return str_eq(name, ".") || str_eq(name, "..");
}

/* The folder `name` in `at`, to be read; NULL: not shown to us. */
static DIR *
open_folder(struct walk *w, int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	if (dir == NULL)
		w->head.denied++;
	return dir;
}

/* Appends to the path; what it was before. */
static size_t
path_push(struct walk *w, const char *name)
{
	size_t len = strlen(w->path);

	snprintf(w->path + len, sizeof(w->path) - len, "%s%s", len > 0 ? "/" : "", name);
	return len;
}

/* --- bytes --- */

struct du {
	struct walk walk;
	struct fs_du_row rows[ROWS_MAX];
	size_t count;
};

/* Of one folder and all below. */
struct weight {
	uint64_t bytes, own, largest_child, newest_us, biggest_bytes;
	char biggest[FS_WALK_NAME];
};

static void
add_file(struct weight *sum, const struct stat *st, const char *name)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	if (st->st_nlink > 1)
		bytes /= st->st_nlink;
	sum->bytes += bytes;
	sum->own += bytes;
	if (mtime_us(st) > sum->newest_us)
		sum->newest_us = mtime_us(st);
	if (S_ISREG(st->st_mode) && bytes > sum->biggest_bytes) {
		sum->biggest_bytes = bytes;
		str_copy(sum->biggest, sizeof(sum->biggest), name);
	}
}

static void
add_child(struct weight *sum, const struct weight *child)
{
	sum->bytes += child->bytes;
	if (child->bytes > sum->largest_child)
		sum->largest_child = child->bytes;
	if (child->newest_us > sum->newest_us)
		sum->newest_us = child->newest_us;
	if (child->biggest_bytes > sum->biggest_bytes) {
		sum->biggest_bytes = child->biggest_bytes;
		memcpy(sum->biggest, child->biggest, sizeof(sum->biggest));
	}
}

/* When there is no room the smallest goes. */
static struct fs_du_row *
room_for(struct du *du, uint64_t bytes)
{
	struct fs_du_row *least = &du->rows[0];

	if (du->count < ROWS_MAX)
		return &du->rows[du->count++];
	for (size_t i = 1; i < ROWS_MAX; i++)
		if (du->rows[i].bytes < least->bytes)
			least = &du->rows[i];
	return least->bytes < bytes ? least : NULL;
}

static void
add_row(struct du *du, const struct weight *w, uint64_t bytes)
{
	struct fs_du_row *row = room_for(du, bytes);

	if (row == NULL)
		return;
	*row = (struct fs_du_row){
		.bytes = bytes, .newest_us = w->newest_us, .biggest_bytes = w->biggest_bytes
	};
	str_copy(row->path, sizeof(row->path), du->walk.path);
	memcpy(row->biggest, w->biggest, sizeof(row->biggest));
}

static bool
is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return len == 0 || (strncmp(path, folder, len) == 0 && path[len] == '/');
}

static void
drop_rows_below(struct du *du)
{
	size_t kept = 0;

	for (size_t i = 0; i < du->count; i++)
		if (!is_below(du->rows[i].path, du->walk.path))
			du->rows[kept++] = du->rows[i];
	du->count = kept;
}

/*
 * A folder of which one below holds most is explained by that one; a folder of many is named
 * itself.  The top is always taken apart.
 */
static void
name_it(struct du *du, const struct weight *w, unsigned depth)
{
	if (depth > NAMED_DEPTH)
		return;
	if (depth > 0 && w->largest_child < w->bytes / 5 * 3) {
		drop_rows_below(du);
		add_row(du, w, w->bytes);
	} else if (w->own > 0 && (depth == 0 || w->own >= w->bytes / 5)) {
		add_row(du, w, w->own);
	}
}

static void
weigh(struct du *du, DIR *dir, unsigned depth, struct weight *sum)
{
	struct walk *w = &du->walk;
	const struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir)) != NULL && may_go_on(w)) {
		struct weight child = { .bytes = 0 };
		size_t len;
		DIR *below;

		if (is_dots(entry->d_name) ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
			st.st_dev != w->dev)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			add_file(sum, &st, entry->d_name);
			continue;
		}
		child.bytes = child.own = (uint64_t)st.st_blocks * 512;
		below = depth < DEPTH_MAX ? open_folder(w, dirfd(dir), entry->d_name) : NULL;
		if (below != NULL) {
			len = path_push(w, entry->d_name);
			weigh(du, below, depth + 1, &child);
			w->path[len] = '\0';
		}
		add_child(sum, &child);
	}
	closedir(dir);
	name_it(du, sum, depth);
}

static int
compare_rows(const void *a, const void *b)
{
	const struct fs_du_row *x = a, *y = b;

	return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

static void
put_answer(struct fs_answer *answer, struct walk *w, const void *rows, size_t count, size_t size)
{
	if (count > (FS_DATA_MAX - sizeof(w->head)) / size)
		count = (FS_DATA_MAX - sizeof(w->head)) / size;
	w->head.count = (uint32_t)count;
	memcpy(answer->data, &w->head, sizeof(w->head));
	memcpy(answer->data + sizeof(w->head), rows, count * size);
	answer->result.data_len = (uint32_t)(sizeof(w->head) + count * size);
}

/* The folder that is asked about may be behind a link; 0 or errno. */
static int
begin(struct walk *w, const struct fs_ask *ask, DIR **dir, struct fs_result *r)
{
	char path[FS_PATH_MAX];
	int error = fs_helper_resolve(ask->path, ask->root_len, true, path);

	if (error == 0)
		error = fs_helper_stat(path, r);
	if (error != 0)
		return error;
	*dir = opendir(path);
	if (*dir == NULL)
		return errno;
	w->dev = r->dev;
	return 0;
}

int
fs_helper_du(const struct fs_ask *ask, struct fs_answer *answer)
{
	static struct du du;
	struct weight sum = { .bytes = 0 };
	DIR *dir;
	int error;

	memset(&du, 0, sizeof(du));
	du.walk.entries_max = ENTRIES_MAX;
	du.walk.deadline_ms = now_ms() + ask->offset;
	error = begin(&du.walk, ask, &dir, &answer->result);
	if (error != 0)
		return error;
	weigh(&du, dir, 0, &sum);
	du.walk.head.bytes = sum.bytes;
	qsort(du.rows, du.count, sizeof(du.rows[0]), compare_rows);
	put_answer(answer, &du.walk, du.rows, du.count, sizeof(du.rows[0]));
	return 0;
}

/* --- what changed --- */

struct recent {
	struct walk walk;
	uint64_t since_us;
	struct fs_recent_row rows[RECENT_MAX];
	size_t count;
};

/* Sorted, newest first. */
static void
note_change(struct recent *r, const struct stat *st, const char *name)
{
	uint64_t at = mtime_us(st) > ctime_us(st) ? mtime_us(st) : ctime_us(st);
	size_t place = r->count, len;

	if (at < r->since_us)
		return;
	while (place > 0 && r->rows[place - 1].changed_us < at)
		place--;
	if (place == RECENT_MAX)
		return;
	if (r->count < RECENT_MAX)
		r->count++;
	memmove(&r->rows[place + 1], &r->rows[place], (r->count - place - 1) * sizeof(r->rows[0]));
	r->rows[place] = (struct fs_recent_row){ .changed_us = at };
	len = path_push(&r->walk, name);
	str_copy(r->rows[place].path, sizeof(r->rows[place].path), r->walk.path);
	r->walk.path[len] = '\0';
}

static bool
fits(const char *globs, const char *name)
{
	while (*globs != '\0') {
		size_t len = strcspn(globs, "\n");
		char glob[256];

		snprintf(glob, sizeof(glob), "%.*s", (int)len, globs);
		if (fnmatch(glob, name, FNM_PERIOD) == 0)
			return true;
		globs += len;
		globs += *globs == '\n';
	}
	return false;
}

static void
look_for_changes(struct recent *r, DIR *dir, const char *globs, unsigned depth)
{
	struct walk *w = &r->walk;
	const struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir)) != NULL && may_go_on(w)) {
		DIR *below;
		size_t len;

		if (is_dots(entry->d_name) || (globs != NULL && !fits(globs, entry->d_name)) ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode))
			note_change(r, &st, entry->d_name);
		if (!S_ISDIR(st.st_mode) || depth >= RECENT_DEPTH || st.st_dev != w->dev)
			continue;
		below = open_folder(w, dirfd(dir), entry->d_name);
		if (below == NULL)
			continue;
		len = path_push(w, entry->d_name);
		look_for_changes(r, below, NULL, depth + 1);
		w->path[len] = '\0';
	}
	closedir(dir);
}

int
fs_helper_recent(const struct fs_ask *ask, struct fs_answer *answer)
{
	static struct recent r;
	DIR *dir;
	int error;

	memset(&r, 0, sizeof(r));
	r.walk.entries_max = RECENT_FILES;
	r.walk.deadline_ms = now_ms() + ask->length;
	r.since_us = ask->offset;
	error = begin(&r.walk, ask, &dir, &answer->result);
	if (error != 0)
		return error;
	look_for_changes(&r, dir, fs_ask_arg(ask), 0);
	put_answer(answer, &r.walk, r.rows, r.count, sizeof(r.rows[0]));
	return 0;
}
