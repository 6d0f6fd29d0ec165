/* The plan as a file for people: what to look at first, what was taken from where, what to add. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/interpolate.h"
#include "setup/init.h"

#define COMMENT_COLUMNS 76

void
init_add_lines(struct buf *out, const char *indent, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		buf_addf(out, "%s%.*s\n", indent, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* Comments are broken at words; lines that begin with a blank are examples and stay. */
static void
add_comment(struct buf *out, const char *indent, const char *text)
{
	while (*text != '\0') {
		size_t whole = strcspn(text, "\n"), len = whole;
		if (whole > COMMENT_COLUMNS && *text != ' ') {
			len = COMMENT_COLUMNS;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = strcspn(text, " \n");
		}
		size_t shown = len;
		while (shown > 0 && text[shown - 1] == ' ')
			shown--;
		buf_addf(out, "%s# %.*s\n", indent, (int)shown, text);
		text += len;
		if (len < whole)
			text += strspn(text, " ");
		if (*text == '\n')
			text++;
	}
}

/* --- the head --- */

/* As the configuration names it: beside it by its name alone. */
static char *
path_from(const struct init_plan *plan, const char *path)
{
	const char *folder = plan->options->out_folder;
	size_t len = folder != NULL ? strlen(folder) : 0;
	if (len > 0 && strncmp(path, folder, len) == 0 && path[len] == '/')
		return xstrdup(path + len + 1);
	return xstrdup(path);
}

/* The files with variables, in the order in which they count: .env beats those of services. */
static void
find_env_files(const struct init_plan *plan, struct compose_words *paths)
{
	const char *env = plan->compose->env_path;
	for (size_t i = 0; i < plan->env_files.count; i++) {
		char *path = path_from(plan, plan->env_files.all[i]);
		if (!str_eq(plan->env_files.all[i], env))
			compose_add_word(paths, path);
		free(path);
	}
	if (env != NULL && compose_has_word(&plan->env_files, env)) {
		char *path = path_from(plan, env);
		compose_add_word(paths, path);
		free(path);
	}
	if (plan->fill_count > 0 && plan->options->has_fills)
		compose_add_word(paths, plan->options->fills);
}

static void
write_env_files(const struct init_plan *plan, struct buf *out)
{
	struct compose_words paths = { 0 };
	find_env_files(plan, &paths);
	if (paths.count > 0)
		buf_add_text(out, "# Passwords stay where they are; ${NAME} below is a variable of "
				  "these files.\nenv_file: ");
	buf_add_text(out, paths.count > 1 ? "[" : "");
	for (size_t i = 0; i < paths.count; i++) {
		buf_add_text(out, i > 0 ? ", " : "");
		init_scalar(out, paths.all[i]);
	}
	buf_add_text(out, paths.count > 1 ? "]\n\n" : paths.count > 0 ? "\n\n" : "");
	if (plan->fill_count > 0 && !plan->options->has_fills)
		buf_add_text(out, "# Variables with \":-\" are empty until you set them, in the "
				  "environment or in a file:\n# env_file: triaged.env\n\n");
	compose_words_fini(&paths);
}

/* Where it meets the others by their names: nothing to say where all are on the project's own. */
static void
write_networks(const struct compose *compose, struct buf *out)
{
	struct compose_words names = { 0 };
	bool has_plain = false;
	for (size_t i = 0; i < compose->service_count; i++) {
		const struct compose_service *service = &compose->services[i];
		for (size_t k = 0; k < service->networks.count; k++)
			compose_add_word(&names, service->networks.all[k]);
		has_plain = has_plain ||
			    (service->networks.count == 0 && service->network_mode == NULL);
	}
	if (names.count > 0 && has_plain)
		compose_add_word(&names, "default");
	for (size_t i = 0; i < names.count; i++)
		buf_addf(out, "%s%s%s", i == 0 ? "#       networks: [" : ", ", names.all[i],
			i + 1 == names.count ? "]\n" : "");
	compose_words_fini(&names);
}

/* The service of the project that this configuration is for, as the image wants to be run
 * (contrib/compose). */
static void
write_sidecar(const struct init_plan *plan, struct buf *out)
{
	struct compose_words paths = { 0 };
	find_env_files(plan, &paths);
	buf_add_text(out,
		"#\n# It is for a service of the compose project itself, of an image that "
		"you built:\n#\n"
		"#   services:\n"
		"#     triaged:\n"
		"#       image: triaged:latest\n"
		"#       restart: unless-stopped\n"
		"#       read_only: true\n"
		"#       cap_drop: [ALL]\n"
		"#       security_opt: [\"no-new-privileges:true\"]\n"
		"#       volumes:\n"
		"#         - /:/host:ro,rslave\n"
		"#         - triaged-state:/var/lib/triaged\n"
		"#         - ./triaged.yaml:/etc/triaged/triaged.yaml:ro\n");
	for (size_t i = 0; i < paths.count; i++)
		buf_addf(out, "#         - ./%s:/etc/triaged/%s:ro\n", paths.all[i], paths.all[i]);
	compose_words_fini(&paths);
	for (size_t i = 0; i < plan->secrets.count; i++)
		buf_addf(out, "%s%s%s", i == 0 ? "#       secrets: [" : ", ", plan->secrets.all[i],
			i + 1 == plan->secrets.count ? "]\n" : "");
	write_networks(plan->compose, out);
	buf_add_text(out, "#       healthcheck: { test: [CMD, triage, health], interval: 30s }\n"
			  "#   volumes:\n"
			  "#     triaged-state:\n");
}

/* Its own loopback is not the host's, and its name says nothing to people. */
static void
write_daemon(const struct init_plan *plan, struct buf *out)
{
	buf_add_text(out, "daemon:\n  name: ");
	init_scalar(out, plan->compose->project);
	buf_add_text(out,
		"\n  host_root: /host\n  state_dir: /var/lib/triaged\n"
		"  log: { format: json }\n\n"
		"# `docker compose exec triaged triage status`; docs/sidecar.md says how to\n"
		"# publish the dashboard.\n"
		"api:\n  listen: 127.0.0.1:8421\n\n");
}

static void
write_head(const struct init_plan *plan, struct buf *out)
{
	const struct compose *compose = plan->compose;
	buf_add_text(out, "# Made by `triage init`");
	for (size_t i = 0; i < compose->files.count; i++)
		buf_addf(out, "%s%s", i > 0 ? ", " : " from ", compose->files.all[i]);
	buf_addf(out,
		"%sthis host.\n"
		"# It is yours now: edit it, then `triage check` says whether it is right, and\n"
		"# `triage reload` puts it in force.\n",
		compose->files.count > 0 ? " and " : " from ");
	if (plan->options->is_sidecar)
		write_sidecar(plan, out);
	buf_add_text(out, "\n");
	write_env_files(plan, out);
	if (plan->options->is_sidecar)
		write_daemon(plan, out);
	else
		buf_add_text(out, "# The API, for `triage` and the dashboard: this host only.\n"
				  "api:\n  listen: 127.0.0.1:8421\n\n");
}

/* --- the rest --- */

static void
write_check(const struct init_check *check, struct buf *out)
{
	add_comment(out, "  ", buf_text(&check->about));
	buf_addf(out, "  %s:\n    type: %s\n", check->name, check->type);
	init_add_lines(out, "    ", buf_text(&check->keys));
	if (check->needs.count > 0) {
		buf_add_text(out, "    needs: [");
		for (size_t i = 0; i < check->needs.count; i++)
			buf_addf(out, "%s%s", i > 0 ? ", " : "", check->needs.all[i]);
		buf_add_text(out, "]\n");
	}
}

static bool
is_of_ground(const struct init_check *check)
{
	return check->service == NULL && str_eq(check->from, "this host");
}

static void
write_checks(const struct init_plan *plan, struct buf *out)
{
	bool is_ground = false;
	buf_add_text(out,
		"# Every 30s unless said otherwise; three failures in a row make it down.\n"
		"checks:\n");
	for (size_t i = 0; i < plan->count; i++) {
		const struct init_check *check = plan->checks[i];
		bool is_bare = is_of_ground(check) && buf_left(&check->about) == 0;
		if (i > 0 && !(is_bare && is_ground))
			buf_add_text(out, "\n");
		is_ground = is_of_ground(check);
		if (is_bare)
			buf_addf(out, "  %s: { type: %s }\n", check->name, check->type);
		else
			write_check(check, out);
	}
}

static const char receivers_note[] =
	"# Who is told.  Without any it is the local syslog.  `triage test NAME` shows that one "
	"works.\n";
static const char receivers_example[] =
	"# receivers:\n"
	"#   ops:  { type: slack, url: \"${SLACK_WEBHOOK_URL}\" }\n"
	"#   mail: { type: email, server: \"smtp://mail.example.com:587\",\n"
	"#           from: triaged@example.com, to: ops@example.com }\n"
	"#   hook: { type: webhook, url: \"https://example.com/in\", secret: \"${HOOK_SECRET}\" "
	"}\n";
static const char heartbeat_note[] =
	"\n# Somebody outside who calls out when this daemon is silent:\n"
	"# heartbeat: { url: \"${HC_URL}\" }\n";

static void
write_receivers(const struct init_plan *plan, struct buf *out)
{
	buf_addf(out, "\n%s", receivers_note);
	if (buf_left(&plan->receivers) == 0) {
		buf_add_text(out, receivers_example);
	} else {
		buf_add_text(out, "receivers:\n");
		init_add_lines(out, "  ", buf_text(&plan->receivers));
		buf_add_text(out, "  log: { type: syslog }\n");
	}
	buf_add_text(out, heartbeat_note);
}

static void
write_listeners(const struct init_plan *plan, struct buf *out)
{
	const struct init_host *host = plan->host;
	if (host->listener_count == 0 || plan->options->is_sidecar)
		return;
	buf_add_text(out, "\n# These listened on this host when it was made; a check for one is\n"
			  "#   NAME: { type: port, listen: PORT }\n");
	for (size_t i = 0; i < host->listener_count; i++)
		buf_addf(out, "#   %s:%u%s%s\n", host->listeners[i].address,
			host->listeners[i].port, *host->listeners[i].owner != '\0' ? " " : "",
			host->listeners[i].owner);
}

void
init_write(const struct init_plan *plan, struct buf *out)
{
	write_head(plan, out);
	write_checks(plan, out);
	write_receivers(plan, out);
	write_listeners(plan, out);
}

/* --- the values --- */

void
init_write_fills(const struct init_plan *plan, bool is_filled, struct buf *out)
{
	buf_add_text(out, "# Values for triaged.yaml that stand elsewhere.  Keep this file to "
			  "yourself.\n");
	for (size_t i = 0; i < plan->fill_count; i++) {
		buf_addf(out, "# as in %s\n%s=", plan->fills[i].where, plan->fills[i].name);
		if (is_filled)
			env_file_quote(plan->fills[i].value, out);
		buf_add_text(out, "\n");
	}
}
