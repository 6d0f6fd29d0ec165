/* Journal entries of a unit: opened, read from the cursor on, closed. */
#include "io/journal.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/mem.h"

#define MESSAGE_MAX 16384

static bool
has_closed(const char *pattern)
{
	bool found = false;
	glob_t files;

	if (glob(pattern, 0, NULL, &files) == 0)
		for (size_t i = 0; i < files.gl_pathc; i++)
			found |= eaccess(files.gl_pathv[i], R_OK) != 0;
	globfree(&files);
	return found;
}

/* Its main file, or that of a machine's number below it, is there and not for us; or the folder. */
static bool
is_closed(const char *folder)
{
	char *own = xasprintf("%s/system.journal", folder);
	char *machines = xasprintf("%s/*/system.journal", folder);
	bool is_so = has_closed(own) || has_closed(machines) ||
		     (eaccess(folder, R_OK | X_OK) != 0 && errno == EACCES);

	free(own);
	free(machines);
	return is_so;
}

static int
open_journal(sd_journal **journal, const struct journal_ask *ask, struct err *e)
{
	int rc = ask->folder != NULL ? sd_journal_open_directory(journal, ask->folder, 0)
				     : sd_journal_open(journal, SD_JOURNAL_LOCAL_ONLY);

	if (rc < 0)
		return err_set(e, -rc, "cannot open the journal: %s", strerror(-rc));
	/* Files that may not be read are passed over in silence: one would hear nothing and think
	 * that nothing is said. */
	if (ask->folder != NULL ? is_closed(ask->folder)
				: is_closed("/var/log/journal") || is_closed("/run/log/journal")) {
		sd_journal_close(*journal);
		return err_set(e, EACCES, "the journal is not for this user");
	}
	if (ask->folder == NULL && sd_journal_has_runtime_files(*journal) <= 0 &&
		sd_journal_has_persistent_files(*journal) <= 0) {
		sd_journal_close(*journal);
		return err_set(e, EACCES, "there is no journal here that this user may read");
	}
	return 0;
}

static int
add_match(sd_journal *journal, const char *field, const char *unit)
{
	char text[512];
	int len = snprintf(text, sizeof(text), "%s=%s", field, unit);

	return sd_journal_add_match(journal, text, (size_t)len);
}

/* What the unit says, or what systemd says about it. */
static int
match_unit(sd_journal *journal, const char *unit)
{
	int rc = add_match(journal, "_SYSTEMD_UNIT", unit);

	if (rc >= 0)
		rc = sd_journal_add_disjunction(journal);
	if (rc >= 0)
		rc = add_match(journal, "UNIT", unit);
	if (rc >= 0)
		rc = add_match(journal, "_PID", "1");
	return rc;
}

static void
take_cursor(sd_journal *journal, struct journal_piece *piece)
{
	char *cursor = NULL;
	uint64_t at = 0;

	if (sd_journal_get_cursor(journal, &cursor) < 0)
		return;
	free(piece->cursor);
	piece->cursor = cursor;
	if (sd_journal_get_realtime_usec(journal, &at) >= 0)
		piece->last_us = (usec_t)at;
}

static void
take_message(sd_journal *journal, struct journal_piece *piece)
{
	const void *data;
	size_t len, prefix = strlen("MESSAGE="), at = piece->lines.len;

	piece->entries++;
	take_cursor(journal, piece);
	if (sd_journal_get_data(journal, "MESSAGE", &data, &len) < 0 || len < prefix)
		return;
	len -= prefix;
	buf_add(&piece->lines, (const char *)data + prefix, len < MESSAGE_MAX ? len : MESSAGE_MAX);
	for (; at < piece->lines.len; at++)
		if (piece->lines.data[at] == '\n')
			piece->lines.data[at] = '\v';
	buf_add(&piece->lines, "\n", 1);
}

static int
read_entries(sd_journal *journal, const struct journal_ask *ask, struct journal_piece *piece)
{
	int rc;

	while ((rc = sd_journal_next(journal)) > 0) {
		if (piece->entries >= ask->entries_max ||
			buf_left(&piece->lines) >= ask->bytes_max) {
			piece->is_more = true;
			return 0;
		}
		take_message(journal, piece);
	}
	return rc;
}

/* The end: only where it is matters. */
static int
find_end(sd_journal *journal, struct journal_piece *piece)
{
	int rc = sd_journal_seek_tail(journal);

	if (rc >= 0)
		rc = sd_journal_previous(journal);
	if (rc > 0)
		take_cursor(journal, piece);
	return rc;
}

static int
read_behind(sd_journal *journal, const struct journal_ask *ask, struct journal_piece *piece)
{
	int rc;

	piece->cursor = xstrdup(ask->cursor);
	rc = sd_journal_seek_cursor(journal, ask->cursor);
	if (rc >= 0)
		rc = sd_journal_next(journal);
	if (rc <= 0)
		return rc;
	/* Where the entry itself is gone the next one is what we stand on, which is unread. */
	rc = sd_journal_test_cursor(journal, ask->cursor);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		piece->is_lost = true;
		take_message(journal, piece);
	}
	return read_entries(journal, ask, piece);
}

int
journal_read(const struct journal_ask *ask, struct journal_piece *piece, struct err *e)
{
	sd_journal *journal = NULL;
	int rc;

	*piece = (struct journal_piece){ .cursor = NULL };
	buf_init(&piece->lines, 0);
	if (open_journal(&journal, ask, e) < 0)
		return -1;
	rc = match_unit(journal, ask->unit);
	if (rc >= 0 && ask->cursor == NULL)
		rc = find_end(journal, piece);
	else if (rc >= 0 && ask->cursor[0] == '\0') {
		rc = sd_journal_seek_head(journal);
		if (rc >= 0)
			rc = read_entries(journal, ask, piece);
	} else if (rc >= 0)
		rc = read_behind(journal, ask, piece);
	sd_journal_close(journal);
	if (rc < 0)
		return err_set(e, -rc, "cannot read the journal: %s", strerror(-rc));
	return 0;
}

/* As /dev/kmsg has it, but that the time is the wall clock's. */
static void
begin_record(sd_journal *journal, struct journal_piece *piece)
{
	uint64_t at = 0;

	if (sd_journal_get_realtime_usec(journal, &at) >= 0)
		buf_addf(&piece->lines, "6,0,%llu,-;", (unsigned long long)at);
}

/* Back by so many entries, or to the first of the time that counts; then forward. */
static int
read_last(sd_journal *journal, const struct journal_ask *ask, usec_t since_us,
	struct journal_piece *piece)
{
	unsigned back = 0;
	int rc = sd_journal_seek_tail(journal);

	while (rc >= 0 && back < ask->entries_max && (rc = sd_journal_previous(journal)) > 0) {
		uint64_t at = 0;

		if (since_us > 0 && sd_journal_get_realtime_usec(journal, &at) >= 0 &&
			(usec_t)at < since_us) {
			rc = sd_journal_next(journal);
			break;
		}
		back++;
	}
	if (rc < 0 || back == 0)
		return rc;
	/* Asked for what lies before the oldest, the journal stays where it is. */
	while (rc >= 0 && back-- > 0 && buf_left(&piece->lines) < ask->bytes_max) {
		if (ask->unit == NULL)
			begin_record(journal, piece);
		take_message(journal, piece);
		if (back > 0 && (rc = sd_journal_next(journal)) <= 0)
			break;
	}
	return rc;
}

int
journal_read_last(
	const struct journal_ask *ask, usec_t since_us, struct journal_piece *piece, struct err *e)
{
	sd_journal *journal = NULL;
	int rc;

	*piece = (struct journal_piece){ .cursor = NULL };
	buf_init(&piece->lines, 0);
	if (open_journal(&journal, ask, e) < 0)
		return -1;
	rc = ask->unit != NULL ? match_unit(journal, ask->unit)
			       : sd_journal_add_match(journal, "_TRANSPORT=kernel", 0);
	if (rc >= 0)
		rc = read_last(journal, ask, since_us, piece);
	sd_journal_close(journal);
	if (rc < 0)
		return err_set(e, -rc, "cannot read the journal: %s", strerror(-rc));
	return 0;
}

void
journal_piece_fini(struct journal_piece *piece)
{
	buf_fini(&piece->lines);
	free(piece->cursor);
	piece->cursor = NULL;
}

int
journal_may_read(void)
{
	static const char *const folders[] = { "/var/log/journal", "/run/log/journal" };
	int answer = -1;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (access(folders[i], F_OK) == 0)
			answer = answer != 0 && !is_closed(folders[i]);
	return answer;
}
