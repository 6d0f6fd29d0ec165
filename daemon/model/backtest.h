/*
 * What a backtest comes to: sums over its results, and the sentence that people read.  The daemon
 * says them of what it answers, `triage` of several answers together.
 */
#ifndef MODEL_BACKTEST_H
#define MODEL_BACKTEST_H

#include <jansson.h>

/* Of one rule, over results as GET /api/v1/backtest gives them: {"rule", "checks", "firings",
 * "seconds", "longest_seconds", "noise", "incidents", "caught", "missed", "earlier_seconds"? (the
 * middle one; negative: later), "known_ratio"?, "summary"} */
json_t *backtest_sum(const json_t *results, const char *rule, double span_seconds);

#endif
