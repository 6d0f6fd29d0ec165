/*
 * /api/v1/doctor: what the daemon alone knows about how it is set up, as plain data: `triage
 * doctor` judges.  Reads only procfs and what is in memory; who belongs to a uid is for the asker
 * to find out, because a user database may be far away.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/shapes.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/journal.h"
#include "io/mounts.h"
#include "io/veil.h"
#include "model/record.h"
#include "setup/settings.h"

#define FILE_MAX   8192
#define HIDDEN_MAX 16

/* Those that decide what a monitor sees, by number. */
static const struct {
	const char *name;
	unsigned bit;
} capabilities[] = {
	{ "dac_override", 1 },
	{ "dac_read_search", 2 },
	{ "net_bind_service", 10 },
	{ "net_admin", 12 },
	{ "net_raw", 13 },
	{ "sys_ptrace", 19 },
	{ "sys_admin", 21 },
	{ "syslog", 34 },
};

static size_t
read_proc(const char *path, char out[FILE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd == -1 ? -1 : read(fd, out, FILE_MAX - 1);

	fd_close(&fd);
	out[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

/* "NoNewPrivs:\t1" -> "1...": behind the name, or NULL. */
static const char *
find_line(const char *text, const char *name)
{
	for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
		if (at == text || at[-1] == '\n')
			return at + strlen(name) + strspn(at + strlen(name), ":\t ");
	return NULL;
}

static json_t *
list_capabilities(const char *status)
{
	const char *line = find_line(status, "CapEff");
	unsigned long long set = line == NULL ? 0 : strtoull(line, NULL, 16);
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		if (set >> capabilities[i].bit & 1)
			json_array_append_new(list, json_string(capabilities[i].name));
	return list;
}

static json_t *
list_groups(void)
{
	int room = getgroups(0, NULL);
	gid_t *groups = xcalloc(room > 0 ? (size_t)room : 1, sizeof(*groups));
	int count = getgroups(room, groups);
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(list, json_integer(groups[i]));
	free(groups);
	return list;
}

static void
put_flag(json_t *doc, const char *key, const char *status, const char *line)
{
	const char *value = find_line(status, line);

	if (value != NULL)
		json_object_set_new(doc, key, json_boolean(*value != '0'));
}

/* The last part of a cgroup's path that ends in .service; whether it is ours is another question.
 */
static json_t *
find_unit(void)
{
	char text[FILE_MAX], *line = text, *end;

	if (read_proc("/proc/self/cgroup", text) == 0)
		return json_null();
	end = strstr(line, ".service");
	if (end == NULL)
		return json_null();
	end += strlen(".service");
	*end = '\0';
	return record_text(strrchr(line, '/') == NULL ? line : strrchr(line, '/') + 1);
}

static json_t *
describe_rights(void)
{
	char status[FILE_MAX];
	json_t *doc = json_object();

	read_proc("/proc/self/status", status);
	json_object_set_new(doc, "uid", json_integer(geteuid()));
	json_object_set_new(doc, "gid", json_integer(getegid()));
	json_object_set_new(doc, "groups", list_groups());
	json_object_set_new(doc, "capabilities", list_capabilities(status));
	put_flag(doc, "no_new_privileges", status, "NoNewPrivs");
	put_flag(doc, "seccomp", status, "Seccomp");
	return doc;
}

/* May we ask?  Nothing there: there is nothing to see. */
static void
put_access(json_t *doc, const char *key, const char *path, int mode)
{
	if (access(path, mode) == 0)
		json_object_set_new(doc, key, json_true());
	else if (errno == EACCES || errno == EPERM)
		json_object_set_new(doc, key, json_false());
}

/* What our own unit, or container, shows instead of the host's. */
static json_t *
list_hidden(const char *host_root)
{
	struct veil veils[HIDDEN_MAX];
	json_t *list = json_array();
	struct mounts mounts;
	size_t count;

	if (mounts_read(&mounts, host_root, NULL) < 0)
		return list;
	count = veil_list(&mounts, host_root, veils, HIDDEN_MAX);
	mounts_fini(&mounts);
	for (size_t i = 0; i < count; i++) {
		char words[VEIL_WORDS_MAX];

		veil_words(&veils[i], words, sizeof(words));
		json_array_append_new(list, json_sprintf("%s is %s", veils[i].at, words));
	}
	return list;
}

/* With hidepid, or a /proc of our own kind, the first process is not ours to see. */
static json_t *
describe_sight(const char *host_root)
{
	int journal = journal_may_read();
	json_t *doc = json_object();

	json_object_set_new(
		doc, "processes", json_boolean(access("/proc/1/stat", R_OK) == 0 || getpid() == 1));
	put_access(doc, "containers", "/var/run/docker.sock", W_OK);
	if (journal >= 0)
		json_object_set_new(doc, "journal", json_boolean(journal));
	put_access(doc, "kernel_log", "/dev/kmsg", R_OK);
	json_object_set_new(doc, "hidden", list_hidden(host_root));
	return doc;
}

/* adjtimex with nothing to set only reads. */
static json_t *
describe_clock(void)
{
	struct timex timex = { .modes = 0 };
	int state = adjtimex(&timex);
	json_t *doc = json_object();

	if (state == -1)
		return doc;
	json_object_set_new(doc, "synchronised",
		json_boolean(state != TIME_ERROR && !(timex.status & STA_UNSYNC)));
	json_object_set_new(doc, "max_error", json_real((double)timex.maxerror / 1e6));
	return doc;
}

static json_t *
describe_numbers(const struct stats *stats)
{
	json_t *doc = json_object();

	for (int i = 0; i < STAT_COUNT; i++)
		json_object_set_new(doc, stat_desc((enum stat_id)i)->name,
			json_real(stats_get(stats, (enum stat_id)i)));
	return doc;
}

/* As somebody in another folder would write it. */
static json_t *
absolute(const char *path)
{
	char *here, *whole;
	json_t *text;

	if (path == NULL || *path == '/')
		return path == NULL ? json_null() : record_text(path);
	here = getcwd(NULL, 0);
	whole = xasprintf("%s/%s", here == NULL ? "" : here, path);
	text = here == NULL ? record_text(path) : record_text(whole);
	free(whole);
	free(here);
	return text;
}

void
handle_doctor(struct api_call *call)
{
	const struct api_world *world = call->world;
	const struct settings *settings = world->settings;
	json_t *doc = json_object();

	json_object_set_new(doc, "pid", json_integer(getpid()));
	json_object_set_new(doc, "version", record_text(world->env->version));
	json_object_set_new(doc, "config", absolute(settings->path));
	json_object_set_new(doc, "state_dir", absolute(settings->daemon.state_dir));
	json_object_set_new(doc, "host_root", record_text(settings->daemon.host_root));
	json_object_set_new(doc, "history_max_size", json_integer(settings->history.max_size));
	json_object_set_new(doc, "unit", find_unit());
	json_object_set_new(doc, "watchdog",
		world->watchdog_us > 0 ? json_real((double)world->watchdog_us / 1e6) : json_null());
	json_object_set_new(doc, "rights", describe_rights());
	json_object_set_new(doc, "sees", describe_sight(settings->daemon.host_root));
	json_object_set_new(doc, "clock", describe_clock());
	json_object_set_new(doc, "numbers", describe_numbers(world->env->stats));
	reply_json(call, 200, doc);
}

/* ---- what it looks like ---- */

static const struct shape_field rights_fields[] = {
	{ "uid", SHAPE_INTEGER, .doc = "The user, by number." },
	{ "gid", SHAPE_INTEGER, .doc = "The group, by number." },
	{ "groups", SHAPE_INTEGER, SHAPE_LIST, .doc = "The other groups." },
	{ "capabilities", SHAPE_TEXT, SHAPE_LIST,
		.doc = "Of those in effect the ones that decide what a monitor sees." },
	{ "no_new_privileges", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "No child can gain rights." },
	{ "seccomp", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "System calls are filtered." },
	{ .name = NULL },
};
static const struct shape rights_shape = {
	.name = "DoctorRights",
	.doc = "As whom the daemon runs.",
	.fields = rights_fields,
};

static const struct shape_field sight_fields[] = {
	{ "processes", SHAPE_FLAG, .doc = "Processes of others." },
	{ "containers", SHAPE_FLAG, SHAPE_OPTIONAL,
		.doc = "Docker's socket; absent: there is none in the usual place." },
	{ "journal", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "The system's journal; absent: none." },
	{ "kernel_log", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "/dev/kmsg; absent: no such." },
	{ "hidden", SHAPE_TEXT, SHAPE_LIST,
		.doc = "Places where it sees something else than the host has, and which line of "
		       "its unit does that." },
	{ .name = NULL },
};
static const struct shape sight_shape = {
	.name = "DoctorSight",
	.doc = "What the daemon may look at.",
	.fields = sight_fields,
};

static const struct shape_field clock_fields[] = {
	{ "synchronised", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "The kernel's own word." },
	{ "max_error", SHAPE_NUMBER, SHAPE_OPTIONAL, .doc = "Its bound of the error, in seconds." },
	{ .name = NULL },
};
static const struct shape clock_shape = {
	.name = "DoctorClock",
	.doc = "The clock of the daemon's host.",
	.fields = clock_fields,
};

static const struct shape_field doctor_fields[] = {
	{ "pid", SHAPE_INTEGER, .doc = "The process." },
	{ "version", SHAPE_TEXT, .doc = "Of the program." },
	{ "config", SHAPE_TEXT, SHAPE_NULL, .doc = "The file the settings are from." },
	{ "state_dir", SHAPE_TEXT, SHAPE_NULL, .doc = "The state folder." },
	{ "host_root", SHAPE_TEXT, .doc = "Where the host's files are." },
	{ "history_max_size", SHAPE_INTEGER, .doc = "Bytes that the history may take." },
	{ "unit", SHAPE_TEXT, SHAPE_NULL, .doc = "systemd's unit around it; null: none is seen." },
	{ "watchdog", SHAPE_NUMBER, SHAPE_NULL,
		.doc = "Seconds in which systemd wants to hear of it; null: nobody asks." },
	{ "rights", SHAPE_OBJECT, .doc = "As whom it runs.", .of = &rights_shape },
	{ "sees", SHAPE_OBJECT, .doc = "What it may look at.", .of = &sight_shape },
	{ "clock", SHAPE_OBJECT, .doc = "Its clock.", .of = &clock_shape },
	{ "numbers", SHAPE_MAP, .doc = "Its own numbers, by the names of the `self` check." },
	{ .name = NULL },
};
const struct shape shape_doctor = {
	.name = "Doctor",
	.doc = "How the daemon is set up, as far as it alone knows.",
	.fields = doctor_fields,
};
