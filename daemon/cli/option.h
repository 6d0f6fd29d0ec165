/* Options of the command line: those of every verb, and those that a verb brings. */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include "cli/verb.h"

/* Every verb's; closed by a NULL name. */
extern const struct cli_option option_common[];

struct option_found {
	const char *word; /* the first that is no option: a verb's name; NULL */
	bool wants_help, wants_version;
};

/*
 * Options may stand anywhere, also before the verb.  Afterwards cli->verb is set if the word is
 * one's name, and cli->args is what follows it.  -1: what is wrong has been said.
 */
int option_parse(struct cli *cli, int argc, char **argv, struct option_found *found);
/* -1: an option is not of cli->verb, which has been said. */
int option_check(const struct cli *cli);

const struct cli_verb *option_find_verb(const char *name);
/* "TIME"; "" for a flag. */
const char *option_value_name(const struct cli_option *option, char *out, size_t size);

#endif
