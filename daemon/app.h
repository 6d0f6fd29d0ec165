/* The daemon, wired: floors are built bottom-up, connected by a few callbacks, ended in reverse. */
#ifndef APP_H
#define APP_H

#include "setup/settings.h"

struct app;

/* Takes over one reference of `settings`.  NULL and e when it cannot start. */
struct app *app_new(struct settings *settings, struct tls_pool *tls, struct err *e);
void app_run(struct app *app); /* until SIGTERM or SIGINT */
void app_free(struct app *app);

#endif
