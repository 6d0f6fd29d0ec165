/*
 * Listening sockets that whoever started us has opened for us: socket activation as systemd does it
 * (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES).
 */
#ifndef IO_PASSED_H
#define IO_PASSED_H

#include <stddef.h>

#include "io/addr.h"

#define PASSED_MAX 16 /* more of them are closed */

struct passed_socket {
	int fd; /* -1: taken */
	char name[64];
	struct addr addr;
};

struct passed {
	struct passed_socket sockets[PASSED_MAX];
	size_t count;
};

/* Once, before any thread or child is there: takes the variables away, so that no child believes
 * them to be its own.  What is no listening stream socket is closed and said. */
void passed_take(struct passed *passed);
void passed_close(struct passed *passed); /* those that nobody took */

#endif
