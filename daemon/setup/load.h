/* The parts of a load, and what they share inside the room. */
#ifndef SETUP_LOAD_H
#define SETUP_LOAD_H

#include "alerts/receiver.h"
#include "base/map.h"
#include "conf/schema.h"
#include "setup/settings.h"

struct load {
	struct settings *settings; /* being filled */
	const struct settings_context *context;
	const struct conf_node *root;
	struct complaints *complaints;
	struct map *check_names;    /* name -> struct check_spec *, disabled ones too */
	bool has_unknown_checks;    /* a check without a type: what names it cannot be judged */
	bool has_unknown_metrics;   /* a check that is wrong, and whose own keys say its metrics */
	bool has_unknown_receivers; /* `receivers:` is no map: its names are not known */
};

/* The blocks at the top that are plain tables: name, rows, where they lie in struct settings. */
struct top_block {
	const char *name;
	const struct conf_field *fields;
	size_t offset;
	const char *doc;  /* for the manual; Markdown */
	bool is_optional; /* not in force without being written */
};
extern const struct top_block top_blocks[]; /* closed by a NULL name */

/* Other keys at the top, which have a reader of their own. */
struct top_key {
	const char *name;
	const char *doc;
	const char *schema; /* JSON Schema of its value; NULL: made by schema.c */
};
extern const struct top_key top_keys[]; /* closed by a NULL name */

/* Unknown keys at the top, words of later versions; what one is near to is read as that. */
void top_check_keys(struct load *l);
void top_load(struct load *l);

void checks_load(struct load *l);
void checks_free(struct check_spec **specs, size_t count);
/* Dangling `needs` and circles. */
void needs_check(const struct load *l);

void receivers_load(struct load *l);
void receivers_free(struct receiver_spec **specs, size_t count);
void routes_load(struct load *l);
/* Warns of what is allowed and hardly meant: names that fit nothing, routes that nothing reaches.
 */
void routes_doubt(const struct load *l, const struct conf_node *routes);
/* Is there a check of this name, or one that may fit this pattern, children with them? */
bool check_is_known(const struct load *l, const char *name);
void routes_free(struct route_spec **specs, size_t count);
void maintenance_load(struct load *l);
void maintenance_free(struct maintenance_spec **specs, size_t count);

/* "a-b" that is no keyword or function; else complains, `what` is "check", "receiver". */
bool name_is_fine(const struct load *l, const struct conf_node *entry, const char *what);
/* True, after a complaint, for a word that belongs to the contract but not to this version. */
bool word_is_later(const struct load *l, const char *word, const struct conf_pos *pos);
/* A map of entries at the top; NULL when absent or, after a complaint, not a map. */
const struct conf_node *top_map(const struct load *l, const char *key);

/* What settings_masked prints and the tree alone knows. */
void masked_prepare(struct settings *settings);
void masked_clear(struct settings *settings);

#endif
