/*
 * Chooses the probe for a text.  A scheme decides; then the types' own `takes` (libpq's keywords,
 * Go's user@tcp(host)/db); then the file system: a folder is a disk's, an SQLite file a database.
 */
#include "cli/target.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

static const struct probe_type *
type_of_scheme(const char *text)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; probe_table[i] != NULL; i++) {
		const char *const *scheme = probe_table[i]->schemes;

		for (; scheme != NULL && *scheme != NULL; scheme++)
			if (text[len] == ':' && strlen(*scheme) == len &&
				strncmp(*scheme, text, len) == 0)
				return probe_table[i];
	}
	return NULL;
}

static const struct probe_type *
type_that_takes(const char *text)
{
	for (size_t i = 0; probe_table[i] != NULL; i++)
		if (probe_table[i]->takes != NULL && probe_table[i]->takes(text))
			return probe_table[i];
	return NULL;
}

static bool
is_path(const char *text)
{
	return text[0] == '/' || str_starts(text, "./") || str_starts(text, "../");
}

/* Without what may follow the name of a database file: ?_busy_timeout=30000. */
static char *
absolute(const char *text)
{
	char here[PATH_MAX], *out;
	size_t len = strcspn(text, "?");

	if (text[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return xstrndup(text, len);
	out = xasprintf("%s/%.*s", here, (int)len, text);
	return out;
}

static bool
is_sqlite(const char *path)
{
	static const char mark[] = "SQLite format 3";
	char head[sizeof(mark)];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	return got == (ssize_t)sizeof(head) && memcmp(head, mark, sizeof(mark)) == 0;
}

/* What lies there decides; what is not there may become a file. */
static const char *
type_of_path(const char *path)
{
	struct stat st;

	if (str_ends(path, ".db") || str_ends(path, ".sqlite") || str_ends(path, ".sqlite3"))
		return "sqlite";
	if (stat(path, &st) != 0)
		return "file";
	if (S_ISDIR(st.st_mode))
		return "disk";
	if (S_ISSOCK(st.st_mode))
		return "tcp";
	return S_ISREG(st.st_mode) && is_sqlite(path) ? "sqlite" : "file";
}

bool
target_is(const char *text)
{
	return strstr(text, "://") != NULL || is_path(text) || type_of_scheme(text) != NULL ||
	       type_that_takes(text) != NULL;
}

/* "dns://, http://, https:// and tcp://" */
static void
add_schemes(struct buf *out)
{
	const char *all[64];
	size_t count = 0;

	for (size_t i = 0; probe_table[i] != NULL; i++) {
		const char *const *scheme = probe_table[i]->schemes;

		for (; scheme != NULL && *scheme != NULL; scheme++)
			if (count < sizeof(all) / sizeof(all[0]))
				all[count++] = *scheme;
	}
	for (size_t i = 0; i < count; i++) {
		const char *between = i == 0 ? "" : i + 1 == count ? " and " : ", ";

		buf_addf(out, "%s%s://", between, all[i]);
	}
}

static int
refuse(const char *text, struct err *e)
{
	struct buf schemes;

	buf_init(&schemes, 0);
	add_schemes(&schemes);
	err_set(e, 0, "no probe speaks %.*s://; there are %s", (int)strcspn(text, ":"), text,
		buf_text(&schemes));
	buf_fini(&schemes);
	return -1;
}

/* The type that the user named: it must have a key for the text, if there is one. */
static int
find_named(struct target *target, const char *text, const char *name, struct err *e)
{
	const char *names[64];
	const char *near;
	size_t count = 0;

	for (; count < sizeof(names) / sizeof(names[0]) && probe_table[count] != NULL; count++)
		names[count] = probe_table[count]->name;
	target->type = probe_find(name);
	near = target->type == NULL ? str_nearest(name, names, count) : NULL;
	if (target->type == NULL)
		return err_set(e, 0, "no probe is called \"%.60s\"%s%s%s", name,
			near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
			near != NULL ? "\"?" : "");
	if (text == NULL)
		return 0;
	if (target->type->url_key == NULL)
		return err_set(e, 0, "%s needs no target: `triage probe --type %s`", name, name);
	target->text = is_path(text) ? absolute(text) : xstrdup(text);
	return 0;
}

int
target_find(struct target *target, const char *text, const char *type, struct err *e)
{
	*target = (struct target){ .type = NULL };
	if (type != NULL)
		return find_named(target, text, type, e);
	target->type = type_of_scheme(text);
	if (target->type == NULL)
		target->type = type_that_takes(text);
	if (target->type != NULL) {
		target->text = xstrdup(text);
		return 0;
	}
	if (!is_path(text))
		return refuse(text, e);
	target->text = absolute(text);
	target->type = probe_find(type_of_path(target->text));
	if (target->type != NULL)
		return 0;
	target_fini(target);
	return refuse(text, e);
}

void
target_fini(struct target *target)
{
	free(target->text);
	target->text = NULL;
}

static bool
has_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t digits = colon == NULL ? 0 : strspn(colon + 1, "0123456789");

	return colon != text && digits > 0 && digits <= 5 && colon[1 + digits] == '\0';
}

bool
target_suggest(const char *name, char *out, size_t size)
{
	const char *slash = strchr(name, '/'), *bracket = strchr(name, '[');

	if (has_port(name))
		snprintf(out, size, "did you mean tcp://%s?", name);
	else if (slash != NULL && slash != name && (bracket == NULL || bracket == name))
		snprintf(out, size, "did you mean http://%s?", name);
	else
		return false;
	return true;
}
