/* Makes a text fit to be shown.  Pure. */
#include "probes/clean.h"

#include <string.h>

#include "base/str.h"

#define MARGIN 8 /* nearer to the end than this it was cut: a character is up to four bytes */

/* What does not fit is masked before it is cut: the first half of a secret is none that could be
 * found. */
void
clean_text(const struct secret_set *secrets, char *out, size_t size, const char *raw)
{
	char whole[CLEAN_RAW_MAX];

	str_printable(out, size, raw, strlen(raw));
	if (secrets == NULL)
		return;
	if (strlen(out) + MARGIN >= size) {
		str_printable(whole, sizeof(whole), raw, strlen(raw));
		secret_mask(secrets, whole);
		str_printable(out, size, whole, strlen(whole));
	}
	secret_mask(secrets, out);
}
