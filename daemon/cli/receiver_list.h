/* The receivers as a table: who is told, how it fares, what waits and why. */
#ifndef CLI_RECEIVER_LIST_H
#define CLI_RECEIVER_LIST_H

#include <jansson.h>

#include "cli/verb.h"

/* `receivers` is the API's list. */
void receiver_list_print(const struct term *term, const json_t *receivers);
/* Good, bad or in between, by the word the API has for it. */
enum paint receiver_list_paint(const char *state);

#endif
