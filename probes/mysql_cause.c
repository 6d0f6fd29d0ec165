/* The error numbers that mean something to an operator.  Both families share most of them. */
#include "probes/mysql_cause.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct meaning {
	unsigned number;
	const char *cause;
} meanings[] = {
	{ 1021, "my.disk-full" }, /* disk full, waiting for somebody to free space */
	{ 1040, "my.too-many" },
	{ 1044, "my.no-db" }, /* no right on it, or (for an ordinary user) no such database */
	{ 1045, "my.auth" }, { 1049, "my.no-db" }, { 1053, "my.shutting-down" },
	{ 1114, "my.disk-full" }, /* the table is full */
	{ 1129, "my.blocked" }, { 1130, "my.host" },
	{ 1142, "my.no-grant" }, /* command denied on a table */
	{ 1143, "my.no-grant" }, /* on a column */
	{ 1146, "my.no-table" }, { 1203, "my.user-limit" }, { 1226, "my.user-limit" },
	{ 1227, "my.no-grant" }, { 1251, "my.auth-plugin" },
	{ 1275, "my.auth-plugin" },                       /* the account has a hash of before 4.1 */
	{ 1290, "my.readonly" }, { 1370, "my.no-grant" }, /* on a routine */
	{ 1524, "my.auth-plugin" },                       /* not loaded in the server */
	{ 1698, "my.auth" },                              /* without a password */
	{ 1820, "my.auth" },                              /* the password must be changed first */
	{ 1836, "my.readonly" }, { 1862, "my.auth" },     /* the password expired */
	{ 1927, "my.shutting-down" },                     /* MariaDB: connection was killed */
	{ 2059, "my.auth-plugin" }, { 3118, "my.auth" },  /* MySQL: the account is locked */
	{ 3159, "my.tls" },                               /* require_secure_transport */
	{ 3169, "my.shutting-down" },                     /* MySQL: session was killed */
	{ 3955, "my.auth" }, /* MySQL: locked for too many wrong passwords */
	{ 4151, "my.auth" }, /* MariaDB: the account is locked */
};

static int
compare(const void *key, const void *row)
{
	unsigned number = *(const unsigned *)key, other = ((const struct meaning *)row)->number;

	return number < other ? -1 : number > other;
}

/* Errors of files carry the system's own number in their text. */
static bool
is_disk_full(const char *text)
{
	return strstr(text, "rrcode: 28") != NULL || strstr(text, "rrno: 28") != NULL ||
	       strstr(text, "rrno = 28") != NULL || strstr(text, "No space left on device") != NULL;
}

const char *
mysql_cause(const struct mysql_error *error)
{
	const struct meaning *found = bsearch(&error->number, meanings,
		sizeof(meanings) / sizeof(meanings[0]), sizeof(meanings[0]), compare);

	if (found != NULL)
		return found->cause;
	return is_disk_full(error->text) ? "my.disk-full" : "my.error";
}

bool
mysql_is_denied(const struct mysql_error *error)
{
	return str_eq(mysql_cause(error), "my.no-grant") || error->number == 1044;
}

bool
mysql_is_final(const struct mysql_error *error)
{
	return str_eq(mysql_cause(error), "my.shutting-down") || error->number == 4031 ||
	       str_starts(error->state, "08");
}
