/* Writes and looks over what `init` and `import` make. */
#include "cli/new_config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "conf/complain.h"
#include "io/tls.h"
#include "rules/expr.h"
#include "setup/settings.h"

/* Half a file is taken away again. */
static int
write_new(const char *path, const struct buf *text, mode_t mode, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	const char *at = buf_text(text);
	size_t left = buf_left(text);

	if (fd < 0)
		return err_sys(e, "cannot write %s", path);
	while (left > 0) {
		ssize_t put = write(fd, at, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			err_sys(e, "cannot write %s", path);
			fd_close(&fd);
			unlink(path);
			return -1;
		}
		at += put;
		left -= (size_t)put;
	}
	fd_close(&fd);
	return 0;
}

int
new_config_write(const struct new_config *config, struct err *e)
{
	if (write_new(config->path, config->text, 0644, e) != 0)
		return -1;
	if (config->values == NULL || write_new(config->values_path, config->values, 0600, e) == 0)
		return 0;
	unlink(config->path);
	return -1;
}

unsigned
new_config_look_over(const char *path, char **said)
{
	struct complaints *complaints = complaints_new();
	struct tls_pool *tls = tls_pool_new();
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct settings *settings = settings_load(path, &context, complaints);
	unsigned errors = complaints_errors(complaints);
	struct buf words;

	buf_init(&words, 0);
	complaints_print(complaints, &words);
	*said = buf_take_text(&words);
	if (settings != NULL)
		settings_unref(settings);
	complaints_free(complaints);
	tls_pool_free(tls);
	return errors;
}
