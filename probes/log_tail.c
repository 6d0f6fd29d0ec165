/*
 * Follows a file through all that happens to log files.
 *
 *	read behind the place we know
 *	  the same file, longer      -> its new bytes
 *	  another file (renamed)     -> the rest of the old one, wherever it is now, then the new
 *	  shorter, or begins anew    -> the rest from the copy that was made of it, then the top
 *	  not there                  -> the rest of the old one; then wait for the next
 *
 * A file is known by device and inode and by its first bytes, as inodes are used again at once.
 * Everything is read by a helper process and judged on a thread, piece by piece; the place moves on
 * with each piece, so that a run that is cut short loses nothing and counts nothing twice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/fs_cause.h"
#include "probes/log_conf.h"

#define ALIGN_MAX   4096 /* so far before the end the beginning of the last line is looked for */
#define SETTLE_US   (2 * USEC_PER_SEC)
#define OLD_US      USEC_PER_MIN       /* so long a writer may take to open the new file */
#define GAP_US      (5 * USEC_PER_SEC) /* a rotation that creates nothing: the writer does, soon */
#define HEAD_ENOUGH 16                 /* bytes by which a copy is known again */

static void read_path(struct probe_run *run);
static void on_path(void *arg, const struct fs_result *r);
static void on_aside(void *arg, const struct fs_result *r);

static struct log_watch *
seen_of(struct probe_run *run)
{
	return probe_watch_state(probe_watch(run));
}

/* Of the file that is being read. */
static struct log_place *
place_of(struct probe_run *run)
{
	const struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);

	return state->is_in_old ? &seen->old : &seen->place;
}

static void
full_path(struct probe_run *run, char *out, size_t size)
{
	const struct log_conf *conf = probe_conf(run);
	const char *root = probe_env(run)->host_root;

	snprintf(out, size, "%s%s", root == NULL || str_eq(root, "/") ? "" : root, conf->path);
}

static void
ask(struct probe_run *run, struct fs_request request, fs_fn fn)
{
	struct log_run *state = probe_state(run);
	char path[FS_PATH_MAX + 1];

	full_path(run, path, sizeof(path));
	if (request.path == NULL)
		request.path = path;
	request.root = probe_env(run)->host_root;
	state->call = fs_call_start(probe_env(run)->fs, &request, probe_time_left(run), fn, run);
}

/* --- verdicts of its own --- */

/* Just moved away, before our eyes: every night's rotation looks so for a moment. */
static bool
is_between(struct probe_run *run)
{
	const struct log_watch *seen = seen_of(run);

	return seen->gone_us > 0 && loop_now(probe_env(run)->loop) - seen->gone_us < GAP_US;
}

static void
say_missing(struct probe_run *run, int error)
{
	const struct log_conf *conf = probe_conf(run);
	struct log_watch *seen = seen_of(run);
	char path[FS_PATH_MAX + 1];

	seen->place.was_missing = true;
	seen->is_dirty = true;
	full_path(run, path, sizeof(path));
	log_events_arm(seen, probe_env(run), path);
	if (conf->is_optional || is_between(run)) {
		log_finish(run);
		return;
	}
	log_keep(run);
	probe_fail(run, fs_cause(error), "%s: %s", conf->path, strerror(error));
}

/* False: there was an answer; true: the verdict is given. */
static bool
failed(struct probe_run *run, const struct fs_result *r)
{
	const struct log_conf *conf = probe_conf(run);

	if (r->status == FS_OK)
		return false;
	if (fs_unanswered(run, r, conf->path))
		return true;
	if (r->error == EACCES || r->error == EPERM)
		probe_error(run, "self.local",
			"this daemon may not read %s: %s; add it to the file's group (often adm), "
			"or `setfacl -m u:triaged:r`",
			conf->path, strerror(r->error));
	else
		probe_fail(run, fs_cause(r->error), "cannot read %s: %s", conf->path,
			strerror(r->error));
	return true;
}

/* --- a piece on its way through the rules --- */

struct piece {
	struct log_scan scan;
	struct log_rules *rules;
	struct probe_run *run;
	char *bytes;
};

static void
drop_piece(void *arg)
{
	struct piece *piece = arg;

	log_rules_unref(piece->rules);
	free(piece->bytes);
	free(piece);
}

static void
work(void *arg)
{
	log_scan(&((struct piece *)arg)->scan);
}

static void after_piece(struct probe_run *run, const struct log_scan *scan);

static void
on_scanned(void *arg)
{
	struct piece *piece = arg;
	struct probe_run *run = piece->run;
	struct log_run *state = probe_state(run);

	state->job = NULL;
	log_take(run, &piece->scan);
	place_of(run)->offset += piece->scan.consumed;
	place_of(run)->carry = piece->scan.carry;
	after_piece(run, &piece->scan);
	drop_piece(piece);
}

static void
scan_piece(struct probe_run *run, const char *bytes, size_t len, bool is_final)
{
	const struct log_conf *conf = probe_conf(run);
	struct log_run *state = probe_state(run);
	struct piece *piece = xcalloc(1, sizeof(*piece));

	piece->run = run;
	piece->rules = log_rules_ref(conf->rules);
	piece->bytes = xmalloc(len + 1);
	memcpy(piece->bytes, bytes, len);
	piece->bytes[len] = '\0'; /* some tools look for one behind what regexec is given */
	piece->scan.rules = piece->rules;
	piece->scan.bytes = piece->bytes;
	piece->scan.len = len;
	piece->scan.is_final = is_final;
	piece->scan.is_settled = state->is_settled && !state->is_in_old;
	piece->scan.carry = place_of(run)->carry;
	state->drop = drop_piece;
	state->job = offload_start(probe_env(run)->offload, work, on_scanned, piece);
}

/* --- the end of what there is --- */

/* Something stands there that is not judged yet: a line without its end, a record that may go on.
 */
static bool
settle(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);

	if (state->size <= seen->place.offset || !conf->rules->has_continuation ||
		state->is_settled)
		return false;
	if (seen->held_size == state->size) {
		state->is_settled = true;
		return true;
	}
	seen->held_size = state->size;
	timer_after(&seen->settle, SETTLE_US);
	return false;
}

static void
at_end(struct probe_run *run)
{
	struct log_run *state = probe_state(run);
	char path[FS_PATH_MAX + 1];

	full_path(run, path, sizeof(path));
	if (!state->is_armed) {
		state->is_armed = true;
		if (log_events_arm(seen_of(run), probe_env(run), path)) {
			read_path(run); /* for what came before the arming */
			return;
		}
	}
	if (settle(run))
		read_path(run);
	else
		log_finish(run);
}

/* --- what became of the old file --- */

static void
leave_old(struct probe_run *run)
{
	struct log_run *state = probe_state(run);

	state->is_in_old = false;
	state->is_old_read = true;
	read_path(run);
}

static void
forget_old(struct probe_run *run)
{
	struct log_watch *seen = seen_of(run);

	seen->old = (struct log_place){ .is_known = false };
	seen->is_dirty = true;
	leave_old(run);
}

/* Its writer has had its time, or it is a copy that nobody writes. */
static bool
is_old_over(struct probe_run *run)
{
	const struct log_watch *seen = seen_of(run);

	return seen->is_old_copied ||
	       (seen->old_until_us > 0 && loop_now(probe_env(run)->loop) >= seen->old_until_us);
}

static void
read_aside(struct probe_run *run)
{
	struct log_run *state = probe_state(run);

	ask(run,
		(struct fs_request){
			.op = FS_TAIL,
			.path = state->aside,
			.offset = seen_of(run)->old.offset,
			.length = LOG_PIECE,
		},
		on_aside);
}

static bool
begins_as_known(const struct log_place *place, const struct fs_result *r)
{
	return place->head_len == 0 ||
	       (r->head_len >= place->head_len &&
		       fs_hash(r->data, place->head_len) == place->head_hash);
}

static void
on_aside(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	struct log_run *state = probe_state(run);
	struct log_place *old = &seen_of(run)->old;
	size_t len = r->data_len > r->head_len ? r->data_len - r->head_len : 0;

	state->call = NULL;
	if (r->status != FS_OK || !begins_as_known(old, r)) {
		forget_old(run);
	} else if (len > 0 && state->budget > 0) {
		state->is_in_old = true;
		scan_piece(run, r->data + r->head_len, len,
			is_old_over(run) && old->offset + len >= r->size);
	} else if (is_old_over(run)) {
		forget_old(run);
	} else {
		leave_old(run);
	}
}

static void
folder_of(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(out, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static void
on_found(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	struct log_run *state = probe_state(run);
	char path[FS_PATH_MAX + 1], folder[FS_PATH_MAX + 1];

	state->call = NULL;
	full_path(run, path, sizeof(path));
	folder_of(path, folder, sizeof(folder));
	if (r->status != FS_OK || snprintf(state->aside, sizeof(state->aside), "%s/%.*s", folder,
					  (int)r->data_len, r->data) >= (int)sizeof(state->aside)) {
		if (state->note[0] != '\0')
			snprintf(state->note, sizeof(state->note),
				"the file before was not found: its last lines may be lost");
		forget_old(run);
		return;
	}
	read_aside(run);
}

static void
follow_old(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	const struct log_watch *seen = seen_of(run);
	const struct log_place *old = &seen->old;
	char path[FS_PATH_MAX + 1], folder[FS_PATH_MAX + 1], arg[FS_ARG_MAX];

	full_path(run, path, sizeof(path));
	folder_of(path, folder, sizeof(folder));
	if (seen->is_old_copied)
		snprintf(arg, sizeof(arg), "%llu %u %llu %.255s",
			(unsigned long long)old->head_hash, old->head_len,
			(unsigned long long)old->offset, strrchr(conf->path, '/') + 1);
	else
		snprintf(arg, sizeof(arg), "%llu:%llu", (unsigned long long)old->dev,
			(unsigned long long)old->ino);
	ask(run, (struct fs_request){ .op = FS_FIND, .path = folder, .arg = arg }, on_found);
}

/* The path means another file from now on; the one before is read to its end first. */
static void
begin_new(struct probe_run *run, bool is_copied, const char *note)
{
	struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);

	snprintf(state->note, sizeof(state->note), "%s", note);
	seen->old = seen->place;
	seen->is_old_copied = is_copied;
	seen->old_until_us = 0;
	seen->rotations++;
	seen->place = (struct log_place){ .is_known = true, .is_finished = true };
	seen->held_size = 0;
	seen->is_dirty = true;
	if (is_copied && seen->old.head_len < HEAD_ENOUGH)
		forget_old(run);
	else
		follow_old(run);
}

/* --- the file itself --- */

static void
read_path(struct probe_run *run)
{
	const struct log_place *place = &seen_of(run)->place;

	ask(run,
		(struct fs_request){
			.op = FS_TAIL,
			.offset = place->offset,
			.length = place->is_known || place->was_missing ? LOG_PIECE : 0,
		},
		on_path);
}

static void
learn_head(struct log_place *place, const struct fs_result *r)
{
	if (r->head_len <= place->head_len)
		return;
	place->head_len = r->head_len;
	place->head_hash = fs_hash(r->data, r->head_len);
}

static void
adopt(struct probe_run *run, const struct fs_result *r)
{
	struct log_watch *seen = seen_of(run);

	if (seen->old.is_known && seen->old_until_us == 0)
		seen->old_until_us = loop_now(probe_env(run)->loop) + OLD_US;
	seen->place = (struct log_place){ .is_known = true, .dev = r->dev, .ino = r->ino };
	seen->is_dirty = true;
}

/* The first time: what is there already is the past.  The last line may still be being written. */
static void
on_last_line(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	struct log_run *state = probe_state(run);
	struct log_place *place = &seen_of(run)->place;
	const char *end;

	state->call = NULL;
	if (failed(run, r))
		return;
	end = r->data_len > 0 ? memrchr(r->data, '\n', r->data_len) : NULL;
	if (end != NULL)
		place->offset += (uint64_t)(end + 1 - r->data);
	else if (r->data_len >= ALIGN_MAX) {
		place->offset += r->data_len;
		place->carry.is_skipping = true;
	}
	place->carry.is_continuing = true;
	at_end(run);
}

static void
begin_at_end(struct probe_run *run, const struct fs_result *r)
{
	struct log_watch *seen = seen_of(run);

	adopt(run, r);
	learn_head(&seen->place, r);
	if (r->size > 0)
		seen->last_line_us = (usec_t)r->mtime_us;
	seen->place.offset = r->size > ALIGN_MAX ? r->size - ALIGN_MAX : 0;
	ask(run,
		(struct fs_request){
			.op = FS_READ, .offset = seen->place.offset, .length = ALIGN_MAX },
		on_last_line);
}

/* More than a run may read: the oldest of it is left out. */
static bool
skip_flood(struct probe_run *run, const struct fs_result *r)
{
	const struct log_conf *conf = probe_conf(run);
	struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);
	uint64_t behind = r->size - seen->place.offset, most = (uint64_t)conf->max_read;

	if (behind <= most || state->bytes > 0)
		return false;
	seen->skipped += (double)(behind - most);
	seen->place.offset = r->size - most;
	seen->place.carry = (struct log_carry){ .is_skipping = true };
	seen->is_dirty = true;
	snprintf(state->note, sizeof(state->note), "%llu bytes were skipped: more than `max_read`",
		(unsigned long long)(behind - most));
	read_path(run);
	return true;
}

static void
take_bytes(struct probe_run *run, const struct fs_result *r)
{
	struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);

	learn_head(&seen->place, r);
	if (skip_flood(run, r))
		return;
	if (r->data_len <= r->head_len || state->budget == 0)
		at_end(run);
	else
		scan_piece(run, r->data + r->head_len, r->data_len - r->head_len, false);
}

static void
on_path(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct log_conf *conf = probe_conf(run);
	struct log_run *state = probe_state(run);
	struct log_watch *seen = seen_of(run);
	struct log_place *place = &seen->place;

	state->call = NULL;
	if (fs_veiled(run, r, conf->path)) {
		log_keep(run);
		return;
	}
	if (r->status == FS_FAILED && (r->error == ENOENT || r->error == ENOTDIR)) {
		if (place->is_known && !place->is_finished) {
			seen->gone_us = loop_now(probe_env(run)->loop);
			begin_new(run, false, "the file was moved away or removed");
		} else
			say_missing(run, r->error);
		return;
	}
	if (r->status == FS_FAILED && r->mode != 0 && !S_ISREG(r->mode)) {
		probe_fail(run, "file.kind", "%s is no file", conf->path);
		return;
	}
	if (failed(run, r))
		return;
	state->size = r->size;
	state->has_size = true;
	if (!place->is_known && !place->was_missing)
		begin_at_end(run, r);
	else if (!place->is_known || place->is_finished) {
		adopt(run, r);
		take_bytes(run, r);
	} else if (place->dev != r->dev || place->ino != r->ino)
		begin_new(run, false, "another file took its place");
	else if (r->size < place->offset || !begins_as_known(place, r))
		begin_new(run, true, "the file was truncated");
	else
		take_bytes(run, r);
}

static void
after_piece(struct probe_run *run, const struct log_scan *scan)
{
	struct log_run *state = probe_state(run);
	bool is_more = scan->consumed > 0 && scan->len >= LOG_PIECE;

	state->budget -= scan->len < state->budget ? scan->len : state->budget;
	if (state->budget == 0)
		probe_watch_poke(probe_watch(run));
	if (!state->is_in_old && is_more && state->budget > 0)
		read_path(run);
	else if (!state->is_in_old)
		at_end(run);
	else if (scan->is_final)
		forget_old(run);
	else if (state->budget == 0)
		log_finish(run); /* the rest at the next run */
	else if (is_more)
		read_aside(run);
	else
		leave_old(run);
}

void
log_tail_start(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	struct log_run *state = probe_state(run);

	state->budget = (uint64_t)conf->max_read;
	if (seen_of(run)->old.is_known)
		follow_old(run);
	else
		read_path(run);
}
