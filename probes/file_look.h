/* Looks at a file's content for form and patterns.  Pure; runs on a thread of io/offload. */
#ifndef PROBES_FILE_LOOK_H
#define PROBES_FILE_LOOK_H

#include <stdbool.h>
#include <stddef.h>

struct file_look {
	/* what is looked for; owned */
	char *content, *not_content;
	int format; /* -1: any */
	/* what is looked at; owned */
	char *bytes;
	size_t len;
	/* what was found */
	const char *cause; /* NULL: all is well */
	char text[300];
};

void file_look(struct file_look *look);
void file_look_fini(struct file_look *look);

#endif
