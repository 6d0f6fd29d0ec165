/* Commands of `exec` checks and receivers whose files give rights that the daemon's sandbox
 * withholds. */
#ifndef CLI_WITHHELD_H
#define CLI_WITHHELD_H

#include "conf/complain.h"
#include "io/gains.h"
#include "setup/settings.h"

/* One whose program would gain rights besides what they have. */
typedef void (*withheld_fn)(void *arg, const char *name, const char *program,
	const struct conf_pos *pos, unsigned gains);
void withheld_each(const struct settings *settings, const struct gains_holder *holder,
	withheld_fn fn, void *arg);
/* Warns of each, for a daemon without rights: who it will be is not known from its settings. */
void withheld_warn(const struct settings *settings, struct complaints *complaints);

#endif
