/* Test notices: sent to one receiver at once, besides its queue. */
#ifndef DELIVER_TRIAL_H
#define DELIVER_TRIAL_H

#include "deliver/outlet.h"

void trials_cancel(struct deliver *deliver, const char *why); /* their done is called */

#endif
