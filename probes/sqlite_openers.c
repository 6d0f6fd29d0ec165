/*
 * How many processes have an SQLite file open: descriptors that lead to the same file, found below
 * /proc.  Runs in the helper process only; bounded, for there may be any number of processes.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "probes/sqlite_look.h"

#define PROCESSES_MAX   32768
#define DESCRIPTORS_MAX 4096 /* of one process */

/* Only links of that name are followed: a stat of what is foreign could hang. */
static bool
leads_there(const struct sqlite_look *look, const char *link)
{
	const char *name = strrchr(look->path, '/') + 1, *end;
	char target[4200];
	ssize_t len = readlink(link, target, sizeof(target) - 1);
	struct stat st;

	if (len <= 0)
		return false;
	target[len] = '\0';
	end = strrchr(target, '/');
	return end != NULL && str_eq(end + 1, name) && stat(link, &st) == 0 &&
	       st.st_ino == look->st.st_ino && st.st_dev == look->st.st_dev;
}

static bool
has_open(const struct sqlite_look *look, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	bool found = false;
	char link[4600];

	if (dir == NULL)
		return false;
	for (int i = 0; !found && i < DESCRIPTORS_MAX && (entry = readdir(dir)) != NULL; i++) {
		snprintf(link, sizeof(link), "%s/%.20s", folder, entry->d_name);
		found = isdigit((unsigned char)entry->d_name[0]) && leads_there(look, link);
	}
	closedir(dir);
	return found;
}

bool
sqlite_file_openers(struct sqlite_look *look)
{
	const char *root = str_eq(look->root, "/") ? "" : look->root;
	const struct dirent *entry;
	char folder[4400];
	DIR *dir;
	int count = 0;

	if (!look->counts_openers)
		return true;
	snprintf(folder, sizeof(folder), "%.4000s/proc", root);
	dir = opendir(folder);
	if (dir == NULL)
		return true;
	for (int i = 0; i < PROCESSES_MAX && (entry = readdir(dir)) != NULL; i++) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(folder, sizeof(folder), "%.4000s/proc/%.20s/fd", root, entry->d_name);
		count += has_open(look, folder);
	}
	closedir(dir);
	json_object_set_new(look->out, "openers", json_integer(count));
	return true;
}
