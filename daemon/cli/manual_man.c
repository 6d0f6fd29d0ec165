/* The three man pages. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/option.h"
#include "setup/settings.h"

static void
add_options(struct buf *out, const struct cli_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		char value[64];

		option_value_name(rows, value, sizeof(value));
		buf_add_text(out, ".TP\n");
		if (rows->letter != 0)
			buf_addf(out, "\\fB\\-%c\\fR, ", rows->letter);
		buf_add_text(out, "\\fB");
		if (*value == '\0') {
			buf_addf(out, "\\-\\-%s\\fR\n", rows->name);
		} else {
			buf_addf(out, "\\-\\-%s\\fR \\fI%s\\fR\n", rows->name, value);
		}
		roff_plain(out, rows->doc);
		if (rows->words != NULL)
			roff_plain(out, rows->words);
	}
}

/* Paragraphs with an empty line between. */
static void
add_paragraphs(struct buf *out, const char *text)
{
	while (*text != '\0') {
		const char *end = strstr(text, "\n\n");
		char *one = end == NULL ? xstrdup(text) : xstrndup(text, (size_t)(end - text));

		buf_add_text(out, ".PP\n");
		roff_plain(out, one);
		free(one);
		text = end == NULL ? "" : end + 2;
	}
}

static void
add_examples(struct buf *out, const struct cli_example *examples)
{
	for (; examples != NULL && examples->command != NULL; examples++) {
		buf_add_text(out, ".PP\n.RS 4\n.B ");
		roff_plain(out, examples->command);
		buf_add_text(out, ".RE\n");
		if (examples->doc != NULL) {
			buf_add_text(out, ".RS 8\n");
			roff_plain(out, examples->doc);
			buf_add_text(out, ".RE\n");
		}
	}
}

static void
add_verb(struct buf *out, const struct cli_verb *verb)
{
	struct buf line;

	buf_addf(out, ".SS %s\n", verb->name);
	buf_init(&line, 0);
	help_synopsis(verb, &line);
	buf_add_text(out, ".B ");
	roff_plain(out, buf_text(&line));
	buf_fini(&line);
	buf_add_text(out, ".PP\n");
	roff_plain(out, verb->summary);
	if (verb->detail != NULL)
		add_paragraphs(out, verb->detail);
	add_options(out, verb->options);
	add_examples(out, verb->examples);
	if (verb->exits != NULL) {
		buf_add_text(out, ".PP\nExit status:\n.PP\n.RS 4\n.nf\n");
		roff_plain(out, verb->exits);
		buf_add_text(out, ".fi\n.RE\n");
	}
}

void
manual_triage(struct buf *out)
{
	roff_head(out, "triage", "1", "see and steer what triaged watches");
	buf_add_text(out, ".SH SYNOPSIS\n.B triage\n.I VERB\n.RI [ ARGUMENTS ]\n.RI [ OPTIONS ]\n"
			  ".SH DESCRIPTION\n");
	roff_text(out,
		"Asks the daemon `triaged` what is wrong and why, and a few things of it: to be "
		"quiet for a while, to run a check now, to read its configuration again. "
		"Some verbs need no daemon: `probe`, `check`, `explain`, `init`, `schema`.");
	buf_add_text(out, ".PP\n");
	roff_text(out,
		"Tables fit the terminal; `--json` prints what the API answers, for programs. "
		"Times are those of this computer's zone, in `--json` they are UTC.");
	buf_add_text(out, ".SH VERBS\n");
	for (size_t i = 0; verb_table[i] != NULL; i++)
		if (!verb_table[i]->is_hidden)
			add_verb(out, verb_table[i]);
	buf_add_text(out, ".SH OPTIONS\nOf every verb; they may stand anywhere.\n");
	add_options(out, option_common);
	buf_add_text(out, ".SH \"WHERE IT LOOKS FOR THE DAEMON\"\n");
	roff_text(out,
		"At `--url` or `$TRIAGE_URL` alone if given: `http://host:port`, `host:port`, "
		"`unix:/path`, or a path. Else at the first of these that answers:");
	for (const struct manual_pair *p = manual_places; p->name != NULL; p++) {
		buf_addf(out, ".IP %s 4\n", p->name);
		roff_text(out, p->text);
	}
	roff_pairs(out, "\"STATES OF A CHECK\"", manual_states);
	roff_pairs(out, "\"EXIT STATUS\"", manual_exits);
	roff_pairs(out, "ENVIRONMENT", manual_environment);
	roff_pairs(out, "FILES", manual_files);
	buf_add_text(out, ".SH \"SEE ALSO\"\n.BR triaged (8),\n.BR triaged.yaml (5)\n");
}

void
manual_triaged(struct buf *out)
{
	static const struct manual_pair signals[] = {
		{ "SIGTERM, SIGINT", "It ends: what is to be told is on disk and goes on later." },
		{ "SIGHUP", "It reads its configuration again, as `triage reload` makes it." },
		{ NULL, NULL },
	};
	static const struct manual_pair exits[] = {
		{ "0", "It ended because it was asked to; `--check`: the configuration is good." },
		{ "1", "It could not start: the state folder, an address, another daemon's lock." },
		{ "2", "The configuration is bad, or the command line." },
		{ NULL, NULL },
	};

	roff_head(out, "triaged", "8",
		"watch a host or a compose project, and say what broke and why");
	buf_add_text(out, ".SH SYNOPSIS\n.B triaged\n.RB [ \\-c\n.IR FILE ]\n.RB [ \\-\\-check ]\n"
			  ".SH DESCRIPTION\n");
	roff_text(out,
		"Probes what its configuration names, finds which failure is the root of the "
		"others, and tells receivers what broke, why, the evidence and what to do. It "
		"runs in the foreground until SIGTERM; under systemd it speaks the notify "
		"protocol and feeds the watchdog.");
	buf_add_text(out, ".PP\n");
	roff_text(out,
		"People use `triage`; `triage doctor` says whether the daemon itself is set up "
		"well.");
	roff_pairs(out, "OPTIONS", manual_daemon_options);
	roff_pairs(out, "SIGNALS", signals);
	roff_pairs(out, "\"EXIT STATUS\"", exits);
	roff_pairs(out, "FILES", manual_files);
	buf_add_text(out, ".SH \"SEE ALSO\"\n.BR triage (1),\n.BR triaged.yaml (5)\n");
}

void
manual_settings(struct buf *out)
{
	struct buf markdown;
	const char *body;

	buf_init(&markdown, 0);
	settings_manual(&markdown);
	/* Without its title and the line for those who look after the repository. */
	body = strstr(buf_text(&markdown), "`triaged` reads");
	roff_head(out, "triaged.yaml", "5", "the configuration of triaged");
	buf_add_text(out, ".SH DESCRIPTION\n");
	roff_markdown(out, body == NULL ? buf_text(&markdown) : body);
	buf_add_text(out, ".SH \"SEE ALSO\"\n.BR triage (1),\n.BR triaged (8)\n");
	buf_fini(&markdown);
}
