/* A unit as systemd describes it, and what that means.  Pure: properties in, verdict out. */
#ifndef PROBES_SYSTEMD_UNIT_H
#define PROBES_SYSTEMD_UNIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define UNIT_NAME_MAX 256

enum unit_want { UNIT_WANT_ACTIVE, UNIT_WANT_INACTIVE, UNIT_WANT_ANY };

/* Texts are borrowed from the JSON that it was read from; never NULL.  Numbers: NAN unknown. */
struct unit {
	const char *id, *load, *load_error, *active, *sub, *result, *type, *status, *file;
	const char *triggered_by; /* the first unit that starts it, "" */
	double restarts, memory_bytes, memory_max_bytes, tasks, cpu_s;
	int exit_code, exit_status; /* CLD_*; 0: has not ended yet */
	/* wall clock; 0: never */
	usec_t left_inactive_us, active_since_us, ended_us, changed_us;
};

struct unit_verdict {
	const char *cause; /* NULL: as it should be */
	char text[300];
};

/* Either may be NULL: the properties of the unit, and those of its kind (service...). */
void unit_read(struct unit *unit, const json_t *common, const json_t *own);
void unit_judge(struct unit_verdict *v, const struct unit *unit, enum unit_want want,
	usec_t start_max_us, usec_t now_wall_us);

/* "exit 1", "killed by SIGSEGV", "exit 203: the program could not be executed"; "" if none. */
void unit_last_exit(const struct unit *unit, char *out, size_t size);
/* "SIGKILL" where a signal ended its main process; "" if none. */
void unit_signal(const struct unit *unit, char *out, size_t size);
/* "nginx" -> "nginx.service"; false: this cannot be a unit's name. */
bool unit_name(const char *text, char out[UNIT_NAME_MAX]);
/* The interface with what only this kind of unit has: "org.freedesktop.systemd1.Service". */
const char *unit_interface(const char *name);

/* The bus that a systemd check asks, of its settings; NULL: the system's. */
const char *systemd_bus(const void *conf);

#endif
