/*
 * ${…} inside scalars.  Reads files that the configuration names; never quotes what it read in an
 * error.
 */
#include "conf/interpolate.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

#define VALUE_MAX       (1024 * 1024)
#define SECRET_FILE_MAX (64 * 1024)
#define MISSING_MAX     8 /* names in one complaint */
#define NESTING_MAX     8 /* of defaults inside defaults */
/* Where systemd keeps those of our unit: for root who looks at the settings by hand. */
#define OUR_CREDENTIALS "/run/credentials/triaged.service"

struct expansion {
	const struct interpolate_env *env;
	struct buf *out;
	bool is_secret;
	unsigned depth;
	struct buf missing; /* "${A}, ${B}": names that nothing sets, all of them said at once */
	unsigned missing_count;
	struct err *e;
};

static int expand(struct expansion *x, const char *text, size_t len);

static size_t
name_length(const char *text, size_t len)
{
	size_t n = 0;
	while (n < len && (isalnum((unsigned char)text[n]) || text[n] == '_'))
		n++;
	return n > 0 && isdigit((unsigned char)text[0]) ? 0 : n;
}

size_t
interpolate_closing(const char *text, size_t at, size_t len)
{
	unsigned open = 1;
	for (; at < len; at++) {
		if (text[at] == '$' && at + 1 < len && text[at + 1] == '{')
			open++;
		else if (text[at] == '}' && --open == 0)
			return at;
	}
	return len;
}

static int
read_open_file(struct expansion *x, int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(x->e, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(x->e, 0, "%s is not a file", path);
	char *data = xmalloc(SECRET_FILE_MAX + 1);
	size_t len = 0;
	ssize_t got;
	while ((got = read(fd, data + len, SECRET_FILE_MAX + 1 - len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || (len += (size_t)got) > SECRET_FILE_MAX)
			break;
	}
	int result = 0;
	if (got < 0)
		result = err_sys(x->e, "cannot read %s", path);
	else if (len > SECRET_FILE_MAX)
		result = err_set(x->e, 0, "%s is larger than 64 KiB", path);
	else if (memchr(data, '\0', len) != NULL || !str_is_utf8(data, len))
		result = err_set(x->e, 0, "%s holds bytes that are not text", path);
	else
		buf_add(x->out, data, len - (len > 0 && data[len - 1] == '\n'));
	secret_wipe(data, SECRET_FILE_MAX + 1);
	free(data);
	return result;
}

static int
expand_file(struct expansion *x, const char *path)
{
	x->is_secret = true;
	if (path[0] != '/')
		return err_set(x->e, 0, "${file:%s} needs an absolute path", path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(x->e, "${file:%s} cannot be read", path);
	int result = read_open_file(x, fd, path);
	fd_close(&fd);
	return result;
}

static int
expand_credential(struct expansion *x, const char *name)
{
	x->is_secret = true;
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return err_set(x->e, 0, "${credential:%s} is not the name of a credential", name);
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *path = xasprintf("%s/%s", folder == NULL ? OUR_CREDENTIALS : folder, name);
	int result = 0;
	if (access(path, F_OK) == 0)
		result = expand_file(x, path);
	else if (errno == EACCES) /* by hand, or a service that has none at all */
		result = err_set(x->e, 0,
			"${credential:%s} is for root and the daemon alone: look as root; where "
			"the "
			"daemon says so, the line LoadCredential=%s:/path/of/the/secret is missing "
			"in its unit (systemctl edit triaged)",
			name, name);
	else
		result = err_set(x->e, 0,
			"${credential:%s} is no credential that systemd gave us: it needs the line "
			"LoadCredential=%s:/path/of/the/secret in the unit "
			"(systemctl edit triaged), and a restart",
			name, name);
	free(path);
	return result;
}

static void
note_missing(struct expansion *x, const char *name)
{
	char *written = xasprintf("${%s}", name);
	if (x->missing_count < MISSING_MAX && strstr(buf_text(&x->missing), written) == NULL) {
		buf_addf(&x->missing, "%s%s", x->missing_count > 0 ? ", " : "", written);
		x->missing_count++;
	}
	free(written);
}

static int
complain_missing(const struct expansion *x)
{
	const char *names = buf_text(&x->missing);
	int first = (int)strcspn(names, "}");
	bool is_one = x->missing_count == 1;
	return err_set(x->e, 0, "%s %s not set: set %s, or write %.*s:-default}", names,
		is_one ? "is" : "are", is_one ? "it" : "them", first, names);
}

/* `rest` is what stands between the name and the closing brace: nothing, or ":-default". */
static int
expand_name(struct expansion *x, const char *name, const char *rest, size_t rest_len)
{
	const char *value = getenv(name);
	if (value == NULL && x->env->env_file != NULL)
		value = map_get(x->env->env_file, name);
	bool has_default = rest_len >= 2;
	if (value != NULL && (*value != '\0' || !has_default)) {
		buf_add_text(x->out, value);
		return 0;
	}
	if (has_default)
		return expand(x, rest + 2, rest_len - 2);
	note_missing(x, name);
	return 0;
}

/* The inside of one ${…}. */
static int
expand_one(struct expansion *x, const char *inside, size_t len)
{
	char *copy = xstrndup(inside, len);
	size_t name_len = name_length(copy, len);
	int result;
	if (str_starts(copy, "file:")) {
		result = expand_file(x, copy + strlen("file:"));
	} else if (str_starts(copy, "credential:")) {
		result = expand_credential(x, copy + strlen("credential:"));
	} else if (name_len > 0 && (name_len == len || str_starts(copy + name_len, ":-"))) {
		char *name = xstrndup(copy, name_len);
		result = expand_name(x, name, copy + name_len, len - name_len);
		free(name);
	} else {
		result = err_set(x->e, 0,
			"\"${%.60s}\" is none of ${NAME}, ${NAME:-default}, ${file:/path}, "
			"${credential:name}; write $${ for a literal ${",
			copy);
	}
	free(copy);
	return result;
}

static int
expand(struct expansion *x, const char *text, size_t len)
{
	if (++x->depth > NESTING_MAX)
		return err_set(x->e, 0, "${ is nested too deeply");
	for (size_t at = 0; at < len;) {
		if (len - at >= 3 && memcmp(text + at, "$${", 3) == 0) {
			buf_add_text(x->out, "${");
			at += 3;
		} else if (len - at >= 2 && memcmp(text + at, "${", 2) == 0) {
			size_t end = interpolate_closing(text, at + 2, len);
			if (end == len)
				return err_set(x->e, 0,
					"\"${\" is never closed; write $${ for a literal ${");
			if (expand_one(x, text + at + 2, end - at - 2) != 0)
				return -1;
			at = end + 1;
		} else {
			buf_add(x->out, text + at++, 1);
		}
	}
	x->depth--;
	return 0;
}

char *
interpolate(const char *text, const struct interpolate_env *env, bool *is_secret, struct err *e)
{
	struct buf out;
	buf_init(&out, VALUE_MAX);
	struct expansion x = { .env = env, .out = &out, .e = e };
	buf_init(&x.missing, 0);
	int result = expand(&x, text, strlen(text));
	if (result == 0 && x.missing_count > 0)
		result = complain_missing(&x);
	buf_fini(&x.missing);
	if (result == 0 && out.is_over)
		result = err_set(e, 0, "the value is longer than 1 MB");
	if (result != 0) {
		buf_fini(&out);
		return NULL;
	}
	*is_secret = x.is_secret;
	return buf_take_text(&out);
}
