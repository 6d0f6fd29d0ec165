/* Settings of the smtp probe. */
#ifndef PROBES_SMTP_CONF_H
#define PROBES_SMTP_CONF_H

#include "base/buf.h"
#include "io/addr.h"
#include "io/tls.h"
#include "probes/probe.h"

enum smtp_starttls { SMTP_STARTTLS_OFF, SMTP_STARTTLS_ON, SMTP_STARTTLS_REQUIRED };

struct smtp_conf {
	char *address, *ehlo, *server_name, *ca, *user, *password;
	int starttls; /* enum smtp_starttls */
	bool is_verified;
	/* made by check */
	bool is_tls; /* smtps://: TLS from the first byte */
	struct place place;
	struct tls_ctx *ctx;
};

extern const struct conf_field smtp_fields[];

/* The line of AUTH PLAIN, with its end. */
void smtp_conf_add_login(const struct smtp_conf *conf, struct buf *out);
/* Is the password in a server's reply, plain or as it was sent?  Then that is not shown. */
bool smtp_conf_is_repeated(const struct smtp_conf *conf, const char *text);

void smtp_conf_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);
void smtp_conf_target(const void *conf, const char *instance, char *out, size_t size);
void smtp_conf_reveal(const void *conf, const char *instance, struct revealed *out);

#endif
