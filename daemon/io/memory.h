/*
 * What the libraries do when there is no memory: as we do, they end the process (base/mem.h). Their
 * own way is to go on with something missing: a certificate, a field of a document, a watched
 * socket.
 */
#ifndef IO_MEMORY_H
#define IO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* First thing in main, before any of them has allocated.  curl and c-ares are told where they are
 * initialised, with the functions below.  False: somebody was earlier, and OpenSSL keeps its way.
 */
bool memory_claim_libraries(void);

/* The start is over: gives back what is free of the heap, and the pages of code and constants that
 * were read for it (tables of relocations, parsers, manuals).  What is used again costs a page
 * fault. */
void memory_settle(void);

/*
 * Now and then: what has grown since it was trimmed last, or since it was least, may be what a
 * storm left behind, mostly free and never asked for again.  Costs a file of /proc if nothing has
 * grown, else a few milliseconds.  `least_bytes` is the caller's to keep, 0 at first.
 */
void memory_trim_grown(double *least_bytes);

/* The question in that: by some megabytes, and by an eighth.  NAN: not known, so it has not. */
bool memory_has_grown(double *least_bytes, double now_bytes);

/* realloc() that is never refused; 0 bytes are one. */
void *memory_resize(void *p, size_t size);

#endif
