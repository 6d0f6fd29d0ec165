/*
 * Whatever waits in the process that this is loaded into is interrupted (EINTR) by SIGUSR1, in
 * whichever thread it is sent to: it has a handler that does nothing, and nobody can block it. What
 * that process starts is left alone.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

static void
on_prick(int signo)
{
	(void)signo;
}

static void __attribute__((constructor)) begin(void)
{
	struct sigaction action = { .sa_handler = on_prick }; /* no SA_RESTART */

	sigaction(SIGUSR1, &action, NULL);
	unsetenv("LD_PRELOAD");
}

int
pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
	__typeof__(&pthread_sigmask) next = (__typeof__(next))dlsym(RTLD_NEXT, "pthread_sigmask");
	sigset_t open;

	if (set == NULL || how == SIG_UNBLOCK)
		return next(how, set, before);
	open = *set;
	sigdelset(&open, SIGUSR1);
	return next(how, &open, before);
}
