/* The grammar of sqlite data source names. */
#include "conf/dsn.h"

int
dsn_sqlite_parse(struct dsn *dsn, const char *text, struct err *e)
{
	(void)dsn;
	return err_set(e, 1, "cannot read \"%.10s\"", text);
}
