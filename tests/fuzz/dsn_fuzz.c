/*
 * Data source names of all four grammars (the first byte chooses): parsed or refused, with a column
 * inside the text; what is shown of a good one has no password, and its hosts are sane.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/dsn.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct dsn *dsn)
{
	char *masked = dsn_masked(dsn);

	assert(dsn->host_count <= DSN_HOSTS_MAX);
	assert(dsn->kind == DSN_SQLITE || dsn->host_count > 0);
	for (unsigned i = 0; i < dsn->host_count; i++)
		assert((dsn->hosts[i].host[0] != '\0') != (dsn->hosts[i].path[0] != '\0'));
	for (size_t i = 0; i < dsn->params.count; i++)
		assert(dsn->params.all[i].name != NULL && dsn->params.all[i].value != NULL);
	free(masked);
}

static void
parse(enum dsn_kind kind, const char *text)
{
	struct dsn dsn;
	struct err e = { .code = 1 };

	dsn_is_like(kind, text);
	if (dsn_parse(&dsn, kind, text, &e) < 0) {
		assert(e.code >= 0 && (size_t)e.code <= strlen(text) + 1);
		assert(e.text[0] != '\0');
		return;
	}
	look(&dsn);
	dsn_fini(&dsn);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char kinds[] = "pmrs";
	const char *at = size > 0 ? strchr(kinds, data[0]) : NULL;
	char *text;

	if (at == NULL || *at == '\0' || size > TEXT_MAX)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	parse((enum dsn_kind)(at - kinds), text);
	free(text);
	return 0;
}
