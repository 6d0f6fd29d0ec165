/* Looks at the files on this host, as a person may who waits for it; the daemon itself may not. */
#include "cli/withheld.h"

#include <stdlib.h>

#include "alerts/receiver.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "model/check.h"

#define NOBODY 65534

static unsigned
gains_by_name(const char *program, const struct gains_holder *holder)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	if (!gains_find(program, path != NULL ? path : "/usr/bin:/bin", file))
		return 0;
	return gains_of(file, holder);
}

static void
look_at_receiver(const struct receiver_spec *receiver, const struct gains_holder *holder,
	withheld_fn fn, void *arg)
{
	const struct receiver_type *type = receiver->type;
	char program[PATH_MAX];
	unsigned gains;

	if (!str_eq(type->name, "exec"))
		return;
	type->target(receiver->conf, program, sizeof(program));
	gains = gains_by_name(program, holder);
	if (gains != 0)
		fn(arg, receiver->name, program, &receiver->pos, gains);
}

void
withheld_each(const struct settings *settings, const struct gains_holder *holder, withheld_fn fn,
	void *arg)
{
	for (size_t i = 0; i < settings->check_count; i++) {
		const struct check_spec *check = settings->checks[i];
		unsigned gains =
			str_eq(check->type, "exec") ? gains_by_name(check->target, holder) : 0;

		if (gains != 0)
			fn(arg, check->name, check->target, &check->pos, gains);
	}
	for (size_t i = 0; i < settings->receiver_count; i++)
		look_at_receiver(settings->receivers[i], holder, fn, arg);
}

static void
warn(void *arg, const char *name, const char *program, const struct conf_pos *pos, unsigned gains)
{
	complain_warn(arg, pos,
		"%s: %s needs the rights of its file (%s), and the daemon's sandbox withholds "
		"them, unless it runs as root: give them to the unit (AmbientCapabilities=), or "
		"daemon: { sandbox: off }",
		name, program, gains_words(gains));
}

void
withheld_warn(const struct settings *settings, struct complaints *complaints)
{
	const struct gains_holder nobody = { .uid = NOBODY, .gid = NOBODY, .most = UINT64_MAX };

	if (settings->daemon.sandbox)
		withheld_each(settings, &nobody, warn, complaints);
}
