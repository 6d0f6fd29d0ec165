/*
 * Secrets: values that configuration marked as such are registered here once, and every text that
 * leaves the process (log, evidence, API, messages) can be passed through secret_mask.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MASK "***"

struct secret_set;

struct secret_set *secret_set_new(void);
void secret_set_free(struct secret_set *set); /* wipes */
/* Also as it stands in JSON, and with its %XX decoded: so it comes back in answers.  Texts shorter
 * than 4 bytes are not registered: masking them would shred every message. */
void secret_set_add(struct secret_set *set, const char *secret);
/* Replaces, in place, every registered secret found in `text` by SECRET_MASK (never grows). */
void secret_mask(const struct secret_set *set, char *text);
/* The same of a text that was cut to fit into `size` bytes: if that is nearly full, the beginning
 * of a secret at its end is masked too. */
void secret_mask_cut(const struct secret_set *set, char *text, size_t size);

/* The value of the next query parameter at or behind `at` whose name is a credential's (token, key,
 * sig, password...); NULL: none.  Begin with the "?" of a URL, go on behind the value. */
const char *secret_in_query(const char *at, size_t *len);

void secret_wipe(void *p, size_t len);
bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len); /* constant time */

#endif
