/*
 * Local datagram senders that never block: syslog's socket, the journal, systemd's notify socket.
 * A full receiver is -1 with EAGAIN; a vanished one is reconnected at the next call.
 */
#ifndef IO_DGRAM_H
#define IO_DGRAM_H

#include <stddef.h>

#include "base/err.h"

struct dgram;

/* "@name" is the abstract namespace.  Nothing is connected before the first send. */
struct dgram *dgram_new(const char *path);
void dgram_free(struct dgram *dgram);
int dgram_send(struct dgram *dgram, const void *data, size_t len, struct err *e);

/* sd_notify: a no-op without $NOTIFY_SOCKET.  The watchdog interval in us, 0: none asked for. */
struct notify;
struct notify *notify_new(void);
void notify_free(struct notify *notify);
void notify_send(struct notify *notify, const char *state); /* "READY=1\nSTATUS=..." */
long long notify_watchdog_us(const struct notify *notify);

#endif
