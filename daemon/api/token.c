/*
 * The token file.  A file that others could read or that was cut short by a crash is not trusted:
 * it is made anew.
 */
#include "api/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "base/secret.h"

#define TOKEN_DIGITS 32
#define TOKEN_MIN    16

/* 0: read; 1: there is none that can be used; -1: error. */
static int
read_token(char out[TOKEN_MAX], const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char text[TOKEN_MAX];
	struct stat st;
	ssize_t len;

	if (fd == -1)
		return errno == ENOENT || errno == ELOOP ? 1 : err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		(st.st_mode & 077) != 0) {
		fd_close(&fd);
		return 1;
	}
	len = read(fd, text, sizeof(text) - 1);
	if (len == -1)
		err_sys(e, "%s", path);
	fd_close(&fd);
	if (len == -1)
		return -1;
	text[len] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (strlen(text) < TOKEN_MIN)
		return 1;
	memcpy(out, text, strlen(text) + 1);
	secret_wipe(text, sizeof(text));
	return 0;
}

static int
write_token(const char *token, const char *path, struct err *e)
{
	char line[TOKEN_DIGITS + 2];
	int fd, len;

	if (unlink(path) == -1 && errno != ENOENT)
		return err_sys(e, "%s", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(e, "%s", path);
	len = snprintf(line, sizeof(line), "%s\n", token);
	if (write(fd, line, (size_t)len) != len) {
		err_sys(e, "%s", path);
		fd_close(&fd);
		unlink(path);
		return -1;
	}
	fd_close(&fd);
	secret_wipe(line, sizeof(line));
	return 0;
}

int
token_load(char out[TOKEN_MAX], const char *state_dir, struct err *e)
{
	char path[4096], made[TOKEN_DIGITS + 1];
	int got;

	if ((size_t)snprintf(path, sizeof(path), "%s/token", state_dir) >= sizeof(path))
		return err_set(e, ENAMETOOLONG, "%s/token: the path is too long", state_dir);
	got = read_token(out, path, e);
	if (got != 1)
		return got;
	rand_base62(made, TOKEN_DIGITS);
	if (write_token(made, path, e) == -1)
		return err_wrap(e, "cannot make the API's token");
	memcpy(out, made, sizeof(made));
	secret_wipe(made, sizeof(made));
	return 0;
}
