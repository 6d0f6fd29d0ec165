/*
 * Allocation that is never refused.  The last words are written without stdio: there is no memory
 * left to format with.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void
mem_end(void)
{
	static const char text[] = "triaged: out of memory, ending\n";

	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(71);
	_exit(71);
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		mem_end();
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		mem_end();
	return p;
}

void *
xreallocarray(void *p, size_t count, size_t size)
{
	void *q = reallocarray(p, count ? count : 1, size ? size : 1);

	if (!q)
		mem_end();
	return q;
}

char *
xstrdup(const char *s)
{
	return s ? xstrndup(s, strlen(s)) : NULL;
}

char *
xstrndup(const char *s, size_t len)
{
	size_t n = strnlen(s, len);
	char *copy = xmalloc(n + 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
xasprintf(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		mem_end();
	va_end(ap);
	return text;
}

void
xstrset(char **slot, const char *s)
{
	char *copy = xstrdup(s); /* first: s may point into *slot */

	free(*slot);
	*slot = copy;
}

void
mem_trim(void)
{
	malloc_trim(0);
}
