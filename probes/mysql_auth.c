/*
 * The login plugins that need no library of their own.
 *
 *	mysql_native_password	SHA1(pw) ^ SHA1(scramble + SHA1(SHA1(pw)))
 *	caching_sha2_password	SHA256(pw) ^ SHA256(SHA256(SHA256(pw)) + scramble); the server then
 *				says 3 (it remembered: done) or 4 (it wants the password itself)
 *	sha256_password		the password itself
 *	mysql_clear_password	the password itself, over TLS or a unix socket only
 *
 * "The password itself" is in clear where nobody else reads along, otherwise encrypted with the
 * server's RSA key, which it is asked for.
 */
#include "probes/mysql_auth.h"

#include <string.h>

#include "base/secret.h"
#include "base/str.h"

#define ASK_KEY_CACHING 2
#define ASK_KEY_SHA256  1
#define SAY_REMEMBERED  3
#define SAY_FULL        4
#define ED25519_PROOF   64

struct mysql_plugin {
	const char *name;
	int (*begin)(struct mysql_auth *auth, struct err *e);
	unsigned char ask_key; /* what asks for the RSA key; 0: never in clear over plain TCP */
};

static void
xor_into(unsigned char *out, const unsigned char *with, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] ^= with[i];
}

static int
begin_native(struct mysql_auth *auth, struct err *e)
{
	unsigned char once[DIGEST_SHA1_SIZE], twice[DIGEST_SHA1_SIZE];

	(void)e;
	if (auth->password[0] == '\0')
		return 0;
	digest_sha1(&(struct hmac_part){ auth->password, strlen(auth->password) }, 1, once);
	digest_sha1(&(struct hmac_part){ once, sizeof(once) }, 1, twice);
	digest_sha1((const struct hmac_part[]){ { auth->scramble, auth->scramble_len },
			    { twice, sizeof(twice) } },
		2, auth->proof);
	xor_into(auth->proof, once, sizeof(once));
	auth->proof_len = sizeof(once);
	secret_wipe(once, sizeof(once));
	return 0;
}

static int
begin_caching(struct mysql_auth *auth, struct err *e)
{
	unsigned char once[DIGEST_SHA256_SIZE], twice[DIGEST_SHA256_SIZE];

	(void)e;
	if (auth->password[0] == '\0')
		return 0;
	digest_sha256(&(struct hmac_part){ auth->password, strlen(auth->password) }, 1, once);
	digest_sha256(&(struct hmac_part){ once, sizeof(once) }, 1, twice);
	digest_sha256((const struct hmac_part[]){ { twice, sizeof(twice) },
			      { auth->scramble, auth->scramble_len } },
		2, auth->proof);
	xor_into(auth->proof, once, sizeof(once));
	auth->proof_len = sizeof(once);
	secret_wipe(once, sizeof(once));
	return 0;
}

/* The password and its NUL. */
static void
prove_in_clear(struct mysql_auth *auth)
{
	auth->proof_len = strlen(auth->password) + 1;
	memcpy(auth->proof, auth->password, auth->proof_len);
}

/* In clear, or first the question for the key. */
static int
prove_itself(struct mysql_auth *auth)
{
	if (auth->is_private || auth->password[0] == '\0') {
		prove_in_clear(auth);
		return 0;
	}
	auth->proof[0] = auth->plugin->ask_key;
	auth->proof_len = 1;
	return 0;
}

static int
begin_sha256(struct mysql_auth *auth, struct err *e)
{
	(void)e;
	return prove_itself(auth);
}

static int
begin_clear(struct mysql_auth *auth, struct err *e)
{
	if (!auth->is_private) /* an empty password is no secret, and ends it politely */
		return err_set(e, 0,
			"the account logs in by mysql_clear_password, and the password is not sent "
			"in clear without TLS: add tls=true (or ssl-mode=verify-identity)");
	prove_in_clear(auth);
	return 0;
}

static const struct mysql_plugin plugins[] = {
	{ "mysql_native_password", begin_native, 0 },
	{ "caching_sha2_password", begin_caching, ASK_KEY_CACHING },
	{ "sha256_password", begin_sha256, ASK_KEY_SHA256 },
	{ "mysql_clear_password", begin_clear, 0 },
};

static const struct mysql_plugin *
find_plugin(const char *name)
{
	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++)
		if (str_eq(plugins[i].name, name))
			return &plugins[i];
	return NULL;
}

bool
mysql_auth_knows(const char *plugin)
{
	return find_plugin(plugin) != NULL;
}

int
mysql_auth_begin(struct mysql_auth *auth, const char *plugin, const unsigned char *scramble,
	size_t scramble_len, struct err *e)
{
	str_copy(auth->name, sizeof(auth->name), plugin);
	auth->plugin = find_plugin(plugin);
	auth->proof_len = 0;
	if (scramble_len > sizeof(auth->scramble))
		scramble_len = sizeof(auth->scramble);
	memcpy(auth->scramble, scramble, scramble_len);
	auth->scramble_len = scramble_len;
	if (auth->plugin != NULL)
		return auth->plugin->begin(auth, e);
	if (str_eq(plugin, "client_ed25519")) { /* a shorter answer counts as a broken line */
		memset(auth->proof, 0, ED25519_PROOF);
		auth->proof_len = ED25519_PROOF;
	}
	return err_set(
		e, 0, "the account logs in by the plugin %.64s, which is not spoken here", plugin);
}

/* The server's key came: the password, XORed with the scramble, encrypted. */
static int
prove_by_key(struct mysql_auth *auth, const unsigned char *pem, size_t len, struct err *e)
{
	unsigned char clear[MYSQL_PASSWORD_MAX + 1];
	size_t size = strlen(auth->password) + 1;
	long done;

	if (auth->scramble_len == 0)
		return err_set(e, 0, "the server sent no scramble");
	memcpy(clear, auth->password, size);
	for (size_t i = 0; i < size; i++)
		clear[i] ^= auth->scramble[i % auth->scramble_len];
	done = digest_rsa_oaep(&(struct hmac_part){ pem, len }, &(struct hmac_part){ clear, size },
		auth->proof, e);
	secret_wipe(clear, sizeof(clear));
	if (done < 0)
		return -1;
	auth->proof_len = (size_t)done;
	return 1;
}

int
mysql_auth_continue(struct mysql_auth *auth, const unsigned char *data, size_t len, struct err *e)
{
	if (auth->plugin == NULL || auth->plugin->ask_key == 0)
		return err_set(e, 0, "data for %s, which expects none", auth->name);
	if (len > 1)
		return auth->is_private ? err_set(e, 0, "a key that nobody asked for")
					: prove_by_key(auth, data, len, e);
	if (len == 1 && data[0] == SAY_REMEMBERED)
		return 0;
	if (len == 1 && data[0] == SAY_FULL) {
		prove_itself(auth);
		return 1;
	}
	return err_set(e, 0, "an answer that %s does not have", auth->name);
}
