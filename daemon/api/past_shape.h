/* What questions to the history, and about rules, take and answer. */
#ifndef API_PAST_SHAPE_H
#define API_PAST_SHAPE_H

#include "api/shape.h"

extern const struct api_param series_params[], backtest_params[], backtest_file_params[];
extern const struct shape shape_series, shape_uptime, shape_stand, shape_backtest;

#endif
