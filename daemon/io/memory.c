/*
 * OpenSSL, libevent and jansson take other allocators than libc's.  SQLite says of each call that
 * it had no memory, and libyaml of each document: who asked decides there.
 */
#include "io/memory.h"

#include <event2/event.h>
#include <jansson.h>
#include <link.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"

#define GROWN_BYTES (4.0 * 1024 * 1024)
#define GROWN_PART  8

void *
memory_resize(void *p, size_t size)
{
	return xreallocarray(p, 1, size);
}

/* As OpenSSL's own: nothing for nothing. */
static void *
take_for_ssl(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size == 0 ? NULL : xmalloc(size);
}

static void
give_for_ssl(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void *
resize_for_ssl(void *p, size_t size, const char *file, int line)
{
	if (size == 0) {
		give_for_ssl(p, file, line);
		return NULL;
	}
	return memory_resize(p, size);
}

bool
memory_claim_libraries(void)
{
	bool is_taken = CRYPTO_set_mem_functions(take_for_ssl, resize_for_ssl, give_for_ssl) == 1;

	event_set_mem_functions(xmalloc, memory_resize, free);
	json_set_alloc_funcs(xmalloc, free);
	return is_taken;
}

/*
 * libcurl brings GnuTLS along for RTMP and LDAP, which are not spoken here, and that would make a
 * tenth of a megabyte of tables before main.  This is its own way to be told not to
 * (GNUTLS_SKIP_GLOBAL_INIT); the Makefile lets it see the name.
 */
int _gnutls_global_init_skip(void);

int
_gnutls_global_init_skip(void)
{
	return 1;
}

/* What nobody can have written to is the file's, and can be read there again. */
static int
let_go_of_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + part->p_vaddr, to = from + part->p_memsz;

		if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
			continue;
		from &= ~(page - 1);
		madvise((void *)from, (to - from + page - 1) & ~(page - 1), MADV_DONTNEED);
	}
	return 0;
}

void
memory_settle(void)
{
	mem_trim();
	dl_iterate_phdr(let_go_of_code, NULL);
}

bool
memory_has_grown(double *least_bytes, double now_bytes)
{
	if (isnan(now_bytes))
		return false;
	if (*least_bytes == 0 || !(now_bytes >= *least_bytes)) /* NAN, too: /proc was away */
		*least_bytes = now_bytes;
	return now_bytes - *least_bytes >= fmax(GROWN_BYTES, *least_bytes / GROWN_PART);
}

void
memory_trim_grown(double *least_bytes)
{
	if (!memory_has_grown(least_bytes, process_private_bytes()))
		return;
	mem_trim();
	*least_bytes = process_private_bytes();
}
