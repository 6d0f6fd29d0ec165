/* Looks at the files on this host, as a person may who waits for it; the daemon itself may not. */
#include "cli/withheld.h"

#include <stdlib.h>

#include "base/str.h"
#include "model/check.h"

#define NOBODY 65534

unsigned
withheld_of(const struct check_spec *check, const struct gains_holder *holder)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	if (!str_eq(check->type, "exec") ||
		!gains_find(check->target, path != NULL ? path : "/usr/bin:/bin", file))
		return 0;
	return gains_of(file, holder);
}

void
withheld_warn(const struct settings *settings, struct complaints *complaints)
{
	const struct gains_holder nobody = { .uid = NOBODY, .gid = NOBODY, .most = UINT64_MAX };

	for (size_t i = 0; settings->daemon.sandbox && i < settings->check_count; i++) {
		const struct check_spec *check = settings->checks[i];
		unsigned gains = withheld_of(check, &nobody);

		if (gains != 0)
			complain_warn(complaints, &check->pos,
				"%s: %s needs the rights of its file (%s), and the daemon's "
				"sandbox withholds them, unless it runs as root: give them to the "
				"unit (AmbientCapabilities=), or daemon: { sandbox: off }",
				check->name, check->target, gains_words(gains));
	}
}
