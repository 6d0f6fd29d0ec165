/*
 * The settings rows of whoever speaks TLS, so that they read the same everywhere.  The struct of
 * the settings has the members `char *ca, *cert, *key; bool is_verified;` as far as it uses the
 * rows.
 */
#ifndef PROBES_TLS_ROWS_H
#define PROBES_TLS_ROWS_H

#include "conf/schema.h"

/* clang-format off */
#define TLS_CA_ROW(T) \
	{ .name = "ca", PATH_AT(T, ca), \
		.doc = "PEM file with the authorities to trust. Default: the system's." }

#define TLS_CERT_ROWS(T) \
	{ .name = "cert", PATH_AT(T, cert), .doc = "PEM file with a client certificate." }, \
	{ .name = "key", PATH_AT(T, key), \
		.doc = "PEM file with its key. Default: the same file as `cert`." }

#define TLS_VERIFY_ROW(T) \
	{ .name = "verify", BOOL_AT(T, is_verified), .dflt = "true", \
		.doc = "Off: any certificate will do, and every report says so." }
/* clang-format on */

#endif
