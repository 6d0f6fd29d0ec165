/*
 * The helper's look at files that processes hold open, and at what they made the disks do.  Of
 * other users' processes only where we have the right; those without are counted.  Keeps nothing
 * between two questions.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "io/fs_walk.h"
#include "io/proc_wire.h"

#define NAME_SIZE (sizeof(((struct fs_ask *)0)->path) + 64)
#define FILES_MAX 128
#define IO_MAX    1400
#define DELETED   " (deleted)"

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
read_comm(const struct fs_ask *ask, uint32_t pid, char out[16])
{
	char path[NAME_SIZE], text[64];

	snprintf(path, sizeof(path), "%s/%u/comm", ask->path, pid);
	if (fd_read_proc(path, text, sizeof(text), NULL) < 0)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	str_copy(out, 16, text);
}

static void
put_rows(struct fs_answer *answer, const struct fs_walk_head *head, const void *rows, size_t size)
{
	memcpy(answer->data, head, sizeof(*head));
	memcpy(answer->data + sizeof(*head), rows, head->count * size);
	answer->result.data_len = (uint32_t)(sizeof(*head) + head->count * size);
}

/* --- open files --- */

struct search {
	struct fs_walk_head head;
	struct fs_open_row rows[FILES_MAX];
	const char *prefix; /* "": deleted files are meant */
	uint64_t deadline_ms;
};

/* Held by several, it takes its room but once.  When there is none left the smallest goes. */
static struct fs_open_row *
room_for(struct search *s, const struct fs_open_row *row)
{
	struct fs_open_row *least = &s->rows[0];

	for (uint32_t i = 0; i < s->head.count; i++) {
		if (s->rows[i].dev == row->dev && s->rows[i].ino == row->ino)
			return NULL;
		if (s->rows[i].bytes < least->bytes)
			least = &s->rows[i];
	}
	if (s->head.count < FILES_MAX)
		return &s->rows[s->head.count++];
	s->head.is_cut = 1;
	return least->bytes < row->bytes ? least : NULL;
}

/* Memory that looks like a file: it is on no disk. */
static bool
is_memory(const char *link)
{
	return str_starts(link, "/memfd:") || str_starts(link, "/dev/zero") ||
	       str_starts(link, "/SYSV") || str_starts(link, "/i915") || str_starts(link, "/[aio]");
}

static void
take_link(struct search *s, int folder, const char *name, uint32_t pid)
{
	char link[4096];
	ssize_t len = readlinkat(folder, name, link, sizeof(link) - 1);
	struct fs_open_row row = { .pid = pid }, *to;
	struct stat st, own;

	if (len <= 0)
		return;
	link[len] = '\0';
	row.is_deleted = str_ends(link, DELETED);
	if (link[0] != '/' || is_memory(link) ||
		(s->prefix[0] == '\0' ? !row.is_deleted : !str_starts(link, s->prefix)))
		return;
	if (fstatat(folder, name, &st, 0) != 0 || !S_ISREG(st.st_mode) ||
		(row.is_deleted && st.st_nlink > 0))
		return;
	/* the link's own rights are those it was opened with */
	if (fstatat(folder, name, &own, AT_SYMLINK_NOFOLLOW) == 0)
		row.is_writer = (own.st_mode & S_IWUSR) != 0;
	row.bytes = (uint64_t)st.st_blocks * 512;
	row.dev = st.st_dev;
	row.ino = st.st_ino;
	to = room_for(s, &row);
	if (to == NULL)
		return;
	if (row.is_deleted)
		link[(size_t)len - strlen(DELETED)] = '\0';
	str_copy(row.path, sizeof(row.path), link);
	*to = row;
}

static void
search_one(struct search *s, const struct fs_ask *ask, uint32_t pid)
{
	char path[NAME_SIZE];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%u/fd", ask->path, pid);
	dir = opendir(path);
	if (dir == NULL) {
		s->head.denied += errno == EACCES || errno == EPERM;
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		s->head.entries++;
		take_link(s, dirfd(dir), entry->d_name, pid);
	}
	closedir(dir);
}

static int
search_all(struct search *s, const struct fs_ask *ask)
{
	DIR *dir = opendir(ask->path);
	const struct dirent *entry;
	uint32_t pid;

	if (dir == NULL)
		return errno;
	s->head.denied = 1; /* hidepid=2 does not even list the first of all */
	while ((entry = readdir(dir)) != NULL) {
		if (!proc_parse_pid(&pid, entry->d_name))
			continue;
		s->head.denied -= pid == 1;
		search_one(s, ask, pid);
		if (now_ms() >= s->deadline_ms) {
			s->head.is_cut = 1;
			break;
		}
	}
	closedir(dir);
	return 0;
}

int
proc_helper_files(const struct fs_ask *ask, struct fs_answer *answer)
{
	static struct search s;
	int error = 0;

	memset(&s, 0, sizeof(s));
	s.prefix = fs_ask_arg(ask);
	s.deadline_ms = now_ms() + ask->length;
	if (ask->offset != 0)
		search_one(&s, ask, (uint32_t)ask->offset);
	else
		error = search_all(&s, ask);
	for (uint32_t i = 0; i < s.head.count; i++)
		read_comm(ask, s.rows[i].pid, s.rows[i].comm);
	put_rows(answer, &s.head, s.rows, sizeof(s.rows[0]));
	return error;
}

/* --- reading and writing --- */

static uint64_t
number_behind(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

int
proc_helper_io(const struct fs_ask *ask, struct fs_answer *answer)
{
	static struct fs_io_row rows[IO_MAX];
	struct fs_walk_head head = { .count = 0 };
	DIR *dir = opendir(ask->path);
	const struct dirent *entry;
	char path[NAME_SIZE], text[512];

	if (dir == NULL)
		return errno;
	head.denied = 1;
	while ((entry = readdir(dir)) != NULL && head.count < IO_MAX) {
		struct fs_io_row *row = &rows[head.count];
		struct err e = { .code = 0 };
		uint32_t pid;

		if (!proc_parse_pid(&pid, entry->d_name))
			continue;
		head.denied -= pid == 1;
		snprintf(path, sizeof(path), "%s/%u/io", ask->path, pid);
		if (fd_read_proc(path, text, sizeof(text), &e) < 0) {
			head.denied += e.code == EACCES || e.code == EPERM;
			continue;
		}
		*row = (struct fs_io_row){ .pid = pid,
			.read_bytes = number_behind(text, "\nread_bytes: "),
			.write_bytes = number_behind(text, "\nwrite_bytes: ") };
		if (row->read_bytes + row->write_bytes == 0)
			continue;
		read_comm(ask, pid, row->comm);
		head.count++;
	}
	head.is_cut = entry != NULL;
	closedir(dir);
	put_rows(answer, &head, rows, sizeof(rows[0]));
	return 0;
}
