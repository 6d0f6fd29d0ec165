/*
 * What this process gives up for good once its settings are known: new privileges, cores of its
 * memory, and system calls that neither it nor its helpers nor the commands of checks should need.
 * All of it is inherited by every child.  A refused call fails with EPERM, and is said once for
 * each program and call; nobody is killed for it.
 */
#ifndef IO_SANDBOX_H
#define IO_SANDBOX_H

struct sandbox;

/* Before there is any thread.  Never fails: what could not be had is in its words. */
struct sandbox *sandbox_enter(void);
/* Begins to answer refused calls, in a thread of its own: they wait until then.  NULL is fine. */
void sandbox_watch(struct sandbox *sandbox);
void sandbox_free(struct sandbox *sandbox); /* refused calls are then ENOSYS; NULL is fine */
/* What holds, and what does not and why; NULL: "off". */
const char *sandbox_words(const struct sandbox *sandbox);

/* For a helper that reads what others wrote: besides, it may start no program and serve nobody. */
void sandbox_narrow(void);

#endif
