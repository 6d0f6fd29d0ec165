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

/* realloc() that is never refused; 0 bytes are one. */
void *memory_resize(void *p, size_t size);

#endif
