/* Settings of the email receiver: which server, how much TLS, a login, and who writes to whom. */
#ifndef ALERTS_EMAIL_CONF_H
#define ALERTS_EMAIL_CONF_H

#include "alerts/receiver.h"
#include "io/tls.h"
#include "io/url.h"

enum email_starttls { EMAIL_STARTTLS_OFF, EMAIL_STARTTLS_CHANCE, EMAIL_STARTTLS_REQUIRED };
enum email_subject { EMAIL_SUBJECT_STATUS, EMAIL_SUBJECT_SAME };

#define EMAIL_TO_MAX 50

/* "web-1 <triaged@example.com>", taken apart. */
struct email_mailbox {
	char *name;    /* NULL: none */
	char *address; /* triaged@example.com */
	bool is_ascii; /* the address; others need a server with SMTPUTF8 */
};

struct email_conf {
	char *server, *from, *user, *password;
	char *server_name, *ca, *ehlo, *reply_to, *subject_prefix;
	struct conf_strings to;
	int starttls; /* enum email_starttls; -1: not said */
	int subject;  /* enum email_subject */
	bool verify;
	usec_t timeout_us;
	/* Made by check(). */
	struct url url;
	int mode;    /* enum email_starttls: as it was said, or by the place */
	bool is_tls; /* smtps://: from the first byte */
	struct tls_ctx *ctx;
	struct email_mailbox sender, answers; /* answers: reply_to; address NULL: none */
	struct email_mailbox people[EMAIL_TO_MAX];
	size_t people_count;
};

extern const struct conf_field email_fields[];

/* The login, from its keys or from the URL; NULL: none. */
const char *email_conf_user(const struct email_conf *conf);
const char *email_conf_password(const struct email_conf *conf); /* "" when there is none */

void email_conf_check(void *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints);
void email_conf_release(void *conf);
void email_conf_target(const void *conf, char *out, size_t size);

#endif
