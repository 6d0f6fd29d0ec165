/* An incident as a record to keep: Markdown in the form of a troubleshooting guide's template. */
#ifndef TRIAGE_STORY_H
#define TRIAGE_STORY_H

#include "base/buf.h"
#include "model/incident.h"

/* Time, impact, cause, what was done, timeline, follow-up, owner; as it stands at `now_us` (wall).
 */
void story_markdown(
	const struct incident *i, enum language language, usec_t now_us, struct buf *out);

#endif
