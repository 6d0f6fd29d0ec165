/*
 * The shapes of what the API takes and answers, by the file that has them.  Each is beside or named
 * after the code that makes the answer; the end-to-end tests hold every answer against them.
 */
#ifndef API_SHAPES_H
#define API_SHAPES_H

#include "api/shape.h"

/* Words that more than one shape has; closed by NULL. */
extern const char *const shape_severities[]; /* of alerts and incidents */
extern const char *const shape_states[];     /* of a check */
extern const char *const shape_levels[];     /* severities, and ok */

/* shapes.c */
extern const struct shape shape_problem;
extern const struct shape shape_text;   /* a name and a text */
extern const struct shape shape_status; /* /api/v1/status */
extern const struct shape shape_readiness;
extern const struct shape shape_reloaded;
extern const struct shape shape_backup;
extern const struct shape shape_openapi;

/* shapes_check.c */
extern const struct shape shape_sample;
extern const struct shape shape_check;
extern const struct shape shape_checks;
extern const struct shape shape_check_whole;
extern const struct shape shape_run;
extern const struct shape shape_why;
extern const struct shape shape_decision;
extern const struct shape shape_rule_answer;

/* shapes_incident.c */
extern const struct shape shape_incident;
extern const struct shape shape_incidents;
extern const struct shape shape_incident_whole;
extern const struct shape shape_delivery;
extern const struct shape shape_ack;

/* show_doctor.c */
extern const struct shape shape_doctor;

/* shapes_telling.c: receivers, silences, maintenance */
extern const struct shape shape_receiver;
extern const struct shape shape_receivers;
extern const struct shape shape_receiver_whole;
extern const struct shape shape_test;
extern const struct shape shape_silence;
extern const struct shape shape_silences;
extern const struct shape shape_silence_ask;
extern const struct shape shape_silence_made;
extern const struct shape shape_ended;

/* shapes_playbook.c */
extern const struct shape shape_playbooks;
extern const struct shape shape_explained;

#endif
