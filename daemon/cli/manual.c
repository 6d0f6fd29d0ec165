/* What the manual says beside the tables of verbs, and which page is made by whom. */
#include "cli/manual.h"

#include "base/str.h"

const struct manual_pair manual_exits[] = {
	{ "0", "Fine." },
	{ "1", "Not: nobody answers, there is no such thing; `health`: no progress; `test`: the "
	       "message "
	       "was not taken; `doctor`: there is something to mend." },
	{ "2", "Wrong usage, such as an unknown option or a `--token-file` that cannot be read; "
	       "`check` "
	       "and `reload`: the configuration is bad." },
	{ "0, 1, 2, 3",
		"`probe`, and `status` with `--nagios`, exit as Nagios plugins do: ok, warning, "
		"critical (`probe`: the target failed), unknown (it could not be told)." },
	{ NULL, NULL },
};

const struct manual_pair manual_environment[] = {
	{ "TRIAGE_URL", "Where the daemon is, as `--url`." },
	{ "TRIAGE_TOKEN", "The token for writing over TCP." },
	{ "TRIAGED_CONFIG", "The configuration, instead of `/etc/triaged/triaged.yaml`." },
	{ "NO_COLOR", "No colours, whatever its value." },
	{ "COLUMNS", "The width of tables and texts, instead of the terminal's." },
	{ "TZ", "The time zone in which times are shown." },
	{ "RUNTIME_DIRECTORY, XDG_RUNTIME_DIR, STATE_DIRECTORY, XDG_STATE_HOME",
		"Where the socket of the daemon may be." },
	{ NULL, NULL },
};

const struct manual_pair manual_files[] = {
	{ "/etc/triaged/triaged.yaml", "The configuration." },
	{ "/run/triaged/api.sock", "The socket of the API: root, the daemon's user and the group "
				   "`triaged` may steer through it." },
	{ "/var/lib/triaged", "The state folder: incidents, silences, what was told, history." },
	{ "/var/lib/triaged/token", "The token for writing over TCP, where none is configured." },
	{ NULL, NULL },
};

const struct manual_pair manual_places[] = {
	{ "1.", "With `--config FILE`: `api.sock` in its `daemon.state_dir`, then its "
		"`api.listen`." },
	{ "2.", "`$RUNTIME_DIRECTORY/api.sock`" },
	{ "3.", "`/run/triaged/api.sock`" },
	{ "4.", "`$XDG_RUNTIME_DIR/triaged/api.sock`" },
	{ "5.", "`api.sock` in `$STATE_DIRECTORY`, in `$XDG_STATE_HOME/triaged` or "
		"`~/.local/state/triaged`, in `/var/lib/triaged`" },
	{ "6.", "`http://127.0.0.1:8421`" },
	{ NULL, NULL },
};

const struct manual_pair manual_states[] = {
	{ "ok", "The last run was fine. The API says `up`." },
	{ "failing", "It fails, but not yet `retries` times in a row. The API says `suspect`." },
	{ "down", "It failed `retries` times in a row." },
	{ "starting", "It fails within its `start_period`, which does not count." },
	{ "waiting", "It has not run yet. The API says `unknown`." },
	{ "cannot tell", "Its last run could not tell, such as for lack of rights. The API says "
			 "`unknown`." },
	{ NULL, NULL },
};

const struct manual_pair manual_daemon_options[] = {
	{ "-c, --config FILE",
		"The configuration; else `$TRIAGED_CONFIG`, else `/etc/triaged/triaged.yaml`." },
	{ "--check",
		"Looks at the configuration, says all that is wrong with it, and exits 0 or 2." },
	{ "--manual",
		"Prints the reference of the configuration as Markdown; with `--manual=api` that "
		"of the API." },
	{ "--version", "Prints the version." },
	{ "-h, --help", "Prints a short help." },
	{ NULL, NULL },
};

int
manual_write(const char *page, struct buf *out)
{
	static const struct {
		const char *page;
		void (*write)(struct buf *out);
	} pages[] = {
		{ "triage.1", manual_triage },
		{ "triaged.8", manual_triaged },
		{ "triaged.yaml.5", manual_settings },
		{ "cli-reference.md", manual_reference },
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (!str_eq(pages[i].page, page))
			continue;
		pages[i].write(out);
		return 0;
	}
	return -1;
}
