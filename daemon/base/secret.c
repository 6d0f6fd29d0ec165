/*
 * Registered secrets, longest first.  Masking is one pass over the text: a table of first bytes
 * keeps the common position cheap.  Overlapping occurrences are masked as one, so that no tail of
 * the longer one is left standing.
 */
#include "base/secret.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define SECRET_MIN 4

struct secret {
	char *text;
	size_t len;
};

struct secret_set {
	struct secret *secrets;
	size_t count;
	bool starts[256]; /* by first byte */
};

struct secret_set *
secret_set_new(void)
{
	return xcalloc(1, sizeof(struct secret_set));
}

void
secret_set_free(struct secret_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++) {
		secret_wipe(set->secrets[i].text, set->secrets[i].len);
		free(set->secrets[i].text);
	}
	free(set->secrets);
	free(set);
}

static void
add(struct secret_set *set, const char *secret)
{
	size_t len = secret ? strlen(secret) : 0, at = 0;

	if (len < SECRET_MIN)
		return;
	for (; at < set->count && set->secrets[at].len >= len; at++)
		if (strcmp(set->secrets[at].text, secret) == 0)
			return;
	set->secrets = xreallocarray(set->secrets, set->count + 1, sizeof(struct secret));
	memmove(&set->secrets[at + 1], &set->secrets[at],
		(set->count - at) * sizeof(struct secret));
	set->secrets[at] = (struct secret){ .text = xstrndup(secret, len), .len = len };
	set->count++;
	set->starts[(unsigned char)secret[0]] = true;
}

/* Each byte of `marks` behind a backslash. */
static void
add_escaped(struct secret_set *set, const char *secret, const char *marks)
{
	size_t len = strlen(secret), used = 0;
	char *text;

	if (secret[strcspn(secret, marks)] == '\0')
		return;
	text = xmalloc(2 * len + 1);
	for (size_t i = 0; i < len; i++) {
		if (strchr(marks, secret[i]) != NULL)
			text[used++] = '\\';
		text[used++] = secret[i];
	}
	text[used] = '\0';
	add(set, text);
	secret_wipe(text, used);
	free(text);
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
add_decoded(struct secret_set *set, const char *secret)
{
	size_t len = strlen(secret), used = 0;
	char *text;

	if (strchr(secret, '%') == NULL)
		return;
	text = xmalloc(len + 1);
	for (size_t i = 0; i < len; i++) {
		bool is_code = secret[i] == '%' && digit_of(secret[i + 1]) >= 0 &&
			       digit_of(secret[i + 2]) >= 0;

		text[used] = secret[i];
		if (is_code)
			text[used] = (char)(digit_of(secret[i + 1]) * 16 + digit_of(secret[i + 2]));
		i += is_code ? 2 : 0;
		used++;
	}
	text[used] = '\0';
	add(set, text);
	secret_wipe(text, used);
	free(text);
}

void
secret_set_add(struct secret_set *set, const char *secret)
{
	if (secret == NULL)
		return;
	add(set, secret);
	add_escaped(set, secret, "\"\\");
	add_escaped(set, secret, "\"\\/");
	add_decoded(set, secret);
}

/* The rest of a text that was cut may be the beginning of a secret; its length, 0: it is not. */
static size_t
match_rest(const struct secret_set *set, const char *text)
{
	size_t left = strlen(text);

	for (size_t i = 0; i < set->count && left >= SECRET_MIN; i++)
		if (strncmp(text, set->secrets[i].text, left) == 0)
			return left;
	return 0;
}

/* Length of the longest secret that begins at `text`, 0: none. */
static size_t
match_at(const struct secret_set *set, const char *text, bool is_cut)
{
	size_t rest;

	if (!set->starts[(unsigned char)*text])
		return 0;
	rest = is_cut ? match_rest(set, text) : 0;
	if (rest > 0)
		return rest;
	for (size_t i = 0; i < set->count; i++)
		if (strncmp(text, set->secrets[i].text, set->secrets[i].len) == 0)
			return set->secrets[i].len;
	return 0;
}

static void
mask(const struct secret_set *set, char *text, bool is_cut)
{
	if (!set || !set->count || !text)
		return;
	size_t out = 0, at = 0;
	while (text[at]) {
		size_t end = at + match_at(set, text + at, is_cut);
		if (end == at) {
			text[out++] = text[at++];
			continue;
		}
		for (; at < end; at++) {
			size_t overlap = at + match_at(set, text + at, is_cut);
			end = overlap > end ? overlap : end;
		}
		memcpy(text + out, SECRET_MASK, sizeof SECRET_MASK - 1);
		out += sizeof SECRET_MASK - 1;
	}
	secret_wipe(text + out, at - out); /* also ends the string, and leaves no tail behind */
}

void
secret_mask(const struct secret_set *set, char *text)
{
	mask(set, text, false);
}

/* A cut falls between characters: up to three bytes of room are left. */
void
secret_mask_cut(const struct secret_set *set, char *text, size_t size)
{
	mask(set, text, text != NULL && size - strlen(text) <= 4);
}

/* Is `word` in the name: anywhere, or where `is_whole`, between what is no letter or digit? */
static bool
has_word(const char *name, size_t len, const char *word, bool is_whole)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= len; i++) {
		bool is_apart = (i == 0 || !isalnum((unsigned char)name[i - 1])) &&
				(i + size == len || !isalnum((unsigned char)name[i + size]));

		if (strncasecmp(name + i, word, size) == 0 && (is_apart || !is_whole))
			return true;
	}
	return false;
}

static bool
is_credential(const char *name, size_t len)
{
	static const char *const parts[] = { "token", "secret", "passw", "signature", "credential",
		"apikey", "accesskey" };
	static const char *const words[] = { "key", "sig", "auth", "authorization", "pass", "pwd" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (has_word(name, len, parts[i], false))
			return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has_word(name, len, words[i], true))
			return true;
	return false;
}

const char *
secret_in_query(const char *at, size_t *len)
{
	while (*(at += strcspn(at, "?&#")) != '\0') {
		const char *name = at + 1;
		size_t size = strcspn(name, "=&#");

		at = name + size;
		if (*at != '=' || !is_credential(name, size))
			continue;
		*len = strcspn(at + 1, "&#");
		if (*len > 0)
			return at + 1;
	}
	return NULL;
}

void
secret_wipe(void *p, size_t len)
{
	if (p && len)
		explicit_bzero(p, len);
}

bool
secret_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differs = 0;

	if (a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++)
		differs |= x[i] ^ y[i];
	return differs == 0;
}
