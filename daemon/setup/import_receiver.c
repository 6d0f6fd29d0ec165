/* A receiver by its kind's rows: which of their keys is which of ours, and which are secret. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/import_inside.h"

static void
add_list(struct buf *keys, const char *key, const char *text)
{
	struct import_words words = { .all = NULL };

	while (*text != '\0') {
		size_t len = strcspn(text, ",; ");
		char *word = xstrndup(text, len);

		if (len > 0)
			import_words_add(&words, word);
		free(word);
		text += len + strspn(text + len, ",; ");
	}
	import_list(keys, key, &words);
	import_words_fini(&words);
}

static void
add_secret(struct import *import, struct import_item *item, const struct import_row *row,
	const char *where, const char *text)
{
	char *hint = xasprintf("%s_%s", item->name, row->ours);
	char *secret = import_secret(import, where, hint, text);
	char *place = row->shape == SHAPE_URL_SECRET
			      ? import_place(import, secret, "https://unset.invalid/")
			      : import_place(import, secret, "unset");

	import_key(&item->keys, row->ours, place);
	free(hint);
	free(secret);
	free(place);
}

static void
add_row(struct import *import, struct import_item *item, const struct import_row *row,
	const char *where, const char *text)
{
	char *url;

	switch (row->shape) {
	case SHAPE_TEXT:
		/* Their servers may have a password before their name. */
		url = strstr(text, "://") == NULL ? xstrdup(text)
						  : import_url(import, where, item->name, text);
		import_key(&item->keys, row->ours, url);
		free(url);
		break;
	case SHAPE_NUMBER:
		if (strspn(text, "0123456789") == strlen(text))
			import_raw(&item->keys, "%s: %s\n", row->ours, text);
		else
			import_note(import, where, "%s is no number", row->theirs);
		break;
	case SHAPE_LIST:
		add_list(&item->keys, row->ours, text);
		break;
	default:
		add_secret(import, item, row, where, text);
		break;
	}
}

struct import_item *
import_receiver_by(struct import *import, const struct import_kind *kind, const char *name,
	const char *where, import_get_fn get, void *arg)
{
	struct import_item *item;

	if (kind->advice != NULL)
		import_note(import, where, "%s", kind->advice);
	if (kind->ours == NULL)
		return NULL;
	for (const struct import_row *row = kind->rows; row->theirs != NULL; row++) {
		char *text = row->is_required ? get(arg, row->theirs) : NULL;

		if (row->is_required && text == NULL) {
			import_note(import, where, "it has no %s, so there is no receiver for it",
				row->theirs);
			return NULL;
		}
		free(text);
	}
	item = import_receiver(import, name, kind->ours);
	for (const struct import_row *row = kind->rows; row->theirs != NULL; row++) {
		char *text = get(arg, row->theirs);

		if (text != NULL)
			add_row(import, item, row, where, text);
		free(text);
	}
	return item;
}
