/* expect: of the http probe, compiled once: status ranges, regular expressions, JSON expressions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/pattern.h"
#include "io/http1.h"
#include "probes/http_conf.h"

static int
parse_range(struct http_range *range, const char *text)
{
	char rest;
	int n = sscanf(text, "%3d-%3d%c", &range->low, &range->high, &rest);

	if (n == 1 && sscanf(text, "%3d%c", &range->low, &rest) != 1)
		return -1; /* something behind the number */
	if (n == 1)
		range->high = range->low;
	if (n < 1 || n > 2 || range->low < 100 || range->high > 599 || range->low > range->high)
		return -1;
	return 0;
}

static const struct conf_node *
item_of(const struct conf_node *list, size_t n)
{
	if (list == NULL || list->kind != CONF_LIST)
		return list;
	return n < list->count ? list->items[n] : list;
}

static const struct conf_pos *
pos_of(const struct conf_node *node, const struct conf_node *map)
{
	return node != NULL ? &node->pos : &map->pos;
}

static void
make_status(struct http_wants *wants, const struct conf_strings *status,
	const struct conf_node *expect, struct complaints *complaints)
{
	const struct conf_node *list = conf_get(expect, "status");

	wants->status = xcalloc(status->count, sizeof(*wants->status));
	for (size_t i = 0; i < status->count; i++) {
		if (parse_range(&wants->status[wants->status_count], status->all[i]) == 0)
			wants->status_count++;
		else
			complain(complaints, pos_of(item_of(list, i), expect),
				"status: \"%s\" is neither a status such as 200 nor a range such "
				"as "
				"200-299",
				status->all[i]);
	}
}

static void
make_json(struct http_wants *wants, const struct conf_strings *json, const struct conf_node *expect,
	const struct judge *judge, struct complaints *complaints)
{
	const struct conf_node *list = conf_get(expect, "json");

	if (judge == NULL)
		return; /* nobody will run it */
	wants->release_json = judge->release;
	wants->json = xcalloc(json->count, sizeof(*wants->json));
	for (size_t i = 0; i < json->count; i++) {
		const struct conf_node *node = item_of(list, i);
		struct conf_pos pos = *pos_of(node, expect);
		struct err e = { 0 };

		wants->json[i] = judge->compile(json->all[i], &e);
		wants->json_count++;
		if (wants->json[i] != NULL)
			continue;
		/* the quote comes before the text */
		if (e.code > 0 && node != NULL && node->kind == CONF_SCALAR)
			pos.column += (unsigned)e.code - 1 + (node->is_plain ? 0 : 1);
		complain(complaints, &pos, "json: %s", e.text);
	}
}

/* Rows of type REGEX were tried already; a failure here is a pair's. */
static int
make_regex(regex_t *re, const char *text, struct err *e)
{
	int rc = pattern_check(text, e);

	if (rc == 0)
		rc = regcomp(re, text, REG_EXTENDED | REG_NOSUB);
	if (rc != 0)
		memset(re, 0, sizeof(*re));
	return rc;
}

static regex_t *
new_regex(const char *text)
{
	struct err e;
	regex_t *re;

	if (text == NULL)
		return NULL;
	re = xcalloc(1, sizeof(*re));
	if (make_regex(re, text, &e) == 0)
		return re;
	free(re);
	return NULL;
}

static void
make_headers(
	struct http_wants *wants, const struct conf_pairs *pairs, struct complaints *complaints)
{
	wants->header = xcalloc(pairs->count, sizeof(*wants->header));
	for (size_t i = 0; i < pairs->count; i++) {
		const struct conf_pair *pair = &pairs->all[i];
		struct err e = { 0 };

		if (!http1_is_token(pair->name))
			complain(complaints, &pair->pos, "\"%s\" is not a header name", pair->name);
		if (make_regex(&wants->header[i], pair->value, &e) != 0) {
			complain(complaints, &pair->pos, "header %s: %s", pair->name, e.text);
			return;
		}
		wants->header_count++;
	}
}

void
http_wants_make(struct http_conf *conf, const struct conf_node *map, const struct judge *judge,
	struct complaints *complaints)
{
	const struct http_expect_conf *e = &conf->expect;
	const struct conf_node *expect = map != NULL ? conf_get(map, "expect") : NULL;

	if (expect == NULL)
		return;
	conf->wants = xcalloc(1, sizeof(*conf->wants));
	if (e->status.count > 0)
		make_status(conf->wants, &e->status, expect, complaints);
	if (e->json.count > 0)
		make_json(conf->wants, &e->json, expect, judge, complaints);
	if (e->header.count > 0)
		make_headers(conf->wants, &e->header, complaints);
	conf->wants->body = new_regex(e->body);
	conf->wants->not_body = new_regex(e->not_body);
}

static void
free_regex(regex_t *re)
{
	if (re == NULL)
		return;
	regfree(re);
	free(re);
}

void
http_wants_free(struct http_wants *wants)
{
	if (wants == NULL)
		return;
	for (size_t i = 0; i < wants->json_count; i++)
		if (wants->json[i] != NULL)
			wants->release_json(wants->json[i]);
	for (size_t i = 0; i < wants->header_count; i++)
		regfree(&wants->header[i]);
	free_regex(wants->body);
	free_regex(wants->not_body);
	free(wants->status);
	free(wants->json);
	free(wants->header);
	free(wants);
}
