/* What /proc says and what the helper makes of it: whatever the bytes, it ends and stays bounded.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/proc_wire.h"
#include "io/procs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
play_texts(const char *text, size_t size)
{
	struct proc proc = { .pid = 0 };
	uint64_t number;
	uint32_t pid;
	size_t len;

	if (proc_parse_stat(&proc, text, size))
		assert(strlen(proc.comm) < sizeof(proc.comm));
	proc_parse_uid(&pid, text);
	proc_parse_cmdline(&proc, text, size);
	assert(strlen(proc.cmdline) < sizeof(proc.cmdline));
	proc_parse_cgroup(&proc, text);
	assert(strlen(proc.cgroup) < sizeof(proc.cgroup));
	proc_parse_nofile(&number, text);
	proc_parse_socket(&number, text);
	proc_parse_pid(&pid, text);
	if (proc_find_env(text, size, "A", &len) != NULL)
		assert(len < size);
}

static void
play_wire(const char *data, size_t size)
{
	struct procs_owners owners;
	struct procs_look look;
	struct proc proc;
	size_t at = 0;

	while (proc_unpack(data, size, &at, &proc))
		assert(strlen(proc.comm) < sizeof(proc.comm));
	if (procs_parse_look(&look, data, size))
		for (size_t i = 0; i < look.env_count; i++)
			assert(look.env[i].value + look.env[i].kept <= data + size);
	procs_parse_owners(&owners, data, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *exact = malloc(size + (size == 0));

	memcpy(text, data, size);
	text[size] = '\0';
	memcpy(exact, data, size);
	play_texts(text, size);
	play_wire(exact, size);
	free(text);
	free(exact);
	return 0;
}
