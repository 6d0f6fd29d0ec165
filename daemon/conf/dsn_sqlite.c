/*
 * The grammar of SQLite data source names: a file, and perhaps parameters of a driver.
 *
 *	/data/one-api.db?_busy_timeout=30000     Go's drivers: the file ends at the first "?"
 *	file:/data/app.db?mode=ro                SQLite's own URIs, percent-encoded
 *	sqlite:///data/app.db, sqlite:/data/app.db
 *
 * Relative paths stay relative: whoever asks knows the folder, or does not.
 */
#include "conf/dsn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define PATH_BYTES_MAX 4095

/* Past "file:" and an authority that means this host. */
static const char *
skip_authority(const char *rest)
{
	if (str_starts(rest, "//localhost/"))
		return rest + strlen("//localhost");
	if (rest[0] == '/' && rest[1] == '/')
		rest += 2;
	/* "sqlite:////data/x": the fourth slash is SQLAlchemy's way to say absolute */
	while (rest[0] == '/' && rest[1] == '/')
		rest++;
	return rest;
}

static int
take_params(struct dsn *dsn, const char *text, const char *from, struct err *e)
{
	while (*from != '\0') {
		const char *to = from + 1 + strcspn(from + 1, "&");
		const char *equals = memchr(from, '=', (size_t)(to - from));
		char *name = dsn_decode(from + 1, equals != NULL ? equals : to);
		char *value = dsn_decode(equals != NULL ? equals + 1 : to, to);
		bool is_good = name != NULL && value != NULL;

		if (is_good && name[0] != '\0')
			dsn_add_param(dsn, name, value);
		free(name);
		free(value);
		if (!is_good)
			return err_set(
				e, (int)(from - text) + 2, "a parameter has a bad %%-escape");
		from = to;
	}
	return 0;
}

int
dsn_sqlite_parse(struct dsn *dsn, const char *text, struct err *e)
{
	bool is_uri = str_starts(text, "file:"), is_named = str_starts(text, "sqlite:");
	const char *from = text, *to;

	if (is_named && str_eq(text, "sqlite://"))
		return err_set(e, (int)strlen(text) + 1, "a file is missing");
	if (is_uri || is_named)
		from = skip_authority(strchr(text, ':') + 1);
	to = from + strcspn(from, "?");
	if (to == from)
		return err_set(e, (int)(from - text) + 1,
			"a file is missing; write its path, such as /data/app.db");
	if (!is_uri && !is_named && strstr(text, "://") != NULL && strstr(text, "://") < to)
		return err_set(e, 1, "this is a URL, not the path of a SQLite file");
	if (str_starts(from, ":memory:"))
		return err_set(e, (int)(from - text) + 1,
			"a database in memory belongs to its process alone; name a file");
	dsn->database = is_uri ? dsn_decode(from, to) : xstrndup(from, (size_t)(to - from));
	if (dsn->database == NULL)
		return err_set(e, (int)(from - text) + 1, "the path has a bad %%-escape");
	if (strlen(dsn->database) > PATH_BYTES_MAX)
		return err_set(e, (int)(from - text) + 1, "the path is longer than %d bytes",
			PATH_BYTES_MAX);
	return take_params(dsn, text, to, e);
}
