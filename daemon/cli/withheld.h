/* Commands of `exec` checks whose files give rights that the daemon's sandbox withholds. */
#ifndef CLI_WITHHELD_H
#define CLI_WITHHELD_H

#include "conf/complain.h"
#include "io/gains.h"
#include "setup/settings.h"

/* What the program of this check would gain besides what they have; 0: nothing, or no such check.
 */
unsigned withheld_of(const struct check_spec *check, const struct gains_holder *holder);
/* Warns of each, for a daemon without rights: who it will be is not known from its settings. */
void withheld_warn(const struct settings *settings, struct complaints *complaints);

#endif
