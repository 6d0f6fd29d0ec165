/*
 * Regular expressions: POSIX extended ones.  The C library unfolds repetitions when it compiles,
 * so that a dozen bytes such as ((a{1,255}){1,255}){1,255} take all memory; how large a pattern
 * unfolds is estimated first.  Pure.
 */
#include "conf/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX 1000 /* bytes */
#define GROUPS_MAX 100  /* inside each other */
#define NODES_MAX  2000 /* some 60 MB while it is compiled, at worst */

struct measure {
	const char *at;
	unsigned long nodes[GROUPS_MAX + 1]; /* of each group that is open */
	unsigned depth;
	unsigned long atom; /* nodes of what a repetition would repeat */
	bool is_too_large;
};

/* Behind the ] that ends the set which begins here: [^]a] and [[:alpha:]] are whole ones. */
static const char *
skip_set(const char *at)
{
	at += at[1] == '^' ? 2 : 1;
	at += *at == ']';
	while (*at != '\0' && *at != ']') {
		const char *end = NULL;
		char closer[3] = { at[1], ']', '\0' };
		if (*at == '[' && at[1] != '\0' && strchr(":.=", at[1]) != NULL)
			end = strstr(at + 2, closer);
		at = end != NULL ? end + 2 : at + 1;
	}
	return *at == ']' ? at + 1 : at;
}

static void
add_atom(struct measure *m, unsigned long nodes)
{
	m->atom = nodes;
	m->nodes[m->depth] += nodes;
}

/* The atom just read comes `times` times. */
static void
repeat(struct measure *m, unsigned long times)
{
	if (times > NODES_MAX || m->atom * times > NODES_MAX) {
		m->is_too_large = true;
		return;
	}
	m->nodes[m->depth] += m->atom * times - m->atom;
	m->atom *= times;
}

/* {3} {3,} {,5} {3,5}: the larger number; what is no bound counts once. */
static unsigned long
read_bound(struct measure *m)
{
	unsigned long most = 1;
	const char *at = m->at;
	while (isdigit((unsigned char)*at) || *at == ',') {
		char *end = NULL;
		unsigned long number = *at == ',' ? 0 : strtoul(at, &end, 10);
		most = number > most ? number : most;
		at = end != NULL ? end : at + 1;
	}
	if (*at == '}')
		m->at = at + 1;
	return most;
}

static void
open_group(struct measure *m)
{
	if (m->depth == GROUPS_MAX) {
		m->is_too_large = true;
		return;
	}
	m->nodes[++m->depth] = 0;
	m->atom = 0;
}

static void
close_group(struct measure *m)
{
	if (m->depth == 0) {
		add_atom(m, 1);
		return;
	}
	unsigned long inside = m->nodes[m->depth--];
	add_atom(m, inside > 0 ? inside : 1);
}

static void
step(struct measure *m)
{
	switch (*m->at++) {
	case '\\':
		m->at += *m->at != '\0';
		add_atom(m, 1);
		break;
	case '[':
		m->at = skip_set(m->at - 1);
		add_atom(m, 1);
		break;
	case '(':
		open_group(m);
		break;
	case ')':
		close_group(m);
		break;
	case '*':
	case '+':
		repeat(m, 2); /* so often is it looked at, and nested ones double */
		break;
	case '{':
		repeat(m, read_bound(m));
		break;
	default:
		add_atom(m, 1);
		break;
	}
	if (m->nodes[m->depth] > NODES_MAX)
		m->is_too_large = true;
}

static bool
is_too_large(const char *text)
{
	struct measure m = { .at = text };
	while (*m.at != '\0' && !m.is_too_large)
		step(&m);
	return m.is_too_large;
}

int
pattern_check(const char *text, struct err *e)
{
	regex_t regex;
	if (strlen(text) > LENGTH_MAX)
		return err_set(e, 0, "a regular expression may have at most %d bytes", LENGTH_MAX);
	if (is_too_large(text))
		return err_set(e, 0,
			"\"%.80s\" grows too large: its repetitions multiply to more than %d", text,
			NODES_MAX);
	int code = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
	if (code == 0) {
		regfree(&regex);
		return 0;
	}
	char why[128];
	regerror(code, &regex, why, sizeof(why));
	return err_set(e, 0, "\"%.80s\" is not a regular expression: %s", text, why);
}
