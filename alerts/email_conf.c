/* Settings of the email receiver.  A password never travels in the open, but to this host. */
#include "alerts/email_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define ROW         struct email_conf
#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3, without the brackets */
#define LOCAL_MAX   64
#define LOGIN_MAX   512 /* of user and password each */
#define PREFIX_MAX  60

static const char *const starttls_words[] = {
	[EMAIL_STARTTLS_OFF] = "off",
	[EMAIL_STARTTLS_CHANCE] = "opportunistic",
	[EMAIL_STARTTLS_REQUIRED] = "required",
	NULL,
};

static const char *const subject_words[] = {
	[EMAIL_SUBJECT_STATUS] = "status",
	[EMAIL_SUBJECT_SAME] = "same",
	NULL,
};

const struct conf_field email_fields[] = {
	{ "server", URL_AT(ROW, server), .flags = CONF_REQUIRED,
		.doc = "The mail server: `smtp://host` (port 25; mostly you want `:587`), or "
		       "`smtps://host` (port 465, TLS from the first byte).",
		.example = "smtp://mail.example.com:587" },
	{ "from", STRING_AT(ROW, from), .flags = CONF_REQUIRED,
		.doc = "Who writes: an address, or `name <address>`.",
		.example = "triaged <triaged@example.com>" },
	{ "to", STRINGS_AT(ROW, to), .flags = CONF_REQUIRED,
		.doc = "Who is written to: one address or a list, at most 50.",
		.example = "[ann@example.com, ops@example.com]" },
	{ "user", STRING_AT(ROW, user), .doc = "Logs in (AUTH PLAIN or LOGIN).",
		.example = "triaged@example.com" },
	{ "password", SECRET_AT(ROW, password), .doc = "Password of `user`.",
		.example = "\"${SMTP_PASSWORD}\"" },
	{ "starttls", ENUM_AT(ROW, starttls, starttls_words),
		.doc = "With `smtp://`.  `required`: the server must go over to TLS, or nothing is "
		       "sent.  `opportunistic`: TLS where it is offered.  `off`: none.  Default: "
		       "`required`, but `off` for a server on this host." },
	{ "subject", ENUM_AT(ROW, subject, subject_words), .dflt = "status", .flags = CONF_ADVANCED,
		.doc = "`status`: each mail's subject says how it stands.  `same`: all mails of an "
		       "incident have the subject of the first, without its state, for Gmail, "
		       "which begins a new thread with each new subject." },
	{ "subject_prefix", STRING_AT(ROW, subject_prefix), .doc = "Stands before every subject.",
		.example = "\"[prod] \"" },
	{ "reply_to", STRING_AT(ROW, reply_to), .flags = CONF_ADVANCED, .doc = "Where answers go.",
		.example = "ops@example.com" },
	{ "server_name", STRING_AT(ROW, server_name), .flags = CONF_ADVANCED,
		.doc = "Name to verify in the certificate.  Default: the host of `server`." },
	{ "ca", PATH_AT(ROW, ca), .flags = CONF_ADVANCED,
		.doc = "PEM file with the certificate authorities to trust, instead of the "
		       "system's." },
	{ "verify", BOOL_AT(ROW, verify), .dflt = "true", .flags = CONF_ADVANCED,
		.doc = "Whether the server's certificate is verified." },
	{ "ehlo", STRING_AT(ROW, ehlo), .flags = CONF_ADVANCED,
		.doc = "The name that we introduce ourselves with.  Default: our own address, as "
		       "in `[192.0.2.7]`.",
		.example = "web-1.example.com" },
	{ "timeout", DURATION_AT(ROW, timeout_us), .dflt = "30s", .min = "1s", .max = "110s",
		.flags = CONF_ADVANCED, .doc = "How long one try may take." },
	{ .type = CONF_END },
};

/* ---- addresses ---- */

static void
clear_mailbox(struct email_mailbox *box)
{
	free(box->name);
	free(box->address);
	*box = (struct email_mailbox){ .name = NULL };
}

static bool
is_ascii(const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c > '~')
			return false;
	}
	return true;
}

/* NULL, or what is wrong.  Quoted local parts are not taken: nobody has one. */
static const char *
find_fault(const char *address)
{
	const char *at = strrchr(address, '@');

	if (at == NULL || at == address || at[1] == '\0')
		return "write it as name@host";
	if ((size_t)(at - address) > LOCAL_MAX || strlen(address) > ADDRESS_MAX)
		return "it is too long";
	if (memchr(address, '@', (size_t)(at - address)) != NULL)
		return "it has two @";
	for (const char *c = address; *c != '\0'; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("<>()[],;:\\\"", *c) != NULL)
			return "an address has no blanks and none of <>()[],;:\\\"";
	}
	return NULL;
}

static char *
trimmed(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\"", text[0]) != NULL) {
		text++;
		len--;
	}
	while (len > 0 && strchr(" \t\"", text[len - 1]) != NULL)
		len--;
	return xstrndup(text, len);
}

static const char *
parse_mailbox(struct email_mailbox *box, const char *text)
{
	const char *open = strrchr(text, '<');
	size_t len = strlen(text);
	const char *wrong;

	clear_mailbox(box);
	if (open != NULL && text[len - 1] == '>') {
		box->name = trimmed(text, (size_t)(open - text));
		box->address = xstrndup(open + 1, len - (size_t)(open - text) - 2);
	} else {
		box->address = xstrdup(text);
	}
	wrong = find_fault(box->address);
	box->is_ascii = is_ascii(box->address);
	return wrong;
}

static void
check_mailbox(struct email_mailbox *box, const char *key, const char *text,
	const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, key);
	const char *wrong = parse_mailbox(box, text);

	if (wrong != NULL)
		complain(complaints, &at, "%s: \"%.80s\" is no mail address: %s", key, text, wrong);
}

static void
check_people(struct email_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "to");

	if (conf->from != NULL)
		check_mailbox(&conf->sender, "from", conf->from, map, complaints);
	if (conf->reply_to != NULL)
		check_mailbox(&conf->answers, "reply_to", conf->reply_to, map, complaints);
	if (conf->to.count > EMAIL_TO_MAX)
		complain(complaints, &at,
			"to: at most %d addresses; make a list on the mail server", EMAIL_TO_MAX);
	for (size_t i = 0; i < conf->to.count && i < EMAIL_TO_MAX; i++)
		check_mailbox(&conf->people[conf->people_count++], "to", conf->to.all[i], map,
			complaints);
	if (conf->to.count == 0 && conf_get(map, "to") != NULL)
		complain(complaints, &at, "to: nobody is written to; give an address");
}

/* ---- the server ---- */

static bool
is_this_host(const struct place *place)
{
	struct addr addr;

	if (place->path[0] != '\0' || str_eq(place->host, "localhost"))
		return true;
	return addr_from_numeric(&addr, place->host, 0) == 0 && addr_is_loopback(&addr);
}

static void
check_tls(struct email_conf *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints)
{
	const struct tls_options options = { .ca = conf->ca, .is_unverified = !conf->verify };
	const char *key = conf->ca == NULL ? "server" : "ca";
	struct conf_pos at = conf_pos_of(map, key);
	struct err e;

	if (tls == NULL || (!conf->is_tls && conf->mode == EMAIL_STARTTLS_OFF))
		return;
	conf->ctx = tls_ctx_get(tls, &options, &e);
	if (conf->ctx == NULL)
		complain(complaints, &at, "%s: %s", key, e.text);
}

static void
check_server(struct email_conf *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "server");
	struct err e;

	if (url_parse(&conf->url, conf->server, &e) < 0) {
		complain(complaints, &at, "server: %s", e.text);
		return;
	}
	conf->is_tls = str_eq(conf->url.scheme, "smtps");
	if (!conf->is_tls && !str_eq(conf->url.scheme, "smtp"))
		complain(complaints, &at, "server: must begin with smtp:// or smtps://");
	else if (!str_eq(conf->url.target, "/"))
		complain(complaints, &at, "server: nothing stands behind the port");
	if (conf->url.place.port == 0)
		conf->url.place.port = url_port(&conf->url);
	conf->mode = conf->starttls;
	if (conf->mode < 0)
		conf->mode = is_this_host(&conf->url.place) ? EMAIL_STARTTLS_OFF
							    : EMAIL_STARTTLS_REQUIRED;
	check_tls(conf, map, tls, complaints);
}

/* ---- the login and words ---- */

const char *
email_conf_user(const struct email_conf *conf)
{
	return conf->user != NULL ? conf->user : conf->url.user;
}

const char *
email_conf_password(const struct email_conf *conf)
{
	const char *password = conf->password != NULL ? conf->password : conf->url.password;

	return password != NULL ? password : "";
}

static void
check_login(
	const struct email_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	const char *user = email_conf_user(conf);
	struct conf_pos at = conf_pos_of(map, conf->user != NULL ? "user" : "server");
	struct conf_pos password = conf_pos_of(map, "password");

	if (user == NULL) {
		if (conf->password != NULL)
			complain(complaints, &password, "password: there is no `user` to it");
		return;
	}
	if (!conf->is_tls && conf->mode == EMAIL_STARTTLS_OFF && conf->url.scheme[0] != '\0' &&
		!is_this_host(&conf->url.place))
		complain(complaints, &at,
			"user: a password is sent over TLS only; set starttls: required, or use "
			"smtps://");
	if (email_conf_password(conf)[0] == '\0')
		complain(complaints, &at, "user: set `password`, too");
	if (strlen(user) > LOGIN_MAX || strlen(email_conf_password(conf)) > LOGIN_MAX)
		complain(complaints, &at, "user, password: at most %d bytes each", LOGIN_MAX);
}

static void
check_words(
	const struct email_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos ehlo = conf_pos_of(map, "ehlo"), at = conf_pos_of(map, "subject_prefix");

	for (const char *c = conf->ehlo; c != NULL && *c != '\0'; c++) {
		if ((unsigned char)*c > ' ' && (unsigned char)*c < 0x7f &&
			strlen(conf->ehlo) <= 255)
			continue;
		complain(complaints, &ehlo, "ehlo: a host name, without blanks");
		break;
	}
	if (conf->subject_prefix != NULL && strlen(conf->subject_prefix) > PREFIX_MAX)
		complain(complaints, &at, "subject_prefix: at most %d bytes", PREFIX_MAX);
}

/* ---- as a whole ---- */

void
email_conf_check(
	void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct email_conf *conf = arg;

	if (conf->server != NULL)
		check_server(conf, map, tls, complaints);
	check_people(conf, map, complaints);
	check_login(conf, map, complaints);
	check_words(conf, map, complaints);
}

void
email_conf_release(void *arg)
{
	struct email_conf *conf = arg;

	url_fini(&conf->url);
	clear_mailbox(&conf->sender);
	clear_mailbox(&conf->answers);
	for (size_t i = 0; i < conf->people_count; i++)
		clear_mailbox(&conf->people[i]);
	conf->people_count = 0;
}

void
email_conf_target(const void *arg, char *out, size_t size)
{
	const struct email_conf *conf = arg;
	char *origin = conf->url.scheme[0] != '\0' ? url_origin(&conf->url) : xstrdup("");

	if (conf->to.count > 1)
		snprintf(out, size, "%s, to %s and %zu more", origin, conf->to.all[0],
			conf->to.count - 1);
	else
		snprintf(out, size, "%s, to %s", origin,
			conf->to.count == 1 ? conf->to.all[0] : "nobody");
	free(origin);
}
