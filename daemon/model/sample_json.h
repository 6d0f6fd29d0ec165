/* A sample as JSON: what the API shows and `triage probe` prints. */
#ifndef MODEL_SAMPLE_JSON_H
#define MODEL_SAMPLE_JSON_H

#include <jansson.h>

#include "model/sample.h"

/*
 * {"outcome", "cause", "text", "at", "duration", "phases": {"dns": s}, "values": {name: number},
 * "facts": [{"name", "text"}], "notes": [{"cause", "text"}]}.  Numbers are base units; those that
 * are not known are left out.
 */
json_t *sample_json(const struct sample *s);

#endif
