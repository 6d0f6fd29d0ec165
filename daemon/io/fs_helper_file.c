/*
 * The helper's questions about one file: what it is and who may write it, its bytes, its digest,
 * where a renamed one went.  Runs in the helper process alone: everything here may hang.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <grp.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"
#include "io/fs_file.h"
#include "io/fs_wire.h"

#define ENTRIES_MAX 20000 /* of a folder that are looked at */
#define GROUPS_MAX  256

/* Who asks, from the three lines of the argument. */
struct wish {
	char user[64], glob[256], root[FS_ARG_MAX];
};

struct account {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int group_count;
};

const char *
fs_ask_arg(const struct fs_ask *ask)
{
	return ask->path + strlen(ask->path) + 1;
}

static void
take_line(const char **at, char *out, size_t size)
{
	size_t len = strcspn(*at, "\n");

	snprintf(out, size, "%.*s", (int)len, *at);
	*at += len;
	*at += **at == '\n';
}

static void
read_wish(struct wish *wish, const char *arg)
{
	take_line(&arg, wish->user, sizeof(wish->user));
	take_line(&arg, wish->glob, sizeof(wish->glob));
	take_line(&arg, wish->root, sizeof(wish->root));
}

static void
take_stat(struct fs_result *r, const struct stat *st)
{
	r->size = (uint64_t)st->st_size;
	r->mtime_us = (uint64_t)st->st_mtim.tv_sec * 1000000 + (uint64_t)st->st_mtim.tv_nsec / 1000;
	r->dev = st->st_dev;
	r->ino = st->st_ino;
	r->mode = st->st_mode;
	r->uid = st->st_uid;
	r->gid = st->st_gid;
}

/* --- names --- */

static FILE *
open_below(const char *root, const char *name)
{
	char path[FS_ARG_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return fopen(path, "re");
}

/* By name (uid -1) or by number; the host's own file when the host is mounted elsewhere. */
static const struct passwd *
find_user(const struct wish *wish, const char *name, uid_t uid)
{
	const struct passwd *found;
	FILE *file;

	if (wish->root[0] == '\0')
		return name != NULL ? getpwnam(name) : getpwuid(uid);
	file = open_below(wish->root, "etc/passwd");
	if (file == NULL)
		return NULL;
	while ((found = fgetpwent(file)) != NULL)
		if (name != NULL ? strcmp(found->pw_name, name) == 0 : found->pw_uid == uid)
			break;
	fclose(file);
	return found;
}

static const struct group *
find_group(const struct wish *wish, gid_t gid)
{
	const struct group *found;
	FILE *file;

	if (wish->root[0] == '\0')
		return getgrgid(gid);
	file = open_below(wish->root, "etc/group");
	if (file == NULL)
		return NULL;
	while ((found = fgetgrent(file)) != NULL)
		if (found->gr_gid == gid)
			break;
	fclose(file);
	return found;
}

static void
name_owner(const struct wish *wish, const struct stat *st, struct fs_file *file)
{
	const struct passwd *user = find_user(wish, NULL, st->st_uid);
	const struct group *group = find_group(wish, st->st_gid);

	snprintf(file->owner, sizeof(file->owner), "%u", st->st_uid);
	snprintf(file->group, sizeof(file->group), "%u", st->st_gid);
	if (user != NULL)
		str_copy(file->owner, sizeof(file->owner), user->pw_name);
	if (group != NULL)
		str_copy(file->group, sizeof(file->group), group->gr_name);
}

/* --- rights --- */

static void
add_groups_below(struct account *account, const struct wish *wish)
{
	FILE *file = open_below(wish->root, "etc/group");
	const struct group *group;

	while (file != NULL && (group = fgetgrent(file)) != NULL)
		for (char **name = group->gr_mem; *name != NULL; name++)
			if (strcmp(*name, wish->user) == 0 && account->group_count < GROUPS_MAX)
				account->groups[account->group_count++] = group->gr_gid;
	if (file != NULL)
		fclose(file);
}

static int
find_account(struct account *account, const struct wish *wish)
{
	const struct passwd *user = find_user(wish, wish->user, 0);
	char *end;
	unsigned long number = strtoul(wish->user, &end, 10);

	account->group_count = 0;
	if (user == NULL && *end == '\0' && number < UINT_MAX) {
		account->uid = (uid_t)number;
		user = find_user(wish, NULL, account->uid);
	}
	if (user == NULL) {
		if (*end != '\0' || end == wish->user || number >= UINT_MAX)
			return -1;
		account->groups[account->group_count++] = (gid_t)number; /* as `docker -u` does */
		return 0;
	}
	account->uid = user->pw_uid;
	account->groups[account->group_count++] = user->pw_gid;
	if (wish->root[0] != '\0') {
		add_groups_below(account, wish);
		return 0;
	}
	account->group_count = GROUPS_MAX;
	if (getgrouplist(user->pw_name, user->pw_gid, account->groups, &account->group_count) < 0)
		account->group_count = GROUPS_MAX;
	return 0;
}

/* What the mode says; enough where we may not become that user.  0 or EACCES. */
static int
judge_mode(const struct account *account, const struct stat *st, unsigned wanted)
{
	unsigned bits = st->st_mode & 7U;

	if (account->uid == 0)
		return 0;
	for (int i = 0; i < account->group_count; i++)
		if (account->groups[i] == st->st_gid)
			bits = st->st_mode >> 3 & 7U;
	if (account->uid == st->st_uid)
		bits = st->st_mode >> 6 & 7U;
	return (bits & wanted) == wanted ? 0 : EACCES;
}

static int
try_path(const struct account *account, const char *path, int amode, bool is_that_user)
{
	struct stat st;
	int error;

	if (is_that_user)
		return faccessat(AT_FDCWD, path, amode, AT_EACCESS) == 0 ? 0 : errno;
	if (stat(path, &st) != 0)
		return errno;
	error = judge_mode(account, &st, (amode & W_OK ? 2U : 0U) | (amode & X_OK ? 1U : 0U));
	/* An access list may let them all the same; only they would be told. */
	if (error != 0 && getxattr(path, "system.posix_acl_access", NULL, 0) > 0)
		return EOPNOTSUPP;
	return error;
}

/* Each folder from the top must let the user pass; the first that does not is remembered. */
static int
walk(const struct account *account, const char *path, struct fs_file *file, bool is_that_user)
{
	char part[FS_PATH_MAX];
	struct stat st;
	int error;

	for (const char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		error = try_path(account, part, X_OK, is_that_user);
		if (error != 0) {
			str_copy(file->blocked, sizeof(file->blocked), part);
			return error;
		}
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return try_path(account, path, W_OK | X_OK, is_that_user);
	return try_path(account, path, W_OK, is_that_user);
}

/* As root we become the user for a moment, so that ACLs and security modules have their say. */
static void
ask_rights(const struct wish *wish, const char *path, struct fs_file *file)
{
	struct account account;
	bool can_switch = geteuid() == 0, is_that_user;

	file->is_asked = 1;
	if (find_account(&account, wish) == -1) {
		file->write_error = ESRCH;
		return;
	}
	is_that_user = account.uid == geteuid();
	if (can_switch && !is_that_user &&
		setgroups((size_t)account.group_count, account.groups) == 0 &&
		setegid(account.groups[0]) == 0 && seteuid(account.uid) == 0)
		is_that_user = true;
	file->write_error = walk(&account, path, file, is_that_user);
	/* Our own way back; without it this helper must not go on. */
	if (can_switch && (seteuid(0) != 0 || setegid(getgid()) != 0 || setgroups(0, NULL) != 0)) {
		if (geteuid() != 0)
			_exit(1);
	}
	if (can_switch) /* to become another forgets it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* --- one file, one folder --- */

static void
look_into(const char *path, const struct wish *wish, struct fs_file *file)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned seen = 0;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (seen++ == ENTRIES_MAX) {
			file->is_cut = 1;
			break;
		}
		if (wish->glob[0] != '\0' && fnmatch(wish->glob, entry->d_name, FNM_PERIOD) != 0)
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode))
			continue;
		uint64_t mtime =
			(uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000;
		file->count++;
		if (file->newest[0] != '\0' && mtime <= file->newest_us)
			continue;
		file->newest_us = mtime;
		file->newest_size = (uint64_t)st.st_size;
		str_copy(file->newest, sizeof(file->newest), entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
}

int
fs_helper_file(const struct fs_ask *ask, struct fs_answer *answer)
{
	char path[FS_PATH_MAX];
	struct fs_file file;
	struct wish wish;
	struct statx more;
	struct stat st;
	ssize_t len;
	int error;

	memset(&file, 0, sizeof(file));
	read_wish(&wish, fs_ask_arg(ask));
	error = fs_helper_resolve(ask->path, ask->root_len, false, path);
	len = error == 0 ? readlink(path, file.link, sizeof(file.link) - 1) : 0;
	file.link[len > 0 ? len : 0] = '\0';
	if (error == 0)
		error = fs_helper_resolve(ask->path, ask->root_len, true, path);
	if (error == 0 && stat(path, &st) != 0)
		error = errno;
	if (error == 0) {
		take_stat(&answer->result, &st);
		name_owner(&wish, &st, &file);
		if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &more) == 0)
			file.is_immutable = (more.stx_attributes & STATX_ATTR_IMMUTABLE) != 0;
		if (wish.user[0] != '\0')
			ask_rights(&wish, path, &file);
		if (S_ISDIR(st.st_mode))
			look_into(path, &wish, &file);
	}
	memcpy(answer->data, &file, sizeof(file));
	answer->result.data_len = sizeof(file);
	return error;
}

/* --- its bytes --- */

static ssize_t
read_at(int fd, char *out, size_t want, uint64_t offset)
{
	size_t done = 0;

	while (done < want) {
		ssize_t got = pread(fd, out + done, want - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* -1 and errno.  Files only: to open a FIFO, were it for a moment, takes its writer's bytes, and
 * some devices act on it.  What it is stands in the result when it was refused, too. */
static int
open_file(const struct fs_ask *ask, struct fs_result *r)
{
	char path[FS_PATH_MAX];
	struct stat st;
	int fd, error = fs_helper_resolve(ask->path, ask->root_len, true, path);

	if (error == 0 && stat(path, &st) != 0)
		error = errno;
	if (error == 0) {
		take_stat(r, &st);
		error = S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	}
	if (error != 0) {
		errno = error;
		return -1;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0)
		take_stat(r, &st);
	return fd;
}

static int
read_both(const struct fs_ask *ask, struct fs_answer *answer, size_t head)
{
	size_t want = ask->length < FS_DATA_MAX - head ? ask->length : FS_DATA_MAX - head;
	int fd = open_file(ask, &answer->result), error = 0;
	ssize_t first = 0, rest = 0;

	if (fd < 0)
		return errno;
	if (head > 0)
		first = read_at(fd, answer->data, head, 0);
	if (first >= 0)
		rest = read_at(fd, answer->data + first, want, ask->offset);
	if (first < 0 || rest < 0)
		error = errno;
	close(fd);
	answer->result.head_len = first > 0 ? (uint32_t)first : 0;
	answer->result.data_len = error == 0 ? (uint32_t)(first + rest) : 0;
	return error;
}

int
fs_helper_read(const struct fs_ask *ask, struct fs_answer *answer)
{
	return read_both(ask, answer, 0);
}

int
fs_helper_tail(const struct fs_ask *ask, struct fs_answer *answer)
{
	return read_both(ask, answer, FS_HEAD_MAX);
}

/* 0, or errno of the read. */
static int
digest_file(int fd, EVP_MD_CTX *md, uint64_t most)
{
	static char block[65536];
	uint64_t done = 0;
	ssize_t got;

	while ((got = read_at(fd, block, sizeof(block), done)) > 0) {
		done += (uint64_t)got;
		if (done > most)
			return EFBIG; /* it grew while it was read */
		if (EVP_DigestUpdate(md, block, (size_t)got) != 1)
			return ENOMEM;
	}
	return got < 0 ? errno : 0;
}

int
fs_helper_digest(const struct fs_ask *ask, struct fs_answer *answer)
{
	int fd = open_file(ask, &answer->result), error;
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_MD_CTX *md;

	if (fd < 0)
		return errno;
	md = EVP_MD_CTX_new();
	if (answer->result.size > ask->offset)
		error = EFBIG;
	else if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		error = ENOMEM;
	else
		error = digest_file(fd, md, ask->offset);
	if (error == 0 && EVP_DigestFinal_ex(md, sum, &len) != 1)
		error = ENOMEM;
	EVP_MD_CTX_free(md);
	close(fd);
	for (unsigned i = 0; error == 0 && i < len; i++)
		snprintf(answer->data + (size_t)i * 2, 3, "%02x", sum[i]);
	answer->result.data_len = error == 0 ? len * 2 : 0;
	return error;
}

/* --- where it went --- */

/* FNV-1a. */
uint64_t
fs_hash(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* What a file is known by: its inode, or how it begins. */
struct trace {
	bool has_inode;
	unsigned long long dev, ino;
	unsigned long long hash, size;
	size_t len;
	char prefix[256];
};

static bool
read_trace(struct trace *trace, const char *arg)
{
	*trace = (struct trace){ .has_inode = true };
	if (sscanf(arg, "%llu:%llu", &trace->dev, &trace->ino) == 2)
		return true;
	trace->has_inode = false;
	return sscanf(arg, "%llu %zu %llu %255[^\n]", &trace->hash, &trace->len, &trace->size,
		       trace->prefix) == 4 &&
	       trace->len > 0 && trace->len <= FS_HEAD_MAX;
}

static bool
begins_so(int folder, const char *name, const struct trace *trace)
{
	int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char head[FS_HEAD_MAX];
	ssize_t got;

	if (fd < 0)
		return false;
	got = read_at(fd, head, trace->len, 0);
	close(fd);
	return got == (ssize_t)trace->len && fs_hash(head, trace->len) == trace->hash;
}

static bool
is_it(int folder, const char *name, const struct trace *trace, struct stat *st)
{
	if (!trace->has_inode && !str_starts(name, trace->prefix))
		return false;
	if (fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st->st_mode))
		return false;
	if (trace->has_inode)
		return st->st_dev == trace->dev && st->st_ino == trace->ino;
	return (unsigned long long)st->st_size >= trace->size && begins_so(folder, name, trace);
}

int
fs_helper_find(const struct fs_ask *ask, struct fs_answer *answer)
{
	const struct dirent *entry;
	char path[FS_PATH_MAX];
	struct trace trace;
	unsigned seen = 0;
	int error;
	struct stat st;
	DIR *dir;

	if (!read_trace(&trace, fs_ask_arg(ask)))
		return EINVAL;
	error = fs_helper_resolve(ask->path, ask->root_len, true, path);
	if (error != 0)
		return error;
	error = ENOENT;
	dir = opendir(path);
	if (dir == NULL)
		return errno;
	while ((entry = readdir(dir)) != NULL && seen++ < ENTRIES_MAX) {
		if (!is_it(dirfd(dir), entry->d_name, &trace, &st))
			continue;
		take_stat(&answer->result, &st);
		answer->result.data_len =
			(uint32_t)snprintf(answer->data, FS_DATA_MAX, "%s", entry->d_name);
		error = 0;
		break;
	}
	closedir(dir);
	return error;
}
