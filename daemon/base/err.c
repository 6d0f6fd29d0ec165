/*
 * Filling error values.  A text that does not fit is cut; errno survives every call, so that a
 * caller may still look at it.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int
err_set(struct err *e, int code, const char *fmt, ...)
{
	char text[sizeof e->text];
	int saved = errno;
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap); /* not in place: the old text may be an argument */
	va_end(ap);
	str_copy(e->text, sizeof e->text, text);
	e->code = code;
	errno = saved;
	return -1;
}

/* "context: reason", the context cut first: the reason is what a reader cannot guess. */
static void
join(char *out, size_t size, const char *context, const char *reason)
{
	size_t tail = strlen(reason) + 2;
	size_t head = strlen(context);

	if (tail < size && head + tail >= size)
		head = str_utf8_cut(context, head, size - 1 - tail);
	snprintf(out, size, "%.*s: %s", (int)head, context, reason);
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	char context[sizeof e->text];
	int saved = errno;
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(context, sizeof context, fmt, ap);
	va_end(ap);
	char reason[128];
	join(e->text, sizeof e->text, context, strerror_r(saved, reason, sizeof reason));
	e->code = saved;
	errno = saved;
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char context[sizeof e->text], reason[sizeof e->text];
	int saved = errno;
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(context, sizeof context, fmt, ap);
	va_end(ap);
	str_copy(reason, sizeof reason, e->text);
	join(e->text, sizeof e->text, context, reason);
	errno = saved;
	return -1;
}
