/* Whether a command's end says more of our own sandbox than of what the command looked at. */
#ifndef PROBES_EXEC_HINDERED_H
#define PROBES_EXEC_HINDERED_H

#include "io/child.h"
#include "probes/probe.h"

/* True: it could not tell, and the verdict says so.  False: the end is to be judged; a note says
 * what was kept from it. */
bool exec_hindered(struct probe_run *run, const struct child_result *r);

#endif
