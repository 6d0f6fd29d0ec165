/*
 * What the daemon and its own program, started to become a command, agree upon:
 *
 *	argv:         program, CHILD_ARG, our pid, folder, CHILD_SELF or CHILD_PATH,
 *	              the command's...
 *	descriptors:  0 input, 1 output, 2 errors, 3 the note, 4 our program's file
 */
#ifndef IO_CHILD_WIRE_H
#define IO_CHILD_WIRE_H

#define CHILD_NAME "triaged-exec"
#define CHILD_SELF "self"
#define CHILD_PATH "path"

#define CHILD_WORDS_AT 5 /* where the command begins */

#define CHILD_NOTE_FD 3
#define CHILD_EXE_FD  4
#define CHILD_EXE     "/proc/self/fd/4"

enum child_trouble { CHILD_TROUBLE_COMMAND, CHILD_TROUBLE_FOLDER, CHILD_WITHHELD };

/* Written to the note when the command could not be executed, after at most one that says which
 * rights of its file it will not get; its end without a note: it was executed. */
struct child_note {
	int trouble;
	int error; /* errno; of CHILD_WITHHELD bits of enum gain */
};

#endif
