/* One run of the http probe: private to http*.c. */
#ifndef PROBES_HTTP_RUN_H
#define PROBES_HTTP_RUN_H

#include "io/http1.h"
#include "io/stream.h"
#include "io/timer.h"
#include "probes/http_conf.h"
#include "probes/http_track.h"

#define HTTP_HOPS_MAX 11 /* the first and the most that `follow` allows */

enum http_row {
	HTTP_STATUS = PHASE_COUNT,
	HTTP_BODY_BYTES,
	HTTP_REDIRECTS,
	HTTP_TLS_DAYS_LEFT,
	HTTP_RESTARTS,
	HTTP_RESTARTS_HOUR,
	HTTP_RESTART_AGE,
};

/* The answer of one hop, whoever fetched it. */
struct http_answer {
	int status;
	int version;      /* 10, 11, 20 */
	const char *body; /* NUL-terminated */
	size_t body_len;
	double body_bytes; /* NAN: cut before its end was seen */
	bool is_cut, is_truncated;
	const struct http1 *plain;     /* either this... */
	const struct http_reply *full; /* ...or that: where the headers are */
};

/* False: no such header. */
bool http_answer_header(const struct http_answer *answer, const char *name, char *out, size_t size);

/* "http.502" and the like, for a status that is not wanted. */
const char *http_status_cause(int status);
/* Gives the verdict on the last answer of the chain. */
void http_judge(struct probe_run *run, const struct http_answer *answer);

/* From run to run of a check. */
struct http_memory {
	unsigned runs;
	bool has_failed;    /* the last run, or it is under way */
	usec_t cert_end_us; /* wall; 0: not seen yet */
	struct http_track track;
};

/* Between runs, where a connection is kept. */
struct http_watch {
	struct stream *stream; /* idle; NULL: none, or a run has it */
	usec_t opened_us;      /* when it had its first good answer */
	struct probe_run *run; /* on the kept connection; NULL: none */
	struct timer patience; /* with one that says nothing */
};

/* State of one run. */
struct http_run {
	struct stream *stream;     /* plain way */
	struct http_call *call;    /* full way */
	bool has_reply;            /* `reply` is to be freed */
	bool is_answered;          /* this hop said its word: events that follow are nobody's */
	bool is_kept;              /* the connection is an earlier run's */
	bool is_good;              /* and ended well: the connection may be kept */
	bool is_ended;             /* the connection, after the answer */
	bool is_rewritten;         /* 303 and friends: GET without a body */
	bool is_foreign;           /* left the first origin: no credentials any more */
	unsigned hops;             /* redirects followed */
	enum addr_reach reach;     /* of whoever answered first: where all redirects come from */
	struct url *url;           /* of this hop; NULL: the first, from the settings */
	char *seen[HTTP_HOPS_MAX]; /* URLs asked so far; filled at the first redirect */
	char *request;             /* of this hop; NULL: the settings' own */
	usec_t started_us;
	usec_t opened_us, sent_us, first_us; /* of this hop; 0: not yet */
	usec_t phase_us[PHASE_COUNT];        /* added up over the hops; -1: did not happen */
	struct http1 reply;                  /* from here on not zeroed */
};

/* Writes phases, family note, redirects; as a fact too where `is_bad`. */
void http_report(struct probe_run *run, bool is_bad);
void http_add_phase(struct http_run *state, enum metric_phase phase, usec_t us);

/* The two ways to fetch a hop; both end in http_on_answer or a verdict. */
void http_plain_start(struct probe_run *run, const struct url *url, struct tls_ctx *tls);
void http_plain_go_on(struct probe_run *run, struct stream *kept);
void http_plain_stop(struct http_run *state);
const char *http_plain_stuck(struct probe_run *run, char *text, size_t size);
void http_full_start(struct probe_run *run);
void http_full_stop(struct http_run *state);

/* Whose word counts as having led to this hop: what stream_options takes. */
enum addr_reach http_led_from(const struct http_conf *conf, const struct http_run *state);
/* Starts the hop that `url` says, on a connection of its own. */
void http_hop_start(struct probe_run *run);

/* --- http_kept.c: of no effect where nothing is kept --- */

void http_kept_open(struct probe_watch *watch);
void http_kept_close(struct probe_watch *watch);
struct stream *http_kept_take(struct probe_run *run); /* NULL: make one */
/* True: it was a kept one, its answer is not complete, and a fresh one is on its way instead. */
bool http_kept_replace(struct probe_run *run);
/* A redirect leads elsewhere: what happens there says nothing of the kept one. */
void http_kept_leave(struct probe_run *run);
void http_kept_give(struct probe_run *run); /* the run is over */

/* An answer is complete: follow it or judge it. */
void http_on_answer(struct probe_run *run, const struct http_answer *answer);
/* The certificate of the peer ends in `left_us`. */
void http_on_cert(struct probe_run *run, usec_t left_us);

const char *http_method_now(struct probe_run *run);
bool http_wants_full_handshake(struct probe_run *run);

#endif
