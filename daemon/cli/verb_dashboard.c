/*
 * `triage dashboard`: prints the link that opens the dashboard, logged in.  The token stands behind
 * the '#', which browsers send to nobody.  `--open` hands it to the desktop in a private file: a
 * command line is seen by every user of this host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "cli/answer.h"
#include "cli/client.h"

#define TOKEN_SIZE 256

struct link {
	char *base;             /* "http://127.0.0.1:8421", without a slash at the end */
	char token[TOKEN_SIZE]; /* "": the page only reads */
	struct err why;         /* that there is no token */
};

/* ---- where ---- */

static void
cut_slashes(char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		url[--len] = '\0';
}

/* "Every address" is none that a browser could open. */
static char *
name_wildcard(const char *url)
{
	static const char *const wild[][2] = {
		{ "http://0.0.0.0:", "http://127.0.0.1:" },
		{ "http://[::]:", "http://[::1]:" },
	};

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		if (str_starts(url, wild[i][0]))
			return xasprintf("%s%s", wild[i][1], url + strlen(wild[i][0]));
	return xstrdup(url);
}

/* The name for people, else the first address over TCP; NULL: there is none. */
static char *
find_base(const struct cli *cli, const json_t *status)
{
	const char *public_url = answer_text(status, "public_url");
	const json_t *one;
	size_t i;

	if (cli->url != NULL && str_starts(cli->url, "http"))
		return xstrdup(cli->url);
	if (*public_url != '\0')
		return xstrdup(public_url);
	json_array_foreach(json_object_get(status, "listening"), i, one)
	{
		const char *text = json_string_value(one);

		if (text != NULL && str_starts(text, "http://"))
			return name_wildcard(text);
	}
	return NULL;
}

/* ---- the token ---- */

static void
explain_no_token(struct link *link, const char *path)
{
	if (*path == '\0')
		err_set(&link->why, 0,
			"its token is api.token of the settings: give it with --token-file FILE or "
			"in $TRIAGE_TOKEN");
	else if (access(path, F_OK) == -1 && errno == ENOENT)
		err_set(&link->why, 0,
			"%s is not on this host: give the token with --token-file FILE or in "
			"$TRIAGE_TOKEN",
			path);
	else
		err_set(&link->why, 0,
			"only root and the daemon's user may read %s: sudo triage dashboard", path);
}

/* -1: the file that was named has none. */
static int
find_token(struct link *link, const struct cli *cli, const json_t *status, struct err *e)
{
	const char *given = getenv("TRIAGE_TOKEN"), *path = answer_text(status, "token_path");

	if (cli->token_file != NULL)
		return client_read_token(cli->token_file, link->token, sizeof(link->token), e);
	if (given != NULL && *given != '\0')
		str_copy(link->token, sizeof(link->token), given);
	else if (*path == '\0' ||
		 client_read_token(path, link->token, sizeof(link->token), NULL) == -1)
		explain_no_token(link, path);
	return 0;
}

/* ---- telling ---- */

static char *
link_text(const struct link *link)
{
	if (link->token[0] == '\0')
		return xasprintf("%s/", link->base);
	return xasprintf("%s/#token=%s", link->base, link->token);
}

static void
print_json(const struct link *link, const char *text)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "url", json_string(text));
	json_object_set_new(doc, "can_write", json_boolean(link->token[0] != '\0'));
	answer_print_json(doc);
	json_decref(doc);
}

static void
print_words(const struct link *link, const char *text)
{
	bool is_far = getenv("SSH_CONNECTION") != NULL;
	const char *port = strrchr(link->base, ':');

	puts(text);
	if (link->token[0] == '\0')
		fprintf(stderr, "triage: the page can read, not write: %s\n", link->why.text);
	if (is_far && port != NULL && strstr(link->base, "127.0.0.1") != NULL)
		fprintf(stderr,
			"triage: from your own computer: ssh -L %s:127.0.0.1:%s THIS-HOST, then "
			"open it there\n",
			port + 1, port + 1);
}

/* ---- --open ---- */

/* A page of one line, for this user alone, in the folder that goes with the login. */
static int
write_page(const char *path, const char *url, struct err *e)
{
	int fd;
	char *page;
	ssize_t len;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(e, "%s", path);
	page = xasprintf(
		"<!doctype html><meta http-equiv=\"refresh\" content=\"0;url=%s\">\n", url);
	len = write(fd, page, strlen(page));
	fd_close(&fd);
	free(page);
	return len == -1 ? err_sys(e, "%s", path) : 0;
}

static int
run_desktop(const char *path, struct err *e)
{
	int status;
	pid_t pid = fork();

	if (pid == -1)
		return err_sys(e, "fork");
	if (pid == 0) {
		execlp("xdg-open", "xdg-open", path, (char *)NULL);
		_exit(errno == ENOENT ? 127 : 126);
	}
	if (waitpid(pid, &status, 0) == -1)
		return err_sys(e, "xdg-open");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e, 0, "there is no xdg-open on this host: open the link yourself");
	return err_set(e, 0, "xdg-open failed: open the link yourself");
}

static int
open_page(const char *url, struct err *e)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	char *path;
	int result;

	if (folder == NULL || *folder != '/')
		return err_set(e, 0,
			"--open needs a desktop's login ($XDG_RUNTIME_DIR): open the link "
			"yourself");
	path = xasprintf("%s/triage-dashboard.html", folder);
	result = write_page(path, url, e);
	if (result == 0)
		result = run_desktop(path, e);
	free(path);
	return result;
}

/* ---- the verb ---- */

static int
show(const struct cli *cli, const struct link *link)
{
	char *text = link_text(link);
	struct err e;
	int result = EXIT_FINE;

	if (cli->is_json)
		print_json(link, text);
	else
		print_words(link, text);
	if (cli_has(cli, "open") && open_page(text, &e) == -1)
		result = answer_fail(&e);
	secret_wipe(text, strlen(text));
	free(text);
	return result;
}

static int
run(struct cli *cli)
{
	struct client *client = client_new(cli);
	struct link link = { .base = NULL };
	struct err e;
	json_t *status = client_get(client, "/api/v1/status", &e);
	int result;

	client_free(client);
	if (status == NULL)
		return answer_fail(&e);
	link.base = find_base(cli, status);
	if (link.base == NULL) {
		err_set(&e, 0,
			"the daemon listens on no TCP address, and a browser needs one: set "
			"`api: {listen: 127.0.0.1:8421}` in %s, then: triage reload",
			answer_text(status, "config_path"));
		result = answer_fail(&e);
	} else if (find_token(&link, cli, status, &e) == -1) {
		answer_fail(&e);
		result = EXIT_USAGE;
	} else {
		cut_slashes(link.base);
		result = show(cli, &link);
	}
	json_decref(status);
	secret_wipe(link.token, sizeof(link.token));
	free(link.base);
	return result;
}

static const struct cli_option options[] = {
	{ .name = "open", .doc = "open it in the desktop's browser, too" },
	{ .name = NULL },
};

static const struct cli_example examples[] = {
	{ "triage dashboard", "the link" },
	{ "sudo triage dashboard", "where only root may read the token" },
	{ .command = NULL },
};

const struct cli_verb verb_dashboard = {
	.name = "dashboard",
	.usage = "",
	.summary = "print the link that opens the dashboard, logged in",
	.detail = "The token stands behind the # of the link: it stays in the browser, which sends "
		  "it with what you do there. Whoever has the link may acknowledge, silence and "
		  "reload.",
	.options = options,
	.examples = examples,
	.run = run,
};
