/*
 * Paths of a host that is mounted somewhere else: a symbolic link in it means what it means there.
 * "/host/var/run" leads to "/run", which is the host's /host/run and not our own.  Walks name by
 * name; runs in the helper process alone, as any of these names may hang.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "io/fs_wire.h"

#define LINKS_MAX 40 /* as the kernel's own */

struct walk {
	char done[FS_PATH_MAX]; /* resolved, root and all */
	size_t len, root_len;
	char rest[FS_PATH_MAX * 2];
	unsigned links;
};

static int
append(struct walk *w, const char *name, size_t len)
{
	if (w->len + 1 + len >= sizeof(w->done))
		return ENAMETOOLONG;
	w->done[w->len++] = '/';
	memcpy(w->done + w->len, name, len);
	w->len += len;
	w->done[w->len] = '\0';
	return 0;
}

/* Up by one, never above the root. */
static void
step_back(struct walk *w)
{
	while (w->len > w->root_len && w->done[w->len - 1] != '/')
		w->len--;
	if (w->len > w->root_len)
		w->len--;
	w->done[w->len] = '\0';
}

/* What was just appended may be a link: then it goes, and its text comes before the rest. */
static int
follow(struct walk *w, const char *rest)
{
	char text[FS_PATH_MAX], joined[sizeof(w->rest)];
	ssize_t len = readlink(w->done, text, sizeof(text) - 1);

	if (len <= 0) {
		memmove(w->rest, rest, strlen(rest) + 1);
		return 0;
	}
	text[len] = '\0';
	if (++w->links > LINKS_MAX)
		return ELOOP;
	if (snprintf(joined, sizeof(joined), "%s%s", text, rest) >= (int)sizeof(joined))
		return ENAMETOOLONG;
	memcpy(w->rest, joined, sizeof(joined));
	step_back(w);
	if (text[0] == '/') {
		w->len = w->root_len;
		w->done[w->len] = '\0';
	}
	return 0;
}

static int
take_name(struct walk *w, bool follows_last)
{
	const char *name = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(name, "/");
	const char *rest = name + len;
	bool is_last = rest[strspn(rest, "/")] == '\0';
	int error;

	if (len == 0 || (len == 1 && name[0] == '.')) {
		memmove(w->rest, rest, strlen(rest) + 1);
		return 0;
	}
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		step_back(w);
		memmove(w->rest, rest, strlen(rest) + 1);
		return 0;
	}
	error = append(w, name, len);
	if (error != 0)
		return error;
	if (!is_last || follows_last)
		return follow(w, rest);
	w->rest[0] = '\0';
	return 0;
}

static int
resolve(const char *path, size_t root_len, bool follows_last, char out[FS_PATH_MAX])
{
	static struct walk w;
	int error = 0;

	w.links = 0;
	snprintf(w.done, sizeof(w.done), "%.*s", (int)root_len, path);
	w.len = w.root_len = strlen(w.done);
	str_copy(w.rest, sizeof(w.rest), path + root_len);
	while (w.rest[0] != '\0' && error == 0)
		error = take_name(&w, follows_last);
	if (error == 0)
		str_copy(out, FS_PATH_MAX, w.done);
	return error;
}

int
fs_helper_resolve(const char *path, size_t root_len, bool follows_last, char out[FS_PATH_MAX])
{
	if (root_len > 0 && root_len <= strlen(path))
		return resolve(path, root_len, follows_last, out);
	str_copy(out, FS_PATH_MAX, path);
	return 0;
}

void
fs_helper_where(const char *path, size_t root_len, char out[FS_PATH_MAX])
{
	if (resolve(path, root_len <= strlen(path) ? root_len : 0, true, out) != 0)
		str_copy(out, FS_PATH_MAX, path);
	if (out[0] == '\0')
		str_copy(out, FS_PATH_MAX, "/");
}

static bool
leads_to_mount(const struct mounts *mounts, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; mounts != NULL && i < mounts->count; i++) {
		const char *path = mounts->all[i].path + 1;

		if (str_starts(path, name) && (path[len] == '/' || path[len] == '\0'))
			return true;
	}
	return false;
}

static bool
is_dots(const char *name)
{
	return str_eq(name, ".") || str_eq(name, "..");
}

/* Something that is no folder, or that we may not look into, is not empty. */
static bool
is_empty(const char *root, const char *name)
{
	char path[FS_PATH_MAX];
	const struct dirent *entry;
	bool is_so = true;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (is_so && (entry = readdir(dir)) != NULL)
		is_so = is_dots(entry->d_name);
	closedir(dir);
	return is_so;
}

/* An empty folder beside what is mounted may wait for a mount of its own. */
bool
fs_helper_is_tree(const struct mounts *mounts, const char *root)
{
	const struct dirent *entry;
	bool is_tree = false;
	DIR *dir = opendir(root);

	if (dir == NULL)
		return errno != ENOENT;
	while (!is_tree && (entry = readdir(dir)) != NULL)
		is_tree = !is_dots(entry->d_name) && !leads_to_mount(mounts, entry->d_name) &&
			  (mounts == NULL || !is_empty(root, entry->d_name));
	closedir(dir);
	return is_tree;
}
