/* Randomness: identifiers that must not be guessed or repeat, and jitter. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *out, size_t len);  /* getrandom; ends the process if the kernel refuses */
uint64_t rand_below(uint64_t limit);     /* uniform in [0, limit); 0 for limit 0 */
void rand_hex(char *out, size_t digits); /* writes digits + NUL */
void rand_base62(char *out, size_t digits);

#endif
