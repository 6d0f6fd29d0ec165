/* `triaged`: looks at the command line, loads the settings, hands over to the app. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/openapi.h"
#include "app.h"
#include "base/buf.h"
#include "base/log.h"
#include "io/child.h"
#include "io/dgram.h"
#include "io/fs.h"
#include "io/memory.h"
#include "io/passed.h"
#include "io/sandbox.h"
#include "io/tls.h"
#include "probes/sqlite_look.h"
#include "rules/expr.h"
#include "store/store.h"

static const char usage[] =
	"usage: triaged [-c FILE] [--check]\n"
	"\n"
	"  -c, --config FILE  settings (default: $TRIAGED_CONFIG, then /etc/triaged/triaged.yaml)\n"
	"      --check        look at the settings, say what is wrong with them, exit 0 or 2\n"
	"      --manual[=api] print the configuration reference, or the API's (Markdown)\n"
	"      --version      print the version\n"
	"\n"
	"Runs in the foreground until SIGTERM; SIGHUP reloads. People use `triage`.\n";

enum action { RUN, CHECK, MANUAL, VERSION, HELP, BAD };

enum { OPT_CHECK = 1000, OPT_MANUAL, OPT_VERSION };

/* What a restart cannot mend has a status of its own: the unit does not try again. */
enum { EXIT_TROUBLE = 1, EXIT_SETTINGS = 2, EXIT_LATER_STATE = 3 };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "manual", optional_argument, NULL, OPT_MANUAL },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static enum action
read_arguments(int argc, char **argv, const char **config, const char **part)
{
	enum action action = RUN;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'c')
			*config = optarg;
		else if (option == OPT_CHECK)
			action = CHECK;
		else if (option == OPT_MANUAL) {
			action = MANUAL;
			*part = optarg;
		} else if (option == OPT_VERSION)
			action = VERSION;
		else
			action = option == 'h' ? HELP : BAD;
		if (action == BAD || action == HELP)
			return action;
	}
	if (optind < argc) {
		fprintf(stderr,
			"triaged: unexpected argument \"%s\": the settings are named with -c "
			"FILE\n",
			argv[optind]);
		return BAD;
	}
	return action;
}

static void
print_complaints(const struct complaints *complaints)
{
	struct buf text;

	buf_init(&text, 0);
	complaints_print(complaints, &text);
	fputs(buf_text(&text), stderr);
	buf_fini(&text);
}

static struct settings *
load(const char *config, struct tls_pool *tls)
{
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct complaints *complaints = complaints_new();
	struct settings *settings = settings_load(config, &context, complaints);

	print_complaints(complaints);
	if (settings == NULL)
		fprintf(stderr, "triaged: %u error%s in %s; nothing was started\n",
			complaints_errors(complaints),
			complaints_errors(complaints) == 1 ? "" : "s", config);
	if (settings == NULL)
		settings_hint(config, "triaged -c ", stderr);
	complaints_free(complaints);
	return settings;
}

static int
print_manual(const char *part)
{
	struct buf text;

	buf_init(&text, 0);
	if (part == NULL)
		settings_manual(&text);
	else if (strcmp(part, "api") == 0)
		openapi_manual(route_table, &text);
	else {
		fprintf(stderr, "triaged: --manual has no part \"%s\": api\n", part);
		return 2;
	}
	fputs(buf_text(&text), stdout);
	buf_fini(&text);
	return 0;
}

/*
 * Whoever starts us may have closed what we write to, blocked what stops us, or ignored what tells
 * of our helpers' end.  A descriptor below 3 must never be a socket of ours.  Reloads wait until we
 * run: nobody listens yet, and unheard SIGHUP kills.
 */
static void
settle_inheritance(void)
{
	sigset_t held;
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_SETMASK, &held, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

static void
on_early_end(int signo)
{
	_exit(128 + signo);
}

/* The first process of a container has no default actions: until the loop listens, these would be
 * lost on it, and whoever stops it would wait for ten seconds. */
static void
hear_ends(void)
{
	if (getpid() != 1)
		return;
	signal(SIGTERM, on_early_end);
	signal(SIGINT, on_early_end);
}

static void
hear_reloads(void)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &held, NULL);
}

/* Who says it twice must not kill us while we put things away: nobody listens any more. */
static void
hear_nothing(void)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

/* For `systemctl status`, besides what goes to the standard error. */
static void
say_why_not(const struct app_parent *parent, const char *why)
{
	char text[640];

	snprintf(text, sizeof(text), "STATUS=not started: %s", why);
	notify_send(parent->notify, text);
}

static int
run(struct settings *settings, struct tls_pool *tls, struct app_parent *parent)
{
	struct err e;
	struct app *app;

	if (settings->daemon.sandbox)
		parent->sandbox = sandbox_enter();
	app = app_new(settings, tls, parent, &e);
	if (app == NULL) {
		fprintf(stderr, "triaged: %s\n", e.text);
		say_why_not(parent, e.text);
		return e.code == STORE_ERR_LATER ? EXIT_LATER_STATE : EXIT_TROUBLE;
	}
	hear_reloads();
	app_run(app);
	hear_nothing();
	app_free(app);
	return 0;
}

static int
start(const char *config, enum action action, struct app_parent *parent)
{
	struct tls_pool *tls = tls_pool_new();
	struct settings *settings = load(config, tls);
	int status = EXIT_SETTINGS;

	if (settings == NULL && action == RUN)
		say_why_not(parent, "the settings have errors; the log names them");
	if (settings != NULL && action == CHECK) {
		printf("%s: OK\n", config);
		settings_unref(settings);
		status = 0;
	} else if (settings != NULL) {
		status = run(settings, tls, parent);
	}
	tls_pool_free(tls);
	return status;
}

/* Before there are threads: it takes variables out of the environment, and what is given up
 * is given up for all that begins later. */
static int
start_for_parent(const char *config, enum action action)
{
	struct passed passed;
	struct app_parent parent = { .notify = notify_new(), .passed = &passed };
	int status;

	passed_take(&passed);
	status = start(config, action, &parent);
	passed_close(&passed);
	notify_free(parent.notify);
	return status;
}

int
main(int argc, char **argv)
{
	const char *config = settings_default_path(), *part = NULL;
	bool is_claimed = memory_claim_libraries();
	enum action action;

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], SQLITE_LOOK_ARG) == 0)
		return sqlite_look_main(argc, argv);
	settle_inheritance();
	hear_ends();
	action = read_arguments(argc, argv, &config, &part);
	switch (action) {
	case MANUAL:
		return print_manual(part);
	case VERSION:
		puts("triaged " TRIAGED_VERSION);
		return 0;
	case HELP:
		fputs(usage, stdout);
		return 0;
	case BAD:
		fputs(usage, stderr);
		return 2;
	case RUN:
	case CHECK:
		break;
	}
	if (!is_claimed)
		log_warn("memory: something loaded into this program used OpenSSL before it; "
			 "when memory runs out, TLS may fail instead of the program");
	return start_for_parent(config, action);
}
