/* `triage`: verbs, one file and one row each. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_main(int argc, char **argv); /* exit status */

#endif
