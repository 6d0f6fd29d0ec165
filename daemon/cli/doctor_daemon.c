/* The daemon as it says of itself: who it is, what it cannot see, how it fares. */
#include <grp.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/doctor.h"
#include "conf/value.h"

#define LAG_SLOW_S 0.05
#define LAG_BAD_S  0.5
#define LATE_HINT  0.01 /* of all runs */

static const json_t *
rights(const struct doctor *doctor)
{
	return json_object_get(doctor->view, "rights");
}

/* True, false, or -1: the daemon does not say. */
static int
sees(const struct doctor *doctor, const char *what)
{
	const json_t *value = json_object_get(json_object_get(doctor->view, "sees"), what);

	return json_is_boolean(value) ? json_is_true(value) : -1;
}

static bool
has_capability(const struct doctor *doctor, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(rights(doctor), "capabilities"), i, one)
	{
		if (str_eq(json_string_value(one), name))
			return true;
	}
	return false;
}

static void
name_user(const struct doctor *doctor, char *out, size_t size)
{
	uid_t uid = (uid_t)answer_count(rights(doctor), "uid");
	const struct passwd *user = doctor->is_here ? getpwuid(uid) : NULL;

	if (user != NULL)
		str_copy(out, size, user->pw_name);
	else
		snprintf(out, size, "uid %u", (unsigned)uid);
}

void
doctor_daemon(struct doctor *doctor)
{
	const char *version = answer_text(doctor->status, "version");
	char up[64];
	double uptime = answer_number(doctor->status, "uptime");

	if (doctor->status == NULL) {
		doctor_say(doctor, FINDING_PROBLEM, "", "%s", doctor->unreachable.text);
		return;
	}
	clock_format_duration(isnan(uptime) ? 0 : (usec_t)uptime * USEC_PER_SEC, up, sizeof(up));
	if (strcmp(version, TRIAGED_VERSION) != 0)
		doctor_say(doctor, FINDING_WARNING, "restart the daemon after an upgrade",
			"it runs %s, this command is of %s", version, TRIAGED_VERSION);
	if (!json_is_true(json_object_get(doctor->status, "ready")))
		doctor_say(doctor, FINDING_WARNING, "wait a little, then `triage checks`",
			"up for %s, but not ready: some check has not run yet", up);
	else
		doctor_say(doctor, FINDING_OK, "", "version %s, up for %s", version, up);
}

void
doctor_user(struct doctor *doctor)
{
	char user[64];

	if (rights(doctor) == NULL) {
		doctor_say(doctor, FINDING_UNKNOWN, "", "the daemon does not say");
		return;
	}
	name_user(doctor, user, sizeof(user));
	if (answer_count(rights(doctor), "uid") == 0)
		doctor_say(doctor, FINDING_HINT,
			"a user of its own with the capabilities it needs is safer",
			"it runs as root, so a fault in it is a fault of everything");
	else
		doctor_say(doctor, FINDING_OK, "", "it runs as %s", user);
}

void
doctor_processes(struct doctor *doctor)
{
	bool is_root = answer_count(rights(doctor), "uid") == 0;

	if (sees(doctor, "processes") == 0)
		doctor_say(doctor, FINDING_WARNING,
			"mount /proc without hidepid for it, or give its group by gid=",
			"/proc hides the processes of others: process checks and top lists are "
			"blind");
	else if (is_root || has_capability(doctor, "sys_ptrace"))
		doctor_say(doctor, FINDING_OK, "", "processes, their files and their ports");
	else
		doctor_say(doctor, FINDING_HINT,
			"AmbientCapabilities= and CapabilityBoundingSet=CAP_SYS_PTRACE "
			"CAP_DAC_READ_SEARCH in its unit",
			"open files and ports of other users' processes have no owner for it");
}

void
doctor_files(struct doctor *doctor)
{
	const json_t *hidden = json_object_get(json_object_get(doctor->view, "sees"), "hidden"),
		     *one;
	bool is_root = answer_count(rights(doctor), "uid") == 0;
	size_t i;

	json_array_foreach(hidden, i, one)
	{
		doctor_say(doctor, FINDING_HINT,
			"if checks look there: a drop-in for its unit (docs/security.md)", "%s",
			json_string_value(one));
	}
	if (hidden == NULL)
		doctor_say(doctor, FINDING_UNKNOWN, "", "the daemon does not say");
	else if (is_root || has_capability(doctor, "dac_read_search"))
		doctor_say(doctor, FINDING_OK, "", "whatever their owners and modes are");
	else
		doctor_say(doctor, FINDING_OK, "",
			"those that its user and groups may read; of others it says so");
}

void
doctor_containers(struct doctor *doctor)
{
	switch (sees(doctor, "containers")) {
	case -1:
		doctor_say(doctor, FINDING_OK, "", "no Docker socket in the usual place");
		break;
	case 0:
		doctor_say(doctor, FINDING_HINT,
			"if containers matter: the group `docker`, which is root's power, or a "
			"proxy of that socket that only reads",
			"the Docker socket is not for it: nothing is known of containers");
		break;
	default:
		doctor_say(doctor, FINDING_OK, "", "it may ask Docker");
	}
}

void
doctor_journal(struct doctor *doctor)
{
	if (sees(doctor, "journal") == 0)
		doctor_say(doctor, FINDING_HINT,
			"SupplementaryGroups=systemd-journal in its unit, or usermod -aG",
			"the journal is not for it: no last words of units as evidence");
	else
		doctor_say(doctor, FINDING_OK, "", "%s",
			sees(doctor, "journal") == 1 ? "it may read the journal"
						     : "no journal on disk");
	if (sees(doctor, "kernel_log") == 0)
		doctor_say(doctor, FINDING_HINT,
			"AmbientCapabilities= and CapabilityBoundingSet=CAP_SYSLOG in its unit",
			"the kernel's log is not for it: OOM kills and I/O errors lack their "
			"evidence");
}

void
doctor_hardening(struct doctor *doctor)
{
	const char *unit = answer_text(doctor->view, "unit");
	const json_t *flag = json_object_get(rights(doctor), "no_new_privileges");

	if (flag == NULL)
		doctor_say(doctor, FINDING_UNKNOWN, "", "the daemon does not say");
	else if (json_is_true(flag))
		doctor_say(doctor, FINDING_OK, "", "no new privileges%s",
			json_is_true(json_object_get(rights(doctor), "seccomp"))
				? ", system calls filtered"
				: "");
	else if (*unit == '\0')
		doctor_say(doctor, FINDING_HINT,
			"`daemon: { sandbox: on }`, which is the default; or run it by its unit, "
			"or "
			"with `no-new-privileges` in a container",
			"its children can gain privileges: `daemon.sandbox` is off, and nobody "
			"else holds them");
	else
		doctor_say(doctor, FINDING_WARNING,
			"`daemon: { sandbox: on }`, or NoNewPrivileges=yes in the unit; "
			"`systemd-analyze security` says more",
			"%s lets its children gain privileges, and `daemon.sandbox` is off", unit);
}

/* It answers, so its loop turns; whether anybody would notice if not is the question. */
void
doctor_watchdog(struct doctor *doctor)
{
	double seconds = answer_number(doctor->view, "watchdog");

	if (!isnan(seconds))
		doctor_say(
			doctor, FINDING_OK, "", "systemd wants to hear of it every %g s", seconds);
	else if (*answer_text(doctor->view, "unit") != '\0' &&
		 str_starts(answer_text(doctor->view, "unit"), "triaged"))
		doctor_say(doctor, FINDING_WARNING, "WatchdogSec=30 and Type=notify in its unit",
			"systemd does not ask whether it makes progress");
	else
		doctor_say(doctor, FINDING_HINT,
			"HEALTHCHECK with `triage health` in a container, WatchdogSec= in a unit",
			"nobody restarts it if it hangs");
}

void
doctor_clock(struct doctor *doctor)
{
	const json_t *clock = json_object_get(doctor->view, "clock");
	const json_t *flag = json_object_get(clock, "synchronised");

	if (!json_is_boolean(flag))
		doctor_say(doctor, FINDING_UNKNOWN, "", "the kernel does not say");
	else if (json_is_true(flag))
		doctor_say(doctor, FINDING_OK, "", "synchronised, at most %.3g s off",
			answer_number(clock, "max_error"));
	else
		doctor_say(doctor, FINDING_WARNING,
			"timedatectl set-ntp true; in a container this is the host's matter",
			"nothing keeps the clock right: times in messages and TLS dates may be "
			"wrong");
}

void
doctor_store(struct doctor *doctor)
{
	const char *trouble = answer_text(doctor->status, "store_trouble");
	double errors = doctor_number(doctor, "store_errors_total");
	double dropped = doctor_number(doctor, "store_dropped_total");

	if (*trouble != '\0')
		doctor_say(doctor, FINDING_PROBLEM, "see to the disk of its state folder",
			"it cannot write, alerts go on from memory: %s", trouble);
	else if (isnan(errors))
		doctor_say(doctor, FINDING_UNKNOWN, "", "the daemon does not say");
	else if (errors > 0 || dropped > 0)
		doctor_say(doctor, FINDING_WARNING, "its log says which; is the disk slow or full?",
			"%.0f writes failed and %.0f values were dropped since it started", errors,
			dropped);
	else
		doctor_say(doctor, FINDING_OK, "", "every write is on disk");
}

void
doctor_loop(struct doctor *doctor)
{
	double lag = doctor_number(doctor, "loop_lag_time");
	double stuck = doctor_number(doctor, "helpers_stuck");
	char text[64];

	if (isnan(lag)) {
		doctor_say(doctor, FINDING_UNKNOWN, "", "the daemon does not say");
		return;
	}
	value_format(lag, "s", text, sizeof(text));
	if (stuck > 0)
		doctor_say(doctor, FINDING_WARNING, "a mount hangs: `triage checks` says which",
			"%.0f helper processes are stuck in the kernel", stuck);
	if (lag > LAG_SLOW_S)
		doctor_say(doctor, lag > LAG_BAD_S ? FINDING_PROBLEM : FINDING_WARNING,
			"is the host short of CPU? `triage probe --type cpu`",
			"a turn of its loop took %s in the last ten seconds", text);
	else
		doctor_say(doctor, FINDING_OK, "", "no turn took longer than %s lately", text);
}

static void
say_overdue(struct doctor *doctor)
{
	const json_t *check;
	struct buf names;
	size_t i, count = 0;

	buf_init(&names, 400);
	json_array_foreach(doctor->checks, i, check)
	{
		if (answer_count(check, "overdue") == 0)
			continue;
		if (count++ < 5)
			buf_addf(
				&names, "%s%s", count == 1 ? "" : ", ", answer_text(check, "name"));
	}
	if (count > 0)
		doctor_say(doctor, FINDING_WARNING, "a longer interval or a shorter timeout",
			"runs were left out because the one before was not over: %s%s",
			buf_text(&names), count > 5 ? "..." : "");
	buf_fini(&names);
}

void
doctor_checks(struct doctor *doctor)
{
	double late = doctor_number(doctor, "runs_late_total");
	double runs = doctor_number(doctor, "runs_total");
	double overdue = doctor_number(doctor, "runs_overdue_total");
	size_t blind = 0, i;
	const json_t *check;

	json_array_foreach(doctor->checks, i, check) blind +=
		strcmp(answer_state(check), "cannot tell") == 0;
	if (blind > 0)
		doctor_say(doctor, FINDING_WARNING, "`triage checks` says why",
			"%zu check%s cannot tell", blind, blind == 1 ? "" : "s");
	say_overdue(doctor);
	if (runs > 0 && late / runs > LATE_HINT)
		doctor_say(doctor, FINDING_WARNING, "is the host short of CPU?",
			"%.0f of %.0f runs began late", late, runs);
	else if (blind == 0 && !(overdue > 0))
		doctor_say(doctor, FINDING_OK, "", "%zu checks, all in time",
			json_array_size(doctor->checks));
}

void
doctor_heartbeat(struct doctor *doctor)
{
	const json_t *heartbeat = json_object_get(doctor->status, "heartbeat"), *place;
	const char *silent = answer_text(heartbeat, "silent_because");
	size_t i, count = 0;

	if (!json_is_object(heartbeat)) {
		doctor_say(doctor, FINDING_HINT, "`heartbeat: { url: ... }`: somebody elsewhere",
			"nobody outside would notice if this host were gone");
		return;
	}
	if (*silent != '\0')
		doctor_say(doctor, FINDING_WARNING, "", "silent: %s", silent);
	json_array_foreach(json_object_get(heartbeat, "places"), i, place)
	{
		const char *error = answer_text(place, "last_error");

		if (*error != '\0')
			doctor_say(doctor, FINDING_PROBLEM, "mend `heartbeat:`, or the way there",
				"%s does not hear it: %s", answer_text(place, "target"), error);
		else
			count++;
	}
	if (*silent == '\0' && count > 0)
		doctor_say(doctor, FINDING_OK, "", "%zu place%s hear%s it", count,
			count == 1 ? "" : "s", count == 1 ? "s" : "");
}
