/* Memory of a tree: bump allocation in blocks, freed together. */
#include "rules/expr_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Most are short, and there are hundreds of them. */
#define BLOCK_FIRST ((size_t)160)
#define BLOCK_SIZE  ((size_t)320)

struct tree_block {
	struct tree_block *next;
	size_t used, size;
	max_align_t data[];
};

void
tree_init(struct tree *tree, const char *text)
{
	*tree = (struct tree){ .text = xstrdup(text) };
}

void
tree_fini(struct tree *tree)
{
	while (tree->blocks) {
		struct tree_block *next = tree->blocks->next;
		free(tree->blocks);
		tree->blocks = next;
	}
	free(tree->text);
}

void *
tree_alloc(struct tree *tree, size_t size)
{
	size_t need = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	struct tree_block *block = tree->blocks;

	if (!block || block->size - block->used < need) {
		size_t room = block ? BLOCK_SIZE : BLOCK_FIRST;
		room = need > room ? need : room;
		block = xcalloc(1, sizeof(*block) + room);
		block->size = room;
		block->next = tree->blocks;
		tree->blocks = block;
	}
	void *at = (char *)block->data + block->used;
	block->used += need;
	return at;
}

const char *
tree_text(struct tree *tree, const char *text, size_t len)
{
	char *copy = tree_alloc(tree, len + 1);

	memcpy(copy, text, len);
	return copy;
}
