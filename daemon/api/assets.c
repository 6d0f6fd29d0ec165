/*
 * The dashboard's files, out of the program itself.  Gzipped once, by the build: nobody's request
 * costs compression.  What has a hash in its name is kept for good, the page is asked for again.
 */
#include "api/assets.h"

#include <stdio.h>
#include <string.h>

#include "api/handlers.h"

#define PAGE "index.html"

/* Only this program's own files, and only this daemon is spoken to. */
static const char page_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const struct asset *
find(const char *name)
{
	for (const struct asset *asset = asset_table; asset->name != NULL; asset++)
		if (strcmp(asset->name, name) == 0)
			return asset;
	return NULL;
}

static void
reply_asset(struct api_call *call, const char *name)
{
	const struct asset *asset = find(name);
	struct reply *reply = &call->reply;
	bool is_packed = call_takes_gzip(call);

	if (asset == NULL) {
		reply_problem(call, 404,
			"the dashboard has no such file: a page of before an update asks so; "
			"load it again");
		return;
	}
	snprintf(reply->etag, sizeof(reply->etag), "\"%s%s\"", asset->tag, is_packed ? "-gz" : "");
	reply->cache = asset->is_immutable ? "public, max-age=31536000, immutable" : "no-cache";
	reply->policy = page_policy;
	reply->vary = "Accept-Encoding";
	if (call_has_seen(call, reply->etag)) {
		reply_unchanged(call);
		return;
	}
	reply->encoding = is_packed ? "gzip" : NULL;
	if (is_packed)
		reply_bytes(call, 200, asset->type, asset->packed, asset->packed_len);
	else
		reply_bytes(call, 200, asset->type, asset->plain, asset->plain_len);
}

void
handle_page(struct api_call *call)
{
	reply_asset(call, PAGE);
}

void
handle_asset(struct api_call *call)
{
	reply_asset(call, call->name);
}
