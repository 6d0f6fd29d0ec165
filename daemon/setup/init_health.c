/* Reads "curl -fsS http://localhost:3000/api/status | grep ..." and its like; a text of any kind.
 */
#include "setup/init_health.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "setup/init.h"

/* What ends a URL in a shell's or Python's line. */
#define URL_END " \t\n'\"`|;)>&<,"

static const char *
find_start(const char *text, bool *is_https)
{
	const char *https = strstr(text, "https://"), *http = strstr(text, "http://");
	*is_https = https != NULL && (http == NULL || https < http);
	if (*is_https)
		return https + strlen("https://");
	if (http != NULL)
		return http + strlen("http://");
	/* curl and wget take an address without a scheme */
	if (strstr(text, "curl") == NULL && strstr(text, "wget") == NULL)
		return NULL;
	const char *local = strstr(text, "localhost");
	return local != NULL ? local : strstr(text, "127.0.0.1");
}

/* "host:port" of `len` bytes. */
static bool
take_authority(const char *text, size_t len, struct init_asked *asked)
{
	char authority[300];
	if (len == 0 || len >= sizeof(authority))
		return false;
	memcpy(authority, text, len);
	authority[len] = '\0';
	char *at = strrchr(authority, '@');
	char *host = at != NULL ? at + 1 : authority;
	char *bracket = strrchr(host, ']');
	char *colon = strchr(bracket != NULL ? bracket : host, ':');
	asked->port = asked->is_https ? 443 : 80;
	if (colon != NULL) {
		*colon = '\0';
		unsigned long port = strtoul(colon + 1, NULL, 10);
		if (port == 0 || port > 65535)
			return false;
		asked->port = (unsigned)port;
	}
	str_copy(asked->host, sizeof(asked->host), host);
	return *host != '\0';
}

static void
take_path(const char *text, size_t len, struct init_asked *asked)
{
	char *out = asked->path, *end = out + sizeof(asked->path) - 1;
	*out++ = '/';
	for (size_t i = *text == '/' ? 1 : 0; i < len && out < end; i++)
		if (text[i] != '\\' && isprint((unsigned char)text[i]) && text[i] != '$')
			*out++ = text[i];
	*out = '\0';
}

/* grep '"success":\s*true' looks for that anywhere; what it means is the field of the document. */
static void
take_json(const char *text, struct init_asked *asked)
{
	static const char pattern[] = "\"([A-Za-z_][A-Za-z0-9_]*)\"([ *]|s[*])*:([ *]|s[*])*"
				      "(true|false|\"[A-Za-z0-9_ -]+\")";
	char plain[1024];
	size_t len = 0;
	regmatch_t m[5];
	regex_t regex;
	for (; *text != '\0' && len + 1 < sizeof(plain); text++)
		if (*text != '\\')
			plain[len++] = *text;
	plain[len] = '\0';
	const char *grep = strstr(plain, "grep");
	if (grep == NULL || regcomp(&regex, pattern, REG_EXTENDED) != 0)
		return;
	if (regexec(&regex, grep, 5, m, 0) == 0)
		snprintf(asked->json, sizeof(asked->json), "%.*s == %.*s",
			(int)(m[1].rm_eo - m[1].rm_so), grep + m[1].rm_so,
			(int)(m[4].rm_eo - m[4].rm_so), grep + m[4].rm_so);
	regfree(&regex);
}

/* curl -k, -fsk; wget --no-check-certificate. */
static bool
is_lax(const char *text)
{
	if (strstr(text, "--insecure") != NULL || strstr(text, "--no-check-certificate") != NULL)
		return true;
	for (const char *at = strstr(text, "curl"); at != NULL; at = strstr(at, " -")) {
		at += 2;
		if (*at != '-' && memchr(at, 'k', strcspn(at, " ")) != NULL)
			return true;
	}
	return false;
}

bool
init_asked_of(const struct compose_service *service, struct init_asked *asked)
{
	*asked = (struct init_asked){ .port = 0 };
	if (service->health.test == NULL)
		return false;
	char *text = init_in_container(service, service->health.test);
	const char *start = find_start(text, &asked->is_https);
	size_t len = start != NULL ? strcspn(start, "/?" URL_END) : 0;
	bool is_fine = start != NULL && take_authority(start, len, asked);
	if (is_fine) {
		take_path(start + len, strcspn(start + len, URL_END), asked);
		take_json(start + len, asked);
		asked->is_lax = is_lax(text);
	}
	free(text);
	return is_fine;
}
