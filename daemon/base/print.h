/*
 * printf for texts that are made again and again: what each check says, each time it runs.  What it
 * makes is what vsnprintf makes.
 */
#ifndef BASE_PRINT_H
#define BASE_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* Puts plain %s, %d, %u and %zu itself, and leaves every other format to vsnprintf. */
void print_args(char *out, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
void print_text(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The digits of a number at `out`, which has room for 20; where they end. */
char *print_digits(char *out, unsigned long number);

#endif
