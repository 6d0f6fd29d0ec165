/* What a sample says of a check's uptime: only what is known of the target itself counts. */
#include <math.h>

#include "app_private.h"
#include "deliver/maintenance.h"
#include "deliver/route.h"
#include "setup/settings.h"

static bool
is_planned(const struct settings *settings, const struct check_spec *check, usec_t wall_us)
{
	usec_t until_us;

	for (size_t i = 0; i < settings->maintenance_count; i++) {
		const struct maintenance_spec *work = settings->maintenance[i];

		if (route_match_concerns(&work->match, check->name, check->type) &&
			maintenance_holds(work, wall_us, &until_us))
			return true;
	}
	return false;
}

double
app_tells_up(const struct app *app, const struct check_spec *check, const struct sample *sample)
{
	bool is_down = sample->state == CHECK_DOWN;

	if (sample->outcome == OUTCOME_ERROR || (!is_down && sample->state != CHECK_UP))
		return (double)NAN;
	if (is_down && triage_is_blind(app->triage, check->name))
		return (double)NAN; /* it is this host that is cut off */
	if (is_planned(app->settings, check, sample->wall_us))
		return (double)NAN;
	return is_down ? 0 : 1;
}
