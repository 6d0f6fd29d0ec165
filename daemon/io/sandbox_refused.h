/*
 * Which calls the sandbox refused to which command, for whoever judges how that command ended.  A
 * command leads a session of its own, by whose number it is known here.  Written by the sandbox's
 * thread before the call returns, so that it is known before the command's end is; the oldest
 * entries make room.  Where the kernel answers by itself nothing is known.
 */
#ifndef IO_SANDBOX_REFUSED_H
#define IO_SANDBOX_REFUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"

void sandbox_refused_note(pid_t session, const char *call);
usec_t sandbox_refused_now(void); /* of the clock that entries are made by: never a test's */
/* "unshare, socket(AF_PACKET)": what was refused to it since then; false: nothing that is known. */
bool sandbox_refused_list(pid_t session, usec_t since_us, char *out, size_t size);

#endif
