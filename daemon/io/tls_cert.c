/* Certificates in words, dates and names included: what a person needs to mend them. */
#include "io/tls_cert.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/str.h"

#define NAMES_SHOWN 5

bool
tls_cert_end(const X509 *cert, usec_t *end_us)
{
	struct tm tm;

	if (cert == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return false;
	*end_us = (usec_t)timegm(&tm) * USEC_PER_SEC;
	return true;
}

static void
date_text(const ASN1_TIME *when, char *out, size_t size)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(when, &tm) != 1 || strftime(out, size, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(out, size, "(no date)");
}

/* The common name, or the organisation where there is none. */
static void
short_name(const X509_NAME *name, char *out, size_t size)
{
	static const int kinds[] = { NID_commonName, NID_organizationName };
	unsigned char *text = NULL;
	int len = -1;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && len <= 0; i++) {
		int at = X509_NAME_get_index_by_NID(name, kinds[i], -1);

		if (at >= 0)
			len = ASN1_STRING_to_UTF8(
				&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	}
	if (len > 0)
		str_printable(out, size, text, (size_t)len);
	else
		snprintf(out, size, "(nameless)");
	OPENSSL_free(text);
}

static bool
name_text(const GENERAL_NAME *name, char *out, size_t size)
{
	int type, len;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);

	if (type != GEN_DNS && type != GEN_IPADD)
		return false;
	len = ASN1_STRING_length(value);
	if (type == GEN_DNS)
		str_printable(out, size, ASN1_STRING_get0_data(value), (size_t)len);
	else if (len == 4 || len == 16)
		inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), out,
			(socklen_t)size);
	else
		return false;
	return true;
}

/* "a.example, b.example and 3 more"; the common name where no other is given. */
static void
names_text(const X509 *cert, char *out, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names), shown = 0, more = 0;
	struct buf text;
	char one[128];

	buf_init(&text, size);
	for (int i = 0; i < count; i++) {
		if (!name_text(sk_GENERAL_NAME_value(names, i), one, sizeof(one)))
			continue;
		if (shown == NAMES_SHOWN) {
			more++;
			continue;
		}
		buf_addf(&text, "%s%s", shown++ == 0 ? "" : ", ", one);
	}
	GENERAL_NAMES_free(names);
	if (shown == 0) {
		short_name(X509_get_subject_name(cert), one, sizeof(one));
		buf_add_text(&text, one);
	}
	if (more > 0)
		buf_addf(&text, " and %d more", more);
	str_copy(out, size, buf_text(&text));
	buf_fini(&text);
}

static void
explain_date(const X509 *cert, bool is_end, char *out, size_t size)
{
	char name[96], date[48];

	short_name(X509_get_subject_name(cert), name, sizeof(name));
	date_text(
		is_end ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert), date, sizeof(date));
	snprintf(out, size, "the certificate of %s %s %s", name,
		is_end ? "expired on" : "is not valid before", date);
}

static void
explain_issuer(const X509 *cert, int error, char *out, size_t size)
{
	char name[96], issuer[96];

	short_name(X509_get_subject_name(cert), name, sizeof(name));
	short_name(X509_get_issuer_name(cert), issuer, sizeof(issuer));
	if (error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
		snprintf(out, size, "the certificate of %s is self-signed and not trusted", name);
	else
		snprintf(out, size, "the certificate of %s is signed by %s, which is not trusted",
			name, issuer);
}

void
tls_cert_explain(X509 *cert, int error, const char *wanted, char *out, size_t size)
{
	char names[192];

	switch (cert == NULL ? X509_V_OK : error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		explain_date(cert, error == X509_V_ERR_CERT_HAS_EXPIRED, out, size);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names_text(cert, names, sizeof(names));
		snprintf(out, size, "the certificate is for %s, not for %s", names, wanted);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		explain_issuer(cert, error, out, size);
		break;
	default:
		snprintf(out, size, "the certificate is not acceptable: %s",
			X509_verify_cert_error_string(error));
	}
}

enum tls_doubt
tls_cert_doubt(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_DOUBT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_DOUBT_NOT_YET;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_DOUBT_NAME;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return TLS_DOUBT_SELF;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return TLS_DOUBT_ISSUER;
	default:
		return TLS_DOUBT_OTHER;
	}
}

static usec_t
time_of(const ASN1_TIME *when)
{
	struct tm tm;

	return ASN1_TIME_to_tm(when, &tm) == 1 ? (usec_t)timegm(&tm) * USEC_PER_SEC : 0;
}

static void
key_text(const X509 *cert, char *out, size_t size)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);
	const char *kind = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);

	if (kind == NULL)
		out[0] = '\0';
	else
		snprintf(out, size, "%.20s %d", kind, EVP_PKEY_get_bits(key));
}

/* Servers send more than is needed, such as an old cross-signature that has expired: what the way
 * to the authority does not use harms nobody. */
static bool
is_used(STACK_OF(X509) * used, const X509 *cert)
{
	for (int i = 0; i < sk_X509_num(used); i++)
		if (X509_cmp(sk_X509_value(used, i), cert) == 0)
			return true;
	return used == NULL;
}

void
tls_cert_chain(STACK_OF(X509) * sent, STACK_OF(X509) * used, struct tls_chain *out)
{
	int count = sent == NULL ? 0 : sk_X509_num(sent);

	out->count = out->weakest = 0;
	for (int i = 0; i < count && out->count < TLS_CHAIN_MAX; i++) {
		const X509 *cert = sk_X509_value(sent, i);
		struct tls_chain_cert *one = &out->certs[out->count];

		short_name(X509_get_subject_name(cert), one->subject, sizeof(one->subject));
		short_name(X509_get_issuer_name(cert), one->issuer, sizeof(one->issuer));
		one->from_us = time_of(X509_get0_notBefore(cert));
		one->until_us = time_of(X509_get0_notAfter(cert));
		if (one->until_us < out->certs[out->weakest].until_us && is_used(used, cert))
			out->weakest = out->count;
		out->count++;
	}
	if (count == 0)
		return;
	names_text(sk_X509_value(sent, 0), out->names, sizeof(out->names));
	key_text(sk_X509_value(sent, 0), out->key, sizeof(out->key));
}
