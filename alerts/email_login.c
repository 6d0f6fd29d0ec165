/* How one logs in to a mail server, and how to see that somebody shows it around. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "alerts/email_talk.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/hmac.h"

#define SEEN 8 /* letters of a secret that are enough to know it: a reply is cut somewhere */

size_t
email_login_plain(const struct email_conf *conf, char out[EMAIL_LOGIN_MAX])
{
	int len = snprintf(out, EMAIL_LOGIN_MAX, "%c%s%c%s", '\0', email_conf_user(conf), '\0',
		email_conf_password(conf));

	return len < EMAIL_LOGIN_MAX ? (size_t)len : EMAIL_LOGIN_MAX - 1;
}

static bool
has_beginning(const char *text, const char *secret)
{
	char begin[SEEN + 1];

	str_copy(begin, sizeof(begin), secret);
	return begin[0] != '\0' && strstr(text, begin) != NULL;
}

bool
email_login_is_repeated(const struct email_conf *conf, const char *text)
{
	const char *password = email_conf_password(conf);
	char plain[EMAIL_LOGIN_MAX], digits[BASE64_SIZE(EMAIL_LOGIN_MAX)];
	bool is_repeated;

	if (email_conf_user(conf) == NULL)
		return false;
	base64_encode(digits, plain, email_login_plain(conf, plain));
	is_repeated = has_beginning(text, digits) || has_beginning(text, password);
	base64_encode(digits, password, strlen(password));
	is_repeated = is_repeated || has_beginning(text, digits);
	secret_wipe(plain, sizeof(plain));
	secret_wipe(digits, sizeof(digits));
	return is_repeated;
}

bool
email_login_is_offered(const char *offered, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *at = offered; *at != '\0';) {
		size_t word = strcspn(at, " ");

		if (word == len && strncasecmp(at, wanted, len) == 0)
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}
