/* What facts about processes share: the question, the trouble, and whose a process is. */
#ifndef FACTS_FACT_PROC_H
#define FACTS_FACT_PROC_H

#include "io/procs.h"
#include "probes/facts/fact.h"

#define FACT_UNIT_MAX      256
#define FACT_CONTAINER_MAX 72
#define FACT_USER_MAX      64

struct procs_request fact_procs(struct fact_run *run);
/* True: it could not be had, and that was said.  `what` is "the table of sockets". */
bool fact_proc_failed(struct fact_run *run, const struct procs_trouble *trouble, const char *what);

/* "redis-server.service", of the deepest unit in its cgroup; "": none that could be restarted. */
void fact_proc_unit(const char *cgroup, char out[FACT_UNIT_MAX]);
/* The first twelve digits of the container's id, or its name; "": it is in none. */
void fact_proc_container(const char *cgroup, char out[FACT_CONTAINER_MAX]);
/* The name that `passwd` has for this number, else the number. */
void fact_proc_user(const char *passwd, size_t len, uint32_t uid, char out[FACT_USER_MAX]);
/* "/host/etc/passwd". */
void fact_host_path(const struct fact_run *run, const char *path, char out[FS_PATH_MAX]);
/* Is the host that is looked at this very one, and not one that is mounted somewhere? */
bool fact_is_own_host(const struct fact_run *run);

#endif
