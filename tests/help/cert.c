/*
 * A CA of elliptic keys (a millisecond each), its PEM files in a temporary folder that is removed
 * when the program ends.
 */
#include "tests/help/cert.h"

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY 86400L

struct authority {
	EVP_PKEY *key;
	X509 *cert;
	char folder[64];
	char ca_path[96], client_path[96];
};

static struct authority ca;

static void
clean_up(void)
{
	unlink(ca.ca_path);
	if (ca.client_path[0] != '\0')
		unlink(ca.client_path);
	rmdir(ca.folder);
	X509_free(ca.cert);
	EVP_PKEY_free(ca.key);
	memset(&ca, 0, sizeof(ca));
}

static void
must(int ok)
{
	if (!ok)
		abort();
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(extension != NULL);
	must(X509_add_ext(cert, extension, -1));
	X509_EXTENSION_free(extension);
}

static X509 *
make_bare(EVP_PKEY *key, const char *name, int days_left)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_NAME_new();
	uint64_t serial;

	must(RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1);
	must(X509_set_version(cert, X509_VERSION_3));
	must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1));
	must(X509_gmtime_adj(X509_getm_notBefore(cert), -400 * DAY) != NULL);
	must(X509_gmtime_adj(X509_getm_notAfter(cert), days_left * DAY) != NULL);
	must(X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0));
	must(X509_set_subject_name(cert, subject));
	must(X509_set_pubkey(cert, key));
	X509_NAME_free(subject);
	return cert;
}

static void
sign(X509 *cert, X509 *issuer, EVP_PKEY *key)
{
	must(X509_set_issuer_name(cert, X509_get_subject_name(issuer)));
	must(X509_sign(cert, key, EVP_sha256()) > 0);
}

static void
set_up(void)
{
	FILE *out;

	if (ca.key != NULL)
		return;
	snprintf(ca.folder, sizeof(ca.folder), "/tmp/peer-ca-XXXXXX");
	must(mkdtemp(ca.folder) != NULL);
	snprintf(ca.ca_path, sizeof(ca.ca_path), "%s/ca.pem", ca.folder);
	ca.key = EVP_EC_gen("P-256");
	must(ca.key != NULL);
	ca.cert = make_bare(ca.key, "Test CA", 3650);
	add_extension(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	sign(ca.cert, ca.cert, ca.key);
	out = fopen(ca.ca_path, "w");
	must(out != NULL);
	must(PEM_write_X509(out, ca.cert));
	fclose(out);
	atexit(clean_up);
}

static X509 *
make_leaf(EVP_PKEY *key, const struct peer_cert *how)
{
	X509 *cert = make_bare(key, "test peer", how->days_left);

	add_extension(cert, how->is_self_signed ? cert : ca.cert, NID_subject_alt_name, how->names);
	if (how->is_self_signed)
		sign(cert, cert, key);
	else
		sign(cert, ca.cert, ca.key);
	return cert;
}

void
cert_use(SSL_CTX *ctx, const struct peer_cert *given)
{
	struct peer_cert how = given == NULL ? (struct peer_cert){ NULL, 0, 0 } : *given;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert;

	set_up();
	if (how.names == NULL)
		how.names = "DNS:localhost,IP:127.0.0.1,IP:::1";
	if (how.days_left == 0)
		how.days_left = 90;
	cert = make_leaf(key, &how);
	must(SSL_CTX_use_certificate(ctx, cert));
	must(SSL_CTX_use_PrivateKey(ctx, key));
	X509_free(cert);
	EVP_PKEY_free(key);
}

const char *
peer_ca_path(void)
{
	set_up();
	return ca.ca_path;
}

const char *
peer_client_pem(void)
{
	struct peer_cert how = { "DNS:client.test", 90, 0 };
	EVP_PKEY *key;
	X509 *cert;
	FILE *out;

	set_up();
	if (ca.client_path[0] != '\0')
		return ca.client_path;
	snprintf(ca.client_path, sizeof(ca.client_path), "%s/client.pem", ca.folder);
	key = EVP_EC_gen("P-256");
	cert = make_leaf(key, &how);
	out = fopen(ca.client_path, "w");
	must(out != NULL);
	must(PEM_write_X509(out, cert));
	must(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
	fclose(out);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ca.client_path;
}
