/* A lexer of SQL that keeps words and forgets values; see sql_mask.h. */
#include "probes/sql_mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct mask {
	enum sql_dialect dialect;
	const char *at; /* what is to be read */
	char *out;
	size_t size, len;
	bool in_word;  /* the character before belongs to a name or key word */
	bool is_blank; /* a blank is due before the next character */
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static void
put(struct mask *m, const char *text, size_t len)
{
	if (m->is_blank && m->len > 0 && m->len + 1 < m->size)
		m->out[m->len++] = ' ';
	m->is_blank = false;
	for (size_t i = 0; i < len && m->len + 1 < m->size; i++)
		m->out[m->len++] = iscntrl((unsigned char)text[i]) ? '.' : text[i];
}

static void
put_hidden(struct mask *m)
{
	put(m, "?", 1);
	m->in_word = false;
}

/* From the opening quote to behind the closing one; a doubled quote is one of the text.  False: it
 * is not closed. */
static bool
skip_quoted(struct mask *m, char quote, bool has_escapes)
{
	for (m->at++; *m->at != '\0'; m->at++) {
		if (has_escapes && *m->at == '\\' && m->at[1] != '\0') {
			m->at++;
		} else if (*m->at == quote) {
			m->at++;
			if (*m->at != quote)
				return true;
		}
	}
	return false;
}

static void
skip_past(struct mask *m, const char *end, size_t len)
{
	const char *found = memmem(m->at, strlen(m->at), end, len);

	m->at = found != NULL ? found + len : m->at + strlen(m->at);
}

/* $$ or $tag$: its length; 0: it is a parameter ($1) or nothing of the kind. */
static size_t
dollar_tag(const struct mask *m)
{
	size_t len = 1;

	if (m->dialect != SQL_POSTGRES || m->in_word || *m->at != '$' ||
		isdigit((unsigned char)m->at[1]))
		return 0;
	while (is_word(m->at[len]))
		len++;
	return m->at[len] == '$' ? len + 1 : 0;
}

static void
take_dollar(struct mask *m, size_t len)
{
	const char *tag = m->at;

	m->at += len;
	skip_past(m, tag, len);
	put_hidden(m);
}

static bool
is_text(const struct mask *m)
{
	return *m->at == '\'' || (*m->at == '"' && m->dialect == SQL_MYSQL);
}

/* The letter of E'..', x'..', N'..' was written as a word of one letter. */
static bool
has_escapes(const struct mask *m)
{
	char before = m->in_word && m->len > 0 ? m->out[m->len - 1] : '\0';

	return m->dialect == SQL_MYSQL ||
	       (m->dialect == SQL_POSTGRES && (before == 'E' || before == 'e'));
}

static void
take_text(struct mask *m)
{
	skip_quoted(m, *m->at, has_escapes(m));
	put_hidden(m);
}

/* One that does not end is none: a text of another dialect, perhaps. */
static void
take_name(struct mask *m)
{
	const char *from = m->at;

	if (skip_quoted(m, *from, false))
		put(m, from, (size_t)(m->at - from));
	else
		put(m, "?", 1);
	m->in_word = false;
}

static bool
is_comment(const struct mask *m)
{
	return (m->at[0] == '-' && m->at[1] == '-') || (m->at[0] == '/' && m->at[1] == '*') ||
	       (m->at[0] == '#' && m->dialect == SQL_MYSQL);
}

static void
take_comment(struct mask *m)
{
	if (*m->at == '/') {
		m->at += 2;
		skip_past(m, "*/", 2);
	} else {
		m->at += strcspn(m->at, "\n");
	}
	m->is_blank = true;
	m->in_word = false;
}

/* 12, 1.5e-3, 0xC0FFEE; of a word that begins with a digit all is hidden. */
static void
take_number(struct mask *m)
{
	const char *from = m->at;

	for (; is_word(*m->at) || *m->at == '.'; m->at++)
		if ((m->at[1] == '-' || m->at[1] == '+') && (*m->at == 'e' || *m->at == 'E') &&
			m->at > from && isdigit((unsigned char)m->at[2]))
			m->at++;
	put_hidden(m);
}

static bool
is_number(const struct mask *m)
{
	if (m->in_word)
		return false;
	return isdigit((unsigned char)*m->at) ||
	       (*m->at == '.' && isdigit((unsigned char)m->at[1]));
}

static void
take_one(struct mask *m)
{
	if (isspace((unsigned char)*m->at) || iscntrl((unsigned char)*m->at)) {
		m->is_blank = true;
		m->in_word = false;
		m->at++;
		return;
	}
	put(m, m->at, 1);
	m->in_word = is_word(*m->at) || *m->at == '$';
	m->at++;
}

void
sql_mask(enum sql_dialect dialect, const char *sql, char *out, size_t size)
{
	struct mask m = { .dialect = dialect, .at = sql, .out = out, .size = size };
	size_t tag;

	if (size == 0)
		return;
	while (*m.at != '\0' && m.len + 1 < size) {
		if (is_text(&m))
			take_text(&m);
		else if (*m.at == '"' || (*m.at == '`' && dialect != SQL_POSTGRES))
			take_name(&m);
		else if (is_comment(&m))
			take_comment(&m);
		else if ((tag = dollar_tag(&m)) > 0)
			take_dollar(&m, tag);
		else if (is_number(&m))
			take_number(&m);
		else
			take_one(&m);
	}
	out[m.len] = '\0';
}
