/* Certificates in a sample.  No state. */
#include "probes/tls_facts.h"

#include <stdio.h>
#include <string.h>

#include "io/loop.h"

#define DATE_DOUBTS (TLS_DOUBT_EXPIRED | TLS_DOUBT_NOT_YET)

/* "2026-01-02 03:04 UTC" */
static void
date_text(usec_t wall_us, char *out, size_t size)
{
	char full[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(wall_us, full);
	snprintf(out, size, "%.10s %.5s UTC", full, full + 11);
}

void
tls_facts_report(struct probe_run *run, const struct tls_chain *chain, int days_left)
{
	const struct tls_chain_cert *own = &chain->certs[0], *weak = &chain->certs[chain->weakest];
	usec_t now = loop_wall(probe_env(run)->loop);
	char from[32], until[32];

	probe_value(run, days_left, (double)(weak->until_us - now) / USEC_PER_SEC);
	date_text(own->from_us, from, sizeof(from));
	date_text(own->until_us, until, sizeof(until));
	probe_fact(run, "certificate", "%s, signed by %s", own->subject, own->issuer);
	probe_fact(run, "names", "%s", chain->names);
	probe_fact(run, "valid", "from %s until %s", from, until);
	probe_fact(run, "protocol", "%s, %s%s%s", chain->version, chain->cipher,
		chain->key[0] != '\0' ? ", " : "", chain->key);
	if (chain->weakest > 0) {
		date_text(weak->until_us, until, sizeof(until));
		probe_fact(run, "ends first", "%s, until %s", weak->subject, until);
	}
	if (chain->asks_cert)
		probe_fact(run, "client certificate", "the server asks for one");
	if ((chain->doubts & DATE_DOUBTS) != 0) {
		date_text(now, from, sizeof(from));
		probe_fact(run, "our clock", "%s", from);
	}
}

/* Signs that it is us who are in the wrong year: nothing that was sent is valid today. */
static bool
is_clock_suspect(const struct tls_chain *chain, usec_t now_us)
{
	if ((chain->doubts & TLS_DOUBT_NOT_YET) != 0)
		return true;
	if ((chain->doubts & TLS_DOUBT_EXPIRED) == 0 || chain->count < 2)
		return false;
	for (unsigned i = 0; i < chain->count; i++)
		if (chain->certs[i].from_us <= now_us && now_us <= chain->certs[i].until_us)
			return false;
	return true;
}

void
tls_facts_why(const struct tls_chain *chain, usec_t now_us, char *out, size_t size)
{
	bool is_lonely = (chain->doubts & TLS_DOUBT_ISSUER) != 0 && chain->count == 1;
	size_t len;
	char date[32];

	snprintf(out, size, "%s%s", chain->why,
		is_lonely ? " (the server sends no intermediate certificate)" : "");
	if (!is_clock_suspect(chain, now_us))
		return;
	date_text(now_us, date, sizeof(date));
	len = strlen(out);
	snprintf(out + len, size - len, "; or this host's clock is wrong: it says %s", date);
}
