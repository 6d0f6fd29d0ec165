/* Settings of the dns probe, and what its answers are compared with. */
#ifndef PROBES_DNS_CONF_H
#define PROBES_DNS_CONF_H

#include <regex.h>

#include "io/addr.h"
#include "io/dns_message.h"
#include "probes/probe.h"

struct dns_conf {
	char *name, *server;
	int record; /* index of the type's name; -1: not said */
	struct conf_strings expect;
	/* made by check */
	char asked[DNS_NAME_MAX]; /* the name that is sent */
	enum dns_type type;
	struct place place; /* of the server; no host: the system's */
	regex_t **patterns; /* one for each of `expect`; NULL: a plain text */
};

extern const struct conf_field dns_fields[];

const char *dns_record_name(enum dns_type type); /* "AAAA" */
/* The first of `expect` that no answer fits; NULL: all are there. */
const char *dns_conf_missing(const struct dns_conf *conf, const struct dns_result *result);

void dns_conf_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);
void dns_conf_release(void *conf);
void dns_conf_target(const void *conf, const char *instance, char *out, size_t size);
void dns_conf_reveal(const void *conf, const char *instance, struct revealed *out);

#endif
