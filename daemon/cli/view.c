/*
 * Asks, prints, and asks again.  A wrong question (400) is wrong usage.  While it watches, a daemon
 * that is gone is waited for, and the last picture stays under the line that says so.
 */
#include "cli/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/near.h"
#include "cli/screen.h"

#define AGAIN_MS 2000

static int
show_once(struct cli *cli, struct client *client, const struct view *view, struct err *e)
{
	json_t *doc = view->take(cli, client, e);

	if (doc == NULL)
		return -1;
	if (cli->is_json)
		answer_print_json(doc);
	else
		view->print(cli, doc);
	json_decref(doc);
	return fflush(stdout) == 0 ? 0 : -1;
}

/* Into a pipe, a file or a terminal that only prints: one after the other. */
static void
repeat(struct cli *cli, struct client *client, const struct view *view)
{
	while (!ferror(stdout)) {
		struct err e = { .text = "" };

		if (show_once(cli, client, view, &e) == -1 && e.text[0] != '\0')
			answer_fail(&e);
		screen_wait(NULL, AGAIN_MS);
	}
}

static char *
say_lost(const struct err *e, usec_t since_us, usec_t now_us)
{
	char span[64];

	if (since_us == 0)
		return xasprintf("%s; trying again", e->text);
	clock_format_duration(
		(now_us - since_us) / USEC_PER_SEC * USEC_PER_SEC, span, sizeof(span));
	return xasprintf("no answer for %s: this is how it was. %s", span, e->text);
}

static void
watch(struct cli *cli, struct client *client, const struct view *view)
{
	struct screen *screen = screen_open(&cli->term);
	struct clock clock;
	usec_t heard_us = 0;

	clock_init_real(&clock);
	do {
		struct err e = { .text = "" };
		json_t *doc = view->take(cli, client, &e);

		if (doc != NULL) {
			heard_us = clock_mono(&clock);
			screen_begin(screen);
			view->print(cli, doc);
			screen_end(screen);
		} else {
			char *words = say_lost(&e, heard_us, clock_mono(&clock));

			screen_say(screen, words);
			free(words);
		}
		json_decref(doc);
	} while (screen_wait(screen, AGAIN_MS));
	screen_close(screen);
}

static bool
is_watching(const struct cli *cli)
{
	const struct cli_option *row = cli->verb->options;

	for (; row != NULL && row->name != NULL; row++)
		if (row->letter == 'w')
			return cli_has(cli, row->name);
	return false;
}

int
view_run(struct cli *cli, const struct view *view)
{
	struct client *client = client_new(cli);
	struct err e = { .text = "" };
	int result = EXIT_FINE;

	if (is_watching(cli) && cli->term.has_cursor && !cli->is_json) {
		watch(cli, client, view);
	} else if (show_once(cli, client, view, &e) == -1) {
		if (cli->arg_count > 0)
			near_suggest(client, cli->verb->takes, cli->args[0], &e);
		/* Without words it is the output that failed, which is said at the end. */
		result = *e.text == '\0' ? EXIT_TROUBLE : answer_fail(&e);
		if (e.code == 400)
			result = EXIT_USAGE;
	} else if (is_watching(cli)) {
		repeat(cli, client, view);
	}
	client_free(client);
	return result;
}
