/* What FS_FILE answers with, beside the numbers of fs_result: names, links, rights, a folder's
 * files. */
#ifndef IO_FS_FILE_H
#define IO_FS_FILE_H

#include <stdint.h>

/*
 * The request's `arg`, three lines: the user whose rights are asked for ("" for none), the glob of
 * the files of a folder that count ("" for all), and the folder that /etc/passwd lies below.
 */
struct fs_file {
	char owner[64], group[64]; /* names, or numbers where there is no name */
	char link[256];            /* where the symbolic link leads; "": it is none */
	uint32_t is_asked;         /* rights of a user were asked for */
	int32_t write_error;       /* errno that this user's writing meets; 0: may write */
	uint32_t is_immutable;     /* chattr +i, or a file system that says so */
	char blocked[256];         /* the folder above that keeps the user out; "": none */
	/* of a folder, its files that match; no folders inside it */
	uint64_t count, newest_us, newest_size;
	char newest[256];
	uint32_t is_cut; /* too many to look at */
};

#endif
