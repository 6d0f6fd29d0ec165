/* One row and its value: what the walks over a table share inside the room. */
#ifndef CONF_FIELD_H
#define CONF_FIELD_H

#include "base/err.h"
#include "conf/schema.h"

#define FIELD_SHOWN_MAX 80

void *field_slot(const struct conf_field *field, void *at);
const void *field_slot_const(const struct conf_field *field, const void *at);

/* Parses one scalar of a scalar type into its slot; -1 and what would be right. */
int field_parse(const struct conf_field *field, const char *text, void *slot, struct err *e);
/* Puts the default into a zeroed slot. */
void field_set_default(const struct conf_field *field, void *slot);
/* Frees what the slot owns and zeroes it. */
void field_clear(const struct conf_field *field, void *slot);
bool field_is_same(const struct conf_field *field, const void *a, const void *b);
/* "a duration, such as 10s": what a value of this type is, for messages and the manual. */
const char *field_kind(const struct conf_field *field);

/* "http://user:***@host/?token=***": what of a URL may be shown; owned. */
char *field_url_masked(const struct conf_field *field, const char *url);
/* Registers what field_url_masked hides, as far as it is too long to be an ordinary word. */
void field_url_secrets(const struct conf_field *field, const char *url, struct secret_set *set);
int field_url_check(const struct conf_field *field, const char *text, struct err *e);

/* The same for data source names: conf/dsn.h. */
int field_dsn_check(const struct conf_field *field, const char *text, struct err *e);
char *field_dsn_masked(const struct conf_field *field, const char *text);
void field_dsn_secrets(const struct conf_field *field, const char *text, struct secret_set *set);

/* Quotes `text` as YAML where it needs it. */
void yaml_add_text(struct buf *out, const char *text);
/* "key:", so far in; of anybody's key, the value's own indentation is `indent` + 2. */
void yaml_add_key(struct buf *out, const char *key, int indent);
/* The value of a scalar type as the user would write it, masked where it must be. */
void field_format(const struct conf_field *field, const void *slot, struct buf *out);

/* Items of "[a, b]" or the one text: a list as a default is written.  Calls fn for each. */
void each_default(const char *dflt, void (*fn)(void *arg, const char *item), void *arg);

#endif
