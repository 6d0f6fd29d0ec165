/* A verb of `triage`: one file, one row in verbs.def. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/term.h"

struct client;

/* What every verb's exit status means; verb_probe.c and --nagios have the Nagios plugins' own. */
enum { EXIT_FINE = 0, EXIT_TROUBLE = 1, EXIT_USAGE = 2 };
enum { NAGIOS_OK = 0, NAGIOS_WARNING = 1, NAGIOS_CRITICAL = 2, NAGIOS_UNKNOWN = 3 };

struct cli {
	const char *url;                /* --url; NULL */
	const char *config;             /* --config; NULL */
	const char *token_file;         /* --token-file; NULL */
	const char *state, *since;      /* of incidents; NULL */
	const char *type;               /* of probe; NULL */
	const char *for_text, *comment; /* of ack and silence; NULL */
	bool is_sticky, is_undoing, wants_record;
	const char *language; /* of explain; NULL */
	bool is_json, is_all, has_no_color, is_watching, is_nagios, wants_help, wants_version;
	struct term term;
	/* What is left of the command line after the verb. */
	char **args;
	size_t arg_count;
};

struct cli_verb {
	const char *name;
	const char *usage; /* arguments and options after the name */
	const char *summary;
	size_t args_min, args_max;
	int (*run)(struct cli *cli); /* returns the exit status */
};

#define VERB(name) extern const struct cli_verb verb_##name;
#include "cli/verbs.def"
#undef VERB

extern const struct cli_verb *const verb_table[]; /* closed by NULL */

#endif
