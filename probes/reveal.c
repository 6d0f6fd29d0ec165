/* Places of settings as subjects.  Pure; borrows everything. */
#include "probes/reveal.h"

static const char *
text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

void
reveal_place(const struct place *place, struct revealed *out)
{
	out->socket = text_or_null(place->path);
	if (out->socket != NULL)
		return;
	out->host = text_or_null(place->host);
	out->port = place->port;
}

void
reveal_dsn(const struct dsn *dsn, struct revealed *out)
{
	out->user = dsn->user;
	out->database = dsn->database;
	if (dsn->host_count == 0)
		return;
	out->socket = text_or_null(dsn->hosts[0].path);
	if (out->socket != NULL)
		return;
	out->host = text_or_null(dsn->hosts[0].host);
	out->port = dsn->hosts[0].port;
}

void
reveal_this_host(const void *conf, const char *instance, struct revealed *out)
{
	(void)conf;
	(void)instance;
	out->is_host = true;
}
