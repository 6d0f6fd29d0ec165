/*
 * Asks for a run when the log changes.  The first event is enough: both watches go, and the next
 * run, whose helper has just reached the file, sets them again.  A busy log costs one wake-up a
 * run.
 */
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/str.h"
#include "io/inotify.h"
#include "probes/log_conf.h"

void
log_events_disarm(struct log_watch *seen)
{
	inotify_remove(seen->file);
	inotify_remove(seen->folder);
	seen->file = seen->folder = NULL;
}

static void
on_file(void *arg, uint32_t mask, const char *name)
{
	struct log_watch *seen = arg;

	(void)mask;
	(void)name;
	log_events_disarm(seen);
	probe_watch_poke(seen->watch);
}

static void
on_folder(void *arg, uint32_t mask, const char *name)
{
	struct log_watch *seen = arg;
	const struct log_conf *conf = probe_watch_conf(seen->watch);
	const char *slash = strrchr(conf->path, '/');

	if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0 && slash != NULL && !str_eq(name, slash + 1))
		return;
	on_file(arg, mask, name);
}

bool
log_events_arm(struct log_watch *seen, const struct io_env *env, const char *full)
{
	const char *slash = strrchr(full, '/');
	char folder[FS_PATH_MAX + 1];

	if (env->inotify == NULL || slash == NULL || (seen->file != NULL && seen->folder != NULL))
		return false;
	log_events_disarm(seen);
	snprintf(folder, sizeof(folder), "%.*s", slash == full ? 1 : (int)(slash - full), full);
	seen->file = inotify_add(env->inotify, full,
		IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF, on_file, seen);
	seen->folder = inotify_add(env->inotify, folder, IN_CREATE | IN_MOVED_TO, on_folder, seen);
	return seen->file != NULL;
}
