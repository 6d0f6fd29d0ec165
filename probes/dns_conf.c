/*
 * Settings of the dns probe: a name, or everything in one URL (RFC 4501:
 * dns://server/name?type=MX); texts and /patterns/ that the answers must have.
 */
#include "probes/dns_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

#define ROW  struct dns_conf
#define PORT 53

static const struct {
	const char *name;
	enum dns_type type;
} types[] = { { "A", DNS_A }, { "AAAA", DNS_AAAA }, { "CNAME", DNS_CNAME }, { "MX", DNS_MX },
	{ "TXT", DNS_TXT }, { "NS", DNS_NS }, { "SOA", DNS_SOA }, { "SRV", DNS_SRV },
	{ "PTR", DNS_PTR }, { "CAA", DNS_CAA } };

#define TYPES (sizeof(types) / sizeof(types[0]))

static const char *const record_names[] = { "A", "AAAA", "CNAME", "MX", "TXT", "NS", "SOA", "SRV",
	"PTR", "CAA", NULL };

const struct conf_field dns_fields[] = {
	{ .name = "name",
		STRING_AT(ROW, name),
		.flags = CONF_REQUIRED,
		.doc = "The name to ask for, in full; an address for `PTR`. Or all in one: "
		       "`dns://server/name?type=MX`.",
		.example = "www.example.org" },
	{ .name = "server",
		STRING_AT(ROW, server),
		.doc = "The server to ask: `host` or `host:port`. Default: those of "
		       "/etc/resolv.conf, in turn.",
		.example = "192.0.2.53" },
	{ .name = "record",
		ENUM_AT(ROW, record, record_names),
		.doc = "The type of the records. Default: `A`, or `PTR` for an address." },
	{ .name = "expect",
		STRINGS_AT(ROW, expect),
		.doc = "What must be among the answers, all of it: a text as the record is "
		       "written (`10 "
		       "mail.example.org`), or a regular expression between slashes.",
		.example = "[192.0.2.10, \"/^192[.]0[.]2[.]/\"]" },
	{ .type = CONF_END },
};

const char *
dns_record_name(enum dns_type type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

/* --- what is expected --- */

static bool
fits(const struct dns_conf *conf, size_t which, const char *value)
{
	const char *wanted = conf->expect.all[which];
	size_t len = strlen(wanted);

	if (conf->patterns != NULL && conf->patterns[which] != NULL)
		return regexec(conf->patterns[which], value, 0, NULL, 0) == 0;
	if (conf->type == DNS_TXT)
		return strcmp(wanted, value) == 0;
	if (len > 1 && wanted[len - 1] == '.')
		len--; /* names are shown without their last dot */
	return strlen(value) == len && strncasecmp(wanted, value, len) == 0;
}

const char *
dns_conf_missing(const struct dns_conf *conf, const struct dns_result *result)
{
	for (size_t i = 0; i < conf->expect.count; i++) {
		bool is_there = false;

		for (unsigned k = 0; k < result->count && !is_there; k++)
			is_there = fits(conf, i, result->records[k].value);
		if (!is_there)
			return conf->expect.all[i];
	}
	return NULL;
}

static bool
is_pattern(const char *text)
{
	size_t len = strlen(text);

	return len > 2 && text[0] == '/' && text[len - 1] == '/';
}

static void
compile(struct dns_conf *conf, const struct conf_pos *pos, struct complaints *complaints)
{
	conf->patterns = xcalloc(conf->expect.count + 1, sizeof(*conf->patterns));
	for (size_t i = 0; i < conf->expect.count; i++) {
		const char *text = conf->expect.all[i];
		char *inner;
		regex_t *re;

		if (!is_pattern(text))
			continue;
		inner = xstrndup(text + 1, strlen(text) - 2);
		re = xcalloc(1, sizeof(*re));
		if (regcomp(re, inner, REG_EXTENDED | REG_NOSUB | REG_ICASE) == 0) {
			conf->patterns[i] = re;
		} else {
			complain(complaints, pos, "expect: \"%s\" is not a regular expression",
				text);
			free(re);
		}
		free(inner);
	}
}

/* --- names, servers, URLs --- */

static int
type_of_name(const char *name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (strcasecmp(types[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void
set_server(struct dns_conf *conf, const char *text, const struct conf_pos *pos,
	struct complaints *complaints)
{
	struct err e;

	if (place_parse(&conf->place, text, &e) < 0)
		complain(complaints, pos, "server: %s", e.text);
	else if (conf->place.host[0] == '\0' || conf->place.path[0] != '\0')
		complain(complaints, pos, "server: a host is needed, such as 192.0.2.53");
	else if (conf->place.port == 0)
		conf->place.port = PORT;
}

static void
set_query(struct dns_conf *conf, const char *query, const struct conf_pos *pos,
	struct complaints *complaints)
{
	char copy[128], *rest = NULL;

	str_copy(copy, sizeof(copy), query);
	for (char *one = strtok_r(copy, ";&", &rest); one != NULL;
		one = strtok_r(NULL, ";&", &rest)) {
		if (strncasecmp(one, "type=", 5) == 0)
			conf->record = type_of_name(one + 5);
		else if (strcasecmp(one, "class=IN") != 0)
			complain(complaints, pos, "name: \"%s\" is not known in a dns:// URL", one);
		if (strncasecmp(one, "type=", 5) == 0 && conf->record < 0)
			complain(complaints, pos, "name: no record type is called \"%s\"", one + 5);
	}
}

/* dns:[//server/]name[?type=T]: the name in it, owned. */
static char *
take_url(struct dns_conf *conf, const char *url, const struct conf_pos *pos,
	struct complaints *complaints)
{
	const char *at = url + strlen("dns:"), *query;
	char server[sizeof(conf->place.host) + 16];
	size_t len;

	if (str_starts(at, "//")) {
		at += 2;
		len = strcspn(at, "/?");
		snprintf(server, sizeof(server), "%.*s", (int)len, at);
		if (len > 0)
			set_server(conf, server, pos, complaints);
		at += len + (at[len] == '/');
	}
	query = strchr(at, '?');
	if (query != NULL)
		set_query(conf, query + 1, pos, complaints);
	return xstrndup(at, query != NULL ? (size_t)(query - at) : strlen(at));
}

static void
set_asked(struct dns_conf *conf, const char *name, const struct conf_pos *pos,
	struct complaints *complaints)
{
	bool is_address = dns_reverse_name(name, conf->asked) == 0;
	struct dns_query query;
	struct err e;

	conf->type = conf->record >= 0 ? types[conf->record].type : is_address ? DNS_PTR : DNS_A;
	if (!is_address || conf->type != DNS_PTR)
		str_copy(conf->asked, sizeof(conf->asked), name);
	if (name[0] == '\0')
		complain(complaints, pos,
			"name: a name is missing, as in dns://192.0.2.53/www.example.org");
	else if (is_address && conf->type != DNS_PTR)
		complain(complaints, pos, "name: %s is an address: only `PTR` can be asked for it",
			name);
	else if (dns_query_make(&query, 0, conf->asked, conf->type, &e) == -1)
		complain(complaints, pos, "name: %s", e.text);
}

void
dns_conf_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct dns_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "name"), expect = conf_pos_of(map, "expect"),
			server = conf_pos_of(map, "server");
	char *name;

	(void)setup;
	compile(conf, &expect, complaints);
	if (conf->name == NULL)
		return; /* complained about already */
	name = strncasecmp(conf->name, "dns:", 4) == 0
		       ? take_url(conf, conf->name, &pos, complaints)
		       : xstrdup(conf->name);
	if (conf->server != NULL)
		set_server(conf, conf->server, &server, complaints);
	set_asked(conf, name, &pos, complaints);
	free(name);
}

void
dns_conf_release(void *conf_)
{
	struct dns_conf *conf = conf_;

	for (size_t i = 0; conf->patterns != NULL && i < conf->expect.count; i++) {
		if (conf->patterns[i] != NULL)
			regfree(conf->patterns[i]);
		free(conf->patterns[i]);
	}
	free(conf->patterns);
	conf->patterns = NULL;
}

void
dns_conf_reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct dns_conf *conf = conf_;

	(void)instance;
	out->host = conf->name;
	if (conf->place.host[0] != '\0')
		out->server = conf->place.host;
}

void
dns_conf_target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct dns_conf *conf = conf_;
	bool is_v6 = strchr(conf->place.host, ':') != NULL;
	char port[16] = "";

	(void)instance;
	if (conf->place.port != 0 && conf->place.port != PORT)
		snprintf(port, sizeof(port), ":%u", conf->place.port);
	snprintf(out, size, "dns://%s%s%s%s/%s?type=%s", is_v6 ? "[" : "", conf->place.host,
		is_v6 ? "]" : "", port, conf->asked, dns_record_name(conf->type));
}
