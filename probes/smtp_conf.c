/* Settings of the smtp probe: where, how much TLS, and a login that never travels in the open. */
#include "probes/smtp_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probes/net.h"
#include "probes/reveal.h"
#include "probes/tls_rows.h"

#define ROW        struct smtp_conf
#define PORT       25
#define PORT_TLS   465
#define SECRET_MAX 512 /* of user and password each */
#define LOGIN_SEEN 8   /* digits of it that are enough to know it by */

static const char *const starttls_words[] = {
	[SMTP_STARTTLS_OFF] = "false",
	[SMTP_STARTTLS_ON] = "true",
	[SMTP_STARTTLS_REQUIRED] = "required",
	NULL,
};

const struct conf_field smtp_fields[] = {
	{ .name = "address",
		STRING_AT(ROW, address),
		.flags = CONF_REQUIRED,
		.doc = "`host` or `host:port`, or a URL: `smtp://host` (port 25), `smtps://host` "
		       "(port 465, "
		       "TLS from the first byte).",
		.example = "mail.example.org:587" },
	{ .name = "starttls",
		ENUM_AT(ROW, starttls, starttls_words),
		.dflt = "true",
		.doc = "`true`: TLS where the server offers it. `required`: the server must offer "
		       "it, with "
		       "a good certificate. `false`: no." },
	{ .name = "ehlo",
		STRING_AT(ROW, ehlo),
		.dflt = "localhost",
		.doc = "The name that we introduce ourselves with.",
		.example = "monitor.example.org" },
	{ .name = "server_name",
		STRING_AT(ROW, server_name),
		.doc = "Name to verify in the certificate. Default: the host of `address`." },
	TLS_CA_ROW(ROW),
	TLS_VERIFY_ROW(ROW),
	{ .name = "user",
		STRING_AT(ROW, user),
		.doc = "Logs in (AUTH PLAIN); needs `starttls: required` or `smtps://`." },
	{ .name = "password",
		SECRET_AT(ROW, password),
		.doc = "Password of `user`.",
		.example = "${file:/run/secrets/smtp}" },
	{ .type = CONF_END },
};

/* --- the login --- */

static void
add_base64(struct buf *out, const unsigned char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned bits = (unsigned)data[i] << 16 |
				(i + 1 < len ? (unsigned)data[i + 1] << 8 : 0) |
				(i + 2 < len ? data[i + 2] : 0);
		const char four[] = { digits[bits >> 18], digits[bits >> 12 & 63],
			i + 1 < len ? digits[bits >> 6 & 63] : '=',
			i + 2 < len ? digits[bits & 63] : '=' };

		buf_add(out, four, sizeof(four));
	}
}

void
smtp_conf_add_login(const struct smtp_conf *conf, struct buf *out)
{
	struct buf plain;

	buf_init(&plain, 0);
	buf_add(&plain, "", 1);
	buf_add_text(&plain, conf->user);
	buf_add(&plain, "", 1);
	buf_add_text(&plain, conf->password != NULL ? conf->password : "");
	buf_add_text(out, "AUTH PLAIN ");
	add_base64(out, (const unsigned char *)buf_head(&plain), buf_left(&plain));
	buf_add_text(out, "\r\n");
	buf_fini(&plain);
}

/* A server that did not understand shows the line again, and there is the password. */
bool
smtp_conf_is_repeated(const struct smtp_conf *conf, const char *text)
{
	const char *password = conf->password != NULL ? conf->password : "";
	char begin[LOGIN_SEEN + 1]; /* a reply is cut somewhere */
	struct buf line;

	buf_init(&line, 0);
	smtp_conf_add_login(conf, &line);
	snprintf(begin, sizeof(begin), "%s", buf_text(&line) + strlen("AUTH PLAIN "));
	buf_fini(&line);
	return (password[0] != '\0' && strstr(text, password) != NULL) ||
	       strstr(text, begin) != NULL;
}

/* --- as a whole --- */

static const char *
take_scheme(struct smtp_conf *conf)
{
	const char *address = conf->address;

	conf->is_tls = str_starts(address, "smtps://");
	if (conf->is_tls)
		return address + strlen("smtps://");
	return str_starts(address, "smtp://") ? address + strlen("smtp://") : address;
}

static void
check_words(
	const struct smtp_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos ehlo = conf_pos_of(map, "ehlo"), user = conf_pos_of(map, "user");

	for (const char *p = conf->ehlo; p != NULL && *p != '\0'; p++) {
		if ((unsigned char)*p > ' ' && (unsigned char)*p < 0x7f)
			continue;
		complain(complaints, &ehlo, "ehlo: a name without blanks");
		break;
	}
	if (conf->user != NULL && !conf->is_tls && conf->starttls != SMTP_STARTTLS_REQUIRED)
		complain(complaints, &user,
			"a password is sent over TLS only: set `starttls: required`");
	if (conf->user == NULL && conf->password != NULL)
		complain(complaints, &user, "a password without its `user`");
	if ((conf->user != NULL && strlen(conf->user) > SECRET_MAX) ||
		(conf->password != NULL && strlen(conf->password) > SECRET_MAX))
		complain(complaints, &user, "user and password: at most %d bytes each", SECRET_MAX);
}

void
smtp_conf_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct smtp_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "address");
	struct tls_options tls = { .ca = conf->ca, .is_unverified = !conf->is_verified };
	const char *address;
	struct err e;

	if (conf->address == NULL)
		return; /* complained about already */
	address = take_scheme(conf);
	if (place_parse(&conf->place, address, &e) < 0)
		complain(complaints, &pos, "address: %s", e.text);
	else if (address[0] == ':' && address[1] != ':')
		complain(complaints, &pos, "address: a host is missing, such as 127.0.0.1:25");
	else if (conf->place.path[0] == '\0' && conf->place.port == 0)
		conf->place.port = conf->is_tls ? PORT_TLS : PORT;
	check_words(conf, map, complaints);
	if (conf->is_verified && (conf->is_tls || conf->starttls == SMTP_STARTTLS_REQUIRED))
		net_check_name(&conf->place, conf->server_name, &pos, complaints);
	if (!conf->is_tls && conf->starttls == SMTP_STARTTLS_OFF)
		return;
	conf->ctx = setup->tls != NULL ? tls_ctx_get(setup->tls, &tls, &e) : NULL;
	if (conf->ctx == NULL && setup->tls != NULL)
		complain(complaints, &pos, "%s", e.text);
}

void
smtp_conf_reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct smtp_conf *conf = conf_;

	(void)instance;
	reveal_place(&conf->place, out);
	out->user = conf->user;
}

void
smtp_conf_target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct smtp_conf *conf = conf_;
	const char *address = conf->address != NULL ? conf->address : "";

	(void)instance;
	snprintf(out, size, "%s%s", strstr(address, "://") != NULL ? "" : "smtp://", address);
}
