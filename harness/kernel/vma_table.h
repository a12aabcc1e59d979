/*
 * vma_table.h - VMAs in address order: disjoint, in fixed memory.
 *
 * The table knows order and bounds; what a VMA counts for is the ledger's. A node may be given new
 * bounds in place as long as its order among the others stays.
 */
#ifndef KERNEL_VMA_TABLE_H
#define KERNEL_VMA_TABLE_H

#include <bsd/sys/tree.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"

/* One cache line each: a search touches one line a level. */
struct vma_node {
	_Alignas(64) RB_ENTRY(vma_node) link; /* link.rbe_left chains the free ones */
	uintptr_t start, end;
	uint32_t flags;	 /* mask of enum vma_flags */
	uint32_t owners; /* mask of 1 << enum caller: who has a page in it */
};

RB_HEAD(vma_tree, vma_node);

struct vma_table {
	struct vma_tree tree;
	struct vma_node *nodes, *freed;
	uint32_t capacity, count;
	uint32_t fresh; /* nodes[fresh..] were never used: their pages stay untouched */
};

size_t vma_table_arena_bytes(uint32_t capacity);
int vma_table_init(struct vma_table *t, struct arena *a, uint32_t capacity);
void vma_table_clear(struct vma_table *t);

/* The VMA that holds `address`, or the next above; NULL: none. */
struct vma_node *vma_table_at_or_above(const struct vma_table *t, uintptr_t address);
struct vma_node *vma_table_next(struct vma_node *n);

/* A new node right before `next` (NULL: the last), with nothing filled in. NULL when full. */
struct vma_node *vma_table_insert_before(struct vma_table *t, struct vma_node *next);
void vma_table_remove(struct vma_table *t, struct vma_node *n);

#endif
