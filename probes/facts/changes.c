/*
 * What changed in the last 15 minutes near a check: configuration files, packages, services that
 * were started, containers that were made, a boot.  Several small questions at once; each that
 * cannot be answered is left out.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/fs.h"
#include "io/fs_walk.h"
#include "io/loop.h"
#include "io/procs.h"
#include "probes/docker_client.h"
#include "probes/facts/fact.h"
#include "probes/facts/ground.h"
#include "probes/host_file.h"

#define RECENT_US    (15 * USEC_PER_MIN)
#define WALK_MS      800
#define SHOWN_FILES  4
#define PACKAGES_MAX 16384 /* bytes at the end of the package log */
#define UNIT_MAX     96

enum key {
	KEY_ANY,
	KEY_CONFIG,
	KEY_CONFIG_AGE,
	KEY_PACKAGE,
	KEY_PACKAGE_AGE,
	KEY_UNIT,
	KEY_UNIT_AGE,
	KEY_BOOT_AGE,
	KEY_IMAGE,
	KEY_IMAGE_AGE,
};

static const struct metric_desc keys[] = {
	{ "any", METRIC_FLAG, UNIT_BOOL, "Something did." },
	{ "config", METRIC_GAUGE, UNIT_TEXT, "The configuration file changed last." },
	{ "config_age", METRIC_GAUGE, UNIT_SECONDS, "How long ago." },
	{ "package", METRIC_GAUGE, UNIT_TEXT, "The package installed, upgraded or removed last." },
	{ "package_age", METRIC_GAUGE, UNIT_SECONDS, "How long ago." },
	{ "unit", METRIC_GAUGE, UNIT_TEXT, "The service started last." },
	{ "unit_age", METRIC_GAUGE, UNIT_SECONDS, "How long ago." },
	{ "boot_age", METRIC_GAUGE, UNIT_SECONDS, "How long the host has been up." },
	{ "image", METRIC_GAUGE, UNIT_TEXT, "The image of the container made last." },
	{ "image_age", METRIC_GAUGE, UNIT_SECONDS, "How long ago." },
	{ .name = NULL },
};

/* Names below /etc that matter to everybody. */
static const char common_globs[] = "hosts\nresolv.conf\nnsswitch.conf\nfstab\nenvironment\n"
				   "sysctl.conf\nsysctl.d\nnftables.conf\niptables\nufw\nsystemd\n";

/* And to checks of a type, or whose server's program begins so. */
static const struct {
	const char *type, *comm, *globs;
} own_globs[] = {
	{ "redis", "redis", "redis*\n" },
	{ "postgres", "postgres", "postgresql*\n" },
	{ "mysql", "mysqld", "mysql*\nmariadb*\nmy.cnf*\n" },
	{ "mysql", "mariadbd", "mysql*\nmariadb*\nmy.cnf*\n" },
	{ "http", "nginx", "nginx*\nphp*\nletsencrypt\n" },
	{ "http", "apache2", "apache2*\nletsencrypt\n" },
	{ "container", "dockerd", "docker*\n" },
	{ "dns", "named", "bind*\nunbound*\ndnsmasq*\n" },
	{ "clock", "chronyd", "chrony*\nntp*\n" },
	{ "smtp", "master", "postfix*\nexim*\n" },
};

/* Beside the program or its data. */
static const char beside_globs[] = "*.conf\n*.cnf\n*.ini\n*.toml\n*.yaml\n*.yml\n*.env\n.env*\n";

enum folder { FOLDER_ETC, FOLDER_CWD, FOLDER_DATA, FOLDERS };

struct asked {
	struct fact_run *run;
	struct fs_call *call;
	char path[256];
};

struct state {
	struct asked folders[FOLDERS];
	struct fs_call *packages;
	struct procs_call *procs;
	struct docker_call *docker;
	unsigned waiting;
	bool is_any;
	char log[HOST_PATH_MAX];
	usec_t package_age_us, config_us;
	struct fs_recent_row beside_data[SHOWN_FILES]; /* the working directory is often the same */
	unsigned beside_data_count;
};

static void
ended(struct fact_run *run)
{
	struct state *state = fact_state(run);

	if (--state->waiting > 0)
		return;
	fact_number(run, KEY_ANY, state->is_any);
	if (!state->is_any)
		fact_line(run, "nothing that is looked at changed in the last 15 minutes");
	fact_had(run);
}

static void
say(struct fact_run *run, usec_t age_us, const char *what, const char *did)
{
	struct state *state = fact_state(run);
	char age[32];

	state->is_any = true;
	clock_format_duration(age_us > 0 ? age_us : 0, age, sizeof(age));
	fact_line(run, "%s %s %s ago", what, did, age);
}

/* --- configuration --- */

static void ask_working_directory(struct fact_run *run);

static void
take_file(struct asked *asked, const struct fs_recent_row *row)
{
	struct fact_run *run = asked->run;
	struct state *state = fact_state(run);
	usec_t age_us = loop_wall(fact_env(run)->loop) - (usec_t)row->changed_us;
	char name[512];

	if (asked == &state->folders[FOLDER_CWD])
		snprintf(name, sizeof(name), "%s in the working directory of pid %ld", row->path,
			fact_subject(run)->pid);
	else
		snprintf(name, sizeof(name), "%s/%s", asked->path, row->path);
	say(run, age_us, name, "was changed");
	if ((usec_t)row->changed_us <= state->config_us)
		return;
	state->config_us = (usec_t)row->changed_us;
	fact_text(run, KEY_CONFIG, "%s", name);
	fact_number(run, KEY_CONFIG_AGE, (double)(age_us > 0 ? age_us : 0) / USEC_PER_SEC);
}

/* Shown below the folder of the data: its path has a name that means something. */
static bool
is_shown(const struct state *state, const struct fs_recent_row *row)
{
	for (unsigned i = 0; i < state->beside_data_count; i++)
		if (state->beside_data[i].changed_us == row->changed_us &&
			str_eq(state->beside_data[i].path, row->path))
			return true;
	return false;
}

static void
on_recent(void *arg, const struct fs_result *r)
{
	struct asked *asked = arg;
	struct state *state = fact_state(asked->run);
	struct fs_recent_row row;
	size_t at = sizeof(struct fs_walk_head);
	bool is_data = asked == &state->folders[FOLDER_DATA];

	asked->call = NULL;
	for (unsigned i = 0; r->status == FS_OK && i < SHOWN_FILES; i++) {
		if (at + sizeof(row) > r->data_len)
			break;
		memcpy(&row, r->data + at, sizeof(row));
		row.path[sizeof(row.path) - 1] = '\0';
		at += sizeof(row);
		if (is_data)
			state->beside_data[state->beside_data_count++] = row;
		else if (is_shown(state, &row))
			continue;
		take_file(asked, &row);
	}
	if (is_data)
		ask_working_directory(asked->run);
	ended(asked->run);
}

static void
ask_folder(struct fact_run *run, enum folder which, const char *path, const char *globs)
{
	const struct io_env *env = fact_env(run);
	struct state *state = fact_state(run);
	struct asked *asked = &state->folders[which];
	usec_t timeout_us = fact_time_left(run) * 3 / 4;
	unsigned walk_ms = (unsigned)(timeout_us / USEC_PER_MSEC * 2 / 3);
	char full[FS_PATH_MAX];
	const struct fs_request request = {
		.op = FS_RECENT,
		.path = full,
		.arg = globs,
		.root = which == FOLDER_CWD ? NULL : env->host_root, /* a link of the kernel's */
		.offset = (uint64_t)(loop_wall(env->loop) - RECENT_US),
		.length = walk_ms < WALK_MS ? walk_ms
					    : WALK_MS, /* it answers before it is given up */
	};

	ground_path(env, path, full, sizeof(full));
	asked->run = run;
	str_copy(asked->path, sizeof(asked->path), path);
	state->waiting++;
	asked->call = fs_call_start(env->fs, &request, timeout_us, on_recent, asked);
}

static void
ask_working_directory(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	char path[64];

	if (s->pid <= 0 || !s->is_local)
		return;
	snprintf(path, sizeof(path), "/proc/%ld/cwd", s->pid);
	ask_folder(run, FOLDER_CWD, path, beside_globs);
}

static void
add_name_globs(struct buf *globs, const char *name)
{
	size_t len = name != NULL ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") : 0;

	if (len >= 3)
		buf_addf(globs, "%.*s*\n", (int)len, name);
}

static void
ask_folders(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	struct buf globs;

	buf_init(&globs, FS_ARG_MAX / 2);
	buf_add_text(&globs, common_globs);
	for (size_t i = 0; i < sizeof(own_globs) / sizeof(own_globs[0]); i++)
		if (str_eq(fact_check(run)->type, own_globs[i].type) ||
			(s->comm != NULL && str_starts(s->comm, own_globs[i].comm)))
			buf_add_text(&globs, own_globs[i].globs);
	add_name_globs(&globs, s->comm);
	add_name_globs(&globs, s->process);
	add_name_globs(&globs, s->unit);
	ask_folder(run, FOLDER_ETC, "/etc", buf_text(&globs));
	buf_fini(&globs);
	if (s->data_dir != NULL)
		ask_folder(run, FOLDER_DATA, s->data_dir, beside_globs);
	else
		ask_working_directory(run);
}

/* --- packages --- */

/* "2026-01-02 03:04:05 upgrade nginx:amd64 1.18 1.20" -> "nginx 1.20 (upgrade)"; false: another */
static bool
parse_package(const char *line, char *out, size_t size)
{
	char action[16], name[100], before[100], now[100];

	if (sscanf(line, "%*31s %*31s %15s %99s %99s %99s", action, name, before, now) != 4 ||
		(!str_eq(action, "install") && !str_eq(action, "upgrade") &&
			!str_eq(action, "remove")))
		return false;
	name[strcspn(name, ":")] = '\0';
	snprintf(out, size, "%s %s (%s)", name, str_eq(action, "remove") ? before : now, action);
	return true;
}

/* The log's times are local ones of who knows where: its own age says when the last was. */
static void
on_packages(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	char text[PACKAGES_MAX + 1], last[256] = "";
	size_t len = r->status == FS_OK && r->data_len <= PACKAGES_MAX ? r->data_len : 0;

	state->packages = NULL;
	if (len > 0)
		memcpy(text, r->data, len);
	text[len] = '\0';
	for (char *line = text, *next; line != NULL; line = next) {
		char package[256];

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (parse_package(line, package, sizeof(package)))
			str_copy(last, sizeof(last), package);
	}
	if (last[0] != '\0') {
		say(run, state->package_age_us, last, "was the last package,");
		fact_text(run, KEY_PACKAGE, "%s", last);
		fact_number(run, KEY_PACKAGE_AGE, (double)state->package_age_us / USEC_PER_SEC);
	}
	ended(run);
}

static void
on_package_log(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	struct fs_request request = {
		.op = FS_READ, .path = state->log, .root = env->host_root, .length = PACKAGES_MAX
	};

	state->packages = NULL;
	state->package_age_us = loop_wall(env->loop) - (usec_t)r->mtime_us;
	if (r->status != FS_OK || r->size == 0 || state->package_age_us > RECENT_US) {
		ended(run);
		return;
	}
	if (state->package_age_us < 0)
		state->package_age_us = 0;
	request.offset = r->size > PACKAGES_MAX ? r->size - PACKAGES_MAX : 0;
	state->packages =
		fs_call_start(env->fs, &request, fact_time_left(run) / 2, on_packages, run);
}

static void
ask_packages(struct fact_run *run)
{
	const struct io_env *env = fact_env(run);
	struct state *state = fact_state(run);
	const struct fs_request request = {
		.op = FS_STAT, .path = state->log, .root = env->host_root
	};

	host_path(env, "var/log/dpkg.log", state->log);
	state->waiting++;
	state->packages =
		fs_call_start(env->fs, &request, fact_time_left(run) / 2, on_package_log, run);
}

/* --- services --- */

/* ".../nginx.service": the folder that a service's processes live in. */
static bool
unit_of(const struct proc *proc, char *out, size_t size)
{
	const char *name = strrchr(proc->cgroup, '/');

	if (name == NULL || !str_ends(name, ".service") || strstr(name, "user@") != NULL)
		return false;
	str_copy(out, size, name + 1);
	return true;
}

static bool
is_main_process(void *arg, const struct proc *proc)
{
	char unit[UNIT_MAX];

	(void)arg;
	return proc->ppid == 1 && unit_of(proc, unit, sizeof(unit));
}

/* A service is as young as the process that systemd started for it. */
static void
on_processes(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	const struct proc *newest = NULL;
	char unit[UNIT_MAX];

	state->procs = NULL;
	for (size_t i = 0; trouble->status == FS_OK && i < procs->count; i++)
		if (newest == NULL || procs->all[i].start_ticks > newest->start_ticks)
			newest = &procs->all[i];
	if (newest != NULL && unit_of(newest, unit, sizeof(unit))) {
		double age = procs->uptime_s - (double)newest->start_ticks / procs->ticks_per_s;

		if (age < (double)RECENT_US / USEC_PER_SEC) {
			say(run, (usec_t)(age * USEC_PER_SEC), unit, "was started");
			fact_text(run, KEY_UNIT, "%s", unit);
			fact_number(run, KEY_UNIT_AGE, age > 0 ? age : 0);
		}
	}
	ended(run);
}

static void
ask_processes(struct fact_run *run)
{
	const struct io_env *env = fact_env(run);
	struct state *state = fact_state(run);
	const struct procs_request request = {
		.fs = env->fs,
		.host_root = env->host_root,
		.timeout_us = fact_time_left(run) * 3 / 4,
		.arg = run,
	};

	state->waiting++;
	state->procs = procs_list_start(&request, false, is_main_process, on_processes);
}

/* --- containers --- */

static void
on_containers(void *arg, const struct docker_reply *reply)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	const json_t *one, *newest = NULL;
	double now = (double)loop_wall(fact_env(run)->loop) / USEC_PER_SEC, best = 0;
	const char *image;
	size_t i;

	state->docker = NULL;
	json_array_foreach(reply->json, i, one)
	{
		double made = json_number_value(json_object_get(one, "Created"));

		if (made > best) {
			best = made;
			newest = one;
		}
	}
	image = json_string_value(json_object_get(newest, "Image"));
	if (image != NULL && now - best < (double)RECENT_US / USEC_PER_SEC) {
		const char *name =
			json_string_value(json_array_get(json_object_get(newest, "Names"), 0));
		char what[256];

		snprintf(what, sizeof(what), "container %s (%s)", name != NULL ? name : "", image);
		say(run, (usec_t)((now - best) * USEC_PER_SEC), what, "was made");
		fact_text(run, KEY_IMAGE, "%s", image);
		fact_number(run, KEY_IMAGE_AGE, now > best ? now - best : 0);
	}
	ended(run);
}

static void
ask_containers(struct fact_run *run)
{
	struct state *state = fact_state(run);
	struct docker_places places;

	if (docker_places_parse(&places, NULL, NULL) < 0)
		return;
	state->waiting++;
	state->docker = docker_get(fact_env(run), &places, "/containers/json?all=1",
		fact_time_left(run) * 3 / 4, on_containers, run);
}

static void
say_boot(struct fact_run *run)
{
	char text[64];
	double up;

	if (host_read_shared(fact_env(run), "proc/uptime", text, sizeof(text), NULL) < 0)
		return;
	up = host_number(text);
	fact_number(run, KEY_BOOT_AGE, up);
	if (up < (double)RECENT_US / USEC_PER_SEC)
		say(run, (usec_t)(up * USEC_PER_SEC), "this host", "was booted");
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	state->waiting = 1; /* this one */
	say_boot(run);
	ask_folders(run);
	ask_packages(run);
	ask_processes(run);
	ask_containers(run);
	ended(run);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	for (int i = 0; i < FOLDERS; i++) {
		fs_call_cancel(state->folders[i].call);
		state->folders[i].call = NULL;
	}
	fs_call_cancel(state->packages);
	procs_cancel(state->procs);
	docker_call_cancel(state->docker);
	state->packages = NULL;
	state->procs = NULL;
	state->docker = NULL;
}

const struct fact_type fact_type_changes = {
	.name = "changes",
	.summary = "What changed near the check in the last 15 minutes: configuration, packages, "
		   "services, containers, a boot.",
	.rights = "to read the folders in question; the Docker socket for containers",
	.keys = keys,
	.run_size = sizeof(struct state),
	.start = start,
	.stop = stop,
};
