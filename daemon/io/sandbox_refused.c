/*
 * A ring of what was refused lately, one for the process as its sandbox is: the sandbox's thread
 * writes, the loops read.  An entry's time tells a command from an earlier one of the same number.
 */
#include "io/sandbox_refused.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/sandbox_filter.h"

#define ENTRIES_MAX 128

static struct entry {
	pid_t session; /* 0: none */
	usec_t at_us;
	char call[SANDBOX_CALL_MAX];
} entries[ENTRIES_MAX];
static size_t next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

usec_t
sandbox_refused_now(void)
{
	struct clock clock;

	clock_init_real(&clock);
	return clock_mono(&clock);
}

/* A command that tries again and again takes one place. */
static struct entry *
place_of(pid_t session, const char *call)
{
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		if (entries[i].session == session && str_eq(entries[i].call, call))
			return &entries[i];
	next = (next + 1) % ENTRIES_MAX;
	return &entries[next];
}

void
sandbox_refused_note(pid_t session, const char *call)
{
	struct entry *entry;

	if (session <= 0)
		return;
	pthread_mutex_lock(&lock);
	entry = place_of(session, call);
	entry->session = session;
	entry->at_us = sandbox_refused_now();
	str_copy(entry->call, sizeof(entry->call), call);
	pthread_mutex_unlock(&lock);
}

bool
sandbox_refused_list(pid_t session, usec_t since_us, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	if (session <= 0)
		return false;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ENTRIES_MAX && len + SANDBOX_CALL_MAX + 2 < size; i++) {
		if (entries[i].session != session || entries[i].at_us < since_us)
			continue;
		snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", entries[i].call);
		len += strlen(out + len);
	}
	pthread_mutex_unlock(&lock);
	return len > 0;
}
