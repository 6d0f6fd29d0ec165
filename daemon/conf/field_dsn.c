/* A setting that is a data source name: its check, what of it may be shown, what must be masked. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/dsn.h"
#include "conf/field.h"

/* Parameters of drivers whose value is a password too. */
static const char *const secret_params[] = { "password", "sslpassword", "passwd", "pass" };

int
field_dsn_check(const struct conf_field *field, const char *text, struct err *e)
{
	struct dsn dsn;

	if (dsn_parse(&dsn, field->dsn, text, e) < 0)
		return -1;
	dsn_fini(&dsn);
	return 0;
}

char *
field_dsn_masked(const struct conf_field *field, const char *text)
{
	struct dsn dsn;
	char *masked;

	if (dsn_parse(&dsn, field->dsn, text, NULL) < 0)
		return xstrdup(SECRET_MASK);
	masked = dsn_masked(&dsn);
	dsn_fini(&dsn);
	return masked;
}

void
field_dsn_secrets(const struct conf_field *field, const char *text, struct secret_set *set)
{
	struct dsn dsn;

	if (dsn_parse(&dsn, field->dsn, text, NULL) < 0)
		return;
	if (dsn.password != NULL)
		secret_set_add(set, dsn.password);
	for (size_t i = 0; i < sizeof(secret_params) / sizeof(secret_params[0]); i++) {
		const char *value = dsn_param(&dsn, secret_params[i]);

		if (value != NULL)
			secret_set_add(set, value);
	}
	dsn_fini(&dsn);
}
