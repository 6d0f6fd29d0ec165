/* The configuration: is it good, is it the one in force, who can read its secrets. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/doctor.h"
#include "model/check.h"

#define TEXT_MAX ((size_t)1 << 20)

void
doctor_config(struct doctor *doctor)
{
	unsigned warnings = complaints_warnings(doctor->complaints);
	unsigned errors = complaints_errors(doctor->complaints);
	const struct settings *settings = doctor->settings;

	if (settings == NULL)
		doctor_say(doctor, FINDING_PROBLEM, "`triage check` shows each with its line",
			"%s has %u error%s", doctor->config_path, errors, errors == 1 ? "" : "s");
	else if (warnings > 0)
		doctor_say(doctor, FINDING_WARNING, "`triage check` shows each with its line",
			"%s: %u warning%s", doctor->config_path, warnings,
			warnings == 1 ? "" : "s");
	else if (settings->is_syslog_implicit)
		doctor_say(doctor, FINDING_OK, "", "%s: %zu check%s, no receiver",
			doctor->config_path, settings->check_count,
			settings->check_count == 1 ? "" : "s");
	else
		doctor_say(doctor, FINDING_OK, "", "%s: %zu check%s, %zu receiver%s",
			doctor->config_path, settings->check_count,
			settings->check_count == 1 ? "" : "s", settings->receiver_count,
			settings->receiver_count == 1 ? "" : "s");
}

/* Both are printed by the same code with the same masks: equal texts are equal settings, save for a
 * secret alone that changed. */
void
doctor_config_in_force(struct doctor *doctor)
{
	const struct client_request ask = { "GET", "/api/v1/config", NULL };
	const char *trouble = answer_text(doctor->status, "config_trouble");
	struct client_reply reply = { .status = 0 };
	char *text = NULL;

	if (*trouble != '\0') {
		doctor_say(doctor, FINDING_PROBLEM, "mend the file, then `triage reload`",
			"the last reload failed, an older configuration is in force: %s", trouble);
		return;
	}
	if (doctor->settings == NULL) {
		doctor_say(doctor, FINDING_PROBLEM,
			"mend it before the daemon restarts; `triage reload` asks the daemon "
			"itself",
			"the daemon took the file without errors when it read it: the file was "
			"changed since, or ${VARIABLES} that the daemon has are not set here");
		return;
	}
	if (client_ask(doctor->client, &ask, &reply, NULL) == -1 || reply.status != 200)
		doctor_say(
			doctor, FINDING_UNKNOWN, "", "the daemon does not show its configuration");
	else if (str_eq(reply.body, text = settings_masked(doctor->settings)))
		doctor_say(doctor, FINDING_OK, "", "the file says what is in force");
	else
		doctor_say(doctor, FINDING_WARNING,
			"`triage reload`, if the file is as you want it; ${VARIABLES} may differ "
			"here",
			"the file is not what is in force");
	client_reply_fini(&reply);
	free(text);
}

/* A secret itself, not a reference to one: what the mask finds in the text of the file. */
static bool
holds_secrets(const struct doctor *doctor)
{
	struct buf text;
	bool holds;
	char *masked;
	int fd = open(doctor->config_path, O_RDONLY | O_CLOEXEC);

	buf_init(&text, TEXT_MAX);
	for (ssize_t got = 1; fd != -1 && got > 0;) {
		char part[4096];

		got = read(fd, part, sizeof(part));
		buf_add(&text, part, got > 0 ? (size_t)got : 0);
	}
	fd_close(&fd);
	masked = xstrdup(buf_text(&text));
	secret_mask(doctor->settings->secrets, masked);
	holds = strcmp(masked, buf_text(&text)) != 0;
	secret_wipe(masked, strlen(masked));
	free(masked);
	buf_fini(&text);
	return holds;
}

void
doctor_config_secrets(struct doctor *doctor)
{
	struct stat st;

	if (stat(doctor->config_path, &st) == -1) {
		doctor_say(
			doctor, FINDING_UNKNOWN, "", "%s cannot be looked at", doctor->config_path);
		return;
	}
	if (st.st_mode & S_IWOTH)
		doctor_say(doctor, FINDING_PROBLEM, "chmod o-w",
			"everybody on this host can write %s (mode %04o)", doctor->config_path,
			(unsigned)st.st_mode & 07777);
	if (!(st.st_mode & S_IROTH))
		doctor_say(doctor, FINDING_OK, "", "not readable by everybody (mode %04o)",
			(unsigned)st.st_mode & 07777);
	else if (doctor->settings == NULL)
		doctor_say(doctor, FINDING_UNKNOWN, "",
			"it cannot be read, so nobody knows whether it holds secrets");
	else if (holds_secrets(doctor))
		doctor_say(doctor, FINDING_WARNING,
			"chmod 0640 it (group: the daemon's), or refer to them: ${NAME}, "
			"${file:...}, ${credential:...}",
			"everybody on this host can read %s (mode %04o), and it holds secrets",
			doctor->config_path, (unsigned)st.st_mode & 07777);
	else
		doctor_say(doctor, FINDING_OK, "", "no secrets in it");
}

void
doctor_routes(struct doctor *doctor)
{
	const struct settings *s = doctor->settings;

	if (s == NULL)
		doctor_say(doctor, FINDING_UNKNOWN, "", "the configuration cannot be read");
	else if (s->receiver_count == 0 || s->is_syslog_implicit)
		doctor_say(doctor, FINDING_HINT,
			"add a receiver, such as slack or webhook, and `triage test` it",
			"nobody is told: alerts go to syslog or the journal alone");
	else if (s->route_count > 0 && complaints_warnings(doctor->complaints) > 0)
		doctor_say(doctor, FINDING_HINT, "`triage check` says which",
			"%zu routes to %zu receivers; the configuration has warnings, perhaps of "
			"these",
			s->route_count, s->receiver_count);
	else
		doctor_say(doctor, FINDING_OK, "", "%zu receiver%s, %s", s->receiver_count,
			s->receiver_count == 1 ? "" : "s",
			s->route_count == 0 ? "each hears everything" : "all of them reached");
}

/* A run that hangs makes those skip that would have come meanwhile: one is the price of a default
 * timeout and a short interval, more are worth a word. */
void
doctor_timing(struct doctor *doctor)
{
	const struct settings *s = doctor->settings;
	struct buf names;
	size_t count = 0;

	if (s == NULL) {
		doctor_say(doctor, FINDING_UNKNOWN, "", "the configuration cannot be read");
		return;
	}
	buf_init(&names, 400);
	for (size_t i = 0; i < s->check_count; i++) {
		const struct check_spec *spec = s->checks[i];

		if (spec->common.timeout_us <= 2 * spec->common.interval_us)
			continue;
		if (count++ < 5)
			buf_addf(&names, "%s%s", count == 1 ? "" : ", ", spec->name);
	}
	if (count > 0)
		doctor_say(doctor, FINDING_HINT, "make `timeout` no longer than `interval`",
			"%zu check%s may hang while two more runs are left out: %s%s", count,
			count == 1 ? "" : "s", buf_text(&names), count > 5 ? "..." : "");
	else
		doctor_say(doctor, FINDING_OK, "", "no run that hangs outlasts two intervals");
	buf_fini(&names);
}
