/*
 * A file, folder or socket: is it there, whose is it, how old and large, does it hold what it must.
 *
 *	FS_FILE -> judge -> (digest) -> (read, piece by piece -> look at it on a thread) -> verdict
 *
 * The path is touched by a helper process only.  The watch remembers size and checksum between
 * runs, the checksum over restarts too.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/offload.h"
#include "probes/file_conf.h"
#include "probes/file_look.h"
#include "probes/fs_cause.h"

#define DIGEST_MAX  ((uint64_t)256 << 20)
#define SHA256_SIZE 65

enum row {
	ROW_TOTAL_TIME,
	ROW_EXISTS,
	ROW_SIZE,
	ROW_AGE,
	ROW_GROWTH,
	ROW_WRITABLE,
	ROW_CHANGED,
	ROW_COUNT,
	ROW_NEWEST_AGE,
	ROW_NEWEST_SIZE,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "exists", METRIC_FLAG, UNIT_NONE, "1 when it is there." },
	{ "size_bytes", METRIC_GAUGE, UNIT_BYTES, "Its size; of files only." },
	{ "written_age", METRIC_GAUGE, UNIT_SECONDS, "Time since it was last written." },
	{ "growth", METRIC_GAUGE, UNIT_BYTES_PER_SECOND,
		"How fast it grew since the last run; absent when it is another file now." },
	{ "writable", METRIC_FLAG, UNIT_NONE, "1 when the user `writable_by` may write it." },
	{ "changed", METRIC_FLAG, UNIT_NONE,
		"1 when its checksum differs from the run before; with `checksum` only." },
	{ "count", METRIC_GAUGE, UNIT_NONE, "Files in the folder that match `files`." },
	{ "newest_age", METRIC_GAUGE, UNIT_SECONDS, "Time since the newest of them was written." },
	{ "newest_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the newest of them." },
	{ .name = NULL },
};

struct file_run {
	struct fs_call *call;
	const char *asked; /* what is being waited for */
	struct fs_result stat;
	struct fs_file file;
	struct buf content;
	struct offload_job *job;
	struct look_job *look;
	bool is_digesting;
};

/* What a thread looks at; outlives the run when that is stopped before. */
struct look_job {
	struct file_look look;
	struct probe_run *run;
};

/* Between runs. */
struct file_watch {
	char sha256[SHA256_SIZE];
	bool has_size;
	uint64_t size, dev, ino;
	usec_t at_us;
};

static void
ask(struct probe_run *run, const struct fs_request *request, fs_fn fn)
{
	const struct file_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct file_run *state = probe_state(run);
	const char *root = str_eq(env->host_root, "/") ? "" : env->host_root;
	struct fs_request full = *request;
	char path[FS_PATH_MAX + 1];

	snprintf(path, sizeof(path), "%s%s", root != NULL ? root : "", conf->path);
	full.path = path;
	full.root = env->host_root;
	state->call = fs_call_start(env->fs, &full, probe_time_left(run), fn, run);
}

/* False: there was an answer; true: the verdict is given. */
static bool
failed(struct probe_run *run, const struct fs_result *r)
{
	const struct file_conf *conf = probe_conf(run);
	const struct file_run *state = probe_state(run);

	if (r->status == FS_OK)
		return false;
	if (fs_unanswered(run, r, conf->path))
		return true;
	if (r->error == EACCES || r->error == EPERM)
		probe_error(run, "self.local",
			"this daemon may not %s %s: %s; give it the right, such as "
			"`setfacl -m u:triaged:r`",
			state->asked, conf->path, strerror(r->error));
	else
		probe_fail(run, fs_cause(r->error), "cannot %s %s: %s", state->asked, conf->path,
			strerror(r->error));
	return true;
}

static void
finish(struct probe_run *run)
{
	const struct file_run *state = probe_state(run);
	usec_t age = loop_wall(probe_env(run)->loop) - (usec_t)state->stat.mtime_us;
	char size[32], since[32];

	clock_format_duration(age > 0 ? age : 0, since, sizeof(since));
	if (S_ISDIR(state->stat.mode)) {
		probe_ok(run, "folder, %llu file%s%s%s", (unsigned long long)state->file.count,
			state->file.count == 1 ? "" : "s",
			state->file.newest[0] != '\0' ? ", the newest " : "", state->file.newest);
		return;
	}
	metric_format((double)state->stat.size, UNIT_BYTES, size, sizeof(size));
	probe_ok(run, "%s, written %s ago, %s:%s %04o", size, since, state->file.owner,
		state->file.group, state->stat.mode & 07777U);
}

/* --- content --- */

static void
drop_look(void *arg)
{
	struct look_job *job = arg;

	file_look_fini(&job->look);
	free(job);
}

static void
work(void *arg)
{
	file_look(&((struct look_job *)arg)->look);
}

static void
on_looked(void *arg)
{
	struct look_job *job = arg;
	struct probe_run *run = job->run;
	const struct file_conf *conf = probe_conf(run);
	struct file_run *state = probe_state(run);

	state->job = NULL;
	state->look = NULL;
	if (job->look.cause != NULL)
		probe_fail(run, job->look.cause, "%s: %s", conf->path, job->look.text);
	else
		finish(run);
	drop_look(job);
}

static void
look_at_content(struct probe_run *run)
{
	const struct file_conf *conf = probe_conf(run);
	struct file_run *state = probe_state(run);
	struct look_job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->look.format = conf->format;
	job->look.content = xstrdup(conf->content);
	job->look.not_content = xstrdup(conf->not_content);
	job->look.len = buf_left(&state->content);
	job->look.bytes = buf_take_text(&state->content);
	state->look = job;
	state->job = offload_start(probe_env(run)->offload, work, on_looked, job);
}

static void on_piece(void *arg, const struct fs_result *r);

static void
read_more(struct probe_run *run)
{
	const struct file_conf *conf = probe_conf(run);
	struct file_run *state = probe_state(run);
	size_t have = buf_left(&state->content), left = (size_t)conf->max_read - have;

	state->asked = "read";
	ask(run,
		&(struct fs_request){
			.op = FS_READ,
			.offset = have,
			.length = (uint32_t)(left < FS_DATA_MAX ? left : FS_DATA_MAX),
		},
		on_piece);
}

static void
on_piece(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct file_conf *conf = probe_conf(run);
	struct file_run *state = probe_state(run);

	state->call = NULL;
	if (failed(run, r))
		return;
	buf_add(&state->content, r->data, r->data_len);
	if (r->data_len > 0 && buf_left(&state->content) < (size_t)conf->max_read)
		read_more(run);
	else
		look_at_content(run);
}

static void
begin_content(struct probe_run *run)
{
	const struct file_conf *conf = probe_conf(run);
	const struct file_run *state = probe_state(run);
	bool wants = conf->format >= 0 || conf->content != NULL || conf->not_content != NULL;

	if (!wants)
		finish(run);
	else if (!S_ISREG(state->stat.mode))
		probe_fail(run, "file.kind", "%s is no file: it has no content to look at",
			conf->path);
	else if (conf->format >= 0 && state->stat.size > (uint64_t)conf->max_read)
		probe_error(run, "self.local",
			"%s is larger than `max_read`: its format is not judged", conf->path);
	else
		read_more(run);
}

/* --- checksum --- */

static void
keep_digest(struct probe_run *run, const char *sha256)
{
	const struct file_conf *conf = probe_conf(run);
	struct file_watch *seen = probe_watch_state(probe_watch(run));
	bool is_known = seen->sha256[0] != '\0', is_other = !str_eq(seen->sha256, sha256);
	json_t *doc;

	probe_fact(run, "sha256", "%s", sha256);
	if (is_known) {
		probe_value(run, ROW_CHANGED, is_other ? 1 : 0);
		if (is_other)
			probe_fact(run, "changed", "the checksum was %s", seen->sha256);
	}
	if (!is_other)
		return;
	str_copy(seen->sha256, sizeof(seen->sha256), sha256);
	doc = json_pack("{s:s, s:s}", "path", conf->path, "sha256", sha256);
	probe_watch_keep(probe_watch(run), doc);
	json_decref(doc);
}

static void
say_slow(struct probe_run *run)
{
	const struct file_conf *conf = probe_conf(run);

	probe_error(run, "self.local",
		"the checksum of %s was not made within `timeout`: give it a longer one",
		conf->path);
}

static void
on_digest(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct file_conf *conf = probe_conf(run);
	struct file_run *state = probe_state(run);
	char sha256[SHA256_SIZE];

	state->call = NULL;
	state->is_digesting = false;
	if (r->status == FS_FAILED && r->error == EFBIG) {
		probe_error(run, "self.local", "%s has more than 256 MB: no checksum is made",
			conf->path);
		return;
	}
	if (r->status == FS_STUCK) { /* it told its size just now: it is slow, and not hung */
		say_slow(run);
		return;
	}
	if (failed(run, r))
		return;
	snprintf(sha256, sizeof(sha256), "%.*s", (int)r->data_len, r->data);
	keep_digest(run, sha256);
	if (conf->sha256 != NULL && strcasecmp(conf->sha256, sha256) != 0)
		probe_fail(run, "file.checksum", "%s has SHA-256 %.12s..., wanted %.12s...",
			conf->path, sha256, conf->sha256);
	else
		begin_content(run);
}

/* --- the file itself --- */

static void
measure(struct probe_run *run)
{
	struct file_watch *seen = probe_watch_state(probe_watch(run));
	const struct file_run *state = probe_state(run);
	const struct fs_result *st = &state->stat;
	const struct io_env *env = probe_env(run);
	usec_t now = loop_now(env->loop), wall = loop_wall(env->loop);

	probe_value(run, ROW_EXISTS, 1);
	probe_value(run, ROW_AGE, fmax(0, (double)(wall - (usec_t)st->mtime_us) / USEC_PER_SEC));
	if (file_can_tell_writing(&state->file))
		probe_value(run, ROW_WRITABLE, state->file.write_error == 0 ? 1 : 0);
	if (S_ISDIR(st->mode)) {
		probe_value(run, ROW_COUNT, (double)state->file.count);
		if (state->file.count > 0) {
			usec_t age = wall - (usec_t)state->file.newest_us;

			probe_value(run, ROW_NEWEST_AGE, fmax(0, (double)age / USEC_PER_SEC));
			probe_value(run, ROW_NEWEST_SIZE, (double)state->file.newest_size);
		}
		return;
	}
	probe_value(run, ROW_SIZE, (double)st->size);
	if (seen->has_size && seen->dev == st->dev && seen->ino == st->ino &&
		st->size >= seen->size && now > seen->at_us)
		probe_value(run, ROW_GROWTH,
			(double)(st->size - seen->size) * USEC_PER_SEC /
				(double)(now - seen->at_us));
	seen->has_size = true;
	seen->size = st->size;
	seen->dev = st->dev;
	seen->ino = st->ino;
	seen->at_us = now;
}

static bool
is_absent(struct probe_run *run, const struct fs_result *r)
{
	const struct file_conf *conf = probe_conf(run);
	const struct file_run *state = probe_state(run);

	if (r->status != FS_FAILED || (r->error != ENOENT && r->error != ENOTDIR))
		return false;
	probe_value(run, ROW_EXISTS, 0);
	if (!conf->is_wanted)
		probe_ok(run, "not there, as it should be");
	else if (state->file.link[0] != '\0')
		probe_fail(run, "fs.noent", "%s is a symbolic link to %s, which is not there",
			conf->path, state->file.link);
	else
		probe_fail(run, fs_cause(r->error), "%s: %s", conf->path, strerror(r->error));
	return true;
}

static void
on_file(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct file_conf *conf = probe_conf(run);
	struct file_run *state = probe_state(run);
	struct file_found found = { &state->stat, &state->file, 0 };

	state->call = NULL;
	state->stat = *r;
	if (r->data != NULL && r->data_len == sizeof(state->file))
		memcpy(&state->file, r->data, sizeof(state->file));
	if (fs_veiled(run, r, conf->path) || is_absent(run, r) || failed(run, r))
		return;
	file_settle_writing(run, &state->file, r->dev);
	measure(run);
	if (state->file.link[0] != '\0')
		probe_fact(run, "link", "%s", state->file.link);
	if (state->file.is_cut)
		probe_fact(run, "cut", "only the first 20000 names in it were looked at");
	found.wall_us = loop_wall(probe_env(run)->loop);
	if (file_judge(run, &found))
		return;
	if (!conf->has_checksum && conf->sha256 == NULL) {
		begin_content(run);
		return;
	}
	state->asked = "read";
	state->is_digesting = true;
	ask(run, &(struct fs_request){ .op = FS_DIGEST, .offset = DIGEST_MAX }, on_digest);
}

static void
start(struct probe_run *run)
{
	const struct file_conf *conf = probe_conf(run);
	const char *root = probe_env(run)->host_root;
	struct file_run *state = probe_state(run);
	char arg[FS_ARG_MAX];

	buf_init(&state->content, (size_t)conf->max_read);
	snprintf(arg, sizeof(arg), "%.60s\n%.250s\n%.180s",
		conf->writable_by != NULL ? conf->writable_by : "",
		conf->files != NULL ? conf->files : "*",
		root == NULL || str_eq(root, "/") ? "" : root);
	state->asked = "look at";
	ask(run, &(struct fs_request){ .op = FS_FILE, .arg = arg }, on_file);
}

static void
stop(struct probe_run *run)
{
	struct file_run *state = probe_state(run);

	fs_call_cancel(state->call);
	state->call = NULL;
	if (state->job != NULL)
		offload_cancel(state->job, drop_look);
	state->job = NULL;
	buf_fini(&state->content);
}

static void
open_watch(struct probe_watch *watch)
{
	const struct file_conf *conf = probe_watch_conf(watch);
	struct file_watch *seen = probe_watch_state(watch);
	const json_t *kept = probe_watch_kept(watch);
	const char *sha256 = json_string_value(json_object_get(kept, "sha256"));

	if (sha256 != NULL && str_eq(json_string_value(json_object_get(kept, "path")), conf->path))
		str_copy(seen->sha256, sizeof(seen->sha256), sha256);
}

static void
close_watch(struct probe_watch *watch)
{
	(void)watch;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct file_conf *conf = probe_conf(run);
	const struct file_run *state = probe_state(run);

	if (state->job != NULL) {
		snprintf(text, size, "looking at the content of %s takes too long", conf->path);
		return "self.local";
	}
	if (state->is_digesting) {
		snprintf(text, size,
			"the checksum of %s was not made within `timeout`: give it a longer one",
			conf->path);
		return "self.local";
	}
	snprintf(text, size, "%s did not let itself %s", conf->path, state->asked);
	return "fs.hung";
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct file_conf *conf = conf_;

	(void)instance;
	out->path = conf->path;
	out->user = conf->writable_by;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct file_conf *conf = conf_;

	(void)instance;
	str_copy(out, size, conf->path != NULL ? conf->path : "");
}

const struct probe_type probe_type_file = {
	.name = "file",
	.summary =
		"Looks at a file, folder or socket: there, whose, how old, how large, well-formed.",
	.manual =
		"What is not asked for is not judged: `path` alone wants it to be there. In a "
		"folder "
		"`max_age`, `min_size` and `max_size` are about its newest file, which is how a "
		"folder of backups is watched. A path that does not answer is the finding "
		"`fs.hung`. What this daemon may not read is said as its own trouble, never as the "
		"file's: it needs search rights on each folder above, and reading rights where "
		"content or a checksum is wanted. Names of users and groups are the host's.",
	.fields = file_fields,
	.url_key = "path",
	.metrics = metrics,
	.conf_size = sizeof(struct file_conf),
	.run_size = sizeof(struct file_run),
	.check = file_conf_check,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.watch_size = sizeof(struct file_watch),
	.open = open_watch,
	.close = close_watch,
	.stuck = stuck,
};
