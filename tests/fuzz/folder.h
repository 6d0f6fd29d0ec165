/*
 * A folder for the files of a target, made below $TMPDIR.  The process removes it at its end, with
 * the files in it; of one that was killed, run.py does, which made what lies above.
 */
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char fuzz_folder[90];

static inline void
fuzz_folder_remove(void)
{
	char path[sizeof(fuzz_folder) + NAME_MAX + 2];
	DIR *dir = opendir(fuzz_folder);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", fuzz_folder, entry->d_name);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(fuzz_folder);
}

/* Once in the life of a process.  What was asked of atexit afterwards is done before it goes. */
static inline const char *
fuzz_folder_make(void)
{
	const char *above = getenv("TMPDIR");
	int len = snprintf(fuzz_folder, sizeof(fuzz_folder), "%s/triaged-fuzz-XXXXXX",
		above != NULL ? above : "/tmp");

	if (len < 0 || (size_t)len >= sizeof(fuzz_folder) || mkdtemp(fuzz_folder) == NULL)
		abort();
	if (atexit(fuzz_folder_remove) != 0)
		abort();
	return fuzz_folder;
}

#endif
