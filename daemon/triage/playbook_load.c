/*
 * Playbooks from their places: the program itself, and the users' folder.  Of the shipped ones only
 * the heads are read here, a test of ours reads them whole; users' own are checked whole.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "triage/playbook_inside.h"

#define SUFFIX ".yaml"
#define CAUSES "\ncauses:"

static void
add(struct playbooks *set, struct playbook *p)
{
	set->all = xreallocarray(set->all, set->count + 1, sizeof(*set->all));
	set->all[set->count++] = p;
}

static struct playbook *
new_playbook(struct playbooks *set, const char *name)
{
	struct playbook *p = xcalloc(1, sizeof(*p));

	p->set = set;
	p->name = xstrdup(name);
	return p;
}

/* --- shipped --- */

/* What stands before `causes:` is enough to find a playbook. */
static size_t
head_length(const struct playbook_text *shipped)
{
	const char *end = shipped->head ? NULL : strstr(shipped->text, CAUSES);

	if (shipped->head)
		return strlen(shipped->head);
	return end ? (size_t)(end - shipped->text) + 1 : strlen(shipped->text);
}

static void
add_shipped(struct playbooks *set, const struct playbook_text *shipped)
{
	struct complaints *own = complaints_new();
	const struct playbook_reader reader = { .set = set, .complaints = own };
	struct conf_tree *tree = conf_tree_parse(shipped->name,
		shipped->head ? shipped->head : shipped->text, head_length(shipped), own);
	struct playbook *p = new_playbook(set, shipped->name);
	char first[400];

	p->text = shipped->text;
	if (tree->root && playbook_read_head(p, tree->root, &reader)) {
		add(set, p);
	} else {
		complaints_first(own, first, sizeof(first));
		log_error(
			"triage: the shipped playbook %s is not usable: %s", shipped->name, first);
		playbook_free(p);
	}
	conf_tree_free(tree);
	complaints_free(own);
}

/* --- users' own --- */

static void
add_file(struct playbooks *set, const char *path, const char *name, struct complaints *complaints)
{
	const struct playbook_reader reader = {
		.set = set, .complaints = complaints, .is_checking = true
	};
	unsigned before = complaints_errors(complaints);
	struct conf_tree *tree = conf_tree_load(path, complaints);
	struct playbook *p = new_playbook(set, name);
	const struct conf_file *file = tree->file_count > 0 ? tree->files[0] : NULL;

	p->path = xstrdup(path);
	if (file)
		p->text = p->own_text = xstrdup(file->text);
	if (file && file->len > PLAYBOOK_FILE_MAX)
		complain(complaints, &(struct conf_pos){ .file = file },
			"a playbook has at most %zu KB", PLAYBOOK_FILE_MAX / 1024);
	else if (tree->root)
		playbook_read_head(p, tree->root, &reader);
	if (tree->root)
		playbook_body_free(playbook_read_body(p, tree, &reader));
	else
		conf_tree_free(tree);
	if (complaints_errors(complaints) == before)
		add(set, p);
	else
		playbook_free(p);
}

static int
is_playbook(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_ends(entry->d_name, SUFFIX);
}

static void
add_folder(struct playbooks *set, const char *folder, struct complaints *complaints)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_playbook, alphasort);

	if (count < 0) {
		complain(complaints, NULL, "triage.playbooks: cannot read the folder %s: %s",
			folder, strerror(errno));
		return;
	}
	if (count > PLAYBOOK_FILES_MAX)
		complain(complaints, NULL,
			"triage.playbooks: %s has %d playbooks, at most %d are read", folder, count,
			PLAYBOOK_FILES_MAX);
	for (int i = 0; i < count; i++) {
		const char *file = entries[i]->d_name;
		char *name = xstrndup(file, strlen(file) - strlen(SUFFIX));
		char *path = xasprintf("%s/%s", folder, file);
		if (i < PLAYBOOK_FILES_MAX)
			add_file(set, path, name, complaints);
		free(path);
		free(name);
		free(entries[i]);
	}
	free(entries);
}

/* --- the whole --- */

void
playbook_check(const struct playbook *p, bool wants_all_languages, struct complaints *complaints)
{
	const struct playbook_reader reader = {
		.set = p->set,
		.complaints = complaints,
		.is_checking = true,
		.wants_all_languages = wants_all_languages,
	};
	struct conf_tree *tree = conf_tree_parse(p->name, p->text, strlen(p->text), complaints);
	struct playbook *again = new_playbook(p->set, p->name);

	if (tree->root) {
		playbook_read_head(again, tree->root, &reader);
		playbook_body_free(playbook_read_body(again, tree, &reader));
	} else {
		conf_tree_free(tree);
	}
	playbook_free(again);
}

struct playbooks *
playbooks_load_from(const struct playbook_sources *sources, struct complaints *complaints)
{
	struct playbooks *set = xcalloc(1, sizeof(*set));

	set->found = map_new();
	set->families = map_new();
	set->facts = sources->facts;
	set->rules = sources->rules;
	if (sources->folder)
		add_folder(set, sources->folder, complaints);
	for (const struct playbook_text *text = sources->shipped; text->name; text++)
		if (!playbooks_named(set, text->name))
			add_shipped(set, text);
	set->rules = NULL;
	return set;
}

struct playbooks *
playbooks_load_with(
	const char *folder, const struct playbook_rules *rules, struct complaints *complaints)
{
	return playbooks_load_from(
		&(struct playbook_sources){
			.shipped = playbook_shipped,
			.folder = folder,
			.facts = fact_table,
			.rules = rules,
		},
		complaints);
}

struct playbooks *
playbooks_load(const char *folder, struct complaints *complaints)
{
	return playbooks_load_with(folder, NULL, complaints);
}
