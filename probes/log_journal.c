/*
 * Follows the journal of a unit: a thread opens it, reads what is behind the cursor and closes it
 * again, a bounded piece at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/journal.h"
#include "io/loop.h"
#include "probes/log_conf.h"

#define ENTRIES_MAX 2000
#define PIECES_MAX  10 /* of a run; what is left waits for the next, which is asked for at once */

struct job {
	struct probe_run *run;
	struct log_rules *rules;
	char *folder, *unit, *cursor;
	struct journal_piece piece;
	struct log_scan scan;
	struct err err;
	bool is_failed;
};

static void
drop(void *arg)
{
	struct job *job = arg;

	log_rules_unref(job->rules);
	journal_piece_fini(&job->piece);
	free(job->folder);
	free(job->unit);
	free(job->cursor);
	free(job);
}

static void
work(void *arg)
{
	struct job *job = arg;
	const struct journal_ask ask = {
		.folder = job->folder,
		.unit = job->unit,
		.cursor = job->cursor,
		.entries_max = ENTRIES_MAX,
		.bytes_max = LOG_PIECE,
	};

	job->is_failed = journal_read(&ask, &job->piece, &job->err) < 0;
	job->scan.bytes = buf_text(&job->piece.lines);
	job->scan.len = buf_left(&job->piece.lines);
	job->scan.is_final = true;
	log_scan(&job->scan);
}

static void read_piece(struct probe_run *run);

static void
say_failed(struct probe_run *run, const struct err *e)
{
	bool is_right = e->code == EACCES || e->code == EPERM;

	probe_error(run, "self.local", "%s%s", e->text,
		is_right ? "; add this daemon's user to the group systemd-journal" : "");
}

static void
on_read(void *arg)
{
	struct job *job = arg;
	struct probe_run *run = job->run;
	struct log_run *state = probe_state(run);
	struct log_watch *seen = probe_watch_state(probe_watch(run));
	bool is_more = job->piece.is_more;

	state->job = NULL;
	if (job->is_failed) {
		say_failed(run, &job->err);
		drop(job);
		return;
	}
	if (job->piece.is_lost)
		snprintf(state->note, sizeof(state->note),
			"entries behind the last one read were removed from the journal");
	log_take(run, &job->scan);
	if (!str_eq(seen->cursor, job->piece.cursor) || seen->cursor == NULL) {
		xstrset(&seen->cursor, job->piece.cursor != NULL ? job->piece.cursor : "");
		seen->is_dirty = true;
	}
	if (job->piece.last_us > 0)
		seen->last_line_us = job->piece.last_us;
	drop(job);
	state->budget--;
	if (is_more && state->budget > 0) {
		read_piece(run);
		return;
	}
	if (is_more)
		probe_watch_poke(probe_watch(run));
	log_finish(run);
}

static char *
folder_of(const struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	const char *root = probe_env(run)->host_root;

	if (conf->journal_folder != NULL)
		return xstrdup(conf->journal_folder);
	if (root == NULL || str_eq(root, "/"))
		return NULL;
	return xasprintf("%s/var/log/journal", root);
}

static void
read_piece(struct probe_run *run)
{
	const struct log_conf *conf = probe_conf(run);
	const struct log_watch *seen = probe_watch_state(probe_watch(run));
	struct log_run *state = probe_state(run);
	struct job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->rules = log_rules_ref(conf->rules);
	job->scan.rules = job->rules;
	job->folder = folder_of(run);
	job->unit = strchr(conf->journal, '.') != NULL ? xstrdup(conf->journal)
						       : xasprintf("%s.service", conf->journal);
	job->cursor = seen->cursor != NULL ? xstrdup(seen->cursor) : NULL;
	state->drop = drop;
	state->job = offload_start(probe_env(run)->offload, work, on_read, job);
}

void
log_journal_start(struct probe_run *run)
{
	struct log_run *state = probe_state(run);

	state->budget = PIECES_MAX;
	read_piece(run);
}
