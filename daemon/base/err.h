/*
 * Errors are values: filled by the callee, wrapped with context on the way up, and logged once, by
 * whoever decides what to do about them.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	int code; /* an errno, or 0 where none applies */
	char text[512];
};

/* All three return -1, so that `return err_set(e, ...)` reads well.  `e` may be NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
