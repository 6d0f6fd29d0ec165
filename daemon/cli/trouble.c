/* How a daemon is started here, and which group opens its socket, depends on what this host has. */
#include "cli/trouble.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"

#define GROUP "triaged"

static bool
has_unit(void)
{
	static const char *const folders[] = { "/etc/systemd/system", "/run/systemd/system",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system" };
	char path[128];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/triaged.service", folders[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static bool
has_compose(void)
{
	static const char *const files[] = { "compose.yaml", "compose.yml", "docker-compose.yml",
		"docker-compose.yaml" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (access(files[i], F_OK) == 0)
			return true;
	return false;
}

static void
add_ways(struct buf *out)
{
	if (has_unit())
		buf_add_text(
			out, "`systemctl start triaged` (why it ended: `journalctl -u triaged`)");
	else
		buf_add_text(out, "`triaged -c FILE`");
	if (has_compose())
		buf_add_text(out, ", or `docker compose up -d` if it is a service of this folder's "
				  "project");
	if (has_unit())
		buf_add_text(out, ", or `triaged -c FILE`");
}

int
trouble_not_running(const struct places *places, const char *reason, struct err *e)
{
	struct buf looked, ways;
	int result;

	buf_init(&looked, 0);
	buf_init(&ways, 0);
	for (size_t i = 0; i < places->count; i++)
		buf_addf(&looked, "%s%s", i == 0 ? "" : ", ", places->all[i]);
	add_ways(&ways);
	/* One place was named: what is wrong there matters, not where else it may be. */
	if (places->is_only)
		result = err_set(e, 0,
			"nobody answers at %s%s%s: is triaged running there? Start it with %s",
			buf_text(&looked), *reason == '\0' ? "" : ": ", reason, buf_text(&ways));
	else
		result = err_set(e, 0,
			"triaged is not running (looked at %s): start it with %s; if it runs "
			"elsewhere, say where with -c FILE or -u URL",
			buf_text(&looked), buf_text(&ways));
	buf_fini(&looked);
	buf_fini(&ways);
	return result;
}

int
trouble_denied(const char *path, struct err *e)
{
	const struct group *group;
	const char *user = getenv("USER");
	struct stat st;
	bool is_ours;

	/* In a folder that is closed to us it cannot be seen: whose it is, the unit says. */
	group = stat(path, &st) == 0 ? getgrgid(st.st_gid) : getgrnam(GROUP);
	is_ours = group != NULL && str_eq(group->gr_name, GROUP);
	if (is_ours)
		return err_set(e, 0,
			"%s: permission denied: root and members of the group `" GROUP
			"` may ask: `sudo usermod -aG " GROUP " %s`, then log in anew",
			path, user == NULL || *user == '\0' ? "$USER" : user);
	return err_set(e, 0,
		"%s: permission denied: root and members of the group `%s` may ask; for a group of "
		"its "
		"own: `sudo groupadd --system " GROUP "`, `sudo usermod -aG " GROUP
		" %s`, restart the daemon, log in anew; or ask with sudo",
		path, group == NULL ? GROUP : group->gr_name,
		user == NULL || *user == '\0' ? "$USER" : user);
}
