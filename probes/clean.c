/* Makes a text fit to be shown.  Pure. */
#include "probes/clean.h"

#include <string.h>

#include "base/credential.h"
#include "base/str.h"

#define MARGIN 8 /* nearer to the end than this it was cut: a character is up to four bytes */

/* Those of the settings, and what looks like one. */
static void
mask(const struct secret_set *secrets, char *text, size_t size)
{
	if (secrets != NULL)
		secret_mask(secrets, text);
	credential_mask(text, size);
}

/* What does not fit is masked before it is cut: the first half of a secret is none that could be
 * found. */
void
clean_text(const struct secret_set *secrets, char *out, size_t size, const char *raw)
{
	char whole[CLEAN_RAW_MAX];

	str_printable(out, size, raw, strlen(raw));
	if (strlen(out) + MARGIN >= size) {
		str_printable(whole, sizeof(whole), raw, strlen(raw));
		mask(secrets, whole, sizeof(whole));
		str_printable(out, size, whole, strlen(whole));
	}
	mask(secrets, out, size);
}
