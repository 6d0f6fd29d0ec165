/* The list of receivers: what table.def names, in its order. */
#include "alerts/table.h"

#include "base/str.h"

const struct receiver_type *const receiver_table[] = {
#define RECEIVER(name) &receiver_type_##name,
#include "alerts/table.def"
#undef RECEIVER
	NULL,
};

const struct receiver_type *
receiver_find(const char *name)
{
	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		if (str_eq(receiver_table[i]->name, name))
			return receiver_table[i];
	}
	return NULL;
}

usec_t
receiver_refresh(const struct receiver_type *type, const void *conf)
{
	return type->refresh != NULL ? type->refresh(conf) : type->refresh_us;
}
