/*
 * Regular expressions: POSIX extended ones.  The C library unfolds repetitions when it compiles,
 * so that a dozen bytes such as ((a{1,255}){1,255}){1,255} take all memory; how large a pattern
 * unfolds is estimated first.  Behind an anchor it also copies the ways through what may match
 * nothing, and each loop around such a thing doubles them: ^(a*)*{1,255} takes for ever, and so
 * does ^(a?){1,255}(b?){1,255}; where a place such as \b follows another it doubles them as well:
 * \b(\b){1,56} takes a gigabyte.  Pure.
 */
#include "conf/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX  1000 /* bytes */
#define GROUPS_MAX  100  /* inside each other */
#define NODES_MAX   2000 /* some 60 MB while it is compiled, at worst */
#define LOOPS_MAX   4    /* around what may match nothing; a * counts twice */
#define OPTIONS_MAX 100  /* nodes that may be left out, and may be nothing themselves */
#define PLACES_MAX  8    /* such as ^ or \b, one after the other with nothing between them */

/* What a repetition would repeat. */
struct atom {
	unsigned long nodes, loops, options;
	unsigned long places; /* that stand beside each other */
	bool is_hollow;       /* it may match nothing */
};

struct group {
	unsigned long nodes, loops, options;
	unsigned long places;     /* since something was matched, */
	unsigned long was_places; /* and before the last atom */
	unsigned long most_places;
	bool is_hollow;     /* all of the branch that is read */
	bool was_hollow;    /* all of it but the last atom */
	bool may_be_hollow; /* a branch before it is */
};

struct measure {
	const char *at;
	struct group groups[GROUPS_MAX + 1]; /* those that are open */
	unsigned depth;
	struct atom atom;
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

static struct group *
inner(struct measure *m)
{
	return &m->groups[m->depth];
}

/* How many places stand beside each other, with the atom that was read last. */
static void
count_places(struct measure *m)
{
	struct group *group = inner(m);
	unsigned long with = group->was_places + m->atom.places;

	if (with > group->most_places)
		group->most_places = with;
	group->places = m->atom.is_hollow ? with : m->atom.places;
}

static void
add_atom(struct measure *m, struct atom atom)
{
	struct group *group = inner(m);

	m->atom = atom;
	group->nodes += atom.nodes;
	group->loops += atom.loops;
	group->options += atom.options;
	group->was_hollow = group->is_hollow;
	group->is_hollow = group->was_hollow && atom.is_hollow;
	group->was_places = group->places;
	count_places(m);
}

static void
add_one(struct measure *m, bool is_hollow)
{
	add_atom(m, (struct atom){ .nodes = 1, .places = is_hollow, .is_hollow = is_hollow });
}

static void
make_hollow(struct measure *m)
{
	m->atom.is_hollow = true;
	inner(m)->is_hollow = inner(m)->was_hollow;
	count_places(m);
}

/* The atom just read comes `times` times. */
static void
repeat(struct measure *m, unsigned long times)
{
	if (times > NODES_MAX || m->atom.nodes * times > NODES_MAX) {
		m->is_too_large = true;
		return;
	}
	inner(m)->nodes += m->atom.nodes * times - m->atom.nodes;
	inner(m)->loops += m->atom.loops * times - m->atom.loops;
	m->atom.nodes *= times;
	m->atom.loops *= times;
	inner(m)->options += m->atom.options * times - m->atom.options;
	m->atom.options *= times;
	if (m->atom.is_hollow)
		m->atom.places *= times;
	count_places(m);
}

/* The atom, already repeated, may end at several places. */
static void
leave_out(struct measure *m)
{
	if (m->atom.is_hollow) {
		m->atom.options += m->atom.nodes;
		inner(m)->options += m->atom.nodes;
	}
}

/* As often as it likes. */
static void
loop(struct measure *m)
{
	if (m->atom.is_hollow) {
		m->atom.loops++;
		inner(m)->loops++;
	}
}

/* {3} {3,} {,5} {3,5}: the larger number; what is no bound counts once. */
static void
repeat_bound(struct measure *m)
{
	unsigned long most = 1;
	const char *at = m->at;
	bool is_none = *at == ',' || *at == '0', is_open = false, is_range = false;

	while (isdigit((unsigned char)*at) || *at == ',') {
		char *end = NULL;
		unsigned long number = *at == ',' ? 0 : strtoul(at, &end, 10);
		is_open = *at == ',';
		is_range = is_range || is_open;
		most = number > most ? number : most;
		at = end != NULL ? end : at + 1;
	}
	if (*at == '}')
		m->at = at + 1;
	if (is_open)
		loop(m);
	repeat(m, most);
	if (is_range)
		leave_out(m);
	if (is_none)
		make_hollow(m);
}

static void
open_group(struct measure *m)
{
	if (m->depth == GROUPS_MAX) {
		m->is_too_large = true;
		return;
	}
	m->groups[++m->depth] = (struct group){ .is_hollow = true, .was_hollow = true };
	m->atom = (struct atom){ .is_hollow = true };
}

static void
close_group(struct measure *m)
{
	if (m->depth == 0) {
		add_one(m, false);
		return;
	}
	const struct group *group = &m->groups[m->depth--];
	add_atom(m, (struct atom){ .nodes = group->nodes > 0 ? group->nodes : 1,
			    .loops = group->loops,
			    .options = group->options,
			    .places = group->most_places,
			    .is_hollow = group->is_hollow || group->may_be_hollow });
}

static void
next_branch(struct measure *m)
{
	struct group *group = inner(m);
	bool may_be_hollow = group->may_be_hollow || group->is_hollow;

	add_one(m, false);
	group->is_hollow = group->was_hollow = true;
	group->may_be_hollow = may_be_hollow;
}

/* Behind a backslash: places, and what a group matched, may be nothing. */
static void
step_escaped(struct measure *m)
{
	add_one(m, *m->at != '\0' && strchr("bB<>`'123456789", *m->at) != NULL);
	m->at += *m->at != '\0';
}

static void
step(struct measure *m)
{
	switch (*m->at++) {
	case '\\':
		step_escaped(m);
		break;
	case '[':
		m->at = skip_set(m->at - 1);
		add_one(m, false);
		break;
	case '(':
		open_group(m);
		break;
	case ')':
		close_group(m);
		break;
	case '|':
		next_branch(m);
		break;
	case '^':
	case '$':
		add_one(m, true);
		break;
	case '?':
		leave_out(m);
		make_hollow(m);
		break;
	case '*':
		loop(m);
		repeat(m, 2); /* so often is it looked at, and nested ones double */
		make_hollow(m);
		break;
	case '+':
		loop(m);
		repeat(m, 2);
		break;
	case '{':
		repeat_bound(m);
		break;
	default:
		add_one(m, false);
		break;
	}
	const struct group *group = inner(m);
	unsigned long ways = group->options * (1 + group->loops); /* a loop doubles them as well */

	if (group->nodes > NODES_MAX || group->loops > LOOPS_MAX || ways > OPTIONS_MAX ||
		group->most_places > PLACES_MAX)
		m->is_too_large = true;
}

static bool
is_too_large(const char *text)
{
	struct measure m = { .at = text, .groups[0] = { .is_hollow = true, .was_hollow = true } };
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
			"\"%.80s\" grows too large: its repetitions multiply to more than %d, or "
			"too many of them repeat what may be nothing",
			text, NODES_MAX);
	int code = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
	if (code == 0) {
		regfree(&regex);
		return 0;
	}
	char why[128];
	regerror(code, &regex, why, sizeof(why));
	return err_set(e, 0, "\"%.80s\" is not a regular expression: %s", text, why);
}
