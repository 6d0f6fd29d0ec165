/* A TLS server's certificates as facts and words, for the probes that look at them. */
#ifndef PROBES_TLS_FACTS_H
#define PROBES_TLS_FACTS_H

#include "io/tls_chain.h"
#include "probes/probe.h"

#define TLS_WHY_MAX 900

/* Facts of certificates and connection, and the time left as metric `days_left`. */
void tls_facts_report(struct probe_run *run, const struct tls_chain *chain, int days_left);
/* Why they are not acceptable, and whether our own clock (`now_us`) is to be suspected. */
void tls_facts_why(const struct tls_chain *chain, usec_t now_us, char *out, size_t size);

#endif
