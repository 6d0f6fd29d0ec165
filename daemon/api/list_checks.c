/*
 * The list of checks, or of those that are asked for.  Ten thousand are some seven megabytes: they
 * are written a slice each turn of the loop, as /metrics is, and begun anew when checks come or go
 * meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/page.h"
#include "api/shapes.h"
#include "api/show.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "model/record.h"
#include "sched/sched.h"
#include "setup/settings.h"

#define SLICE_US     USEC_PER_MSEC /* and not more than so many, shown or looked at */
#define SLICE_SHOWN  100
#define SLICE_LOOKED 2000
#define LIMIT_MAX    10000
#define RESTARTS_MAX 3

/* What was asked for; a text that is "" holds for every check. */
struct wanted {
	int state; /* index into shape_states; -1: any */
	char type[64], group[128], name[200];
	char label[128], value[256]; /* "team", "core" */
	char after[200];             /* the last one of the page before */
	size_t limit;
};

struct listing {
	struct wanted wanted;
	size_t at, begin; /* begin: the first that comes into question */
	size_t shown, total;
	bool has_more;
	char last[200]; /* the last one that was shown */
	unsigned restarts;
	/* What the walk began with. */
	const struct settings *settings;
	size_t count;
};

/* ---- what is wanted ---- */

static bool
has_label(const struct conf_pairs *labels, const struct wanted *wanted)
{
	for (size_t i = 0; i < labels->count; i++)
		if (str_eq(labels->all[i].name, wanted->label) &&
			str_matches_glob(labels->all[i].value, wanted->value))
			return true;
	return false;
}

static bool
fits_glob(const char *text, const char *glob)
{
	return *glob == '\0' || str_matches_glob(text == NULL ? "" : text, glob);
}

static bool
fits(const struct wanted *wanted, const struct check_view *view)
{
	const struct check_spec *spec = view->spec;

	if (wanted->state != -1 &&
		!str_eq(check_state_name(view->state), shape_states[wanted->state]))
		return false;
	return fits_glob(spec->type, wanted->type) &&
	       fits_glob(spec->common.group, wanted->group) &&
	       fits_glob(spec->name, wanted->name) &&
	       (*wanted->label == '\0' || has_label(&spec->common.labels, wanted));
}

static int
read_text(struct api_call *call, const char *name, char *out, size_t size)
{
	if (!call_query(call, name, out, size) || *out != '\0')
		return 0;
	reply_problem(call, 400, "%s: empty, with a broken %%-escape, or too long", name);
	return -1;
}

/* "team=core" */
static int
read_label(struct api_call *call, struct wanted *wanted)
{
	char text[256], *mark;

	if (!call_query(call, "label", text, sizeof(text)))
		return 0;
	mark = strchr(text, '=');
	if (mark == NULL || mark == text || (size_t)(mark - text) >= sizeof(wanted->label)) {
		reply_problem(call, 400, "label: a name and a value, such as team=core");
		return -1;
	}
	*mark = '\0';
	str_copy(wanted->label, sizeof(wanted->label), text);
	str_copy(wanted->value, sizeof(wanted->value), mark + 1);
	return 0;
}

static int
read_wanted(struct api_call *call, struct wanted *wanted)
{
	struct check_view view;

	wanted->limit = LIMIT_MAX * 10;
	wanted->state = page_word(call, "state", shape_states);
	if (wanted->state == -2 ||
		read_text(call, "type", wanted->type, sizeof(wanted->type)) == -1 ||
		read_text(call, "group", wanted->group, sizeof(wanted->group)) == -1 ||
		read_text(call, "name", wanted->name, sizeof(wanted->name)) == -1 ||
		read_text(call, "after", wanted->after, sizeof(wanted->after)) == -1 ||
		read_label(call, wanted) == -1 ||
		page_number(call, "limit", 1, LIMIT_MAX, &wanted->limit) == -1)
		return -1;
	if (*wanted->after == '\0' || sched_view_name(call->world->sched, wanted->after, &view))
		return 0;
	reply_problem(
		call, 400, "after: no check is called \"%s\" any more: begin anew", wanted->after);
	return -1;
}

/* ---- the walk ---- */

static size_t
index_after(const struct sched *sched, const char *name)
{
	struct check_view view;

	for (size_t n = 0; *name != '\0' && sched_view(sched, n, &view); n++)
		if (str_eq(view.spec->name, name))
			return n + 1;
	return 0;
}

static void
begin(struct api_call *call, struct listing *listing)
{
	const struct api_world *world = call->world;

	reply_text(call, 200, "application/json", "{\"checks\":[");
	listing->at = 0;
	listing->begin = index_after(world->sched, listing->wanted.after);
	listing->shown = listing->total = 0;
	listing->has_more = false;
	listing->settings = world->settings;
	listing->count = sched_count(world->sched);
}

static void
finish(struct api_call *call, const struct listing *listing)
{
	struct buf *body = &call->reply.body;
	char *path;

	buf_addf(body, "],\"total\":%zu", listing->total);
	if (listing->has_more) {
		path = page_next(call, "after", listing->last);
		buf_add_text(body, ",\"next\":");
		json_write(body, record_text(path));
		free(path);
	}
	buf_add_text(body, "}\n");
	if (body->is_over)
		reply_problem(call, 500, "the answer is too large: ask for pages with `limit`");
}

/* Each check is a JSON text of its own: the documents of all of them need not be in memory. */
static void
put(struct api_call *call, struct listing *listing, const struct check_view *view)
{
	struct buf *body = &call->reply.body;

	if (listing->shown++ > 0)
		buf_add_text(body, ",\n");
	json_write(body, show_check(call->world, view));
	str_copy(listing->last, sizeof(listing->last), view->spec->name);
}

static bool
step(struct api_call *call)
{
	struct listing *listing = call->walk.state;
	const struct api_world *world = call->world;
	const struct loop *loop = world->env->loop;
	usec_t begin_us = loop_now(loop);
	size_t shown = 0, looked = 0;
	struct check_view view;

	if (listing->restarts < RESTARTS_MAX &&
		(listing->settings != world->settings ||
			listing->count != sched_count(world->sched))) {
		listing->restarts++;
		begin(call, listing);
	}
	while (shown < SLICE_SHOWN && looked++ < SLICE_LOOKED &&
		loop_now(loop) - begin_us < SLICE_US) {
		if (!sched_view(world->sched, listing->at++, &view)) {
			finish(call, listing);
			return true;
		}
		if (!fits(&listing->wanted, &view))
			continue;
		listing->total++;
		if (listing->at <= listing->begin)
			continue;
		if (listing->shown == listing->wanted.limit) {
			listing->has_more = true;
			continue;
		}
		put(call, listing, &view);
		shown++;
	}
	return false;
}

void
handle_checks(struct api_call *call)
{
	struct listing *listing = xcalloc(1, sizeof(*listing));

	if (read_wanted(call, &listing->wanted) == -1) {
		free(listing);
		return;
	}
	begin(call, listing);
	call->walk = (struct walk){ .step = step, .end = free, .state = listing };
}
