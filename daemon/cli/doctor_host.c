/*
 * What lies on this host's disk: the socket, the state folder, the token, the history;
 * and the programs of commands.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/doctor.h"
#include "cli/withheld.h"
#include "conf/value.h"
#include "model/check.h"

#define SPACE_LOW_PERCENT 5
#define SPACE_LOW_BYTES   (256.0 * 1024 * 1024)

/* File systems on which locks or fsync are not what SQLite takes them for. */
static const struct {
	long magic;
	const char *name;
	enum finding finding;
	const char *todo;
} file_systems[] = {
	{ 0x6969, "nfs", FINDING_PROBLEM, "a local disk: SQLite's locks do not hold on NFS" },
	{ 0xff534d42, "cifs", FINDING_PROBLEM, "a local disk: SQLite's locks do not hold on SMB" },
	{ 0x01021994, "tmpfs", FINDING_WARNING,
		"a folder or a volume that outlives a restart: what was told would be forgotten" },
	{ 0x794c7630, "overlayfs", FINDING_WARNING,
		"a volume: what was told is forgotten with the container" },
};

/* "a user is in the group": who may use the socket without being root. */
void
doctor_socket(struct doctor *doctor)
{
	const char *place = client_place(doctor->client);
	const char *path = str_starts(place, "unix:") ? place + strlen("unix:") : NULL;
	const struct group *group;
	struct stat st;

	if (path == NULL) {
		doctor_say(doctor, FINDING_OK, "", "asked over %s", place);
		return;
	}
	if (stat(path, &st) == -1) {
		doctor_say(doctor, FINDING_UNKNOWN, "", "%s: %s", path, strerror(errno));
		return;
	}
	group = getgrgid(st.st_gid);
	if (st.st_mode & S_IWOTH)
		doctor_say(doctor, FINDING_PROBLEM, "restart the daemon: it makes it 0660",
			"everybody on this host can steer it: %s has mode %04o", path,
			(unsigned)st.st_mode & 07777);
	else if (getgrnam("triaged") == NULL)
		doctor_say(doctor, FINDING_HINT,
			"groupadd --system triaged; usermod -aG triaged USER; restart the daemon",
			"%s is for root and the daemon's user alone: there is no group `triaged`",
			path);
	else
		doctor_say(doctor, FINDING_OK, "", "%s, for the group `%s`", path,
			group == NULL ? "?" : group->gr_name);
}

static const char *
state_dir(const struct doctor *doctor)
{
	return answer_text(doctor->view, "state_dir");
}

void
doctor_state(struct doctor *doctor)
{
	const char *dir = state_dir(doctor);
	size_t uid = answer_count(json_object_get(doctor->view, "rights"), "uid");
	struct statfs fs;
	struct stat st;

	if (stat(dir, &st) == -1) {
		doctor_say(doctor, FINDING_UNKNOWN, "try as root, or as the daemon's user",
			"%s: %s", dir, strerror(errno));
		return;
	}
	if (st.st_mode & S_IWOTH)
		doctor_say(doctor, FINDING_PROBLEM, "chmod 0700 it",
			"everybody can write %s (mode %04o)", dir, (unsigned)st.st_mode & 07777);
	else if (st.st_mode & S_IROTH)
		doctor_say(doctor, FINDING_WARNING, "chmod 0700 it",
			"everybody can look into %s (mode %04o): it has incidents and a token", dir,
			(unsigned)st.st_mode & 07777);
	if (st.st_uid != (uid_t)uid && uid != 0)
		doctor_say(doctor, FINDING_PROBLEM, "chown it",
			"%s belongs to uid %u, the daemon is uid %zu", dir, (unsigned)st.st_uid,
			uid);
	for (size_t i = 0;
		statfs(dir, &fs) == 0 && i < sizeof(file_systems) / sizeof(file_systems[0]); i++)
		if ((long)(unsigned)fs.f_type == file_systems[i].magic) {
			doctor_say(doctor, file_systems[i].finding, file_systems[i].todo,
				"%s lies on %s", dir, file_systems[i].name);
			return;
		}
	if (!(st.st_mode & (S_IROTH | S_IWOTH)))
		doctor_say(doctor, FINDING_OK, "", "%s (mode %04o)", dir,
			(unsigned)st.st_mode & 07777);
}

void
doctor_space(struct doctor *doctor)
{
	const char *dir = state_dir(doctor);
	double max = answer_number(doctor->view, "history_max_size"), left, percent;
	struct statvfs fs;
	char text[64];

	if (statvfs(dir, &fs) == -1) {
		doctor_say(doctor, FINDING_UNKNOWN, "", "%s: %s", dir, strerror(errno));
		return;
	}
	left = (double)fs.f_bavail * (double)fs.f_frsize;
	percent = fs.f_blocks == 0 ? 100 : 100.0 * (double)fs.f_bavail / (double)fs.f_blocks;
	value_format(left, "B", text, sizeof(text));
	if (percent < SPACE_LOW_PERCENT || left < SPACE_LOW_BYTES)
		doctor_say(doctor, FINDING_WARNING, "make room, or a smaller `history.max_size`",
			"%s are left for the state folder", text);
	else if (left < max)
		doctor_say(doctor, FINDING_HINT, "a smaller `history.max_size`",
			"%s are left, less than the history may grow to", text);
	else
		doctor_say(doctor, FINDING_OK, "", "%s are left", text);
}

void
doctor_token(struct doctor *doctor)
{
	char *path = xasprintf("%s/token", state_dir(doctor));
	struct stat st;

	if (stat(path, &st) == -1 && errno == ENOENT)
		doctor_say(doctor, FINDING_OK, "", "none lies in the state folder");
	else if (stat(path, &st) == -1)
		doctor_say(doctor, FINDING_UNKNOWN, "try as root, or as the daemon's user",
			"%s: %s", path, strerror(errno));
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		doctor_say(doctor, FINDING_PROBLEM,
			"chmod 0600 it; delete it and restart for a new one if others saw it",
			"others than its owner can read %s (mode %04o)", path,
			(unsigned)st.st_mode & 07777);
	else
		doctor_say(doctor, FINDING_OK, "", "for its owner alone");
	free(path);
}

/* Size now against what it may be: at that, the oldest raw values go first. */
void
doctor_history(struct doctor *doctor)
{
	char *path = xasprintf("%s/history.db", state_dir(doctor)), now[64], most[64];
	double max = answer_number(doctor->view, "history_max_size");
	struct stat st;

	if (stat(path, &st) == -1) {
		doctor_say(doctor, errno == ENOENT ? FINDING_HINT : FINDING_UNKNOWN, "", "%s: %s",
			path, strerror(errno));
		free(path);
		return;
	}
	value_format((double)st.st_size, "B", now, sizeof(now));
	value_format(max, "B", most, sizeof(most));
	if ((double)st.st_size > max * 0.95)
		doctor_say(doctor, FINDING_HINT,
			"a larger `history.max_size` keeps single values for longer",
			"%s of %s: the oldest single values go early", now, most);
	else
		doctor_say(doctor, FINDING_OK, "", "%s of at most %s", now, most);
	free(path);
}

struct commands {
	struct doctor *doctor;
	size_t count;
};

static void
say_withheld(void *arg, const char *name, const char *program, const struct conf_pos *pos,
	unsigned gains)
{
	struct commands *commands = arg;

	(void)pos;
	commands->count++;
	doctor_say(commands->doctor, FINDING_WARNING,
		"AmbientCapabilities= in the unit, another command, or daemon: { sandbox: off }",
		"%s: %s needs the rights of its file (%s), which the daemon's sandbox withholds",
		name, program, gains_words(gains));
}

/* Those that would have rights of their own, were it not for its sandbox. */
void
doctor_commands(struct doctor *doctor)
{
	struct commands commands = { .doctor = doctor };
	struct gains_holder holder;

	if (doctor->settings == NULL ||
		!gains_holder_of((pid_t)answer_count(doctor->view, "pid"), &holder)) {
		doctor_say(doctor, FINDING_UNKNOWN, "", "not looked at: %s",
			doctor->settings == NULL ? "the configuration has errors"
						 : "its rights cannot be read");
		return;
	}
	if (holder.is_bound)
		withheld_each(doctor->settings, &holder, say_withheld, &commands);
	if (commands.count == 0)
		doctor_say(doctor, FINDING_OK, "", "no command lacks rights that its file gives");
}
