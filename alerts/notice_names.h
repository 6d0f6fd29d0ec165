/*
 * What a notice is made of, by name: for templates of users.  The body of the generic webhook with
 * the incident at hand, and short names for what everybody wants.
 */
#ifndef ALERTS_NOTICE_NAMES_H
#define ALERTS_NOTICE_NAMES_H

#include "alerts/receiver.h"
#include "alerts/template.h"

extern const struct template_names notice_names;

/* A new reference to an object with these names; the incident's part has at most `max` bytes. */
json_t *notice_data(const struct send_run *run, size_t max);

#endif
