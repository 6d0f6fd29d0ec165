/* Uptime Kuma: monitors that ask a web page, with what they want of the answer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/expr.h"
#include "setup/import_kuma.h"

static void
take_headers(struct kuma *kuma, struct import_item *check)
{
	char *text = kuma_raw(json_object_get(kuma->monitor, "headers"));
	json_t *headers = text == NULL ? NULL : json_loads(text, 0, NULL), *value;
	const char *name;

	if (text != NULL && !json_is_object(headers))
		kuma_note(kuma, "headers", "no JSON object; nothing was made of it");
	if (json_is_object(headers) && json_object_size(headers) > 0) {
		import_raw(&check->keys, "headers:\n");
		json_object_foreach(headers, name, value)
		{
			char *words = kuma_text(headers, name);

			if (words != NULL && import_is_secret_name(name))
				words = kuma_hide(kuma, check->name, name, words);
			import_pair(&check->keys, name, words == NULL ? " " : words);
			free(words);
		}
	}
	json_decref(headers);
	free(text);
}

static void
take_auth(struct kuma *kuma, struct import_item *check)
{
	char *method = kuma_text(kuma->monitor, "authMethod");
	char *user = kuma_text(kuma->monitor, "basic_auth_user");
	char *password = kuma_text(kuma->monitor, "basic_auth_pass");
	char *token = kuma_text(kuma->monitor, "bearer_token");
	bool is_basic = method == NULL || str_eq(method, "basic") || str_eq(method, "null");

	if (is_basic && user != NULL) {
		import_raw(&check->keys, "auth:\n  type: basic\n  ");
		import_key(&check->keys, "user", user);
		if (password != NULL)
			import_raw(&check->keys, "  ");
		kuma_add_secret(kuma, &check->keys, check->name, "password", password);
	} else if (str_eq(method, "bearer") && token != NULL) {
		import_raw(&check->keys, "auth:\n  type: bearer\n  ");
		kuma_add_secret(kuma, &check->keys, check->name, "token", token);
	} else if (str_eq(method, "mtls")) {
		kuma_note(kuma, "tlsCert",
			"put the certificate and its key into files and name them: "
			"`cert:`, `key:`, `ca:`");
	} else if (!is_basic) {
		kuma_note(kuma, "authMethod",
			"this login is not made; give a token (`auth: { type: "
			"bearer }`), or use an `exec` check");
	}
	free(method);
	free(user);
	free(password);
	free(token);
}

static void
take_statuses(struct kuma *kuma, struct import_item *check)
{
	const json_t *list = json_object_get(kuma->monitor, "accepted_statuscodes"), *value;
	struct import_words words = { .all = NULL };
	size_t i;

	json_array_foreach(list, i, value)
	{
		const char *text = json_string_value(value);

		if (text != NULL && *text != '\0' && strspn(text, "0123456789-") == strlen(text))
			import_words_add(&words, str_eq(text, "500-999") ? "500-599" : text);
	}
	import_list(&check->expect, "status", &words);
	import_words_fini(&words);
}

static void
take_body(struct kuma *kuma, struct import_item *check)
{
	char *body = kuma_text(kuma->monitor, "body");

	if (body != NULL)
		import_body(kuma->import, check, kuma->where, body);
	free(body);
}

/* By its number in the export's list. */
static const json_t *
find_proxy(const struct kuma *kuma, double id)
{
	const json_t *list = json_object_get(kuma->root, "proxyList"), *proxy;
	size_t i;

	json_array_foreach(list, i, proxy)
	{
		double n = kuma_number(proxy, "id", 0);

		if (n >= id && n <= id)
			return proxy;
	}
	return NULL;
}

static void
add_proxy(struct kuma *kuma, struct import_item *check, const json_t *proxy, const char *host)
{
	char *user = kuma_text(proxy, "username"), *password = kuma_text(proxy, "password");
	char *url = xasprintf("http://%s%s%s%s%s:%.0f", user == NULL ? "" : user,
		password == NULL ? "" : ":", password == NULL ? "" : password,
		user == NULL ? "" : "@", host, kuma_number(proxy, "port", 3128));
	char *hidden = import_url(kuma->import, kuma->where, "proxy", url);

	import_key(&check->keys, "proxy", hidden);
	free(user);
	free(password);
	free(url);
	free(hidden);
}

static void
take_proxy(struct kuma *kuma, struct import_item *check)
{
	double id = kuma_number(kuma->monitor, "proxyId", 0);
	const json_t *proxy = id < 1 ? NULL : find_proxy(kuma, id);
	const char *protocol = json_string_value(json_object_get(proxy, "protocol"));
	char *host = kuma_text(proxy, "host");

	if (host != NULL && str_eq(protocol, "http"))
		add_proxy(kuma, check, proxy, host);
	else if (id >= 1)
		kuma_note(kuma, "proxyId", "give the proxy to the check: `proxy: http://...`");
	free(host);
}

void
kuma_make_http(struct kuma *kuma, struct import_item *check)
{
	char *url = kuma_text(kuma->monitor, "url"), *hidden;
	double redirects = kuma_number(kuma->monitor, "maxredirects", 10);

	hidden = import_url(kuma->import, kuma->where, check->name,
		url == NULL ? "http://unset.invalid/" : url);
	import_key(&check->keys, "url", hidden);
	if (!str_eq(json_string_value(json_object_get(kuma->monitor, "method")), "GET") ||
		json_is_string(json_object_get(kuma->monitor, "body")))
		kuma_add_text(kuma, check, "method", "method");
	take_headers(kuma, check);
	take_body(kuma, check);
	take_proxy(kuma, check);
	take_auth(kuma, check);
	import_raw(&check->keys, "follow: %.0f\n", fmin(fmax(redirects, 0), 10));
	if (kuma_is_true(kuma->monitor, "ignoreTls"))
		import_raw(&check->keys, "verify: false\n");
	take_statuses(kuma, check);
	free(url);
	free(hidden);
}

void
kuma_make_keyword(struct kuma *kuma, struct import_item *check)
{
	char *keyword = kuma_text(kuma->monitor, "keyword");
	char *regex = keyword == NULL ? NULL : import_regex(keyword, false, false);

	kuma_make_http(kuma, check);
	import_key(&check->expect,
		kuma_is_true(kuma->monitor, "invertKeyword") ? "not_body" : "body", regex);
	free(keyword);
	free(regex);
}

/* $.a.b[0] of JSONata; what is more than a path is not. */
static char *
json_expr(const char *path, const char *op, const char *value)
{
	bool is_number = strspn(value, "-0123456789.") == strlen(value) && *value != '\0';
	bool is_word = str_eq(value, "true") || str_eq(value, "false");
	const char *quote = is_number || is_word ? "" : strchr(value, '"') == NULL ? "\"" : "'";

	if (str_starts(path, "$."))
		path += 2;
	/* Kuma compares texts: 1 and "1" are the same there. */
	if (is_number && str_eq(op, "=="))
		return xasprintf("%s in [%s, \"%s\"]", path, value, value);
	return xasprintf("%s %s %s%s%s", path, op, quote, value, quote);
}

void
kuma_make_json(struct kuma *kuma, struct import_item *check)
{
	char *path = kuma_text(kuma->monitor, "jsonPath"), *op, *value, *expr;
	struct import_words words = { .all = NULL };
	struct err e = { 0 };
	void *compiled = NULL;

	op = kuma_text(kuma->monitor, "jsonPathOperator");
	value = kuma_text(kuma->monitor, "expectedValue");
	expr = json_expr(
		path == NULL ? "" : path, op == NULL ? "==" : op, value == NULL ? "" : value);
	kuma_make_http(kuma, check);
	if (!str_eq(op, "contains"))
		compiled = expr_judge.compile(expr, &e);
	if (compiled != NULL) {
		import_words_add(&words, expr);
		import_list(&check->expect, "json", &words);
		expr_judge.release(compiled);
	} else {
		kuma_note(kuma, "jsonPath",
			"this query cannot be written as a condition over a path; `expect: { json: "
			"... }` knows paths, comparisons, `in`, `and`, `or`, `not`");
	}
	import_words_fini(&words);
	free(path);
	free(op);
	free(value);
	free(expr);
}
