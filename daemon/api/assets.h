/*
 * The dashboard as the build bundled it: a table of files, each also gzipped.  contrib/ui.sh makes
 * the table; without esbuild or npm it holds one page that says so.
 */
#ifndef API_ASSETS_H
#define API_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct asset {
	const char *name;  /* "index.html"; NULL closes the table */
	const char *type;  /* media type */
	const char *tag;   /* of its bytes */
	bool is_immutable; /* its name changes with its bytes */
	const unsigned char *plain;
	size_t plain_len;
	const unsigned char *packed; /* gzip */
	size_t packed_len;
};

extern const struct asset asset_table[];
extern const bool asset_has_dashboard;

#endif
