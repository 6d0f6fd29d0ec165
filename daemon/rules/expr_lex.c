/*
 * Text to tokens.  Promises: never reads past the text's NUL, every error has a column, and a
 * number's unit is part of its token (`5m`, `80%`, `10MB/s`), so that the rest never guesses.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "rules/expr_tree.h"

static const struct word {
	const char *text;
	enum token_kind kind;
} words[] = {
	{ "and", TOK_AND },
	{ "or", TOK_OR },
	{ "not", TOK_NOT },
	{ "in", TOK_IN },
	{ "if", TOK_IF },
	{ "then", TOK_THEN },
	{ "else", TOK_ELSE },
	{ "true", TOK_TRUE },
	{ "false", TOK_FALSE },
};

/* Two characters come before one. */
static const struct word signs[] = {
	{ "<=", TOK_LESS_EQUAL },
	{ ">=", TOK_GREATER_EQUAL },
	{ "==", TOK_EQUAL },
	{ "!=", TOK_NOT_EQUAL },
	{ "<", TOK_LESS },
	{ ">", TOK_GREATER },
	{ "+", TOK_PLUS },
	{ "-", TOK_MINUS },
	{ "*", TOK_TIMES },
	{ "/", TOK_DIVIDE },
	{ "%", TOK_MODULO },
	{ "(", TOK_OPEN },
	{ ")", TOK_CLOSE },
	{ "[", TOK_LIST },
	{ "]", TOK_LIST_END },
	{ ",", TOK_COMMA },
	{ ".", TOK_DOT },
};

/* What people write who come from other languages. */
static const struct foreign {
	const char *text, *ours;
} foreign[] = {
	{ "&&", "and" },
	{ "||", "or" },
	{ "&", "and" },
	{ "|", "or" },
	{ "!", "not" },
	{ "=", "==" },
	{ "~", "==" },
	{ "{", "(" },
	{ "}", ")" },
};

static const char *const other_names[TOKEN_KINDS] = {
	[TOK_END] = "the end",
	[TOK_NAME] = "a name",
	[TOK_BRACKET] = "[…]",
	[TOK_NUMBER] = "a number",
	[TOK_TEXT] = "a text",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *
token_name(enum token_kind kind)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].kind == kind)
			return words[i].text;
	for (size_t i = 0; i < COUNT(signs); i++)
		if (signs[i].kind == kind)
			return signs[i].text;
	return other_names[kind] ? other_names[kind] : "?";
}

bool
token_is_keyword(const char *word)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(words[i].text, word) == 0)
			return true;
	return strcmp(word, "this") == 0;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static int
bad(size_t at, struct err *e, const char *text)
{
	return err_set(e, (int)at + 1, "%s", text);
}

static void
lex_name(struct lexer *lexer, struct token *token)
{
	const char *start = lexer->tree->text + lexer->at;
	size_t len = 0;

	while (is_name_char(start[len]))
		len++;
	lexer->at += len;
	token->text = tree_text(lexer->tree, start, len);
	token->kind = TOK_NAME;
	if (lexer->last == TOK_DOT)
		return; /* a path may have a step that is called `in` */
	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(words[i].text, token->text) == 0)
			token->kind = words[i].kind;
}

static int
lex_text(struct lexer *lexer, struct token *token, struct err *e)
{
	const char *start = lexer->tree->text + lexer->at;
	char quote = *start;
	char *out = tree_alloc(lexer->tree, strlen(start) + 1);
	size_t at = 1, len = 0;

	while (start[at] != quote) {
		if (start[at] == '\\' && start[at + 1] != '\0')
			at++;
		if (start[at] == '\0')
			return bad(lexer->at, e, "this text has no closing quote");
		out[len++] = start[at++];
	}
	token->kind = TOK_TEXT;
	token->text = out;
	lexer->at += at + 1;
	return 0;
}

static int
lex_bracket(struct lexer *lexer, struct token *token, struct err *e)
{
	const char *start = lexer->tree->text + lexer->at + 1;
	const char *end = strchr(start, ']');

	if (!end)
		return bad(lexer->at, e, "this [ has no ]");
	if (end == start)
		return bad(lexer->at, e, "nothing stands between [ and ]");
	token->kind = TOK_BRACKET;
	token->text = tree_text(lexer->tree, start, (size_t)(end - start));
	lexer->at = (size_t)(end + 1 - lexer->tree->text);
	return 0;
}

/* `/s` or `/min` that touches a number: it is a rate. */
static int
lex_per(struct lexer *lexer, struct token *token, struct err *e)
{
	const char *text = lexer->tree->text + lexer->at;
	double by = 1;
	size_t len = 2;

	if (str_starts(text, "/min")) {
		by = 60;
		len = 4;
	} else if (!str_starts(text, "/s")) {
		return 0;
	}
	if (is_name_char(text[len]))
		return 0;
	if (token->unit != UNIT_NONE && token->unit != UNIT_BYTES)
		return bad(lexer->at, e, "only counts and sizes can be per second: 5/s, 10MB/s");
	token->unit = token->unit == UNIT_BYTES ? UNIT_BYTES_PER_SECOND : UNIT_PER_SECOND;
	token->number /= by;
	lexer->at += len;
	return 0;
}

static int
number_with_word(struct token *token, const char *word, struct err *e)
{
	int64_t size;
	usec_t duration;

	if (str_ends(word, "B")) {
		if (value_size(word, &size, e) != 0)
			return -1;
		token->unit = UNIT_BYTES;
		token->number = (double)size;
		return 0;
	}
	if (value_duration(word, &duration, e) != 0)
		return err_set(e, 0,
			"\"%s\" has no unit that is known here: 500ms, 5s, 5m, 2h, 7d, 10MB, 4GiB, "
			"80%%",
			word);
	token->unit = UNIT_SECONDS;
	token->number = (double)duration / (double)USEC_PER_SEC;
	return 0;
}

static int
lex_number(struct lexer *lexer, struct token *token, struct err *e)
{
	const char *start = lexer->tree->text + lexer->at;
	size_t digits = 0, len;
	char word[64];

	while (isdigit((unsigned char)start[digits]) ||
		(start[digits] == '.' && isdigit((unsigned char)start[digits + 1])))
		digits++;
	for (len = digits; isalnum((unsigned char)start[len]) ||
			   (start[len] == '.' && isdigit((unsigned char)start[len + 1]));)
		len++;
	if (len >= sizeof(word))
		return bad(lexer->at, e, "this number is too long");
	token->kind = TOK_NUMBER;
	str_copy(word, len + 1, start);
	lexer->at += len;
	if (len == digits) {
		if (value_number(word, &token->number, e) != 0)
			goto fail;
	} else if (number_with_word(token, word, e) != 0) {
		goto fail;
	}
	if (len == digits && start[len] == '%') {
		token->unit = UNIT_PERCENT;
		lexer->at++;
		return 0;
	}
	return lex_per(lexer, token, e);
fail:
	if (e)
		e->code = (int)token->column;
	return -1;
}

static int
lex_sign(struct lexer *lexer, struct token *token, struct err *e)
{
	const char *text = lexer->tree->text + lexer->at;

	for (size_t i = 0; i < COUNT(signs); i++) {
		if (!str_starts(text, signs[i].text))
			continue;
		token->kind = signs[i].kind;
		lexer->at += strlen(signs[i].text);
		bool is_tight =
			lexer->last_end == token->column || !isspace((unsigned char)text[1]);
		if (token->kind == TOK_MODULO && is_tight)
			return bad(token->column - 1, e,
				"a % that is no number's unit is the remainder of a division and "
				"needs a space "
				"on both sides: a % b");
		return 0;
	}
	for (size_t i = 0; i < COUNT(foreign); i++)
		if (str_starts(text, foreign[i].text))
			return err_set(e, (int)token->column, "unexpected `%s`, did you mean `%s`?",
				foreign[i].text, foreign[i].ours);
	char shown[8] = { 0 };
	str_printable(shown, sizeof(shown), text, str_utf8_cut(text, strlen(text), 4));
	return err_set(e, (int)token->column, "unexpected `%.*s`",
		isascii((unsigned char)*text) ? 1 : (int)strlen(shown), shown);
}

static int
lex_one(struct lexer *lexer, struct token *token, struct err *e)
{
	char c = lexer->tree->text[lexer->at];
	bool touches = lexer->last_end == token->column;

	if (c == '\0')
		return 0;
	if (isalpha((unsigned char)c) || c == '_') {
		lex_name(lexer, token);
		return 0;
	}
	if (isdigit((unsigned char)c))
		return lex_number(lexer, token, e);
	if (c == '"' || c == '\'')
		return lex_text(lexer, token, e);
	if (c == '[' && touches && (lexer->last == TOK_NAME || lexer->last == TOK_BRACKET))
		return lex_bracket(lexer, token, e);
	return lex_sign(lexer, token, e);
}

int
lex_next(struct lexer *lexer, struct token *token, struct err *e)
{
	while (isspace((unsigned char)lexer->tree->text[lexer->at]))
		lexer->at++;
	*token = (struct token){ .kind = TOK_END, .column = (uint16_t)(lexer->at + 1) };
	if (lex_one(lexer, token, e) != 0)
		return -1;
	token->end = (uint16_t)(lexer->at + 1);
	lexer->last = token->kind;
	lexer->last_end = token->end;
	return 0;
}
