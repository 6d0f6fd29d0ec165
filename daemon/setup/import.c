/* The plan of an import: items, fills, notes and routes, and the texts that they are made of. */
#include "setup/import.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/field.h"
#include "rules/expr.h"
#include "setup/import_inside.h"
#include "setup/init.h"

#define NAME_ROOM 46 /* a number may follow it, and in a rule's name a word */

struct import *
import_new(const char *from, const char *file)
{
	struct import *import = xcalloc(1, sizeof(*import));

	import->from = from;
	import->file = xstrdup(file);
	buf_init(&import->rules, 0);
	buf_init(&import->maintenance, 0);
	return import;
}

static void
free_items(struct import_item **items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(items[i]->name);
		buf_fini(&items[i]->about);
		buf_fini(&items[i]->keys);
		buf_fini(&items[i]->expect);
		free(items[i]);
	}
	free(items);
}

void
import_free(struct import *import)
{
	if (import == NULL)
		return;
	free_items(import->checks, import->check_count);
	free_items(import->receivers, import->receiver_count);
	for (size_t i = 0; i < import->route_count; i++)
		import_words_fini(&import->routes[i].checks);
	for (size_t i = 0; i < import->fill_count; i++) {
		free(import->fills[i].name);
		free(import->fills[i].value);
		free(import->fills[i].where);
	}
	for (size_t i = 0; i < import->note_count; i++) {
		free(import->notes[i].where);
		free(import->notes[i].text);
	}
	free(import->routes);
	free(import->fills);
	free(import->notes);
	buf_fini(&import->rules);
	buf_fini(&import->maintenance);
	free(import->file);
	free(import);
}

/* --- items --- */

static bool
has_item(struct import_item *const *items, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(items[i]->name, name))
			return true;
	return false;
}

/* A letter first, then letters, digits, - and _; no word of the rule language. */
static void
fit_name(char base[NAME_ROOM], const char *wanted, const char *other)
{
	size_t len = 0;

	for (; *wanted != '\0' && len + 1 < NAME_ROOM; wanted++) {
		bool is_fine = isalnum((unsigned char)*wanted) || *wanted == '_' || *wanted == '-';

		if (is_fine)
			base[len++] = *wanted;
		else if (len > 0 && base[len - 1] != '-')
			base[len++] = '-';
	}
	while (len > 0 && base[len - 1] == '-')
		len--;
	base[len] = '\0';
	if (len == 0 || !isalpha((unsigned char)*base) || expr_is_reserved(base)) {
		char *longer = xasprintf("%s%s%s", other, len > 0 ? "-" : "", base);

		str_copy(base, NAME_ROOM, longer);
		free(longer);
	}
}

static struct import_item *
add_item(struct import_item ***items, size_t *count, const char *base, const char *type)
{
	struct import_item *item = xcalloc(1, sizeof(*item));

	item->name = xstrdup(base);
	for (unsigned n = 2; has_item(*items, *count, item->name); n++) {
		free(item->name);
		item->name = xasprintf("%s-%u", base, n);
	}
	item->type = type;
	buf_init(&item->about, 0);
	buf_init(&item->keys, 0);
	buf_init(&item->expect, 0);
	*items = xreallocarray(*items, *count + 1, sizeof(struct import_item *));
	(*items)[(*count)++] = item;
	return item;
}

struct import_item *
import_check(struct import *import, const char *group, const char *name, const char *type)
{
	char base[NAME_ROOM];

	fit_name(base, name, "check");
	if (group != NULL && *group != '\0' &&
		has_item(import->checks, import->check_count, base)) {
		char *both = xasprintf("%s-%s", group, name);

		fit_name(base, both, "check");
		free(both);
	}
	return add_item(&import->checks, &import->check_count, base, type);
}

struct import_item *
import_receiver(struct import *import, const char *name, const char *type)
{
	char base[NAME_ROOM];

	fit_name(base, name, "receiver");
	if (str_eq(base, "log")) /* the syslog, for what no route names */
		str_copy(base, sizeof(base), "log-1");
	return add_item(&import->receivers, &import->receiver_count, base, type);
}

/* --- what is said --- */

#define SAID_MAX 1000

static char *say(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* One line that can be shown, whatever is quoted in it. */
static char *
say(const char *fmt, va_list ap)
{
	char shown[SAID_MAX];
	struct buf text;

	buf_init(&text, 0);
	buf_addv(&text, fmt, ap);
	str_printable(shown, sizeof(shown), buf_text(&text), buf_left(&text));
	buf_fini(&text);
	return xstrdup(shown);
}

void
import_about(struct import_item *item, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = say(fmt, ap);
	va_end(ap);
	buf_addf(&item->about, "%s\n", text);
	free(text);
}

void
import_note(struct import *import, const char *where, const char *fmt, ...)
{
	struct import_note *note;
	va_list ap;
	char *raw;

	import->note_total++;
	if (import->note_count == IMPORT_NOTES_MAX)
		return;
	import->notes =
		xreallocarray(import->notes, import->note_count + 1, sizeof(*import->notes));
	note = &import->notes[import->note_count++];
	note->where = import_line(where);
	va_start(ap, fmt);
	raw = say(fmt, ap);
	va_end(ap);
	note->text = import_line(raw);
	free(raw);
}

/* --- lines of YAML --- */

void
import_span(usec_t us, char out[IMPORT_SPAN])
{
	static const struct {
		usec_t us;
		const char *name;
	} units[] = { { USEC_PER_DAY, "d" }, { 3600 * USEC_PER_SEC, "h" },
		{ 60 * USEC_PER_SEC, "m" }, { USEC_PER_SEC, "s" }, { 1000, "ms" } };
	size_t i = 0;

	while (i + 1 < sizeof(units) / sizeof(units[0]) && (us % units[i].us != 0 || us == 0))
		i++;
	snprintf(out, IMPORT_SPAN, "%lld%s", (long long)(us / units[i].us), units[i].name);
}

/* Single quotes where a text has double ones or backslashes: nothing means anything in them. */
void
import_scalar(struct buf *out, const char *text)
{
	bool is_shown = str_is_utf8(text, strlen(text));

	for (const char *p = text; *p != '\0'; p++)
		is_shown = is_shown && (unsigned char)*p >= 0x20 && *p != 0x7f && *p != '\'';
	if (is_shown && strpbrk(text, "\"\\") != NULL)
		buf_addf(out, "'%s'", text);
	else
		init_scalar(out, text);
}

void
import_key(struct buf *keys, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	init_scalar(keys, key);
	buf_add_text(keys, ": ");
	import_scalar(keys, text);
	buf_add_text(keys, "\n");
}

void
import_pair(struct buf *keys, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	yaml_add_key(keys, key, 2);
	buf_add_text(keys, " ");
	import_scalar(keys, text);
	buf_add_text(keys, "\n");
}

void
import_raw(struct buf *keys, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(keys, fmt, ap);
	va_end(ap);
}

void
import_duration(struct buf *keys, const char *key, usec_t us)
{
	char text[IMPORT_SPAN];

	import_span(us, text);
	buf_addf(keys, "%s: %s\n", key, text);
}

void
import_list(struct buf *keys, const char *key, const struct import_words *words)
{
	if (words->count == 0)
		return;
	buf_addf(keys, "%s: [", key);
	for (size_t i = 0; i < words->count; i++) {
		buf_add_text(keys, i > 0 ? ", " : "");
		import_scalar(keys, words->all[i]);
	}
	buf_add_text(keys, "]\n");
}

void
import_words_add(struct import_words *words, const char *text)
{
	words->all = xreallocarray(words->all, words->count + 1, sizeof(*words->all));
	words->all[words->count++] = xstrdup(text);
}

bool
import_words_have(const struct import_words *words, const char *text)
{
	for (size_t i = 0; i < words->count; i++)
		if (str_eq(words->all[i], text))
			return true;
	return false;
}

void
import_words_fini(struct import_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->all[i]);
	free(words->all);
	*words = (struct import_words){ .all = NULL };
}

/* --- routes --- */

void
import_route(struct import *import, const struct import_item *receiver,
	const struct import_item *check, usec_t repeat_us, bool sends_resolved)
{
	struct import_route *route = NULL;

	for (size_t i = 0; i < import->route_count && route == NULL; i++)
		if (import->routes[i].receiver == receiver &&
			import->routes[i].repeat_us == repeat_us &&
			import->routes[i].sends_resolved == sends_resolved)
			route = &import->routes[i];
	if (route == NULL) {
		import->routes = xreallocarray(
			import->routes, import->route_count + 1, sizeof(*import->routes));
		route = &import->routes[import->route_count++];
		*route = (struct import_route){ .receiver = receiver,
			.repeat_us = repeat_us,
			.sends_resolved = sends_resolved };
	}
	if (!import_words_have(&route->checks, check->name))
		import_words_add(&route->checks, check->name);
}

void
import_rest(struct import *import)
{
	if (import->route_count == 0)
		return; /* then every receiver hears everything */
	for (size_t i = 0; i < import->receiver_count; i++) {
		struct import_item *receiver = import->receivers[i];
		bool is_used = false;

		for (size_t n = 0; n < import->route_count; n++)
			is_used = is_used || import->routes[n].receiver == receiver;
		if (is_used || receiver->is_off)
			continue;
		receiver->is_off = true;
		import_about(receiver, "Nothing was told to it; name it in a route.");
	}
}
