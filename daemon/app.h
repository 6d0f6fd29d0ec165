/* The daemon, wired: floors are built bottom-up, connected by a few callbacks, ended in reverse. */
#ifndef APP_H
#define APP_H

#include "setup/settings.h"

struct app;

struct notify;
struct passed;
struct sandbox;

/* What whoever started us gave us; borrowed, as long as the app is there. */
struct app_parent {
	struct notify *notify;
	struct passed *passed;
	struct sandbox *sandbox; /* the app's from now on; NULL: switched off */
};

/* Takes over one reference of `settings`.  NULL and e when it cannot start. */
struct app *app_new(struct settings *settings, struct tls_pool *tls,
	const struct app_parent *parent, struct err *e);
void app_run(struct app *app); /* until SIGTERM or SIGINT */
void app_free(struct app *app);

#endif
