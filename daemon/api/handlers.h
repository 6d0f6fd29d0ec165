/* The handlers of route.c's table, by file. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/call.h"

/* assets.c */
void handle_page(struct api_call *call);
void handle_asset(struct api_call *call);
/* feed.c */
void handle_events(struct api_call *call);
/* health.c */
void handle_healthz(struct api_call *call);
void handle_readyz(struct api_call *call);
/* scrape.c */
void handle_metrics(struct api_call *call);
/* list_checks.c */
void handle_checks(struct api_call *call);
/* list_incidents.c */
void handle_incidents(struct api_call *call);
/* show_checks.c */
void handle_status(struct api_call *call);
void handle_check(struct api_call *call);
/* show_series.c */
void handle_series(struct api_call *call);
/* show_uptime.c */
void handle_uptime(struct api_call *call);
/* show_incidents.c */
void handle_incident(struct api_call *call);
/* story.c */
void handle_why(struct api_call *call);
void handle_rules(struct api_call *call);
/* steer.c */
void handle_ack(struct api_call *call);
void handle_unack(struct api_call *call);
void handle_silences(struct api_call *call);
void handle_silence(struct api_call *call);
void handle_silence_end(struct api_call *call);
/* show_receivers.c */
void handle_receivers(struct api_call *call);
void handle_receiver(struct api_call *call);
/* openapi.c */
void handle_openapi(struct api_call *call);
/* show_doctor.c */
void handle_doctor(struct api_call *call);
/* show_config.c */
void handle_config(struct api_call *call);
/* show_playbooks.c */
void handle_playbooks(struct api_call *call);
void handle_playbook(struct api_call *call);
/* show_rule.c */
void handle_rule(struct api_call *call);
/* backtest.c */
void handle_backtest(struct api_call *call);
/* ping.c */
void handle_ping(struct api_call *call);
/* act.c */
void handle_run(struct api_call *call);
void handle_test(struct api_call *call);
void handle_reload(struct api_call *call);
void handle_backup(struct api_call *call);

#endif
