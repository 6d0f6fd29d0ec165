/*
 * A command that fails may have failed of us: a system call was refused, or the rights of its file
 * were withheld.  Where it then crashes, or speaks of missing rights itself, nothing is known of
 * what it should have looked at; else it is believed, whatever its code: many a program tries what
 * it can do without, and one that is never down because of that would be worse.
 */
#include "probes/exec_hindered.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "io/gains.h"

/* How programs say that a right is missing, in any case of letters. */
static const char *const denials[] = {
	"not permitted",
	"permission denied",
	"family not supported",
	"no new privileges",
	"capabilit",
	"setuid",
	"set-uid",
	"as root",
	"be root",
	"only root",
	"privilege",
	"run from a terminal",
};

static bool
says(const struct child_result *r, const char *words)
{
	return strcasestr(r->out, words) != NULL || strcasestr(r->err_out, words) != NULL;
}

static bool
says_denied(const struct child_result *r)
{
	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++)
		if (says(r, denials[i]))
			return true;
	return false;
}

static bool
has_crashed(const struct child_result *r)
{
	return r->end == CHILD_SIGNALLED &&
	       (r->status == SIGSEGV || r->status == SIGSYS || r->status == SIGBUS ||
		       r->status == SIGILL || r->status == SIGTRAP || r->status == SIGABRT);
}

static bool
is_bound(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

bool
exec_hindered(struct probe_run *run, const struct child_result *r)
{
	bool is_refused = r->refused[0] != '\0', is_unlooked = has_crashed(r) || says_denied(r);

	if (r->end != CHILD_SIGNALLED && (r->end != CHILD_EXITED || r->status == 0))
		return false;
	if (is_refused && is_unlooked) {
		probe_error(run, "self.local", "%s: our own sandbox refused: %s", r->reason,
			r->refused);
		return true;
	}
	if (r->withheld != 0 && is_unlooked) {
		probe_error(run, "self.local",
			"%s: it may need the rights of its file (%s), which our own sandbox or "
			"unit withholds",
			r->reason, gains_words(r->withheld));
		return true;
	}
	/* A script that calls sudo: its own file gives nothing. */
	if (says(r, "\"no new privileges\" flag") && is_bound()) {
		probe_error(run, "self.local",
			"%s: it needs new privileges, which our own sandbox or unit withholds",
			r->reason);
		return true;
	}
	if (is_refused)
		probe_note(run, "self.local", "our own sandbox refused: %s", r->refused);
	if (r->withheld != 0)
		probe_note(run, "self.local",
			"the rights of its file (%s) are withheld by our own sandbox or unit",
			gains_words(r->withheld));
	return false;
}
