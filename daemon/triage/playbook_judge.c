/* Which cause the facts speak for.  Pure: a playbook and a world in, a diagnosis out. */
#include <string.h>

#include "base/str.h"
#include "triage/playbook_inside.h"

static enum confidence
confidence_of(const struct playbook_cause *cause, const struct playbook_view *view)
{
	enum confidence confidence = cause->confidence;

	for (size_t i = 0; i < cause->cons.count; i++)
		if (confidence > CONFIDENCE_POSSIBLE &&
			playbook_view_holds(view, cause->cons.all[i].when))
			confidence--;
	return confidence;
}

/* Where it cannot be said which one it is, it is any of the type. */
static void
set_root(
	const struct playbook_cause *cause, const struct playbook_view *view, struct diagnosis *out)
{
	out->root_type = cause->root_type;
	out->root_of[0] = '\0';
	if (cause->root_of &&
		!playbook_fill(view, cause->root_of, out->root_of, sizeof(out->root_of)))
		out->root_of[0] = '\0';
}

bool
playbook_judge(
	const struct playbook *playbook, const struct playbook_world *world, struct diagnosis *out)
{
	const struct playbook_body *body = playbook_body_of(playbook);
	struct playbook_view view;
	size_t n = 0;

	if (!body)
		return false;
	playbook_view_init(&view, body, world, LANG_EN);
	while (n < body->cause_count && !playbook_view_holds(&view, body->causes[n].when))
		n++;
	bool is_found = n < body->cause_count;
	if (is_found) {
		*out = (struct diagnosis){ .playbook = playbook, .cause = n };
		out->confidence = confidence_of(&body->causes[n], &view);
		set_root(&body->causes[n], &view, out);
	}
	playbook_view_fini(&view);
	return is_found;
}
