/*
 * What a check is about: the place that its settings name, and of a local server what was learned
 * of it while it was well.  Triage ties checks together by it, facts begin their search with it.
 * A plain value that owns its strings; NULL and 0: not known.
 */
#ifndef MODEL_SUBJECT_H
#define MODEL_SUBJECT_H

#include <stdbool.h>

#include "base/clock.h"

/* What a check's settings say of its place: filled by its type, strings borrowed from them. */
struct revealed {
	const char *host;   /* a name or a numeric address */
	unsigned port;      /* 0: none */
	const char *socket; /* path of a unix socket */
	const char *path;   /* a file, a folder, a mount point */
	const char *unit, *container, *process;
	const char *user, *database;
	const char *server; /* a name server that is not the host's own */
	bool is_host;       /* it is about this host itself: memory, cpu, clock */
	bool is_udp;        /* of `port` */
};

struct subject {
	char *host;
	unsigned port;
	char *socket, *path, *unit, *container, *process, *user, *database;
	bool is_host, is_udp;
	/* Learned. */
	char *address;     /* numeric: what the name last resolved to */
	bool is_local;     /* the address is this host's own, or there is none to ask */
	long pid;          /* of the listener */
	char *comm, *exe;  /* of the listener */
	char *data_dir;    /* where the server keeps its data */
	char *log_path;    /* where it writes its log */
	usec_t learned_us; /* wall; 0: never */
};

void subject_init(struct subject *s, const struct revealed *revealed);
void subject_copy(struct subject *to, const struct subject *from); /* `to` is not initialised */
void subject_fini(struct subject *s);
/* It has a host, and nothing says that this is this one. */
bool subject_is_elsewhere(const struct subject *s);

#endif
