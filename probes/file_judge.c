/*
 * What a found file must be, in the order in which a person would ask: kind, owner and rights, age,
 * size.  The first that does not hold is the verdict.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "io/mounts.h"
#include "probes/file_conf.h"
#include "probes/fs_cause.h"

static const struct {
	mode_t type;
	enum file_kind kind;
	const char *name;
} kinds[] = {
	{ S_IFREG, FILE_PLAIN, "a file" },
	{ S_IFDIR, FILE_FOLDER, "a folder" },
	{ S_IFSOCK, FILE_SOCKET, "a socket" },
	{ S_IFIFO, FILE_FIFO, "a FIFO" },
	{ S_IFCHR, FILE_DEVICE, "a device" },
	{ S_IFBLK, FILE_DEVICE, "a device" },
};

static const char *const wanted_names[] = { "", "a file", "a folder", "a socket", "a symbolic link",
	"a FIFO", "a device" };

static bool
judge_kind(struct probe_run *run, const struct file_found *found)
{
	const struct file_conf *conf = probe_conf(run);
	const char *name = "something else";
	enum file_kind kind = FILE_ANY;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((found->stat->mode & S_IFMT) == kinds[i].type) {
			kind = kinds[i].kind;
			name = kinds[i].name;
		}
	if (conf->kind == FILE_ANY || kind == (enum file_kind)conf->kind)
		return false;
	if (conf->kind == FILE_SYMLINK && found->file->link[0] != '\0')
		return false;
	probe_fail(run, "file.kind", "%s is %s, wanted %s", conf->path, name,
		wanted_names[conf->kind]);
	return true;
}

static bool
is_name_or_number(const char *wanted, const char *name, uint32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return str_eq(wanted, name) || str_eq(wanted, text);
}

static bool
judge_owner(struct probe_run *run, const struct file_found *found)
{
	const struct file_conf *conf = probe_conf(run);
	const struct fs_file *file = found->file;

	if (conf->owner != NULL && !is_name_or_number(conf->owner, file->owner, found->stat->uid)) {
		probe_fail(run, "file.owner", "%s belongs to %s:%s, wanted owner %s", conf->path,
			file->owner, file->group, conf->owner);
		return true;
	}
	if (conf->group != NULL && !is_name_or_number(conf->group, file->group, found->stat->gid)) {
		probe_fail(run, "file.owner", "%s belongs to %s:%s, wanted group %s", conf->path,
			file->owner, file->group, conf->group);
		return true;
	}
	if (conf->mode != NULL && (found->stat->mode & 07777U) != conf->mode_bits) {
		probe_fail(run, "file.mode", "%s has mode %04o, wanted %04o", conf->path,
			found->stat->mode & 07777U, conf->mode_bits);
		return true;
	}
	return false;
}

void
file_settle_writing(struct probe_run *run, struct fs_file *file, uint64_t dev)
{
	const struct file_conf *conf = probe_conf(run);
	bool is_read_only;

	if (!file->is_asked || (file->write_error != 0 && file->write_error != EROFS))
		return;
	/* Where we may not become that user, its mode alone was judged.  The sandbox of our own
	 * unit, or a :ro bind into our container, is not the host's state. */
	is_read_only = mounts_is_read_only(probe_env(run)->host_root, dev, conf->path);
	file->write_error = is_read_only                 ? EROFS
			    : file->write_error == EROFS ? FILE_OUR_SANDBOX
							 : 0;
}

bool
file_can_tell_writing(const struct fs_file *file)
{
	return file->is_asked && file->write_error != ESRCH && file->write_error != EOPNOTSUPP &&
	       file->write_error != FILE_OUR_SANDBOX;
}

static bool
judge_writing(struct probe_run *run, const struct file_found *found)
{
	const struct file_conf *conf = probe_conf(run);
	const struct fs_file *file = found->file;
	int error = file->write_error;

	if (!file->is_asked || error == 0)
		return false;
	if (error == ESRCH)
		probe_error(
			run, "self.local", "there is no user %s on this host", conf->writable_by);
	else if (error == EOPNOTSUPP)
		probe_error(run, "self.local",
			"%s has an access list: whether %s may write there can be told by root "
			"only",
			file->blocked[0] != '\0' ? file->blocked : conf->path, conf->writable_by);
	else if (error == FILE_OUR_SANDBOX)
		probe_error(run, "self.local",
			"%s is read-only for this daemon only (ReadWritePaths=, or a :ro volume): "
			"cannot tell whether %s may write there",
			conf->path, conf->writable_by);
	else if (file->blocked[0] != '\0')
		probe_fail(run, fs_cause(error), "%s cannot pass the folder %s to reach %s",
			conf->writable_by, file->blocked, conf->path);
	else
		probe_fail(run, fs_cause(error),
			"%s is not writable for %s (owner %s:%s, mode %04o): %s", conf->path,
			conf->writable_by, file->owner, file->group, found->stat->mode & 07777U,
			strerror(error));
	return true;
}

static bool
judge_age(struct probe_run *run, const struct file_found *found, const char *what, uint64_t mtime)
{
	const struct file_conf *conf = probe_conf(run);
	usec_t age = found->wall_us - (usec_t)mtime;
	char shown[32], most[32];

	if (conf->max_age_us == 0 || age <= conf->max_age_us)
		return false;
	clock_format_duration(age, shown, sizeof(shown));
	clock_format_duration(conf->max_age_us, most, sizeof(most));
	probe_fail(run, "file.stale", "%s was written %s ago, at most %s is wanted", what, shown,
		most);
	return true;
}

static bool
judge_size(struct probe_run *run, const char *what, uint64_t size)
{
	const struct file_conf *conf = probe_conf(run);
	bool is_small = (int64_t)size < conf->min_size;
	bool is_large = conf->max_size > 0 && (int64_t)size > conf->max_size;
	char shown[32], limit[32];

	if (!is_small && !is_large)
		return false;
	metric_format((double)size, UNIT_BYTES, shown, sizeof(shown));
	metric_format((double)(is_small ? conf->min_size : conf->max_size), UNIT_BYTES, limit,
		sizeof(limit));
	probe_fail(run, "file.size", "%s has %s, at %s %s is wanted", what, shown,
		is_small ? "least" : "most", limit);
	return true;
}

static bool
judge_folder(struct probe_run *run, const struct file_found *found)
{
	const struct file_conf *conf = probe_conf(run);
	const struct fs_file *file = found->file;
	bool wants_one = conf->max_age_us > 0 || conf->min_size > 0 || conf->max_size > 0;
	int64_t least = conf->min_files > 0 ? conf->min_files : wants_one ? 1 : 0;
	char what[600];

	if ((int64_t)file->count < least) {
		probe_fail(run, "file.missing", "%s has %llu file%s%s%s, at least %lld %s wanted",
			conf->path, (unsigned long long)file->count, file->count == 1 ? "" : "s",
			conf->files != NULL ? " that match " : "",
			conf->files != NULL ? conf->files : "", (long long)least,
			least == 1 ? "is" : "are");
		return true;
	}
	if (file->count == 0)
		return false;
	snprintf(what, sizeof(what), "the newest file %.255s in %.300s", file->newest, conf->path);
	return judge_age(run, found, what, file->newest_us) ||
	       judge_size(run, what, file->newest_size);
}

bool
file_judge(struct probe_run *run, const struct file_found *found)
{
	const struct file_conf *conf = probe_conf(run);

	if (!conf->is_wanted) {
		probe_fail(run, "file.unwanted", "%s is there and should not be", conf->path);
		return true;
	}
	if (judge_kind(run, found) || judge_owner(run, found) || judge_writing(run, found))
		return true;
	if (S_ISDIR(found->stat->mode))
		return judge_folder(run, found);
	return judge_age(run, found, conf->path, found->stat->mtime_us) ||
	       judge_size(run, conf->path, found->stat->size);
}
