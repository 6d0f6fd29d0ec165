/*
 * Reads /proc/self/mountinfo: id parent major:minor root point options [tags] - type source super.
 * A look-up goes from mount to mount as the kernel does: what was mounted above covers what lies
 * below.
 */
#include "io/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define TABLE_MAX  ((size_t)4 << 20)
#define MOUNTS_MAX 16384

/* \040 and friends, in place. */
static void
unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at != '\0'; to++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' &&
			at[3] >= '0' && at[3] <= '7') {
			*to = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

static bool
has_option(const char *options, const char *wanted)
{
	size_t len = strlen(wanted);

	while (*options != '\0') {
		size_t part = strcspn(options, ",");

		if (part == len && strncmp(options, wanted, len) == 0)
			return true;
		options += part + (options[part] == ',');
	}
	return false;
}

/* "/host/var" under "/host" is "/var"; NULL: not under it. */
static const char *
below(const char *path, const char *root)
{
	size_t len = root != NULL ? strlen(root) : 0;

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (len == 0)
		return path;
	if (strncmp(path, root, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return "/";
	return path[len] == '/' ? path + len : NULL;
}

enum column { COL_ID, COL_PARENT, COL_DEVICE, COL_ROOT, COL_POINT, COL_OPTIONS, COL_TAGS };

/* False: a line this kernel should not have written; it is passed over. */
static bool
parse_line(struct mount *mount, char *line, const char *host_root)
{
	char *col[COL_TAGS], *rest = line, *type, *source, *super;
	const char *path;

	for (size_t i = 0; i < COL_TAGS; i++) {
		col[i] = strsep(&rest, " ");
		if (rest == NULL)
			return false;
	}
	mount->is_followed = false;
	for (type = rest; strncmp(type, "- ", 2) != 0; type++) {
		mount->is_followed |= strncmp(type, "master:", 7) == 0;
		type = strchr(type, ' ');
		if (type == NULL)
			return false;
	}
	rest = type + 2;
	type = strsep(&rest, " ");
	source = strsep(&rest, " ");
	super = rest != NULL ? rest : source;
	if (source == NULL || sscanf(col[COL_DEVICE], "%u:%u", &mount->major, &mount->minor) != 2)
		return false;
	unescape(col[COL_POINT]);
	path = below(col[COL_POINT], host_root);
	if (path == NULL || path[0] != '/')
		return false;
	unescape(source);
	unescape(col[COL_ROOT]);
	mount->id = (unsigned)strtoul(col[COL_ID], NULL, 10);
	mount->parent = (unsigned)strtoul(col[COL_PARENT], NULL, 10);
	mount->is_top = true;
	mount->root = xstrdup(col[COL_ROOT]);
	mount->path = xstrdup(path);
	mount->type = xstrdup(type);
	mount->source = xstrdup(source);
	mount->is_read_only_super = has_option(super, "ro");
	mount->is_bind_root = str_eq(col[COL_ROOT], "/");
	return true;
}

static int
compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

/* The host's own root hangs on something that it is not shown, and so does all that is mounted
 * below host_root. */
static void
find_tops(struct mounts *mounts)
{
	unsigned *ids = xcalloc(mounts->count, sizeof(*ids));

	for (size_t i = 0; i < mounts->count; i++)
		ids[i] = mounts->all[i].id;
	qsort(ids, mounts->count, sizeof(*ids), compare);
	for (size_t i = 0; i < mounts->count; i++) {
		struct mount *m = &mounts->all[i];

		m->is_top = m->parent == m->id ||
			    bsearch(&m->parent, ids, mounts->count, sizeof(*ids), compare) == NULL;
	}
	free(ids);
}

int
mounts_parse(struct mounts *mounts, const char *text, const char *host_root, struct err *e)
{
	struct mounts found = { 0 };
	size_t room = 0;

	while (*text != '\0' && found.count < MOUNTS_MAX) {
		size_t len = strcspn(text, "\n");
		char *line = xstrndup(text, len);

		if (found.count == room) {
			room = room > 0 ? 2 * room : 32;
			found.all = xreallocarray(found.all, room, sizeof(*found.all));
		}
		if (parse_line(&found.all[found.count], line, host_root))
			found.count++;
		free(line);
		text += len + (text[len] == '\n');
	}
	if (found.count == 0) {
		free(found.all);
		return err_set(e, 0,
			"nothing is mounted at or below %s: give this container the volume "
			"`/:/host:ro,rslave`",
			host_root != NULL && host_root[0] != '\0' ? host_root : "/");
	}
	find_tops(&found);
	*mounts = found;
	return 0;
}

int
mounts_read(struct mounts *mounts, const char *host_root, struct err *e)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct buf text;
	ssize_t got;
	int rc;

	if (fd < 0)
		return err_sys(e, "/proc/self/mountinfo");
	buf_init(&text, TABLE_MAX);
	do {
		char *room = buf_reserve(&text, 16384);

		if (room == NULL)
			break;
		got = read(fd, room, 16384);
		if (got > 0)
			buf_commit(&text, (size_t)got);
	} while (got > 0 || (got < 0 && errno == EINTR));
	fd_close(&fd);
	rc = mounts_parse(mounts, buf_text(&text), host_root, e);
	buf_fini(&text);
	return rc;
}

void
mounts_fini(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->all[i].path);
		free(mounts->all[i].type);
		free(mounts->all[i].source);
		free(mounts->all[i].root);
	}
	free(mounts->all);
	mounts->all = NULL;
	mounts->count = 0;
}

/* The next mount on the way from `at` to `path`: the one that is met first; NULL: there is none. */
static const struct mount *
step(const struct mounts *mounts, const struct mount *at, const char *path)
{
	size_t at_len = at != NULL ? strlen(at->path) : 0, best_len = 0;
	const struct mount *best = NULL;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *m = &mounts->all[i];
		size_t len = strlen(m->path);
		bool is_next = m->is_top ? at == NULL || len > at_len
					 : at != NULL && m->parent == at->id && len >= at_len;

		if (m == at || !is_next || below(path, m->path) == NULL)
			continue;
		if (best == NULL || len <= best_len) {
			best = m;
			best_len = len;
		}
	}
	return best;
}

const struct mount *
mounts_of(const struct mounts *mounts, const char *path)
{
	const struct mount *at = NULL, *next;
	size_t steps = 0;

	/* Never more steps than mounts, whatever the numbers say. */
	while (steps++ < mounts->count && (next = step(mounts, at, path)) != NULL)
		at = next;
	return at;
}

const struct mount *
mounts_of_device(const struct mounts *mounts, uint64_t dev, const char *path)
{
	const struct mount *by_path = mounts_of(mounts, path);

	if (by_path != NULL && makedev(by_path->major, by_path->minor) == dev)
		return by_path;
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *m = &mounts->all[i];

		if (makedev(m->major, m->minor) == dev)
			return m;
	}
	return by_path;
}

bool
mounts_is_read_only(const char *host_root, uint64_t dev, const char *path)
{
	const struct mount *mount;
	struct mounts mounts;
	bool is_so;

	if (mounts_read(&mounts, host_root, NULL) < 0)
		return false;
	mount = mounts_of_device(&mounts, dev, path);
	is_so = mount != NULL && mount->is_read_only_super;
	mounts_fini(&mounts);
	return is_so;
}
