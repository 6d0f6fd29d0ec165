/* The `triage` command's entry; it is its own helper process when it probes a disk. */
#include <signal.h>
#include <string.h>

#include "cli/cli.h"
#include "io/child.h"
#include "io/fs.h"
#include "io/memory.h"
#include "probes/sqlite_look.h"

int
main(int argc, char **argv)
{
	(void)memory_claim_libraries(); /* a command of seconds */
	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], SQLITE_LOOK_ARG) == 0)
		return sqlite_look_main(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	return cli_main(argc, argv);
}
