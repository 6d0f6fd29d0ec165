/* What all probes that speak to a network share: faults as causes, phases, and banners. */
#ifndef PROBES_NET_H
#define PROBES_NET_H

#include "io/stream.h"
#include "probes/probe.h"

const char *net_cause(enum fault fault); /* "net.refused", "self.fd-limit"... never NULL */

/* Phases and family note of a connection; before a verdict, or at the deadline. */
void net_report(struct probe_run *run, const struct stream *stream);
/* The connection failed: its report, then the verdict. */
void net_fail(struct probe_run *run, const struct stream *stream);
/* The same for clients without a stream: `reason` in words, `peer` the numeric address that was
 * tried (NULL: not known).  On this host, whoever listens there tells refusals and silences apart.
 */
void net_fail_at(
	struct probe_run *run, enum fault fault, const char *reason, const struct addr *peer);
/* For their `stuck`: goes on behind the words in `text`. */
const char *net_stuck_at(
	struct probe_run *run, enum fault fault, const struct addr *peer, char *text, size_t size);
/* The same where the address is known as text ("127.0.0.1:80", a path). */
void net_fail_text(struct probe_run *run, enum fault fault, const char *reason, const char *where);
const char *net_stuck_text(
	struct probe_run *run, enum fault fault, const char *where, char *text, size_t size);
/* For a type's `stuck`: the report, what it was waiting for in words, and the cause. */
const char *net_stuck(struct probe_run *run, const struct stream *stream, char *text, size_t size);

/* For a type's `check`: a path has no name that a certificate could be verified for. */
void net_check_name(const struct place *place, const char *server_name, const struct conf_pos *pos,
	struct complaints *complaints);

/* Who speaks like this: "an SSH server"; NULL: no idea. */
const char *net_banner(const void *data, size_t len);
/* Not our protocol: net.protocol (or net.tls-required for a TLS alert) with the first bytes. */
void net_fail_protocol(struct probe_run *run, const char *wanted, const void *data, size_t len);

#endif
