/* Subjects as values: made from what settings reveal, freed with all that was learned. */
#include "model/subject.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void
subject_init(struct subject *s, const struct revealed *revealed)
{
	memset(s, 0, sizeof(*s));
	s->host = xstrdup(revealed->host);
	s->port = revealed->port;
	s->socket = xstrdup(revealed->socket);
	s->path = xstrdup(revealed->path);
	s->unit = xstrdup(revealed->unit);
	s->container = xstrdup(revealed->container);
	s->process = xstrdup(revealed->process);
	s->user = xstrdup(revealed->user);
	s->database = xstrdup(revealed->database);
	s->is_host = revealed->is_host;
	s->is_udp = revealed->is_udp;
	s->is_local = revealed->is_host || (!revealed->host && !revealed->server);
}

void
subject_copy(struct subject *to, const struct subject *from)
{
	*to = *from;
	to->host = xstrdup(from->host);
	to->socket = xstrdup(from->socket);
	to->path = xstrdup(from->path);
	to->unit = xstrdup(from->unit);
	to->container = xstrdup(from->container);
	to->process = xstrdup(from->process);
	to->user = xstrdup(from->user);
	to->database = xstrdup(from->database);
	to->address = xstrdup(from->address);
	to->comm = xstrdup(from->comm);
	to->exe = xstrdup(from->exe);
	to->data_dir = xstrdup(from->data_dir);
	to->log_path = xstrdup(from->log_path);
}

void
subject_fini(struct subject *s)
{
	free(s->host);
	free(s->socket);
	free(s->path);
	free(s->unit);
	free(s->container);
	free(s->process);
	free(s->user);
	free(s->database);
	free(s->address);
	free(s->comm);
	free(s->exe);
	free(s->data_dir);
	free(s->log_path);
	memset(s, 0, sizeof(*s));
}

bool
subject_is_elsewhere(const struct subject *s)
{
	return s->host && *s->host && !s->is_host && !s->is_local &&
	       !str_eq(s->host, "localhost") && !str_starts(s->host, "127.") &&
	       !str_eq(s->host, "::1");
}
