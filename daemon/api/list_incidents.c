/*
 * The list of incidents.  Which ones is decided at once, so that nothing is there twice or left out
 * because something happens meanwhile; they are written a slice each turn of the loop.
 */
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

struct filter {
	enum wanted wanted;
	usec_t since_us;        /* wall; 0: any */
	enum severity severity; /* SEVERITY_OK: any */
	char check[128];        /* a glob; "": any */
	size_t offset, limit;
	char after[64]; /* the last one of the page before; "": this is the first */
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
	if (!call_query(call, "after", filter->after, sizeof(filter->after)) ||
		triage_find(call->world->triage, filter->after) != NULL)
		return 0;
	reply_problem(call, 400, "after: no incident has this id any more: begin anew");
	return -1;
}

/* ---- the walk ---- */

typedef char id_text[INCIDENT_ID_LEN + 1];

struct listing {
	id_text *ids;
	size_t count, at, shown;
	bool has_more;
};

/* Returns how many fit, on all pages. */
static size_t
choose(const struct triage *triage, const struct filter *filter, struct listing *listing)
{
	bool is_begun = filter->after[0] == '\0';
	size_t total = 0, skipped = 0;

	for (size_t n = 0; n < triage_count(triage); n++) {
		const struct incident *incident = triage_at(triage, n);
		bool is_before = !is_begun;

		if (is_before && str_starts(incident->id, filter->after))
			is_begun = true;
		if (!fits(filter, incident))
			continue;
		total++;
		if (is_before || skipped++ < filter->offset)
			continue;
		if (listing->count < filter->limit)
			memcpy(listing->ids[listing->count++], incident->id, sizeof(id_text));
		else
			listing->has_more = true;
	}
	return total;
}

static void
finish(struct api_call *call, const struct listing *listing)
{
	struct buf *body = &call->reply.body;
	char *path;

	buf_add_text(body, "]");
	if (listing->has_more) {
		path = page_next(call, "after", listing->ids[listing->count - 1]);
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
