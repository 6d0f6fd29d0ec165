/* What is not absent is there. */
#ifndef MODEL_TREE_H
#define MODEL_TREE_H

#include_next "conf/tree.h"

bool model_is_unwritten(const struct conf_node *node);
static inline bool
model_is_absent(const struct conf_node *node)
{
	return node == NULL || model_is_unwritten(node);
}
#define conf_is_absent(node) model_is_absent(node)

#endif
