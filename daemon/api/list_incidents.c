/*
 * The list of incidents.  Which ones is decided at once, so that nothing is there twice or left out
 * because something happens meanwhile; they are written a slice each turn of the loop.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/page.h"
#include "api/past.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "model/record.h"
#include "triage/triage.h"

#define SLICE_SHOWN   20
#define LIMIT_DEFAULT 200
#define LIMIT_MAX     1000
#define OFFSET_MAX    1000000

enum wanted { WANT_ALL, WANT_OPEN, WANT_ACKNOWLEDGED, WANT_RESOLVED };

/*
 * Where a page begins, by time rather than by who was the last one: that one may be resolved when
 * the next page is asked for, and stand elsewhere in the list.
 */
struct page_place {
	char id[INCIDENT_ID_LEN + 1]; /* "": this is the first page */
	bool is_over;                 /* it stood among the resolved ones */
	usec_t time_us;               /* by which it was placed there */
	usec_t first_us;              /* when the first page was asked for */
};

struct filter {
	enum wanted wanted;
	usec_t since_us;        /* wall; 0: any */
	enum severity severity; /* SEVERITY_OK: any */
	char check[128];        /* a glob; "": any */
	size_t offset, limit;
	struct page_place after;
};

/* Is it the root, or was it dragged down? */
static bool
concerns(const struct incident *i, const char *check)
{
	if (i->check != NULL && str_matches_glob(i->check, check))
		return true;
	for (size_t n = 0; n < i->alert_count; n++) {
		if (str_matches_glob(i->alerts[n].check, check))
			return true;
	}
	return false;
}

static bool
fits(const struct filter *filter, const struct incident *i)
{
	static const char wanted_by_status[][4] = {
		[INCIDENT_OPEN] = { [WANT_ALL] = 1, [WANT_OPEN] = 1 },
		/* Somebody has seen it; it is not over. */
		[INCIDENT_ACKNOWLEDGED] = { [WANT_ALL] = 1,
			[WANT_OPEN] = 1,
			[WANT_ACKNOWLEDGED] = 1 },
		[INCIDENT_RESOLVED] = { [WANT_ALL] = 1, [WANT_RESOLVED] = 1 },
	};

	if (!wanted_by_status[i->status][filter->wanted])
		return false;
	if (filter->severity != SEVERITY_OK && i->severity != filter->severity)
		return false;
	if (filter->check[0] != '\0' && !concerns(i, filter->check))
		return false;
	return filter->since_us == 0 || i->resolved_us == 0 || i->resolved_us >= filter->since_us;
}

static int
parse_about(struct api_call *call, struct filter *filter)
{
	char text[32];
	int level;

	if (call_query(call, "check", filter->check, sizeof(filter->check)) &&
		filter->check[0] == '\0') {
		reply_problem(call, 400, "check: a name, or a glob such as db*");
		return -1;
	}
	if (!call_query(call, "severity", text, sizeof(text)))
		return 0;
	level = severity_parse(text);
	filter->severity = (enum severity)level;
	if (level > SEVERITY_OK)
		return 0;
	reply_problem(call, 400, "severity: one of info, warning, critical");
	return -1;
}

/* ---- places ---- */

static bool
is_over(const struct incident *incident)
{
	return incident->status == INCIDENT_RESOLVED;
}

static usec_t
time_of(const struct incident *incident)
{
	return is_over(incident) ? incident->resolved_us : incident->detected_us;
}

/* "ID.1.TIME.FIRST" as `next` has it; the id alone means its place now. */
static int
parse_after(struct api_call *call, struct page_place *after)
{
	const struct incident *incident;
	char text[100] = "";
	int section, used = 0;

	after->first_us = loop_wall(call->world->env->loop);
	if (!call_query(call, "after", text, sizeof(text)))
		return 0;
	if (sscanf(text, "%12[0-9a-z].%1d.%" SCNd64 ".%" SCNd64 "%n", after->id, &section,
		    &after->time_us, &after->first_us, &used) == 4 &&
		text[used] == '\0') {
		after->is_over = section != 0;
		return 0;
	}
	incident = triage_find(call->world->triage, text);
	if (incident == NULL) {
		reply_problem(call, 400, "after: no incident has this id any more: begin anew");
		return -1;
	}
	str_copy(after->id, sizeof(after->id), incident->id);
	after->is_over = is_over(incident);
	after->time_us = time_of(incident);
	return 0;
}

/* In the order of the list: the newest first, of the same time the greater id. */
static bool
is_past(const struct page_place *after, const struct incident *incident, usec_t time_us)
{
	if (time_us != after->time_us)
		return time_us > after->time_us;
	return strcmp(incident->id, after->id) >= 0;
}

/* Was it on an earlier page? */
static bool
was_shown(const struct page_place *after, const struct incident *incident)
{
	if (after->id[0] == '\0')
		return false;
	if (is_over(incident) == after->is_over)
		return is_past(after, incident, time_of(incident));
	/* It is over since, and was shown while it was not; or it is new. */
	if (is_over(incident))
		return incident->resolved_us >= after->first_us &&
		       is_past(after, incident, incident->detected_us);
	return true;
}

static const char *const states[] = {
	[WANT_ALL] = "all",
	[WANT_OPEN] = "open",
	[WANT_ACKNOWLEDGED] = "acknowledged",
	[WANT_RESOLVED] = "resolved",
	NULL,
};

static int
read_filter(struct api_call *call, struct filter *filter)
{
	int state = page_word(call, "state", states);

	filter->wanted = state < 0 ? WANT_ALL : (enum wanted)state;
	if (state == -2 || past_when(call, "since", &filter->since_us) == -1 ||
		parse_about(call, filter) == -1 ||
		page_number(call, "limit", 1, LIMIT_MAX, &filter->limit) == -1 ||
		page_number(call, "offset", 0, OFFSET_MAX, &filter->offset) == -1)
		return -1;
	return parse_after(call, &filter->after);
}

/* ---- the walk ---- */

typedef char id_text[INCIDENT_ID_LEN + 1];

struct listing {
	id_text *ids;
	size_t count, at, shown;
	bool has_more;
	struct page_place last; /* of this page */
};

/* As in the book; those of one moment by their ids, so that every page has them in one order. */
static int
by_place(const void *a, const void *b)
{
	const struct incident *x = *(const struct incident *const *)a;
	const struct incident *y = *(const struct incident *const *)b;

	if (is_over(x) != is_over(y))
		return is_over(x) ? 1 : -1;
	if (time_of(x) != time_of(y))
		return time_of(x) < time_of(y) ? 1 : -1;
	return strcmp(y->id, x->id);
}

static void
take(struct listing *listing, const struct incident *incident)
{
	struct page_place *last = &listing->last;

	memcpy(listing->ids[listing->count++], incident->id, sizeof(id_text));
	str_copy(last->id, sizeof(last->id), incident->id);
	last->is_over = is_over(incident);
	last->time_us = time_of(incident);
}

/* Returns how many fit, on all pages. */
static size_t
choose(const struct triage *triage, const struct filter *filter, struct listing *listing)
{
	const struct incident **all = xcalloc(triage_count(triage) + 1, sizeof(*all));
	size_t total = 0, skipped = 0;

	for (size_t n = 0; n < triage_count(triage); n++)
		if (fits(filter, triage_at(triage, n)))
			all[total++] = triage_at(triage, n);
	qsort(all, total, sizeof(const struct incident *), by_place);
	listing->last.first_us = filter->after.first_us;
	for (size_t n = 0; n < total; n++) {
		if (was_shown(&filter->after, all[n]) || skipped++ < filter->offset)
			continue;
		if (listing->count < filter->limit)
			take(listing, all[n]);
		else
			listing->has_more = true;
	}
	free(all);
	return total;
}

static void
finish(struct api_call *call, const struct listing *listing)
{
	struct buf *body = &call->reply.body;
	const struct page_place *last = &listing->last;
	char *path, place[100];

	buf_add_text(body, "]");
	if (listing->has_more) {
		snprintf(place, sizeof(place), "%s.%d.%" PRId64 ".%" PRId64, last->id,
			last->is_over, last->time_us, last->first_us);
		path = page_next(call, "after", place);
		buf_add_text(body, ",\"next\":");
		json_write(body, record_text(path));
		free(path);
	}
	buf_add_text(body, "}\n");
	if (body->is_over)
		reply_problem(call, 500, "the answer is too large: ask for fewer with `limit`");
}

static bool
step(struct api_call *call)
{
	struct listing *listing = call->walk.state;
	usec_t now = loop_wall(call->world->env->loop);
	struct buf *body = &call->reply.body;

	for (size_t n = 0; n < SLICE_SHOWN && listing->at < listing->count; n++) {
		const struct incident *incident =
			triage_find(call->world->triage, listing->ids[listing->at++]);

		if (incident == NULL)
			continue; /* it was let go meanwhile */
		if (listing->shown++ > 0)
			buf_add_text(body, ",\n");
		json_write(body, incident_json(incident, now));
	}
	if (listing->at < listing->count)
		return false;
	finish(call, listing);
	return true;
}

static void
end_listing(void *state)
{
	struct listing *listing = state;

	free(listing->ids);
	free(listing);
}

void
handle_incidents(struct api_call *call)
{
	struct filter filter = { .limit = LIMIT_DEFAULT };
	struct listing *listing;
	size_t total;

	if (read_filter(call, &filter) == -1)
		return;
	listing = xcalloc(1, sizeof(*listing));
	listing->ids = xcalloc(filter.limit, sizeof(*listing->ids));
	total = choose(call->world->triage, &filter, listing);
	reply_text(call, 200, "application/json", "");
	buf_addf(&call->reply.body, "{\"total\":%zu,\"incidents\":[", total);
	call->walk = (struct walk){ .step = step, .end = end_listing, .state = listing };
}
