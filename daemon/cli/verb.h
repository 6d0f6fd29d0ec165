/*
 * A verb of `triage`: one file, one row in verbs.def.  What the verb says of itself here is the
 * whole of what the parser, its help, the completion, the man page and docs/cli.md know.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/term.h"

struct client;

/* What every verb's exit status means; verb_probe.c and --nagios have the Nagios plugins' own. */
enum { EXIT_FINE = 0, EXIT_TROUBLE = 1, EXIT_USAGE = 2 };
enum { NAGIOS_OK = 0, NAGIOS_WARNING = 1, NAGIOS_CRITICAL = 2, NAGIOS_UNKNOWN = 3 };

/* What an argument or an option's value is: what completion offers, and its name in the help. */
enum cli_takes {
	TAKES_NOTHING,
	TAKES_TEXT,
	TAKES_FILE,
	TAKES_FOLDER,
	TAKES_TIME,
	TAKES_URL,
	TAKES_WORDS, /* one of `words` */
	TAKES_TYPE,  /* a type of check */
	TAKES_VERB,
	TAKES_SHELL,
	TAKES_CHECK,  /* from here on: names that the daemon knows */
	TAKES_TARGET, /* a check, or a file, or a URL */
	TAKES_RECEIVER,
	TAKES_INCIDENT,
	TAKES_SILENCE, /* or a check, to make one */
	TAKES_RULE,
	TAKES_CODE, /* a cause, a playbook or a rule */
};

struct cli_option {
	const char *name; /* without "--" */
	char letter;      /* 0: none */
	enum cli_takes takes;
	const char *words; /* "open|resolved|all" of TAKES_WORDS */
	const char *value; /* what help calls the value; NULL: by `takes` */
	const char *doc;   /* one line, no capital, no full stop */
};

struct cli_example {
	const char *command, *doc; /* doc NULL: it speaks for itself */
};

/* Options that several verbs have. */
#define CLI_OPTION_WATCH                                                                           \
	{                                                                                          \
		.name = "watch", .letter = 'w', .doc = "show it again and again, until Ctrl-C"     \
	}
/* Of what goes on for a while. */
#define CLI_OPTIONS_END                                                                            \
	{ .name = "for", .letter = 'f', .takes = TAKES_TIME, .doc = "how long, such as 2h" },      \
	{                                                                                          \
		.name = "until", .takes = TAKES_TIME,                                              \
		.doc = "the end of it, such as 18:00 or 2026-01-02T18:00:00Z"                      \
	}
#define CLI_OPTION_COMMENT                                                                         \
	{                                                                                          \
		.name = "comment", .takes = TAKES_TEXT, .doc = "why, for the others"               \
	}
/* Of a configuration that is made. */
#define CLI_OPTION_OUTPUT                                                                          \
	{                                                                                          \
		.name = "output", .letter = 'o', .takes = TAKES_FILE,                              \
		.doc = "where to write it; - for the standard output"                              \
	}

#define CLI_GIVEN_MAX 32

struct cli {
	const struct cli_verb *verb;
	/* Options of every verb. */
	const char *url;        /* NULL */
	const char *config;     /* NULL */
	const char *token_file; /* NULL */
	bool is_json, has_no_color;
	/* Those of the verb; see cli_value and cli_has. */
	struct cli_given {
		const struct cli_option *option;
		const char *value;
	} given[CLI_GIVEN_MAX];
	size_t given_count;
	struct term term;
	/* What is left of the command line after the verb. */
	char **args;
	size_t arg_count;
};

struct cli_verb {
	const char *name;
	const char *usage; /* arguments; options are added from their rows */
	const char *summary;
	const char *detail;                 /* paragraphs, a blank line between; NULL */
	const struct cli_option *options;   /* closed by a NULL name; NULL: none of its own */
	const struct cli_example *examples; /* closed by a NULL command; NULL */
	const char *exits;                  /* lines "0  fine"; NULL: as everywhere */
	enum cli_takes takes;               /* what its arguments are */
	size_t args_min, args_max;
	bool is_hidden;              /* for scripts of ours only: in no list */
	int (*run)(struct cli *cli); /* returns the exit status */
};

/* The value of an option of this verb, the last one if given twice; NULL when it was not given. */
const char *cli_value(const struct cli *cli, const char *option);
bool cli_has(const struct cli *cli, const char *option);

#define VERB(name) extern const struct cli_verb verb_##name;
#include "cli/verbs.def"
#undef VERB

extern const struct cli_verb *const verb_table[]; /* closed by NULL */

#endif
