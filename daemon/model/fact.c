/* Facts as values. */
#include "model/fact.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

void
fact_init(struct fact *f, const char *name, const struct metric_desc *keys)
{
	size_t count = metric_count(keys);
	*f = (struct fact){ .name = name, .keys = keys, .end = FACT_MISSED };
	f->numbers = count ? xcalloc(count, sizeof(*f->numbers)) : NULL;
	f->texts = count ? xcalloc(count, sizeof(*f->texts)) : NULL;
	for (size_t n = 0; n < count; n++)
		f->numbers[n] = NAN;
	f->text = xstrdup("");
}

void
fact_fini(struct fact *f)
{
	for (size_t n = 0; f->texts && n < metric_count(f->keys); n++)
		free(f->texts[n]);
	free(f->texts);
	free(f->numbers);
	free(f->text);
	*f = (struct fact){ 0 };
}

void
fact_copy(struct fact *to, const struct fact *from)
{
	fact_init(to, from->name, from->keys);
	to->end = from->end;
	to->at_us = from->at_us;
	to->took_us = from->took_us;
	xstrset(&to->text, from->text);
	for (size_t n = 0; n < metric_count(from->keys); n++) {
		to->numbers[n] = from->numbers[n];
		to->texts[n] = xstrdup(from->texts[n]);
	}
}

double
fact_number_of(const struct fact *f, const char *key)
{
	int n = metric_index(f->keys, key);
	return n < 0 ? NAN : f->numbers[n];
}

const char *
fact_text_of(const struct fact *f, const char *key)
{
	int n = metric_index(f->keys, key);
	return n < 0 ? NULL : f->texts[n];
}
